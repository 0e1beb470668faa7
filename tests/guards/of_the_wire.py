"""The guards of what is sent, what comes back, what is refused, and what stays secret."""

from tests.guards.mutant import Change, Guard, guard
from tests.guards.of_a_link import SOON

_PACKAGE = "components/vmc_account_link"
_ACCOUNT_LINK = f"{_PACKAGE}/account_link.py"
_ARGUMENTS = f"{_PACKAGE}/arguments.py"
_AUTH = f"{_PACKAGE}/auth.py"
_CLIENT = f"{_PACKAGE}/client.py"
_ERRORS = f"{_PACKAGE}/errors.py"
_MODELS = f"{_PACKAGE}/models.py"
_TEMPLATE = f"{_PACKAGE}/template.py"
_TRANSPORT = f"{_PACKAGE}/transport.py"

_CLIENT_TESTS = "tests/provider/test_client.py"
_TEMPLATE_TESTS = "tests/unit/test_template.py"
_REPLIES = "tests/properties/test_replies.py"
_CONFIGURATIONS = "tests/properties/test_configurations.py"
_REPORT = "tests/provider/test_failing_test_report.py::test_it_shows_no_token_secret_or_signature"

REPEATING = (
    guard(
        "Minting is never repeated once the service may have acted.",
        _CLIENT,
        "lambda answer: Link.from_wire(answer.json()),\n            repeat=Repeat.UNLESS_ACTED,",
        "lambda answer: Link.from_wire(answer.json()),\n            repeat=Repeat.SAFE,",
        f"{_CLIENT_TESTS}::test_minting_is_never_repeated_once_the_service_may_have_acted"
        "[reset after the effect]",
        "tests/sweep/test_sample.py::test_it_fails_with_one_clear_line_and_the_next_one_converges"
        "[up vmc mint-link: reset after]",
        "tests/properties/test_link_lifecycle.py"
        "::test_whatever_happens_a_lab_lies_never_makes_nothing_twice_and_arrives",
    ),
    guard(
        "Minting is repeated where the service turned it away for its rate.",
        _TRANSPORT,
        "turned_away = error.status == 429",
        "turned_away = False",
        f"{_CLIENT_TESTS}::test_minting_is_never_repeated_once_the_service_may_have_acted[429]",
    ),
    guard(
        "A call without an effect is repeated until a passing fault is over.",
        _TRANSPORT,
        "return policy is Repeat.SAFE and isinstance(error, NoReply | UnexpectedAnswer)",
        "return False",
        f"{_CLIENT_TESTS}::test_a_call_without_an_effect_is_repeated_until_a_passing_fault_is_over"
        "[truncated JSON]",
    ),
    guard(
        "A fault that the service calls final is not repeated.",
        _TRANSPORT,
        "return error.retryable is not False and (",
        "return (",
        f"{_CLIENT_TESTS}::test_a_fault_that_the_service_calls_final_is_not_repeated",
    ),
    guard(
        "A fault that stays ends after some attempts.",
        _TRANSPORT,
        "stop=tenacity.stop_after_attempt(ATTEMPTS),",
        "stop=tenacity.stop_after_attempt(9),",
        f"{_CLIENT_TESTS}::test_a_fault_that_stays_ends_after_some_attempts_in_one_line",
    ),
    guard(
        "What never connected was certainly not asked.",
        f"{_PACKAGE}/refusals.py",
        " or isinstance(reason, _NEVER_CONNECTED):",
        ":",
        f"{_CLIENT_TESTS}::test_a_closed_port_was_certainly_not_asked",
    ),
    guard(
        "A Retry-After is kept, within bounds.",
        _TRANSPORT,
        "return min(LONGEST_PAUSE_SECONDS, max(told or 0.0, _backoff(state)))",
        "return max(told or 0.0, _backoff(state))",
        f"{_CLIENT_TESTS}::test_the_services_retry_after_is_kept_within_bounds",
    ),
    guard(
        "An access token that the service no longer takes is renewed, and the call sent again.",
        _CLIENT,
        "            self._tokens.forget(self._settings, token)\n"
        "            return send(self._tokens.get(self._settings, self._transport, exchange_repeat))\n",
        "            raise\n",
        f"{_CLIENT_TESTS}::test_a_token_that_the_service_no_longer_takes_is_renewed_once",
    ),
    guard(
        "It is renewed once, not for ever.",
        _CLIENT,
        "            return send(self._tokens.get(self._settings, self._transport, exchange_repeat))\n",
        "            return self._ask(method, path, asked, read, repeat=repeat)\n",
        f"{_CLIENT_TESTS}::test_a_token_refused_twice_is_not_asked_for_for_ever",
    ),
    Guard(
        behaviour="An access token that ends during the wait is renewed.",
        without=(
            Change(
                file=_AUTH,
                find="if held is not None and held[1] > self._monotonic():",
                replacement="if held is not None:",
            ),
            Change(
                file=_CLIENT,
                find="            self._tokens.forget(self._settings, token)\n",
                replacement="",
            ),
        ),
        tests=("tests/engine/test_faults.py::test_an_access_token_that_ends_during_the_wait_is_renewed",),
    ),
    guard(
        "One access token serves all calls of a process until its end.",
        _AUTH,
        "            self._held[settings] = (token, self._monotonic() + token.lifetime_seconds - margin)\n",
        "",
        f"{_CLIENT_TESTS}::test_one_access_token_serves_all_calls_until_its_end",
    ),
    guard(
        "The service's clock is known by the Date of its answers.",
        _TRANSPORT,
        "        self._note_clock(response)\n",
        "",
        f"{_CLIENT_TESTS}::test_the_services_clock_is_known_after_its_first_answer",
        "tests/provider/test_link_watch.py::test_the_services_clock_says_whether_a_link_has_expired_not_ours",
    ),
)

