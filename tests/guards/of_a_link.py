"""The guards of making, keeping and removing a link."""

from tests.guards.mutant import Change, Guard, guard

_PACKAGE = "components/vmc_account_link"
_ACCOUNT_LINK = f"{_PACKAGE}/account_link.py"
_EXISTING = f"{_PACKAGE}/existing_account.py"
_CONNECTED = f"{_PACKAGE}/connected_account.py"
_REQUEST = f"{_PACKAGE}/link_request.py"
_WATCH = f"{_PACKAGE}/link_watch.py"
_PROGRESS = f"{_PACKAGE}/progress.py"
_RELINKING = f"{_PACKAGE}/relinking.py"
_WAITING = f"{_PACKAGE}/waiting.py"

_COMPONENT = "tests/component/test_account_link.py"
_MODEL = "tests/properties/test_engine_model.py"
_MACHINE = (
    "tests/properties/test_link_lifecycle.py"
    "::test_whatever_happens_a_lab_lies_never_makes_nothing_twice_and_arrives"
)

SOON = Change(
    file=_CONNECTED,
    find='float(inputs["link_timeout_minutes"]) * 60)',
    replacement='float(inputs["link_timeout_minutes"]) * 0.2)',
)
"""A wait in vain ends after six seconds instead of half an hour, and its test with it."""

