"""One lab's CLI processes: one `pulumi up` for an inline program, and the few calls around it (ADR 0019)."""

import contextlib
import dataclasses
import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from labs.dynamic_provider import PACKAGE, DynamicProvider
from labs.engine import exported, serve
from labs.errors import LabsError
from labs.holder import recorded
from labs.pending import LINK_TYPE

PROJECT = "vmc-account-link"
"""The name in `Pulumi.yaml`: a lab's stack is a stack of the same project as a plain one."""
_PROJECT_FILE = f"name: {PROJECT}\nruntime: python\n"

_GLANCE_SECONDS = 0.3
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

    Its own, because `labs recover` ends the providers left behind in a project's folder, and because the CLI
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
        hurry: threading.Event,
        may_stop: Callable[[], bool],
    ) -> None:
        """Prepare the folder.

        Args:
            stack: the stack's name.
            folder: made where it is missing.
            environment: of the CLI and of all it starts; nothing of this process's own is added.
            log: takes every line that the CLI says.
            stop: once set, a running update is asked to end, as soon as it may.
            hurry: once set too, at once.
            may_stop: whether this is a safe point. While CloudFormation works on the stack it is none: the
                provider would give the stack up half-way, and the next run would make it anew.
        """
        self.stack = stack
        self.folder = folder
        self._environment = dict(environment)
        self._log = log
        self._must_stop = lambda: stop.is_set() and (hurry.is_set() or may_stop())
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = folder / "Pulumi.yaml"
        if not file.is_file() or file.read_text(encoding="utf-8") != _PROJECT_FILE:
            file.write_text(_PROJECT_FILE, encoding="utf-8")

    def init(self, secrets_provider: str | None) -> None:
        """Create the stack.

        Raises:
            LabsError: the engine refused, in its own words.
        """
        flags = ["--secrets-provider", secrets_provider] if secrets_provider else []
        self._ask("stack", "init", "--no-select", *flags)

    def tag(self, name: str, value: str | None) -> None:
        """Set a stack tag; None: remove it.

        Raises:
            LabsError: the engine refused, in its own words.
        """
        if value is None:
            self._ask("stack", "tag", "rm", name)
        else:
            self._ask("stack", "tag", "set", name, value)

    def tags(self) -> dict[str, str]:
        """The stack's tags.

        Raises:
            LabsError: the engine refused, in its own words.
        """
        found: dict[str, str] = json.loads(self._ask("stack", "tag", "ls", "--json"))
        return found

    def export(self) -> dict[str, Any] | None:
        """The stack's state, secrets encrypted; None where there is no such stack.

        Raises:
            LabsError: the engine refused, in its own words.
        """
        try:
            return exported(self._ask("stack", "export"))
        except LabsError as error:
            if "no stack named" in str(error):
                return None
            raise

    def stacks(self, tag: str) -> tuple[str, ...]:
        """The names of the project's stacks that have a tag, `name=value`.

        Raises:
            LabsError: the engine refused, in its own words.
        """
        listed = json.loads(self._ask("stack", "ls", "--tag", tag, "--output", "json", of_stack=False))
        return tuple(str(stack["name"]).rpartition("/")[2] for stack in listed)

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
        flags += ["--replace", f"**{LINK_TYPE}::*"] if needs_link else []
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
            command = ["pulumi", *arguments, *client, *flags]
            environment = _attached(self._environment, port)
            with _Running(command, self.folder, environment, self._must_stop) as running:
                for line in running.lines():
                    event = _parsed(line)
                    if event is None:
                        self._log(line)
                        if line.startswith("error: "):
                            errors.append(line.removeprefix("error: "))
                        continue
                    on_event(event)
                    diagnostic = event.get("diagnosticEvent", {})
                    if diagnostic.get("severity") == "error":
                        errors.append(str(diagnostic.get("message", "")))
        return Ended(code=running.code, errors=tuple(errors), was_interrupted=running.was_interrupted)

    def _ask(self, *arguments: str, of_stack: bool = True) -> str:
        stack = ["--stack", self.stack] if of_stack else []
        done = subprocess.run(
            ["pulumi", "--non-interactive", "--color", "never", *arguments, *stack],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            # Ctrl-C is the driver's to handle; a call of half a second runs to its end.
            start_new_session=True,
        )
        if done.returncode:
            text = done.stderr.strip() or done.stdout.strip()
            self._log(text)
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            said = next((line for line in lines if line.startswith("error:")), lines[-1] if lines else "")
            raise LabsError(f"pulumi {' '.join(arguments[:2])}: {said.removeprefix('error: ')}")
        return done.stdout


def _attached(environment: Mapping[str, str], port: int) -> Mapping[str, str]:
    """The environment of an engine that finds its dynamic provider on a port instead of starting one."""
    others = environment.get(_ATTACHED)
    return {**environment, _ATTACHED: ",".join(filter(None, (f"{PACKAGE}:{port}", others)))}


def current_backend(environment: Mapping[str, str]) -> str:
    """The URL of the backend that the CLI is logged in to.

    Raises:
        LabsError: it is logged in to none.
    """
    done = subprocess.run(
        ["pulumi", "--non-interactive", "whoami", "--verbose", "--json"],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    with contextlib.suppress(ValueError):
        url = json.loads(done.stdout).get("url")
        if url:
            return str(url)
    raise LabsError("no Pulumi backend: set `backend` in the spec or PULUMI_BACKEND_URL, or `pulumi login`")


class _Running:
    """A running update: its lines, and the one SIGINT that asks it to end."""

    def __init__(
        self, command: list[str], folder: Path, environment: Mapping[str, str], must_stop: Callable[[], bool]
    ) -> None:
        self._process = subprocess.Popen(
            [command[0], "--non-interactive", "--color", "never", *command[1:]],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # The terminal's Ctrl-C reaches the driver alone, which passes on one SIGINT and not two.
            start_new_session=True,
        )
        self._must_stop = must_stop
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
            if self._must_stop():
                self.was_interrupted = True
                with contextlib.suppress(ProcessLookupError):
                    self._process.send_signal(signal.SIGINT)
                return


def _parsed(line: str) -> Event | None:
    """An event of the engine's JSON stream; None for a line that is none."""
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