READING = (
    guard(
        "An answer that is none of AWS's fails its line of `doctor`, and is no traceback.",
        f"{_PACKAGE}/cli/amazon.py",
        "    except (ResponseParserError, LookupError):\n",
        "    except ZeroDivisionError:\n",
        "tests/cli/test_doctor.py::test_an_answer_that_is_none_of_aws_fails_its_line[ok_html]",
        "tests/cli/test_doctor.py::test_an_answer_that_is_none_of_aws_fails_its_line[ok_empty]",
    ),
    Guard(
        behaviour="A redirect is not followed.",
        without=(
            Change(
                file=_TRANSPORT,
                find="        self._session.get_redirect_target = lambda _: None"
                "  # type: ignore[method-assign,assignment]\n",
                replacement="",
            ),
            Change(file=_TRANSPORT, find="allow_redirects=False", replacement="allow_redirects=True"),
        ),
        tests=(
            f"{_CLIENT_TESTS}::test_a_template_that_does_not_come_is_refused_without_its_signature[redirect-302]",
        ),
    ),
    guard(
        "An answer without an end is not read to it.",
        _TRANSPORT,
        "        if size > call.largest_bytes:\n",
        "        if size < 0:\n",
        f"{_REPLIES}::test_an_answer_without_an_end_is_not_read_to_it",
    ),
    guard(
        "JSON that nests without an end is an error of ours.",
        f"{_PACKAGE}/calls.py",
        "        except (ValueError, RecursionError):\n",
        "        except ValueError:\n",
        f"{_REPLIES}::test_what_nests_without_an_end_is_one_of_our_errors",
    ),
    guard(
        "A field that we need and can't read is an error of ours.",
        _MODELS,
        "    if not isinstance(value, str):\n        raise BadPayload(",
        "    if value is None:\n        raise BadPayload(",
        f"{_REPLIES}::test_every_field_may_be_missing_or_anything_else[mint-link]",
        f"{_REPLIES}::test_every_field_may_be_missing_or_anything_else[get-task]",
    ),
    guard(
        "A text that no terminal should see is no id and no name.",
        _MODELS,
        ' or not value.isprintable():\n        raise BadPayload(f"{key} is no line of text")',
        ':\n        raise BadPayload(f"{key} is no line of text")',
        f"{_REPLIES}::test_every_field_may_be_missing_or_anything_else[list-connected-accounts]",
    ),
    guard(
        "An access token whose life is no number does not live for ever.",
        _AUTH,
        " or not 0 < lifetime < 1e9:",
        ":",
        f"{_REPLIES}::test_every_field_may_be_missing_or_anything_else[exchange-token]",
    ),
    guard(
        "A message of ours is one line of bounded length, whatever the service says.",
        _ERRORS,
        "        asked, answered, do = (_one_line(text, longest) for text, longest in parts)\n",
        "        asked, answered, do = (text for text, _ in parts)\n",
        "tests/unit/test_errors.py"
        "::test_a_name_of_any_size_and_shape_leaves_the_message_one_line_of_bounded_length",
    ),
)

