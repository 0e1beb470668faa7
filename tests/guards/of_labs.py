"""The guards of `labs`: what a crash leaves, many labs at once, and other machines."""

from tests.guards.mutant import Change, guard

_CLOUD = "components/vmc_account_link/recovery/cloudformation.py"
_CLUSTER = "components/vmc_labs/fleet/cluster.py"
_HOLDER = "components/vmc_account_link/recovery/lock_owner.py"
_LEFTOVERS = "components/vmc_account_link/recovery/orphaned_plugins.py"
_PENDING = "components/vmc_account_link/recovery/pending.py"
_RECOVER = "components/vmc_account_link/recovery/recover.py"
_SHARING = "components/vmc_labs/fleet/sharing.py"

_CRASH_TESTS = "tests/engine/test_crash.py"
_CLOUD_TESTS = "tests/labs/test_cloud.py"
_FLEET_TESTS = "tests/labs/test_fleet.py"
_PENDING_TESTS = "tests/labs/test_pending.py"
_PROCESS_TESTS = "tests/labs/test_processes.py"
_RECOVER_TESTS = "tests/labs/test_recover.py"
_SHARING_TESTS = "tests/labs/test_sharing.py"

RECOVERING = (
    guard(
        "An answer that is none of AWS's is one clear line, and nothing is changed.",
        _CLOUD,
        "_NO_ANSWER = (BotoCoreError, ResponseParserError, LookupError)\n",
        "_NO_ANSWER = (BotoCoreError,)\n",
        f"{_CLOUD_TESTS}::test_an_answer_that_is_none_of_aws_is_no_answer[ok_html]",
        f"{_CLOUD_TESTS}::test_an_answer_that_is_none_of_aws_is_no_answer[ok_empty]",
    ),
    guard(
        "A stack whose creation was under way is taken into the state if it is there.",
        _PENDING,
        'stack = found.get(resource["urn"]) if kind == "creating" else None\n',
        "stack = None\n",
        f"{_PENDING_TESTS}::test_a_stack_that_was_made_is_taken_in_with_its_secrets_still_encrypted",
        f"{_CRASH_TESTS}::test_a_killed_up_is_recovered_and_the_next_one_arrives[CreateStack, CLI alone]",
        "tests/engine/test_interrupt.py::test_a_second_ctrl_c_loses_nothing_that_recover_can_not_find",
    ),
    guard(
        "A stack that failed unheard is taken in with its error, so that it is made anew.",
        _PENDING,
        '        adopted["initErrors"] = [f"stack status ({stack.status}): {stack.reason}"]\n',
        "        pass\n",
        f"{_PENDING_TESTS}::test_a_stack_that_failed_is_taken_in_with_its_error_so_that_it_is_made_anew",
    ),
    guard(
        "A stack that failed unheard and is gone is not taken in.",
        _CLOUD,
        '        if "does not exist" in error.response["Error"].get("Message", ""):\n',
        "        if not name:\n",
        f"{_CLOUD_TESTS}::test_a_deleted_stack_is_none",
        f"{_CRASH_TESTS}::test_a_stack_whose_creation_failed_unheard_is_made_anew",
    ),
    guard(
        "A deleted stack that CloudFormation still shows is gone.",
        _CLOUD,
        '    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack\n',
        "    return stack\n",
        f"{_CLOUD_TESTS}::test_a_deleted_stack_is_none",
    ),
    guard(
        "A stack of the same name with another template is left alone.",
        _PENDING,
        "        return None if _same_template(sent, stack.template) else ",
        "        return None and ",
        f"{_PENDING_TESTS}::test_a_stack_of_the_same_name_with_another_template_is_somebody_elses",
    ),
    guard(
        "A stack that is older than its link is not the link's.",
        _PENDING,
        "    if links and stack.created.timestamp() >= max(map(_asked_at, links)) - 1:\n",
        "    if links:\n",
        f"{_PENDING_TESTS}::test_a_stack_by_url_is_ours_if_it_is_not_older_than_the_link",
    ),
    guard(
        "A link is as old as the service's clock says.",
        _PENDING,
        ' + float(link.get("outputs", {}).get("clock_ahead_seconds") or 0.0)\n',
        "\n",
        f"{_PENDING_TESTS}::test_a_link_is_as_old_as_the_services_clock_says",
    ),
    guard(
        "What does not exist is dropped from what is under way.",
        _PENDING,
        '    deployment["pending_operations"] = []\n',
        "",
        f"{_PENDING_TESTS}::test_a_stack_that_was_made_is_taken_in_with_its_secrets_still_encrypted",
    ),
    guard(
        "A stack that was made though its answer was lost is looked for.",
        _PENDING,
        '        if urn in known or provider is None or not outputs.get("stack_name"):\n',
        "        if urn:\n",
        f"{_PENDING_TESTS}::test_a_stack_that_nobody_knows_of_is_looked_for_and_taken_in_if_it_is_the_links",
        f"{_CRASH_TESTS}::test_a_stack_that_was_made_though_its_answer_was_lost_is_taken_into_the_state",
    ),
    guard(
        "A stack is looked for where its provider makes it, and as whom.",
        _PENDING,
        'access=AwsAccess.from_inputs(_inputs(providers.get(resource.get("provider", ""), {}))),',
        "access=AwsAccess(),",
        f"{_PENDING_TESTS}::test_a_pending_stack_is_looked_for_where_its_provider_makes_it",
        f"{_PENDING_TESTS}::test_a_provider_of_roles_and_keys_is_asked_as_it_asks",
    ),
    guard(
        "A stack that was being changed is waited for too.",
        _PENDING,
        'o["type"] in {"updating", "deleting"}',
        'o["type"] == "never"',
        f"{_PENDING_TESTS}::test_a_stack_that_was_being_changed_is_waited_for_and_its_end_is_told",
    ),
    guard(
        "What is dropped is told, with what comes next.",
        _PENDING,
        """lines.append(f"{_name(resource)}: {_dropped(resource, kind, found.get(resource['urn']))}")""",
        "pass",
        f"{_PENDING_TESTS}::test_what_does_not_exist_is_dropped_with_what_comes_next",
    ),
    guard(
        "A stack that is under way is waited for.",
        _CLOUD,
        'if stack is not None and not stack["StackStatus"].endswith("_IN_PROGRESS"):\n',
        "if stack is not None:\n",
        f"{_CLOUD_TESTS}::test_a_stack_under_way_is_waited_for",
    ),
    guard(
        "A creation that was asked for at the last moment is found when it arrives.",
        _CLOUD,
        "if stack is None and (not may_be_on_its_way or waited >= _STRAGGLER_SECONDS):\n",
        "if stack is None:\n",
        f"{_CLOUD_TESTS}::test_a_stack_that_was_asked_for_at_the_last_moment_is_found_when_it_arrives",
    ),
    guard(
        "A stack that another AWS account does not have is not gone.",
        _CLOUD,
        "    if found != wanted:\n",
        "    if not wanted:\n",
        f"{_CLOUD_TESTS}::test_a_stack_that_another_account_does_not_have_is_not_gone",
    ),
    guard(
        "A lock is left while its holder lives.",
        _RECOVER,
        "        if is_seen(holder):\n",
        "        if not found:\n",
        f"{_CRASH_TESTS}::test_a_stack_in_use_is_not_touched",
    ),
    guard(
        "A lock of an engine that we started, and that has ended, is removed.",
        _HOLDER,
        "    return not any(_runs(record) for record in records)\n",
        "    return False\n",
        f"{_PROCESS_TESTS}::test_an_engine_that_we_started_is_alive_while_it_runs_and_dead_afterwards",
    ),
    guard(
        "Every holder of a lock is asked after, not the first alone.",
        _HOLDER,
        "for m in _HOLDER.finditer(message)",
        "for m in list(_HOLDER.finditer(message))[:1]",
        f"{_PROCESS_TESTS}::test_the_engines_message_names_every_holder",
    ),
    guard(
        "A record of another machine, start or container proves nothing.",
        _HOLDER,
        " or any(record.at != here for record in records)",
        "",
        f"{_PROCESS_TESTS}::test_a_record_of_another_machine_start_or_container_proves_nothing",
    ),
    guard(
        "An engine of ours that runs is alive.",
        _HOLDER,
        " and _birth(record.pid) == record.birth\n",
        " and not record.birth\n",
        f"{_PROCESS_TESTS}::test_an_engine_that_we_started_is_alive_while_it_runs_and_dead_afterwards",
    ),
    guard(
        "A number that another program got since is no holder.",
        _HOLDER,
        " and _birth(record.pid) == record.birth\n",
        "\n",
        f"{_PROCESS_TESTS}::test_a_number_that_another_program_got_is_no_engine_of_ours",
    ),
    guard(
        "A pulumi that is younger than the lock is no holder.",
        _HOLDER,
        'return "pulumi" in process.name() and process.create_time() <= _since(holder) + _SKEW_SECONDS\n',
        'return "pulumi" in process.name()\n',
        f"{_PROCESS_TESTS}::test_an_engine_as_old_as_the_lock_is_seen_here",
    ),
    guard(
        "A lock whose holder may live is left, unless the person says otherwise.",
        _RECOVER,
        "        if not is_lost and is_dead(holder, engine.folder) is not True:\n",
        "        if not is_lost and is_dead(holder, engine.folder) is False:\n",
        f"{_RECOVER_TESTS}::test_a_lock_of_a_machine_that_may_live_is_left",
        f"{_RECOVER_TESTS}"
        "::test_a_lock_of_a_number_that_is_free_here_is_left_unless_the_person_says_otherwise",
    ),
    guard(
        "Only the locks of dead holders are removed.",
        "components/vmc_account_link/recovery/file_backend.py",
        "        path.unlink(missing_ok=True)\n        path.with_name(",
        "        for other in path.parent.iterdir():\n            other.unlink()\n        path.with_name(",
        "tests/labs/test_file_backend.py::test_only_the_locks_that_were_named_are_removed",
    ),
    guard(
        "A state that changed while it was looked at is not written over.",
        _RECOVER,
        "        if engine.export() != state:\n",
        "        if state is None:\n",
        f"{_RECOVER_TESTS}::test_a_state_that_changed_while_it_was_locked_is_not_written_over",
    ),
    guard(
        "The state from before is kept.",
        _RECOVER,
        '    path.write_text(json.dumps(state), encoding="utf-8")\n',
        '    path.write_text("{}", encoding="utf-8")\n',
        f"{_RECOVER_TESTS}::test_a_lock_of_a_lost_machine_is_removed_by_the_engine_where_it_is_no_file",
    ),
    guard(
        "The state that is kept is for this user's eyes.",
        _RECOVER,
        "    path.chmod(0o600)\n",
        "",
        f"{_CRASH_TESTS}::test_recover_killed_anywhere_can_be_run_again",
    ),
    guard(
        "A state that a kill has cut off is read again.",
        "components/vmc_account_link/recovery/file_backend.py",
        "    broken = tuple(path for path in candidates if not _is_json(path))\n",
        "    broken = ()\n",
        "tests/labs/test_file_backend.py::test_a_sidecar_that_was_cut_off_goes_and_everything_else_stays",
        f"{_CRASH_TESTS}::test_a_state_whose_sidecar_was_cut_off_by_the_kill_is_read_again",
    ),
    guard(
        "A healthy state stays as it is.",
        _PENDING,
        "    for resource in _unrecorded(state, secrets):\n        stack =",
        "    resources[-1:] = []\n    for resource in _unrecorded(state, secrets):\n        stack =",
        f"{_PENDING_TESTS}::test_a_state_with_nothing_under_way_stays_as_it_is",
        f"{_CRASH_TESTS}::test_a_healthy_stack_is_left_as_it_is",
    ),
    guard(
        "Providers whose engine is gone are found and ended.",
        _LEFTOVERS,
        "    for process in psutil.process_iter():\n",
        "    for process in ():\n",
        f"{_PROCESS_TESTS}::test_a_provider_whose_engine_is_gone_is_found_and_ended",
    ),
    guard(
        "A provider that does not listen to reason is killed.",
        _LEFTOVERS,
        "    for process in alive:\n        process.kill()\n",
        "",
        f"{_PROCESS_TESTS}::test_one_that_does_not_listen_to_reason_is_killed",
    ),
    guard(
        "A provider of a living engine is let be.",
        _LEFTOVERS,
        " or listens(int(address[1])):\n",
        ":\n",
        f"{_PROCESS_TESTS}::test_a_provider_of_a_living_engine_or_of_another_project_is_let_be",
    ),
    guard(
        "A wrong request is exit code 2.",
        "components/vmc_labs/__main__.py",
        "    except RequestError as error:\n        _complain(error)\n        return 2\n",
        "    except RequestError as error:\n        _complain(error)\n        return 1\n",
        f"{_CRASH_TESTS}::test_a_wrong_request_is_exit_code_2_and_touches_nothing",
        f"{_FLEET_TESTS}::test_a_wrong_spec_is_exit_code_2_and_nothing_is_touched[up]",
    ),
)