MAKING = (
    guard(
        "A stack whose creation failed is made anew by the next update.",
        _ACCOUNT_LINK,
        'replace_on_changes=["#initerror"],',
        "replace_on_changes=[],",
        f"{_COMPONENT}::test_a_stack_that_failed_to_create_is_deleted_and_made_anew",
        "tests/engine/test_faults.py::test_a_stack_that_rolled_back_is_no_link_and_the_next_up_makes_it_anew",
        f"{_MODEL}::test_the_engine_makes_replaces_and_removes_in_the_models_order",
        also=(SOON,),
    ),
    guard(
        "A stack that failed leaves nothing that a refresh could take for one.",
        _ACCOUNT_LINK,
        'on_failure="DELETE",',
        'on_failure="ROLLBACK",',
        "tests/engine/test_faults.py::test_a_refresh_does_not_take_a_failed_stack_for_one_that_is_there",
    ),
    guard(
        "A stack that is made anew is deleted first: its name is taken.",
        _ACCOUNT_LINK,
        "delete_before_replace=True,",
        "delete_before_replace=False,",
        f"{_COMPONENT}::test_a_stack_that_failed_to_create_is_deleted_and_made_anew",
    ),
    guard(
        "The stack is made in us-west-2, whatever region the user's own configuration names.",
        f"{_PACKAGE}/aws_provider.py",
        '        if raw is None or argument == "region":\n',
        "        if raw is None:\n",
        f"{_COMPONENT}::test_the_users_other_aws_configuration_reaches_the_pinned_provider",
    ),
    guard(
        "A provider of the caller's is used as it is.",
        _ACCOUNT_LINK,
        "        if provider is None:\n",
        "        if name:\n",
        f"{_COMPONENT}::test_an_aws_provider_of_the_caller_is_used_and_no_other_declared",
    ),
    guard(
        "A template goes to CloudFormation as a body, or else by its URL, never as both.",
        _ACCOUNT_LINK,
        "    return None if body else url\n",
        "    return url\n",
        f"{_COMPONENT}::test_the_stack_takes_the_template_inline_with_the_capability_it_needs",
    ),
    guard(
        "No link is asked for of an account that another stack has linked.",
        _REQUEST,
        "    refuse_another_stacks_link(account, stack_names)\n    link = vmc.mint_link()",
        "    link = vmc.mint_link()",
        "tests/provider/test_link_request.py"
        "::test_an_account_linked_by_another_stack_is_refused_naming_it_and_both_ways_on",
        "tests/engine/test_faults.py::test_an_account_that_another_stack_linked_is_refused_and_nothing_is_made",
        _MACHINE,
    ),
    guard(
        "A stack's name that we asked for and never got makes its link not ours.",
        _RELINKING,
        "        if task is None or task.status == TaskStatus.FINISHED:\n",
        "        if old_name:\n",
        "tests/provider/test_link_request.py"
        "::test_a_stack_of_somebody_else_does_not_become_ours_because_we_asked_for_its_name_first",
        "tests/engine/test_others.py::test_a_second_up_at_the_same_time_is_told_and_harms_nothing",
        also=(SOON,),
    ),
    guard(
        "A link that has not expired is used again.",
        _RELINKING,
        "    if needs_new_link(olds, news):\n        return Why.WANTED\n",
        "    if olds:\n        return Why.WANTED\n",
        "tests/provider/test_link_request.py::test_a_fresh_link_is_no_reason_to_do_or_ask_anything",
        _MACHINE,
    ),
    guard(
        "A link that expired before the account was connected is asked for again.",
        _RELINKING,
        "    return Why.SPENT if is_spent else None\n",
        "    return None\n",
        "tests/provider/test_link_request.py"
        "::test_an_expired_link_of_an_account_that_is_not_connected_is_asked_for_again",
        "tests/engine/test_faults.py"
        "::test_a_link_that_expired_with_a_rolled_back_stack_is_asked_for_again_in_the_same_up",
        "tests/engine/test_faults.py"
        "::test_an_account_unlinked_by_hand_is_linked_again_by_a_healthy_stack_once_the_link_has_expired",
    ),
    guard(
        "A link that expired unrun is asked for again, whatever record was there before it.",
        _RELINKING,
        "is_spent = expired and not (has_run and connected and ",
        "is_spent = expired and not (connected and ",
        "tests/provider/test_relinking.py"
        "::test_a_link_over_a_record_that_was_left_is_asked_for_again_once_it_has_expired_unless_it_was_run",
    ),
    guard(
        "Nobody waits for an expired link to be asked for again: a failed task says how to ask at once.",
        _PROGRESS,
        "`pulumi up --replace '**vmc-account-link:LinkRequest::*'` asks at once.",
        "",
        "tests/engine/test_faults.py::test_replacing_the_request_asks_for_a_new_link_at_once",
    ),
    guard(
        "A clock of ours that is ahead does not expire a link: the service's Date decides.",
        _RELINKING,
        "expired = expired_for + vmc.clock_ahead_seconds() >= 0",
        "expired = expired_for >= 0",
        "tests/provider/test_link_request.py"
        "::test_a_clock_of_ours_that_is_hours_ahead_does_not_expire_a_link",
    ),
    guard(
        "A clock of ours that is behind does not keep an expired link.",
        _RELINKING,
        'max(expired_for, expired_for + float(olds.get("clock_ahead_seconds") or 0)) >= 0',
        "expired_for >= 0",
        "tests/provider/test_link_request.py"
        "::test_a_clock_of_ours_that_is_hours_behind_does_not_keep_an_expired_link",
    ),
    guard(
        "A clock of ours that was set back does not keep an expired link.",
        _RELINKING,
        "and not seems_expired and not _was_set_back(olds, now):",
        "and not seems_expired:",
        "tests/provider/test_link_request.py"
        "::test_a_clock_of_ours_that_was_set_back_since_does_not_keep_an_expired_link",
    ),
    guard(
        "The engine's last step before it makes the stack is a look whether the link may be run.",
        _WATCH,
        "before_create=[hook], before_update=[hook], ",
        "",
        "tests/engine/test_others.py"
        "::test_a_stack_made_anew_does_not_take_the_account_from_whoever_linked_it_meanwhile",
    ),
    guard(
        "That look refuses an account that another stack has linked meanwhile.",
        _WATCH,
        "            refuse_another_stacks_link(account, stack_names)\n",
        "",
        "tests/provider/test_link_watch.py"
        "::test_another_stacks_live_link_stops_the_stack_and_our_own_or_a_broken_one_does_not",
    ),
    guard(
        "That look tells an expired link by the service's clock.",
        _WATCH,
        "datetime.now(UTC).timestamp() + ahead_seconds",
        "datetime.now(UTC).timestamp()",
        "tests/provider/test_link_watch.py::test_the_services_clock_says_whether_a_link_has_expired_not_ours",
    ),
    guard(
        "A stack whose name is taken comes with the way on: recover, or another name.",
        f"{_PACKAGE}/stack_errors.py",
        "    if _TAKEN in error:\n",
        "    if not error:\n",
        "tests/engine/test_crash.py"
        "::test_a_stack_that_was_made_though_its_answer_was_lost_is_taken_into_the_state",
        "tests/sweep/test_sample.py::test_it_fails_with_one_clear_line_and_the_next_one_converges"
        "[up aws cloudformation.CreateStack: empty 200]",
        "tests/unit/test_stack_errors.py::test_a_taken_name_may_be_ours",
    ),
    guard(
        "Where CreateStack's answer got lost, it is said that the stack may be there, and what finds out.",
        f"{_PACKAGE}/stack_errors.py",
        "    if any(begin in error for begin in _ASKING) and not was_refused(error):\n",
        "    if not error:\n",
        "tests/unit/test_stack_errors.py"
        "::test_where_no_answer_came_the_stack_may_be_there_and_recover_finds_out[garbled]",
        "tests/engine/test_crash.py"
        "::test_a_stack_that_was_made_though_its_answer_was_lost_is_taken_into_the_state",
    ),
    guard(
        "It is not said where AWS has refused.",
        f"{_PACKAGE}/stack_errors.py",
        "    return _NAMELESS not in error and _REFUSED.search(error) is not None\n",
        "    return False\n",
        "tests/unit/test_stack_errors.py"
        "::test_where_the_stack_was_not_made_or_is_known_nothing_is_added[refused]",
    ),
)

