"""One lab, from beginning to end: look, recover where a crash left something, do, record.

Every step may be the last one of this process: the next run of the same lab goes on from what it finds.
"""

import dataclasses
import os
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

from vmc_account_link.aws_reader import AwsReader
from vmc_account_link.errors import CommandFailed, Interrupted, VmcError, WaitInterrupted, safe_text
from vmc_account_link.internal_errors import internal_error
from vmc_account_link.recovery import orphaned_engines
from vmc_account_link.stack_hooks import was_rejected
from vmc_labs.engine import program
from vmc_labs.engine.dynamic_provider import DynamicProvider
from vmc_labs.engine.events import Watch, error_line
from vmc_labs.engine.lab_engine import PROJECT, Ended, LabEngine
from vmc_labs.fleet.lab_log import LabLog
from vmc_labs.fleet.results import TEMPLATE, LabProgress, LabResult, LabTask, Verb
from vmc_labs.fleet.sharing import SharingClient
from vmc_labs.fleet.status import FleetSnapshot, LabStatus
from vmc_labs.spec.credentials import aws_access, engine_environment, vmc_settings
from vmc_labs.state.files import StateFiles, open_state_files
from vmc_labs.state.reader import (
    CHANGING,
    LabState,
    error_tag,
    first_tags,
    read_state,
    settings_digest,
)