FLEETS = (
    guard(
        "The access token is fetched once for all labs.",
        "components/vmc_account_link/api/client.py",
        "        self._tokens = tokens\n",
        "        self._tokens = AccessTokens()\n",
        f"{_FLEET_TESTS}::test_a_fleet_goes_up_past_a_failure_and_down_again",
    ),
    guard(
        "`up --failed` picks up what failed, and that alone.",
        "components/vmc_labs/fleet/plan.py",
        "        if failed and action is not Action.RETRY:\n",
        "        if failed and not steps:\n",
        "tests/labs/test_plan.py::test_failed_picks_up_failed_labs_alone",
    ),
    guard(
        "Nothing is taken down before somebody has agreed.",
        "components/vmc_labs/commands/down.py",
        "    if not agree():\n",
        "    if not doing:\n",
        f"{_FLEET_TESTS}::test_a_fleet_goes_up_past_a_failure_and_down_again",
    ),
    guard(
        "`down` takes a stack along that was made unheard.",
        "components/vmc_labs/fleet/lab.py",
        "        if before.has_pending or _may_hide_a_stack(before):\n",
        "        if before.has_pending:\n",
        f"{_FLEET_TESTS}::test_down_takes_a_stack_along_that_was_made_unheard",
    ),
    guard(
        "`down` unlinks an account that no `up` has seen connected.",
        "components/vmc_labs/fleet/lab.py",
        "        if before.unfinished and before.unfinished.has_stack:\n",
        "        if before.unfinished and not before.resource_count:\n",
        f"{_FLEET_TESTS}::test_down_takes_a_stack_along_that_was_made_unheard",
    ),
    guard(
        "What a killed driver has left of a lab is put right by the next `up`.",
        "components/vmc_labs/fleet/lab.py",
        "            if not after_crash.stands_in_the_way(ended.errors) or self._control.stop.is_set():\n",
        "            if ended is not None:\n",
        f"{_FLEET_TESTS}::test_a_driver_killed_in_the_middle_leaves_nothing_that_the_next_up_does_not_find",
        "tests/labs/test_cluster.py::test_labs_of_a_killed_worker_are_recovered_and_done_by_another",
        also=(
            Change(
                file="components/vmc_labs/fleet/lab.py",
                find="        if before.has_pending:\n",
                replacement="        if before is None:\n",
            ),
        ),
    ),
    guard(
        "A worker that is lost has left something on its machine, or lost the machine with it.",
        _CLUSTER,
        "        if place.worker not in hosts:\n",
        "        if place.worker is None:\n",
        "tests/labs/test_cluster.py::test_what_a_labs_earlier_places_mean",
    ),
    guard(
        "A scheduler that is not there is a wrong request.",
        _CLUSTER,
        "    except (OSError, ValueError, TimeoutError) as error:\n",
        "    except ValueError as error:\n",
        "tests/labs/test_cluster.py::test_a_scheduler_that_is_not_there_is_a_wrong_request",
    ),
    guard(
        "Each lab's waits are ended by its own engine's Cancel, and told to its own person.",
        "components/vmc_labs/engine/dynamic_provider.py",
        "        with working_for(self._person), sessions_from(self._new_session):\n",
        "        with sessions_from(self._new_session):\n",
        "tests/provider/test_dynamic_server.py"
        "::test_each_lab_of_a_driver_is_told_of_its_own_wait_and_ends_it_alone",
    ),
    guard(
        "A wait of an engine that is gone ends.",
        "components/vmc_labs/engine/dynamic_provider.py",
        "        self._person.canceled.set()\n",
        "        pass\n",
        "tests/provider/test_dynamic_server.py::test_a_driver_does_not_wait_for_an_engine_that_is_gone",
    ),
    guard(
        "The driver loads no provider but ours.",
        "components/vmc_labs/engine/dynamic_provider.py",
        '            raise pickle.UnpicklingError(f"{module}.{name}") from None\n',
        "            return super().find_class(module, name)\n",
        "tests/provider/test_dynamic_server.py"
        "::test_a_driver_neither_runs_nor_loads_a_provider_that_is_not_ours",
    ),
    guard(
        "Labs that wait read the list once for all of them.",
        _SHARING,
        "        if reply is None:\n",
        "        if reply is None:\n            reply = self._read(request, *args, **options)\n"
        "        if reply is None:\n",
        f"{_SHARING_TESTS}::test_labs_that_wait_read_the_list_once_and_exchange_one_token",
    ),
    guard(
        "Asking for a link is shared by nobody.",
        _SHARING,
        "(account-link/connected-accounts|tasks/[^/?]+)",
        "(account-link/connected-accounts|account-link|tasks/[^/?]+)",
        f"{_SHARING_TESTS}::test_asking_for_a_link_is_never_shared",
    ),
    guard(
        "What was read before a change does not count after it.",
        _SHARING,
        "            finally:\n                self._readings.forget_older()\n",
        "            finally:\n                pass\n",
        f"{_SHARING_TESTS}::test_what_was_read_before_a_change_does_not_count_after_it",
    ),
    guard(
        "A refused token is not shared with those who ask again with another.",
        _SHARING,
        "        if reply.status == 401:\n",
        "        if reply.status is None:\n",
        f"{_SHARING_TESTS}::test_a_token_that_the_service_no_longer_takes_is_renewed_once_for_all",
    ),
    guard(
        "Who says how long to be left alone is, by all labs.",
        _SHARING,
        "            self._hold_off(reply)\n",
        "            pass\n",
        f"{_SHARING_TESTS}::test_while_the_service_wants_to_be_left_alone_it_is",
    ),
    guard(
        "A reading that a wait may share takes no longer than a wait's own looks.",
        _SHARING,
        '**{**options, "timeout": timeout}',
        "**options",
        f"{_SHARING_TESTS}::test_a_shared_reading_takes_no_longer_than_a_look_that_ctrl_c_is_to_end",
    ),
    guard(
        "What goes to this machine passes no proxy.",
        "components/vmc_account_link/api/transport.py",
        "                proxies=_exceptions(call.url),\n",
        "",
        "tests/provider/test_client.py::test_what_goes_to_this_machine_passes_no_proxy[no exceptions]",
        "tests/provider/test_client.py::test_what_goes_to_this_machine_passes_no_proxy[others]",
    ),
    guard(
        "Pickling goes no deeper with each lab.",
        "components/vmc_labs/engine/project.py",
        "        sdk_private.unwrap_pickler()\n",
        "        pass\n",
        "tests/labs/test_inline_programs.py"
        "::test_pickling_is_as_deep_after_hundreds_of_labs_as_before_the_first",
    ),
    guard(
        "A bug in a lab does not show the token.",
        "components/vmc_labs/fleet/lab.py",
        "error, [token], keep)",
        "error, [], keep)",
        "tests/labs/test_bugs.py::test_a_bug_in_a_lab_is_its_line_and_ends_no_other",
    ),
    guard(
        "A bug in a driver's provider is one line.",
        "components/vmc_labs/engine/dynamic_provider.py",
        "        except Exception as error:  # noqa: BLE001 - a bug is one line too\n",
        "        except ArithmeticError as error:\n",
        "tests/provider/test_dynamic_server.py"
        "::test_a_bug_is_one_line_of_a_driver_and_its_traceback_is_in_a_file",
    ),
)

SANDBOX = (
    guard(
        "The sandbox's clouds do not take a link that has expired.",
        "sandbox/vmc/links.py",
        "        return now >= self.expires_at\n",
        "        return False\n",
        "tests/sandbox/test_cloudformation_stacks.py::test_an_expired_links_url_is_denied_by_s3",
        "tests/sandbox/test_cloudformation_stacks.py::test_a_refused_link_rolls_the_stack_back",
    ),
    guard(
        "The sandbox does not unlink an account that SDDCs use.",
        "sandbox/vmc/account_book.py",
        "            if record.account_number in self._sddcs.values() and not force:\n",
        "            if record.account_number is None:\n",
        "tests/sandbox/test_vmc_accounts.py::test_sddc_blocks_unlinking_its_account_and_no_other",
    ),
    guard(
        "A connection that the sandbox cuts after the effect had its effect.",
        "sandbox/middleware.py",
        "        case FaultKind.RESET_AFTER | FaultKind.TIME_OUT:\n            return None\n",
        "        case FaultKind.TIME_OUT:\n            return None\n",
        "tests/sandbox/test_control_faults.py::test_connection_is_cut_after_the_call_acted",
    ),
)