WAITING = (
    guard(
        "A task that FAILED ends the wait at once.",
        _PROGRESS,
        "    if task is not None and task.status in {TaskStatus.FAILED, TaskStatus.CANCELED}:\n",
        "    if task is not None and task.status == TaskStatus.CANCELED:\n",
        "tests/provider/test_connected_account.py::test_a_task_that_ends_badly_ends_the_wait_at_once[fail-FAILED]",
        "tests/unit/test_progress.py::test_a_task_that_ended_badly_ends_the_wait_with_the_services_words[FAILED]",
    ),
    guard(
        "A failed task is told with the service's own reason.",
        _PROGRESS,
        'f": {safe_text(task.error)}" if task.error else ", without a reason"',
        '", without a reason"',
        "tests/engine/test_faults.py::test_a_failed_task_ends_the_wait_at_once_with_the_services_words",
    ),
    guard(
        "Only an ACTIVE record is a link: one that comes up BROKEN is waited for.",
        _PROGRESS,
        "is_there = account is not None and account.state == AccountState.ACTIVE",
        "is_there = account is not None",
        "tests/provider/test_connected_account.py"
        "::test_an_account_that_comes_up_broken_and_recovers_is_connected_when_it_is_active",
    ),
    guard(
        "A link that took long is noticed within 5 s.",
        _PROGRESS,
        "    return min(LONGEST_PAUSE_SECONDS, in_proportion)\n",
        "    return in_proportion\n",
        "tests/unit/test_progress.py"
        "::test_an_answer_is_noticed_at_most_five_seconds_late_however_long_it_took",
    ),
    guard(
        "A list that lags behind the task is waited for.",
        _PROGRESS,
        "LIST_GRACE_SECONDS = 300.0",
        "LIST_GRACE_SECONDS = 0.1",
        "tests/provider/test_connected_account.py::test_a_list_behind_the_task_is_waited_for",
        "tests/engine/test_faults.py"
        "::test_a_list_that_lags_behind_the_task_and_a_task_behind_the_list_are_waited_for",
    ),
    guard(
        "A task that lags behind the list is not waited for.",
        _PROGRESS,
        "    if record_before is None:\n        return True\n",
        "    if record_before is None:\n        return task is None or task.status == TaskStatus.FINISHED\n",
        "tests/unit/test_progress.py::test_an_active_record_of_our_stack_is_the_link_whatever_the_task_says",
    ),
    guard(
        "A record of another stack is not our link.",
        _PROGRESS,
        "    if account is not None and is_there and is_ours(account, [wanted.stack_name]):\n",
        "    if account is not None and is_there:\n",
        "tests/provider/test_connected_account.py::test_another_stacks_link_is_not_taken_for_ours",
    ),
    guard(
        "An outage during the wait is told and waited out.",
        _WAITING,
        "        if refused_for_good(error):\n            raise\n",
        "        if error:\n            raise\n",
        "tests/provider/test_connected_account.py::test_an_outage_in_the_middle_is_told_and_waited_out",
        "tests/engine/test_faults.py::test_a_passing_outage_during_the_wait_does_not_end_it",
        "tests/sweep/test_sample.py::test_one_up_and_one_destroy_survive_every_kind_of_fault_at_every_call",
    ),
    guard(
        "A refusal for good ends the wait.",
        _WAITING,
        "        if refused_for_good(error):\n            raise\n",
        "",
        "tests/provider/test_connected_account.py::test_a_token_that_lost_its_role_ends_the_wait",
    ),
    guard(
        "The wait looks at the list and at the task.",
        _WAITING,
        "    if wanted.tracking_task is None or is_settled or canceled.is_set():\n",
        "    if accounts is not None:\n",
        "tests/sweep/test_sample.py::test_the_recorded_calls_are_those_of_a_clean_run",
    ),
    guard(
        "The deadline of the wait is kept to the second.",
        _WAITING,
        "sleep(min(pause_seconds(elapsed), max(timeout_seconds - elapsed, _SHORTEST_PAUSE_SECONDS)))",
        "sleep(pause_seconds(elapsed))",
        "tests/provider/test_connected_account.py::test_the_deadline_is_kept_and_says_what_was_last_seen",
    ),
    guard(
        "A wait ends though what is left of it is too little to move a clock.",
        _WAITING,
        "max(timeout_seconds - elapsed, _SHORTEST_PAUSE_SECONDS)",
        "timeout_seconds - elapsed",
        "tests/provider/test_connected_account.py"
        "::test_a_wait_ends_though_what_is_left_of_it_is_too_little_to_move_the_clock",
    ),
    guard(
        "What a provider refuses is one line.",
        f"{_PACKAGE}/provider_process.py",
        "        return line or traceback.format_exc()\n",
        "        return traceback.format_exc()\n",
        "tests/provider/test_dynamic_server.py"
        "::test_a_failure_reaches_the_engine_as_one_line_without_a_traceback[the SDK's process]",
    ),
    guard(
        "Somebody else's resource fails as it would without us.",
        f"{_PACKAGE}/provider_process.py",
        "    if ours is None:\n        return None\n",
        "    if ours is None:\n        return str(error)\n",
        "tests/provider/test_dynamic_server.py::test_somebody_elses_resource_fails_as_it_would_without_us",
    ),
    guard(
        "A bug in a hook is one line, and its traceback in a file.",
        _WATCH,
        'with internal_errors("look whether the link may be run", watch.secrets):',
        "if True:",
        "tests/engine/test_one_line.py::test_a_bug_in_the_hook_is_one_line_and_its_traceback_is_in_a_file",
    ),
    guard(
        "The file with a bug's traceback holds no secret.",
        f"{_PACKAGE}/internal_errors.py",
        'text = without_secrets("".join(traceback.format_exception(error)), secrets)',
        'text = "".join(traceback.format_exception(error))',
        "tests/unit/test_internal_errors.py"
        "::test_a_bug_is_one_line_and_its_traceback_a_file_both_without_secrets",
    ),
    guard(
        "Ctrl-C is noticed though the SDK's provider does not pass it on.",
        f"{_PACKAGE}/provider_process.py",
        "    method.__code__ = _cancel.__code__\n",
        "",
        "tests/engine/test_interrupt.py"
        "::test_ctrl_c_gives_the_prompt_back_though_the_service_is_silent_and_the_next_up_goes_on",
    ),
    guard(
        "A silent service does not keep the prompt after Ctrl-C.",
        f"{_PACKAGE}/calls.py",
        "return connect, GLANCE_READ_SECONDS if self.repeat is Repeat.NEVER else read",
        "return connect, read",
        "tests/engine/test_interrupt.py"
        "::test_ctrl_c_gives_the_prompt_back_though_the_service_is_silent_and_the_next_up_goes_on",
    ),
    guard(
        "Who presses Ctrl-C does not wait for a second call.",
        _WAITING,
        "is_settled or canceled.is_set():",
        "is_settled:",
        "tests/provider/test_connected_account.py"
        "::test_who_stops_a_wait_does_not_wait_for_a_second_silent_call",
    ),
)