TEMPLATES = (
    guard(
        "A template comes from S3, the service, or an allowed host.",
        _TEMPLATE,
        "    if not _S3_HOST.fullmatch(host):\n",
        "    if not host:\n",
        f"{_TEMPLATE_TESTS}::test_any_other_source_is_refused_without_quoting_its_signature[a foreign host]",
        "tests/provider/test_link_request.py"
        "::test_without_inlining_nothing_is_downloaded_but_the_host_is_judged_all_the_same",
    ),
    guard(
        "S3's name in front of another domain is not S3.",
        _TEMPLATE,
        "_S3_HOST.fullmatch(host)",
        "_S3_HOST.match(host)",
        f"{_TEMPLATE_TESTS}::test_any_other_source_is_refused_without_quoting_its_signature"
        "[S3 as a prefix of another domain]",
    ),
    guard(
        "A template's address holds no user information.",
        _TEMPLATE,
        "if not host or parts.username or parts.scheme",
        "if not host or parts.scheme",
        f"{_TEMPLATE_TESTS}::test_any_other_source_is_refused_without_quoting_its_signature"
        "[user information]",
    ),
    guard(
        "A template comes over https.",
        _TEMPLATE,
        '    if parts.scheme != "https":\n',
        "    if not parts.scheme:\n",
        f"{_TEMPLATE_TESTS}::test_any_other_source_is_refused_without_quoting_its_signature"
        "[S3 over plain http]",
    ),
    guard(
        "An allowed port does not allow the host's other ports.",
        _TEMPLATE,
        "    return f\"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}\".lower()\n",
        '    return f"{parts.hostname}:80".lower()\n',
        f"{_TEMPLATE_TESTS}::test_an_allowed_port_does_not_allow_the_hosts_other_ports",
    ),
    guard(
        "A template's YAML runs nothing.",
        f"{_PACKAGE}/template_text.py",
        "class _Loader(yaml.SafeLoader):\n",
        "class _Loader(yaml.UnsafeLoader):\n",
        f"{_TEMPLATE_TESTS}::test_yaml_that_wants_to_run_code_runs_nothing",
        also=(
            Change(
                file=f"{_PACKAGE}/template_text.py",
                find='event.tag is not None and event.tag.removeprefix("!") not in _SHORT_FORMS',
                replacement="event is None",
            ),
        ),
    ),
    guard(
        "YAML aliases, a few of which make a text of any size, are refused.",
        f"{_PACKAGE}/template_text.py",
        "        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:\n",
        "        if event is None:\n",
        "tests/unit/test_inspection.py::test_yaml_aliases_that_multiply_are_refused_in_one_line",
    ),
    guard(
        "A template that was cut off is refused: nothing in it could report the account.",
        _TEMPLATE,
        '    return "Transform" in template or any(kind.startswith(_RUNNING_TYPES) for kind in kinds)\n',
        "    return template is not kinds\n",
        f"{_TEMPLATE_TESTS}::test_anything_else_is_refused_with_the_reason[roles that nothing reports]",
        "tests/sweep/test_sample.py::test_it_fails_with_one_clear_line_and_the_next_one_converges"
        "[up template download-template: truncated]",
        also=(SOON,),
    ),
    guard(
        "A template that asks for parameters is refused.",
        _TEMPLATE,
        "    if open_parameters:\n",
        "    if open_parameters is None:\n",
        f"{_TEMPLATE_TESTS}::test_anything_else_is_refused_with_the_reason[an open parameter]",
    ),
    guard(
        "The inline limit counts bytes, not characters.",
        _TEMPLATE,
        "len(text.encode()) <=",
        "len(text) <=",
        f"{_TEMPLATE_TESTS}::test_the_inline_limit_counts_bytes_not_characters",
    ),
    guard(
        "templatePolicy refuses a template before the stack is made.",
        f"{_PACKAGE}/template_policy.py",
        "    if found:\n",
        "    if not text:\n",
        "tests/unit/test_template_policy.py::test_what_does_not_fit_is_refused_by_its_name",
        "tests/provider/test_compatible_subnets.py::test_a_template_is_told_and_judged_before_it_is_handed_on",
    ),
    guard(
        "A policy that is misspelt is not one that allows everything.",
        f"{_PACKAGE}/template_policy.py",
        " or set(wire) - set(_KEYS):",
        ":",
        "tests/unit/test_template_policy.py"
        "::test_a_policy_that_is_misspelt_is_not_one_that_allows_everything",
        "tests/component/test_account_link.py"
        "::test_what_is_wrong_is_refused_by_its_name_and_nothing_is_declared_that_makes_something"
        "[a misspelt policy]",
    ),
)