_ATTEMPTS = 3
"""How often an update is begun: what a crash left shows itself as a lock first, then as a taken name."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """How a running lab tells its progress and hears of Ctrl-C, within one process."""

    emit_progress: Callable[[LabProgress], None]
    stop: threading.Event
    """Set on Ctrl-C: no new labs, and the running ones end at a safe point."""
    force_stop: threading.Event = dataclasses.field(default_factory=threading.Event)
    """Set on the second one: end now; what was under way is found again by the next run."""


def run_lab(task: LabTask, control: Control | None = None) -> LabResult:
    """Do what the task says; failures come back as a result, not as an exception.

    Credentials come from the environment of the process that runs this (the VMC token, AWS), never from the
    task.
    """
    control = control or Control(emit_progress=lambda _: None, stop=threading.Event())
    start = time.monotonic()
    with LabLog(task.log_file, task.lab.name, control.emit_progress) as log:
        log.step(task.verb, "starting")
        try:
            result = _Lab(task, control, log).run()
        except (Interrupted, WaitInterrupted) as error:
            result = LabResult(lab=task.lab.name, status=LabStatus.INTERRUPTED, error=str(error))
        except (CommandFailed, VmcError) as error:
            result = LabResult(lab=task.lab.name, status=LabStatus.FAILED, error=str(error))
        except OSError as error:
            log.write(traceback.format_exc())
            where = f" ({error.filename})" if error.filename else ""
            reason = f"this machine: {error.strerror or type(error).__name__}{where}; run the command again"
            result = LabResult(lab=task.lab.name, status=LabStatus.FAILED, error=reason)
        except Exception as error:  # noqa: BLE001 - one lab's bug must not end the others
            token = os.environ.get(task.lab.service.token_variable, "")
            keep = log.keep if task.log_file else None
            bug = internal_error(f"{task.verb} lab {task.lab.name}", error, [token], keep)
            result = LabResult(lab=task.lab.name, status=LabStatus.FAILED, error=str(bug))
        log.write(f"[{result.status}] {result.error or 'done'}")
    return dataclasses.replace(result, seconds=time.monotonic() - start)


class _Lab:
    """A lab that is at work in this process."""

    def __init__(self, task: LabTask, control: Control, log: LabLog) -> None:
        self._settings = vmc_settings(task.lab.service, os.environ)
        self._task, self._lab, self._log, self._control = task, task.lab, log, control
        self._environment = engine_environment(
            os.environ, token_variables=task.token_variables, backend=task.backend
        )
        self._watch = Watch()
        self._engine = LabEngine(
            stack=task.lab.stack,
            folder=task.work_dir,
            environment=self._environment,
            log=log.write,
            stop=control.stop,
            force_stop=control.force_stop,
            is_interruptible=lambda: self._watch.phase != "stack",
        )
        self._files: StateFiles | None = open_state_files(task.backend, PROJECT, os.environ)

    def run(self) -> LabResult:
        match self._task.verb:
            case Verb.UP:
                return self._up()
            case Verb.DOWN:
                return self._down()
            case Verb.RECOVER:
                return self._recovered()

    def _up(self) -> LabResult:
        if self._task.blocked:
            raise CommandFailed(self._task.blocked)
        before = self._read_state() or self._make_stack()
        self._tag_missing(before)
        has_other_settings = before.settings not in {None, settings_digest(self._lab)}
        if has_other_settings:
            self._engine.tag(CHANGING, "yes")
        run = program.program(self._lab, self._settings)
        refresh = before.is_linked
        ended = self._until_free(
            before,
            lambda: self._engine.up(
                run, self._dynamic(), self._take, refresh=refresh, needs_link=self._task.needs_link
            ),
        )
        after = self._read_state()
        if ended.code or after is None or not after.is_linked:
            return self._failed(ended, after or before)
        if CHANGING in after.tags:
            self._engine.tag(CHANGING, None)
        if after.error:
            self._engine.tag("error", None)
        return self._result(LabStatus.LINKED, after)

    def _down(self) -> LabResult:
        before = self._read_state()
        if before is None:
            return self._result(LabStatus.ABSENT, None, has_changed=False)
        if before.has_pending or _may_hide_a_stack(before):
            self._recover()
            before = self._read_state() or before
        ended = self._until_free(before, lambda: self._engine.destroy(self._dynamic(), self._take))
        after = self._read_state()
        if ended.code == 0 and after is None:
            return self._result(LabStatus.ABSENT, None)
        return self._failed(ended, after or before)

    def _recovered(self) -> LabResult:
        has_changed = self._read_state() is not None and self._recover()
        after = self._read_state()
        snapshot = FleetSnapshot(states={after.stack: after} if after else {})
        return self._result(snapshot.find(self._lab).status, after, has_changed=has_changed)

    def _until_free(self, before: LabState, update: Callable[[], Ended]) -> Ended:
        """Run an update, putting right what a crash has left where it stands in the way."""
        if before.has_pending:
            self._recover()
        for _ in range(_ATTEMPTS - 1):
            ended = update()
            if not orphaned_engines.is_recoverable_failure(ended.errors) or self._control.stop.is_set():
                return ended
            self._recover()
        return update()

    def _recover(self) -> bool:
        """Put right what a crash has left; whether anything had to be."""
        self._log.step("recover", "repairing what a crash has left")
        return orphaned_engines.recover(
            self._lab.stack,
            self._task.work_dir,
            self._environment,
            emit_progress=self._log.say,
            lost_hosts=self._task.lost_hosts,
            force=self._task.force,
        )

    def _read_state(self) -> LabState | None:
        return self._files.get(self._lab.stack) if self._files else self._engine.read_state()

    def _make_stack(self) -> LabState:
        """Make the Pulumi stack, unless AWS's credentials are no good: nothing is left of such a lab."""
        number = AwsReader(aws_access(self._lab)).caller().account
        account = self._lab.aws_account_id
        if account and number != account:
            raise CommandFailed(f"the AWS credentials belong to account {number}, awsAccountId is {account}")
        self._log.step("stack", "creating the Pulumi stack")
        self._engine.init(self._task.secrets_provider)
        return read_state(self._lab.stack, {}, {})

    def _tag_missing(self, before: LabState) -> None:
        """Add the tags that the stack should have had from its making."""
        for name, value in first_tags(self._task.event, self._lab, datetime.now(UTC)).items():
            if name not in before.tags:
                self._engine.tag(name, value)

    def _dynamic(self) -> DynamicProvider:
        return DynamicProvider(self._settings, self._emit_progress, SharingClient)

    def _emit_progress(self, line: str) -> None:
        """Take a provider's line: while the link is requested, what its template makes."""
        phase = TEMPLATE if self._watch.phase == "link" else self._watch.phase
        self._log.step(phase, safe_text(line))

    def _take(self, event: object) -> None:
        line = self._watch.take(event) if isinstance(event, dict) else None
        if line:
            self._log.step(self._watch.phase, line)

    def _failed(self, ended: Ended, state: LabState) -> LabResult:
        if ended.was_interrupted:
            return dataclasses.replace(
                self._result(LabStatus.INTERRUPTED, state),
                error="interrupted; nothing is lost: the next run goes on",
            )
        error = error_line(ended.errors)
        if state.error != error_tag(error):
            self._engine.tag("error", error_tag(error))
        return dataclasses.replace(self._result(LabStatus.FAILED, state), error=error)

    def _result(self, status: LabStatus, state: LabState | None, *, has_changed: bool = True) -> LabResult:
        outputs = dict(state.outputs) if state else {}
        return LabResult(lab=self._lab.name, status=status, outputs=outputs, has_changed=has_changed)


def _may_hide_a_stack(state: LabState) -> bool:
    """Whether a stack may have been made that the state does not know, and a destroy would leave."""
    link = state.unfinished
    return link is not None and not link.has_stack and not was_rejected(state.error or "")