REMOVING = (
    Guard(
        behaviour="The account is unlinked before its stack is deleted.",
        without=(
            Change(
                file=_ACCOUNT_LINK,
                find="            stack_name=stack.name,\n",
                replacement="            stack_name=stack_name,\n",
            ),
            Change(
                file=_ACCOUNT_LINK,
                find="            stack_id=stack.id,\n",
                replacement="            stack_id=request.account_number,\n",
            ),
        ),
        tests=(
            f"{_COMPONENT}::test_the_connected_account_follows_the_stack_and_the_stack_the_request",
            f"{_MODEL}::test_the_model_wires_the_resources_as_the_component_does",
            "tests/engine/test_destroy.py::test_destroy_unlinks_and_looks_before_it_deletes_the_stack",
        ),
    ),
    guard(
        "A stack that is about to be replaced is unlinked first.",
        _CONNECTED,
        'return DiffResult(changes=True, replaces=["stack_id"], delete_before_replace=True)',
        "return DiffResult(changes=True)",
        "tests/provider/test_connected_account.py::test_a_stack_about_to_be_replaced_is_unlinked_first",
    ),
    guard(
        "After unlinking the list is looked at until the record is gone.",
        _WAITING,
        "    while _our_record(vmc, account_number, stack_name) is not None:\n",
        "    while False:\n",
        "tests/provider/test_connected_account.py::test_unlinking_looks_until_the_record_is_gone",
    ),
    guard(
        "A record that stays is not called gone.",
        _WAITING,
        "        if elapsed >= _UNLINK_SECONDS:\n            raise StillLinked(",
        "        if elapsed >= _UNLINK_SECONDS:\n            return\n            raise StillLinked(",
        "tests/provider/test_connected_account.py::test_a_record_that_stays_is_not_called_gone",
    ),
    guard(
        "SDDCs on the link stop a destroy with the service's reason, and nothing is lost.",
        _WAITING,
        "        if failure is not None:\n            raise failure\n",
        "        if failure is not None:\n            return\n",
        "tests/provider/test_connected_account.py::test_sddcs_on_the_link_are_the_services_reason_not_to",
        "tests/engine/test_destroy.py"
        "::test_an_sddc_in_the_way_stops_destroy_with_the_services_reason_and_a_later_one_goes_on",
    ),
    guard(
        "An unlinking that happened counts, whatever became of the answer.",
        _WAITING,
        "    failure = _send_unlink(vmc, account)\n",
        "    failure = _send_unlink(vmc, account)\n    if failure is not None:\n        raise failure\n",
        "tests/provider/test_connected_account.py"
        "::test_an_unlinking_that_happened_counts_whatever_became_of_the_answer",
    ),
    guard(
        "An account that is gone already does not stop a destroy.",
        _WAITING,
        "    if account is None:\n        return\n    failure",
        "    if account is None:\n        raise StillLinked(account_number, stack_name, '')\n    failure",
        "tests/engine/test_destroy.py::test_an_account_that_is_gone_already_does_not_stop_destroy",
    ),
    guard(
        "A link that another stack has taken over is not unlinked.",
        _WAITING,
        "    if account is None or is_ours(account, [stack_name]):\n",
        "    if stack_name:\n",
        "tests/engine/test_destroy.py::test_a_link_that_another_stack_took_over_is_not_unlinked",
    ),
    Guard(
        behaviour="A record that is listed as DELETED counts as gone.",
        without=(
            Change(file=_PROGRESS, find=" and a.state != AccountState.DELETED]", replacement="]"),
            # So that the test does not wait for two minutes.
            Change(file=_WAITING, find="_UNLINK_SECONDS = 120.0", replacement="_UNLINK_SECONDS = 2.0"),
        ),
        tests=(
            "tests/unit/test_progress.py::test_the_live_record_is_found_among_deleted_and_broken_ones",
            "tests/engine/test_destroy.py::test_a_record_listed_as_deleted_counts_as_gone",
        ),
    ),
    guard(
        "unlinkOnDestroy: false leaves the record, and says so.",
        _CONNECTED,
        '        if not props.get("unlink_on_destroy", True):\n',
        "        if not props:\n",
        "tests/provider/test_connected_account.py"
        "::test_delete_leaves_the_account_linked_where_that_was_asked_for",
        "tests/engine/test_destroy.py::test_unlink_on_destroy_false_leaves_the_record_and_says_so",
    ),
    guard(
        "A destroy is held to the AWS account of the configuration.",
        f"{_PACKAGE}/aws_provider.py",
        '        arguments.setdefault("allowed_account_ids", [account_id])\n',
        "        pass\n",
        f"{_COMPONENT}::test_the_pinned_provider_works_in_the_wanted_account_alone",
        "tests/engine/test_destroy.py"
        "::test_destroy_with_another_accounts_credentials_is_refused_and_nothing_is_lost",
    ),
    guard(
        "A refresh and a destroy are held to the organisation in the state.",
        f"{_PACKAGE}/identity.py",
        '    if settings.org_id != props["org_id"]:\n',
        "    if not props:\n",
        "tests/provider/test_connected_account.py"
        "::test_another_organisations_list_says_nothing_about_the_link",
        "tests/engine/test_destroy.py"
        "::test_destroy_with_another_organisation_set_is_refused_and_nothing_is_lost",
    ),
    guard(
        "A list that can't be read is no empty list.",
        _REQUEST,
        '    account = find_account(vmc.list_connected_accounts(), inputs["account_number"])\n',
        "    try:\n"
        "        accounts = vmc.list_connected_accounts()\n"
        "    except Exception:\n"
        "        accounts = ()\n"
        '    account = find_account(accounts, inputs["account_number"])\n',
        "tests/provider/test_link_request.py::test_a_list_that_can_not_be_read_is_not_taken_for_an_empty_one",
    ),
)

