"""One lab's CLI processes: one `pulumi up` for an inline program, and the few calls around it (ADR 0019)."""

import contextlib
import dataclasses
import json
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from vmc_account_link.errors import CommandFailed
from vmc_account_link.pulumi_cli import PulumiCli, kill, start
from vmc_account_link.recovery.lock_owner import recorded
from vmc_account_link.resource_types import LINK_REQUEST
from vmc_labs.engine.dynamic_provider import PACKAGE, DynamicProvider
from vmc_labs.engine.server import serve
from vmc_labs.private_files import make_folder, write_file
from vmc_labs.state.reader import LabState, read_state

PROJECT = "vmc-account-link"
"""The name in `Pulumi.yaml`: a lab's stack is a stack of the same project as a plain one."""
_PROJECT_FILE = f"name: {PROJECT}\nruntime: python\n"

_GLANCE_SECONDS = 0.3
_GRACE_SECONDS = 5.0
"""From the second SIGINT, at which the engine drops what it does, to its being killed."""
_ATTACHED = "PULUMI_DEBUG_PROVIDERS"
"""The engine's variable: `package:port` of providers that are running already."""

Event = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A CLI process that ended."""

    code: int
    errors: tuple[str, ...]
    """The engine's error messages, in order."""
    was_interrupted: bool


class LabEngine:
    """The CLI for one stack, in a project folder of its own.

    Its own, because a recovery ends the providers left behind in a project's folder, and because the CLI
    writes a stack's salt beside the project file.
    """

    def __init__(
        self,
        *,
        stack: str,
        folder: Path,
        environment: Mapping[str, str],
        log: Callable[[str], None],
        stop: threading.Event,
        force_stop: threading.Event,
        is_interruptible: Callable[[], bool],
    ) -> None:
        """Prepare the folder.

        Args:
            stack: the stack's name.
            folder: made where it is missing.
            environment: of the CLI and of all it starts; nothing of this process's own is added.
            log: takes every line that the CLI says.
            stop: once set, a running update is asked to end, as soon as it may.
            force_stop: once set too, whatever runs is ended at once.
            is_interruptible: whether this is a safe point. While CloudFormation works on the stack it is not,
                as the provider would give the stack up half-way, and the next run would make it again.

        Raises:
            CommandFailed: the folder can't be written.
        """
        self.stack = stack
        self.folder = folder
        self._environment = dict(environment)
        self._log = log
        self._cli = PulumiCli(
            folder, stack, environment=self._environment, log=log, stop=stop, force_stop=force_stop
        )
        self._stop, self._force_stop, self._is_interruptible = stop, force_stop, is_interruptible
        file = folder / "Pulumi.yaml"
        try:
            make_folder(folder)
            if not file.is_file() or file.read_text(encoding="utf-8") != _PROJECT_FILE:
                write_file(file, _PROJECT_FILE)
        except OSError as error:
            raise CommandFailed(
                f"write the lab's folder {folder}: {error.strerror}; check its rights"
            ) from None

    def init(self, secrets_provider: str | None) -> None:
        """Create the stack.

        Raises:
            CommandFailed: the engine refused, in its own words.
        """
        flags = ["--secrets-provider", secrets_provider] if secrets_provider else []
        self._cli.ask("stack", "init", "--no-select", *flags)

    def tag(self, name: str, value: str | None) -> None:
        """Set a stack tag; None: remove it.

        Raises:
            CommandFailed: the engine refused, in its own words.
        """
        if value is None:
            self._cli.ask("stack", "tag", "rm", name)
        else:
            self._cli.ask("stack", "tag", "set", name, value)

    def read_state(self) -> LabState | None:
        """What the stack's state and tags say; None where there is no such stack.

        Raises:
            CommandFailed: the engine refused, in its own words.
        """
        try:
            exported = self._cli.export()
        except CommandFailed as error:
            if "no stack named" in str(error):
                return None
            raise
        tags = json.loads(self._cli.ask("stack", "tag", "ls", "--json"))
        return read_state(self.stack, exported["deployment"], tags)

    def stacks(self, tag: str) -> tuple[str, ...]:
        """The names of the project's stacks that have a tag, `name=value`.

        Raises:
            CommandFailed: the engine refused, in its own words.
        """
        found = json.loads(self._cli.ask("stack", "ls", "--tag", tag, "--output", "json", of_stack=False))
        return tuple(str(stack["name"]).rpartition("/")[2] for stack in found)

    def up(
        self,
        program: Callable[[], None],
        dynamic: DynamicProvider,
        on_event: Callable[[Event], None],
        *,
        refresh: bool = False,
        needs_link: bool = False,
    ) -> Ended:
        """Bring the stack about: one CLI process, no preview.

        Args:
            program: the inline program.
            dynamic: provides its dynamic resources; of this update alone.
            on_event: takes the engine's events, in its own JSON.
            refresh: ask the clouds first; for a stack whose state says that nothing is to be done.
            needs_link: ask for a new link, whatever the last one is good for.
        """
        flags = ["--exec-kind", "auto.inline", "--suppress-outputs", *(["--refresh"] if refresh else [])]
        flags += ["--replace", f"**{LINK_REQUEST}::*"] if needs_link else []
        return self._update(["up", *flags], dynamic, on_event, program)

    def destroy(self, dynamic: DynamicProvider, on_event: Callable[[Event], None]) -> Ended:
        """Take everything down and remove the stack; no program runs."""
        return self._update(["destroy", "--remove"], dynamic, on_event)

    def _update(
        self,
        arguments: list[str],
        dynamic: DynamicProvider,
        on_event: Callable[[Event], None],
        program: Callable[[], None] | None = None,
    ) -> Ended:
        errors: list[str] = []
        with serve(dynamic, program) as port, contextlib.closing(dynamic):
            client = [f"--client=127.0.0.1:{port}"] if program else []
            flags = ["--yes", "--skip-preview", "--json", "--stack", self.stack]
            command = [*arguments, *client, *flags]
            environment = _attached(self._environment, port)
            running = _Running(
                command,
                self.folder,
                environment,
                stop=self._stop,
                force_stop=self._force_stop,
                is_interruptible=self._is_interruptible,
            )
            listener_error = ""
            with running:
                for line in running.lines():
                    event = _parsed(line)
                    error = _error_of(line) if event is None else _error_in(event)
                    if error is not None:
                        errors.append(error)
                    try:
                        self._log(line) if event is None else on_event(event)
                    except Exception:  # noqa: BLE001 - a CLI whose output nobody takes dies of it
                        listener_error = traceback.format_exc()
        if listener_error:
            self._log(listener_error)
        return Ended(code=running.code, errors=tuple(errors), was_interrupted=running.was_interrupted)