CONFIGURATION = (
    guard(
        "Hosts, tags and subnets that can't be are refused before a link is asked for.",
        _ARGUMENTS,
        "    _refuse_collections_that_can_not_be(given)\n",
        "",
        f"{_CONFIGURATIONS}::test_each_wrong_text_and_each_contradiction_is_refused_by_its_key",
    ),
    guard(
        "A stack name, a region or an account number that can't be one is refused.",
        _ARGUMENTS,
        "    for key, pattern, rule in _TEXTS:\n",
        "    for key, pattern, rule in ():\n",
        f"{_CONFIGURATIONS}::test_each_wrong_text_and_each_contradiction_is_refused_by_its_key",
    ),
    guard(
        "An argument that does not exist is refused.",
        _ARGUMENTS,
        "    if unknown:\n",
        "    if unknown is None:\n",
        "tests/component/test_account_link.py"
        "::test_what_is_wrong_is_refused_by_its_name_and_nothing_is_declared_that_makes_something"
        "[a misspelt argument]",
    ),
    guard(
        "The program passes every setting on.",
        _ACCOUNT_LINK,
        "            tags=stack_tags(given),\n",
        "",
        f"{_CONFIGURATIONS}::test_the_program_declares_what_its_configuration_means_or_names_what_is_wrong",
        "tests/component/test_account_link.py::test_the_arguments_reach_the_resources_they_are_for",
    ),
    guard(
        "awsAccountId refuses any other account.",
        f"{_PACKAGE}/aws_identity.py",
        "    if wanted is not None and str(wanted).strip() != found:\n",
        "    if found is None:\n",
        "tests/component/test_account_link.py"
        "::test_what_is_wrong_is_refused_by_its_name_and_nothing_is_declared_that_makes_something"
        "[another AWS account]",
    ),
    guard(
        "Credentials that AWS does not take are said in one line.",
        f"{_PACKAGE}/aws_identity.py",
        "        raise _credentials_refused(wanted, error) from None\n",
        "        raise\n",
        "tests/component/test_account_link.py::test_credentials_that_aws_does_not_take_are_said_in_one_line",
        "tests/sweep/test_sample.py::test_it_fails_with_one_clear_line_and_the_next_one_converges"
        "[up aws sts.GetCallerIdentity #2: 401]",
    ),
)

SECRETS = (
    guard(
        "What may hold a signature, and the template, are secrets in the state.",
        f"{_PACKAGE}/link_request.py",
        'additional_secret_outputs=["template_url", "template_execution_url", "template_body"]',
        "additional_secret_outputs=[]",
        "tests/component/test_account_link.py::test_what_may_hold_a_signature_is_secret",
        "tests/engine/test_secrets.py"
        "::test_no_secret_is_in_plaintext_in_state_output_or_arguments[environment]",
    ),
    guard(
        "A secret is dots to whoever prints a frame.",
        f"{_PACKAGE}/secret_text.py",
        "        return \"'...'\"\n",
        "        return str.__repr__(self)\n",
        _REPORT,
    ),
    guard(
        "A failure shows the template's address without its signature.",
        _CLIENT,
        'asked=f"download the link\'s template from {without_query(url)}",',
        'asked=f"download the link\'s template from {url}",',
        "tests/engine/test_secrets.py::test_a_failure_shows_no_secret_either",
        f"{_CLIENT_TESTS}::test_a_template_that_does_not_come_is_refused_without_its_signature",
    ),
    guard(
        "Credentials that the service quotes are taken out of its words.",
        _ERRORS,
        "    for secret in secrets:\n",
        "    for secret in ():\n",
        "tests/unit/test_errors.py::test_a_services_text_is_made_one_line_without_secrets",
        f"{_REPLIES}::test_a_reply_becomes_a_value_or_one_of_our_errors[exchange-token]",
    ),
    guard(
        "A token that is refused is named by its setting and not quoted.",
        _AUTH,
        "        secrets=hidden,\n",
        "",
        f"{_CLIENT_TESTS}::test_wrong_credentials_are_named_by_their_setting_and_never_quoted",
    ),
    guard(
        "A link's template URL is dots to whoever prints a frame.",
        _MODELS,
        "template_url=SecretText(template_url),",
        "template_url=template_url,",
        _REPORT,
    ),
    guard(
        "A secret of the aws configuration stays one.",
        f"{_PACKAGE}/aws_provider.py",
        'pulumi.Output.secret(value) if is_config_secret(f"aws:{key}") else value',
        "value",
        "tests/component/test_account_link.py::test_a_secret_of_the_aws_configuration_stays_one",
    ),
    guard(
        "What a library says of a failure does not come with ours.",
        _TRANSPORT,
        "            raise unheard(call, error) from None\n",
        "            raise unheard(call, error) from error\n",
        f"{_CLIENT_TESTS}::test_what_a_library_says_of_a_failure_does_not_come_with_ours",
    ),
    guard(
        "The access token does not go to the template's host.",
        _CLIENT,
        "            largest_bytes=LARGEST_TEMPLATE_BYTES,\n",
        "            largest_bytes=LARGEST_TEMPLATE_BYTES,\n"
        '            headers={"csp-auth-token": self._tokens.get(self._settings, self._transport)},\n',
        f"{_CLIENT_TESTS}::test_the_access_token_does_not_go_to_the_templates_host",
    ),
)