RENEWING = (
    guard(
        "A relink updates the stack in place.",
        _ACCOUNT_LINK,
        'transforms=_in_place_while_relinked(request) if "relink" in given else None,',
        "transforms=None,",
        "tests/engine/test_relink.py"
        "::test_a_relink_updates_the_stack_in_place_and_one_that_rolled_back_is_tried_again",
    ),
    guard(
        "A relink that was not run is asked for again.",
        _RELINKING,
        "        return Why.NOT_RUN\n",
        "        return None\n",
        "tests/provider/test_relinking.py"
        "::test_a_relink_that_was_not_run_is_asked_for_again_until_the_service_has_seen_it_run",
    ),
    guard(
        "A record that was ACTIVE before proves nothing of a relink.",
        _PROGRESS,
        "    if record_before is None:\n        return True\n",
        "    if record_before is None or account:\n        return True\n",
        "tests/provider/test_relinking.py::test_a_record_that_was_active_before_proves_nothing_of_a_new_run",
    ),
    guard(
        "SDDCs on the link stand in the way of a new one until they are accepted.",
        _RELINKING,
        "    if sddcs:\n",
        "    if sddcs and not wish:\n",
        "tests/provider/test_relinking.py"
        "::test_sddcs_on_the_link_stand_in_the_way_of_a_new_one_until_they_are_accepted[relink]",
    ),
)

