"""The guards of stacks that no CLI process makes: only where there is none, only where it is the same."""

from tests.guards.mutant import guard

_NEW_STACK = "labs/new_stack.py"
_STATE_FILES = "labs/state_files.py"
_STORES = "labs/stores.py"

_NEW_STACK_TESTS = "tests/labs/test_new_stack.py"
_STORE_TESTS = "tests/labs/test_stores.py"

_BY_THE_ENGINE = f"{_NEW_STACK_TESTS}::test_the_engine_makes_a_stack_where_up_would_not_come_to_the_same"

NEW_STACKS = (
    guard(
        "A new stack's state is what the engine writes first.",
        _STATE_FILES,
        '        state = {"version": 0, "checkpoint": ',
        '        state = {"version": 3, "checkpoint": ',
        f"{_NEW_STACK_TESTS}::test_a_new_stacks_files_are_what_the_engine_writes",
    ),
    guard(
        "A file in a folder is written only where there is none.",
        _STORES,
        "            path.hardlink_to(draft)\n",
        "            draft.replace(path)\n",
        f"{_STORE_TESTS}::test_of_many_makers_one_makes_the_file_and_it_is_whole",
        f"{_NEW_STACK_TESTS}::test_a_stack_that_somebody_else_makes_at_this_moment_is_there_and_stays_as_it_is",
    ),
    guard(
        "A file in a folder is whole before it has its name.",
        _STORES,
        '        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")\n',
        "        draft = path\n",
        f"{_STORE_TESTS}::test_a_maker_that_dies_while_it_writes_leaves_no_file",
    ),
    guard(
        "An object in S3 is written only where there is none.",
        _STORES,
        ', IfNoneMatch="*")\n',
        ")\n",
        f"{_STORE_TESTS}::test_an_object_is_never_written_over",
    ),
    guard(
        "A bucket whose states the engine encrypts with a key of the URL's is written to by it alone.",
        _STORES,
        "        if self._is_encrypted_by_the_engine:\n",
        "        if self is None:\n",
        f"{_STORE_TESTS}::test_a_bucket_whose_states_the_engine_encrypts_is_left_to_it",
    ),
    guard(
        "Where a file can't be written only where there is none, it is not.",
        _STORES,
        "            if error.errno in _NO_HARD_LINKS:\n",
        "            if error is None:\n",
        f"{_STORE_TESTS}::test_a_folder_without_hard_links_is_left_to_the_engine",
    ),
    guard(
        "A stack whose secrets a key encrypts is made by the engine.",
        _NEW_STACK,
        "    if files is None or secrets_provider not in OF_A_PASSPHRASE or packs_states(environment):\n",
        "    if files is None or packs_states(environment):\n",
        f"{_BY_THE_ENGINE}[a key encrypts secrets]",
    ),
    guard(
        "A stack whose state is packed is made by the engine.",
        _NEW_STACK,
        "    if files is None or secrets_provider not in OF_A_PASSPHRASE or packs_states(environment):\n",
        "    if files is None or secrets_provider not in OF_A_PASSPHRASE:\n",
        f"{_BY_THE_ENGINE}[gzip]",
        f"{_BY_THE_ENGINE}[gzip, old name]",
    ),
    guard(
        "Without a passphrase the engine says so, before there is a stack.",
        _NEW_STACK,
        " or not _has_passphrase(folder, environment):\n",
        ":\n",
        f"{_BY_THE_ENGINE}[no passphrase]",
    ),
    guard(
        "A stack whose settings are there already is made by the engine.",
        _NEW_STACK,
        '    if (folder / f"Pulumi.{stack}.yaml").exists() or ',
        "    if ",
        f"{_NEW_STACK_TESTS}::test_the_engine_makes_a_stack_whose_settings_are_there",
    ),
    guard(
        "In a layout that is not known the engine makes the stack.",
        _STATE_FILES,
        "        if not _is_known(self._meta) or ",
        "        if ",
        f"{_NEW_STACK_TESTS}::test_the_engine_makes_a_stack_in_a_layout_that_is_not_known",
    ),
    guard(
        "A state that is not read here is not hidden by an empty one.",
        _STATE_FILES,
        ' or self._store.read(f"{name}.zst") is not None:\n',
        ":\n",
        f"{_NEW_STACK_TESTS}::test_a_state_that_is_packed_so_that_it_is_not_read_here_is_not_hidden_by_an_empty_one",
    ),
    guard(
        "What no other way makes, `stack init` does.",
        "labs/run.py",
        "            self._engine.init(self._task.secrets_provider)\n",
        "            pass\n",
        f"{_NEW_STACK_TESTS}::test_a_driver_killed_while_it_made_a_stack_is_gone_on_from",
    ),
    guard(
        "A stack in which nothing was ever done can be recovered and looked at.",
        "labs/engine.py",
        '    return {**state, "deployment": state["deployment"] or {}}\n',
        "    return state\n",
        f"{_NEW_STACK_TESTS}::test_recover_takes_a_dead_ones_lock_off_a_stack_in_which_nothing_was_done_yet",
        f"{_NEW_STACK_TESTS}::test_a_new_stacks_files_are_what_the_engine_writes",
    ),
)
