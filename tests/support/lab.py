"""One Pulumi stack of the real program, driven by the real engine against a sandbox of its own."""

import atexit
import dataclasses
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox.environment import Sandbox
from tests.support.paths import REPOSITORY

ACCOUNT = "123456789012"
"""The AWS account of the sandbox."""
_INTERPRETER = Path(__file__).with_name("python")
_KEPT_LISTS = Path(tempfile.mkdtemp(prefix="vmc-kept-lists-"))
atexit.register(shutil.rmtree, _KEPT_LISTS, ignore_errors=True)
_NEW_STACKS: dict[str, dict[tuple[str, Path], bytes]] = {}
"""Stack -> (`project` or `state`, path in it) -> content, where nothing was done yet."""
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_COMMAND_SECONDS = 120


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished command."""

    code: int
    output: str
    """Standard output and error as the person saw them, without colours."""

    def error_lines(self) -> list[str]:
        """The lines that report an error under Diagnostics, each once."""
        lines = (line.strip() for line in self.output.splitlines())
        return list(dict.fromkeys(line for line in lines if line.startswith("error:")))


class Lab:
    """A copy of the program's two files in a folder of its own, and a Pulumi stack."""

    def __init__(self, box: Sandbox, folder: Path, *, stack: str = "lab") -> None:
        """Create the stack."""
        self.box = box
        self.control = box.control
        self.folder = folder
        self.environment: dict[str, str] = {}
        """Changes to the environment of later commands; an empty value takes a variable away."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(REPOSITORY / name, folder / name)
        # The official language host takes the interpreter from the project's folder.
        (folder / ".venv").symlink_to(sys.prefix)
        self.stack = stack
        self._create_stack()

    def _create_stack(self) -> None:
        """`pulumi stack init`, or what it wrote for this process's first lab of that name."""
        roots = {"project": self.folder, "state": self.box.folder / "state"}
        files = {"project": f"Pulumi.{self.stack}.yaml", "state": "**/*"}
        written = _NEW_STACKS.get(self.stack)
        in_files = self.box.environment["PULUMI_BACKEND_URL"].startswith("file:")
        if written is None or not in_files:
            is_first = in_files and not any(roots["state"].glob("**/*.json"))
            self.must("stack", "init", self.stack)
            if is_first:
                _NEW_STACKS[self.stack] = {
                    (name, path.relative_to(root)): path.read_bytes()
                    for name, root in roots.items()
                    for path in root.glob(files[name])
                    if path.is_file()
                }
            return
        for (name, path), content in written.items():
            (roots[name] / path).parent.mkdir(parents=True, exist_ok=True)
            (roots[name] / path).write_bytes(content)

    def command_environment(self) -> dict[str, str]:
        """The whole environment of a command."""
        ours = {
            "PULUMI_PYTHON_CMD": str(_INTERPRETER),
            "KEPT_PYTHON": sys.executable,
            "KEPT_LISTS": str(_KEPT_LISTS),
            "PULUMI_STACK": self.stack,
        }
        environment = {**self.box.process_environment(), **ours, **self.environment}
        return {name: value for name, value in environment.items() if value}

    def run(self, *arguments: str, stdin: str | None = None) -> Run:
        """Run `pulumi` with these arguments and wait for it."""
        done = subprocess.run(
            ["pulumi", "--non-interactive", "--color", "never", *arguments],
            cwd=self.folder,
            env=self.command_environment(),
            input=stdin if stdin is not None else "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        return Run(code=done.returncode, output=_ANSI.sub("", done.stdout))

    def start(self, operation: str, *, output: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Start `pulumi up` or `pulumi destroy` as a terminal does, in a process group of its own."""
        return subprocess.Popen(
            ["pulumi", operation, "--yes", "--skip-preview", "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self.command_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def must(self, *arguments: str, stdin: str | None = None) -> Run:
        """As `run`, and fail the test with the output where the command fails."""
        done = self.run(*arguments, stdin=stdin)
        assert done.code == 0, f"pulumi {' '.join(arguments)} exited with {done.code}:\n{done.output}"
        return done

    def set(self, settings: Mapping[str, str], *, secret: bool = False) -> None:
        """Set configuration, each value over standard input as the README says for secrets."""
        for key, value in settings.items():
            self.must("config", "set", *(["--secret"] if secret else []), key, stdin=value)

    def up(self, *flags: str) -> Run:
        """`pulumi up` without its preview, which must succeed."""
        return self.must("up", "--yes", "--skip-preview", *flags)

    def destroy(self) -> Run:
        """`pulumi destroy` without its preview, which must succeed."""
        return self.must("destroy", "--yes", "--skip-preview")

    def fail(self, operation: str) -> Run:
        """`pulumi up` or `pulumi destroy` without its preview, which must fail without a traceback."""
        done = self.run(operation, "--yes", "--skip-preview")
        assert done.code != 0, f"pulumi {operation} succeeded:\n{done.output}"
        assert "Traceback" not in done.output, done.output
        return done

    def fail_up(self) -> Run:
        """See `fail`."""
        return self.fail("up")

    def is_linked(self) -> None:
        """One live ACTIVE record of its stack, as the state says, and another `up` has nothing to do."""
        (record,) = self.control.connected_accounts()
        assert (record.state, record.cf_stack_name) == ("ACTIVE", "SDDC-Account-Link")
        outputs = self.outputs()
        assert (outputs["connected_account_id"], outputs["connected_account_state"]) == (record.id, "ACTIVE")
        assert "pending" not in self.must("up", "--yes", "--skip-preview", "--expect-no-changes").output

    @contextmanager
    def hours_ago(self) -> Iterator[None]:
        """Let the services' clock be two hours back: a link requested in here has expired afterwards."""
        self.control.advance(-7200)
        yield
        self.control.advance(7200)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        (stack,) = (r for r in self._stored() if r["type"] == "pulumi:pulumi:Stack")
        outputs: dict[str, Any] = stack.get("outputs", {})
        return outputs

    def resources(self) -> dict[str, dict[str, Any]]:
        """Type -> resource, as the state has it, without the provider and the stack itself."""
        return {
            resource["type"].rpartition("/")[2].rpartition(":")[2]: resource
            for resource in self._stored()
            if not resource["type"].startswith("pulumi:")
        }

    def _stored(self) -> list[dict[str, Any]]:
        """The state's resources, from the backend's own file where it is one: `stack export` costs 0.4 s."""
        backend = urlsplit(self.command_environment()["PULUMI_BACKEND_URL"])
        if backend.scheme != "file":
            deployment = json.loads(self.must("stack", "export").output)["deployment"]
            return list(deployment.get("resources") or [])
        (file,) = Path(backend.path).glob(f"**/stacks/**/{self.stack}.json")
        latest = json.loads(file.read_text(encoding="utf-8"))["checkpoint"]["latest"] or {}
        return list(latest.get("resources") or [])

    def calls(self, *, service: str | None = None) -> list[str]:
        """The names of the calls that the sandbox answered since the journal was cleared, in order."""
        return [entry.call for entry in self.control.journal(service=service)]