ADOPTING = (
    guard(
        "Adopting a link writes nothing to either cloud, its destroy included.",
        _EXISTING,
        '        """Leave everything as it is: the link is somebody else\'s."""\n',
        '        """Unlink it."""\n'
        "        account = self._find(props)\n"
        "        if account is not None:\n"
        "            with VmcClient(self.settings) as vmc:\n"
        "                vmc.unlink(account)\n",
        "tests/provider/test_existing_account.py::test_deleting_it_asks_nothing_of_anybody",
        "tests/engine/test_adopt.py"
        "::test_a_link_that_exists_is_adopted_watched_and_left_without_a_write_to_either_cloud",
    ),
    guard(
        "Only an ACTIVE link is adopted.",
        _EXISTING,
        "        if account is None or account.state != AccountState.ACTIVE:\n",
        "        if account is None:\n",
        "tests/provider/test_existing_account.py::test_what_is_not_active_is_not_adopted",
    ),
    guard(
        "A stack that made its link does not adopt it: the engine would delete the stack.",
        _ACCOUNT_LINK,
        'aliases=[pulumi.Alias(name=f"{name}-request", type_=_REQUEST_TYPE)]',
        "aliases=[]",
        f"{_COMPONENT}::test_adopting_declares_neither_a_request_nor_a_stack",
        "tests/engine/test_adopt.py"
        "::test_neither_a_stack_that_made_its_link_adopts_it_nor_one_that_adopted_makes_it_over",
    ),
    guard(
        "A stack that adopted a link does not make it over.",
        _REQUEST,
        '        if olds and "stack_name" not in olds:\n',
        "        if olds and not news:\n",
        "tests/provider/test_existing_account.py"
        "::test_a_link_of_ours_is_not_adopted_and_an_adopted_one_not_made_over",
    ),
)