def _attached(environment: Mapping[str, str], port: int) -> Mapping[str, str]:
    """The environment of an engine that finds its dynamic provider on a port instead of starting one."""
    others = environment.get(_ATTACHED)
    return {**environment, _ATTACHED: ",".join(filter(None, (f"{PACKAGE}:{port}", others)))}


def current_backend(environment: Mapping[str, str]) -> str:
    """The URL of the backend that the CLI is logged in to.

    Raises:
        CommandFailed: it is logged in to none, or did not say within a minute.
    """
    hint = "set `backend` in the spec or PULUMI_BACKEND_URL, or `pulumi login`"
    try:
        url = PulumiCli(Path.cwd(), environment=environment, stop=threading.Event()).backend_url()
    except CommandFailed as error:
        raise CommandFailed(f"{error}; {hint}") from None
    if not url:
        raise CommandFailed(f"no Pulumi backend: {hint}")
    return url


class _Running:
    """A running update: its lines, and how it is asked to end (one SIGINT), or ended."""

    def __init__(
        self,
        command: list[str],
        folder: Path,
        environment: Mapping[str, str],
        *,
        stop: threading.Event,
        force_stop: threading.Event,
        is_interruptible: Callable[[], bool],
    ) -> None:
        # The terminal's Ctrl-C reaches the driver alone, which passes on as much of it as is right.
        self._process = start(command, folder, environment, own_session=True, merged=True)
        self._stop, self._force_stop, self._is_interruptible = stop, force_stop, is_interruptible
        # A driver that is killed leaves the record, by which the next one knows whose the lock is.
        self._record = contextlib.ExitStack()
        self._record.enter_context(recorded(self._process.pid, folder))
        self._has_ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name=f"stop {folder.name}", daemon=True)
        self.was_interrupted = False
        self.code = -1

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdout:
            self._process.stdout.close()
        self.code = self._process.wait()
        self._record.close()
        self._has_ended.set()
        self._watcher.join()

    def lines(self) -> Iterator[str]:
        """What it says, until it ends."""
        assert self._process.stdout is not None  # noqa: S101 # nosec B101 - for the type checker
        return map(str.rstrip, self._process.stdout)

    def _watch(self) -> None:
        while not self._has_ended.wait(_GLANCE_SECONDS):
            if self._force_stop.is_set():
                self._end_now()
                return
            if self._stop.is_set() and not self.was_interrupted and self._is_interruptible():
                self._interrupt()

    def _end_now(self) -> None:
        """Have the engine drop what it does: it gives its lock back and writes down what was under way."""
        for _ in range(1 if self.was_interrupted else 2):
            self._interrupt()
            if self._has_ended.wait(_GLANCE_SECONDS):
                return
        if not self._has_ended.wait(_GRACE_SECONDS):
            kill(self._process)

    def _interrupt(self) -> None:
        self.was_interrupted = True
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)


def _parsed(line: str) -> Event | None:
    """An event of the engine's JSON stream; None for a line that is none."""
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _error_of(line: str) -> str | None:
    return line.removeprefix("error: ") if line.startswith("error: ") else None


def _error_in(event: Event) -> str | None:
    diagnostic = event.get("diagnosticEvent") or {}
    return str(diagnostic.get("message", "")) if diagnostic.get("severity") == "error" else None
