"""A new stack that no CLI process makes. Real: files, the engine, the fleet's command line."""

import dataclasses
import json
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pulumi
import pytest
import requests

from labs.commands import recover
from labs.commands.recover import RecoverRequest
from labs.dynamic_provider import DynamicProvider
from labs.lab_engine import PROJECT, LabEngine
from labs.new_stack import made_without_the_engine
from labs.state_files import StateFiles, open_state_files
from sandbox.environment import Sandbox, path_with_engine
from tests.support.fleet_command import fleet_command
from vmc_account_link.settings import ApiToken, VmcSettings

STACK = "event-team-01"
STACKS = Path(".pulumi/stacks") / PROJECT
TAGS = {"lab": "team-01", "event": "event", "owner": "Zoë & <Ann>", "expires": "2026-01-10T20:00:00+00:00"}
SECRET = "hunter2"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A backend in a folder, and a project's folder."""

    root: Path
    folder: Path
    environment: Mapping[str, str]

    @property
    def backend(self) -> str:
        return self.environment["PULUMI_BACKEND_URL"]

    def files(self, environment: Mapping[str, str] | None = None) -> StateFiles | None:
        return open_state_files(self.backend, PROJECT, environment or self.environment)

    def engine(self, folder: Path | None = None, **changes: str) -> LabEngine:
        return LabEngine(
            stack=STACK,
            folder=folder or self.folder,
            environment={**self.environment, **changes},
            log=lambda _: None,
            stop=threading.Event(),
            hurry=threading.Event(),
            may_stop=lambda: True,
        )

    def make(self, *, secrets_provider: str | None = None, without: str = "", **changes: str) -> bool:
        """Whether the stack was made without the engine, in an environment with these changes."""
        environment = {name: v for name, v in {**self.environment, **changes}.items() if name != without}
        return made_without_the_engine(
            STACK,
            self.files(environment),
            folder=self.folder,
            environment=environment,
            secrets_provider=secrets_provider,
        )

    def read(self, name: str) -> bytes:
        return (self.root / STACKS / name).read_bytes()

    def written(self) -> list[str]:
        """The files of stacks."""
        return sorted(path.name for path in (self.root / STACKS).glob("*"))


def place(tmp_path: Path, *, name: str = "backend") -> Place:
    root, folder = tmp_path / name, tmp_path / f"{name}-project"
    folder.mkdir()
    (root / ".pulumi").mkdir(parents=True)
    (root / ".pulumi" / "meta.yaml").write_text("version: 1\n")
    ours = {
        "PULUMI_BACKEND_URL": root.as_uri(),
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "phrase",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }
    return Place(root=root, folder=folder, environment={"PATH": path_with_engine(), **ours})


@pytest.mark.engine
def test_a_new_stacks_files_are_what_the_engine_writes(tmp_path: Path) -> None:
    theirs, ours = place(tmp_path, name="theirs"), place(tmp_path, name="ours")
    (theirs.root / ".pulumi" / "meta.yaml").unlink()
    engine = theirs.engine()
    engine.init(None)
    for name, value in TAGS.items():
        engine.tag(name, value)

    files = ours.files()
    assert files is not None
    assert ours.make()
    assert files.write_first_tags(STACK, TAGS)

    assert (theirs.root / ".pulumi/meta.yaml").read_text() == "version: 1\n", "the layout that is known"
    # The engine first writes an empty state, and keeps it as a copy when it adds how secrets are encrypted.
    assert ours.read(f"{STACK}.json") == theirs.read(f"{STACK}.json.bak")
    assert ours.read(f"{STACK}.pulumi-tags") == theirs.read(f"{STACK}.pulumi-tags")
    added = json.loads(theirs.read(f"{STACK}.json"))["checkpoint"]
    assert set(added) == {"stack", "latest"}
    assert set(added["latest"]) == {"manifest", "secrets_providers", "metadata"}
    assert ours.written() == [f"{STACK}.json", f"{STACK}.pulumi-tags"]

    assert ours.engine().tags() == theirs.engine().tags() == TAGS
    assert ours.engine().stacks("event=event") == (STACK,)
    exported = ours.engine().export()
    assert exported is not None
    assert exported["deployment"] == {}


@pytest.mark.engine
def test_secrets_are_encrypted_as_if_the_engine_had_made_the_stack(tmp_path: Path) -> None:
    here = place(tmp_path)
    files = here.files()
    assert files is not None
    assert here.make()
    assert files.write_first_tags(STACK, TAGS)

    def program() -> None:
        pulumi.export("token", pulumi.Output.secret(SECRET))

    assert here.engine().up(program, no_dynamic_resources(), ignore).code == 0
    state = here.read(f"{STACK}.json")
    assert SECRET.encode() not in state
    latest = json.loads(state)["checkpoint"]["latest"]
    assert latest["secrets_providers"]["type"] == "passphrase"
    salt = latest["secrets_providers"]["state"]["salt"]
    assert (here.folder / f"Pulumi.{STACK}.yaml").read_text() == f"encryptionsalt: {salt}\n"
    assert output(here) == SECRET

    wrong = here.engine(PULUMI_CONFIG_PASSPHRASE="wrong").up(program, no_dynamic_resources(), ignore)
    assert wrong.code != 0
    assert any("incorrect passphrase" in error for error in wrong.errors)
    assert here.read(f"{STACK}.json") == state, "nothing was changed"

    # Another machine, whose project's folder has no settings of this stack.
    assert here.engine(tmp_path / "elsewhere").up(program, no_dynamic_resources(), ignore).code == 0
    assert here.engine().up(program, no_dynamic_resources(), ignore).code == 0, (
        "each with the salt of its own"
    )
    assert SECRET.encode() not in here.read(f"{STACK}.json")
    assert output(here) == SECRET

    assert here.engine().destroy(no_dynamic_resources(), ignore).code == 0
    assert files.get(STACK) is None
    assert not (here.root / STACKS / f"{STACK}.pulumi-tags").exists()
    assert here.make(), "and again"


def no_dynamic_resources() -> DynamicProvider:
    """What an update without any is served."""
    settings = VmcSettings(org_id="none", credentials=ApiToken(value="none"))
    return DynamicProvider(settings, ignore, requests.Session)


def ignore(_: object) -> None:
    """Take an event of the engine's."""


def output(here: Place) -> object:
    """The secret output in plaintext, for somebody with the passphrase."""
    engine = here.engine()
    exported: dict[str, Any] = json.loads(engine._ask("stack", "export", "--show-secrets"))
    return json.loads(exported["deployment"]["resources"][0]["outputs"]["token"]["plaintext"])


@pytest.mark.engine
def test_recover_takes_a_dead_ones_lock_off_a_stack_in_which_nothing_was_done_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = place(tmp_path)
    assert here.make()
    here.engine()
    leave_a_lock(here.root, STACK)
    for name, value in here.environment.items():
        monkeypatch.setenv(name, value)
    told: list[str] = []
    recover.run(RecoverRequest(stack=STACK, folder=here.folder), tell=told.append)
    assert told[-1] == f"stack {STACK} has nothing under way"
    files = here.files()
    assert files is not None
    assert not files.is_locked(STACK)
    assert here.engine().up(lambda: None, no_dynamic_resources(), ignore).code == 0


def leave_a_lock(root: Path, stack: str) -> None:
    """The lock of an engine that was killed on this machine."""
    pid = next(n for n in range(4_000_000, 1, -1) if not psutil.pid_exists(n))
    folder = root / ".pulumi/locks/organization" / PROJECT / stack
    folder.mkdir(parents=True)
    lock = {
        "pid": pid,
        "username": "ann",
        "hostname": socket.gethostname(),
        "timestamp": "2026-01-10T12:00:00Z",
    }
    (folder / "0.json").write_text(json.dumps(lock))


@pytest.mark.engine
def test_a_driver_killed_while_it_made_a_stack_is_gone_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """team-01: its state was written; team-02: its tags; team-03: an earlier stack left its settings."""
    with Sandbox.start(tmp_path / "sandbox", accounts=3, first_poll_seconds=0.2) as box:
        box.control.set_modes(stack_seconds=0.4, task_seconds=0.4)
        spec = tmp_path / "spec.yaml"
        spec.write_text(
            "event: event\ndefaults: {owner: workshop}\nlimits: {parallel: 3}\n"
            'labs:\n  - name: team-{01..03}\n    awsProfile: "{name}"\n'
        )
        root = tmp_path / "sandbox" / "state"
        (root / STACKS).mkdir(parents=True)
        (root / ".pulumi" / "meta.yaml").write_text("version: 1\n")
        backend = open_state_files(box.environment["PULUMI_BACKEND_URL"], PROJECT, {})
        assert backend is not None
        assert backend.make("event-team-01")
        assert backend.write_first_tags("event-team-02", {"event": "event", "settings": "of old"})
        labs = fleet_command(box, tmp_path, monkeypatch, capsys)
        settings = tmp_path / "state/vmc-account-link/events/event/labs/team-03/Pulumi.event-team-03.yaml"
        settings.parent.mkdir(parents=True)
        settings.write_text("config: {}\n")

        done = labs("up", spec)
        assert (done.code, done.out) == (0, "3 ready\n"), done.err
        tags = [json.loads((root / STACKS / f"event-team-0{n}.pulumi-tags").read_text()) for n in (1, 2, 3)]
        assert [t["tags"].keys() for t in tags] == [{"event", "lab", "owner", "settings"}] * 3
        assert labs("up", spec).out == "3 unchanged\n"
        gone = labs("down", spec, "--yes")
        assert (gone.code, gone.out.splitlines()[-1]) == (0, "3 gone"), gone.err


def test_the_layout_that_is_known_is_looked_at_when_a_stack_is_made(tmp_path: Path) -> None:
    """Another lab's engine may have set up a backend that was new when this one opened it."""
    here = place(tmp_path)
    meta = here.root / ".pulumi" / "meta.yaml"
    meta.unlink()
    files = here.files()
    assert files is not None
    assert not files.make(STACK)
    meta.write_text("version: 1\n")
    assert files.make(STACK)


@pytest.mark.parametrize("provider", [None, "default", "passphrase"])
def test_a_stack_with_a_passphrase_needs_no_engine(provider: str | None, tmp_path: Path) -> None:
    here = place(tmp_path)
    (here.folder / "phrase").write_text("phrase")
    assert here.make(secrets_provider=provider)
    (here.root / STACKS / f"{STACK}.json").unlink()
    assert here.make(without="PULUMI_CONFIG_PASSPHRASE", PULUMI_CONFIG_PASSPHRASE_FILE="phrase")


def test_a_stack_that_somebody_else_makes_at_this_moment_is_there_and_stays_as_it_is(tmp_path: Path) -> None:
    here = place(tmp_path)
    files = here.files()
    assert files is not None
    assert here.make()
    assert files.write_first_tags(STACK, TAGS)
    (here.root / STACKS / f"{STACK}.json").write_text("theirs")
    assert here.make()
    assert not files.write_first_tags(STACK, {"event": "another"})
    assert here.read(f"{STACK}.json") == b"theirs"
    assert b"another" not in here.read(f"{STACK}.pulumi-tags")


LEFT_TO_THE_ENGINE: dict[str, dict[str, Any]] = {
    "a key encrypts secrets": {"secrets_provider": "awskms://alias/states"},
    "gzip": {"PULUMI_DIY_BACKEND_GZIP": "1"},
    "gzip, old name": {"PULUMI_SELF_MANAGED_STATE_GZIP": "1"},
    "zstd": {"PULUMI_DIY_BACKEND_ZSTD": "1"},
    "zstd, old name": {"PULUMI_SELF_MANAGED_STATE_ZSTD": "1"},
    "legacy layout": {"PULUMI_DIY_BACKEND_LEGACY_LAYOUT": "1"},
    "legacy layout, old name": {"PULUMI_SELF_MANAGED_STATE_LEGACY_LAYOUT": "1"},
    "no passphrase": {"without": "PULUMI_CONFIG_PASSPHRASE"},
    "no passphrase file's name": {"without": "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE": ""},
    "no passphrase file": {"without": "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE": "nowhere"},
    "a folder for a file": {"without": "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE": "."},
}


@pytest.mark.parametrize("changes", LEFT_TO_THE_ENGINE.values(), ids=LEFT_TO_THE_ENGINE)
def test_the_engine_makes_a_stack_where_up_would_not_come_to_the_same(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    here = place(tmp_path)
    assert not here.make(**changes)
    assert here.written() == []
    assert here.make(), "it is this that makes the difference"


@pytest.mark.parametrize("meta", [None, "version: 0\n", "version: 2\n", "version: 1\nformat: x\n", "[", ""])
def test_the_engine_makes_a_stack_in_a_layout_that_is_not_known(meta: str | None, tmp_path: Path) -> None:
    here = place(tmp_path)
    file = here.root / ".pulumi" / "meta.yaml"
    file.unlink() if meta is None else file.write_text(meta)
    assert not here.make()
    assert here.written() == []


def test_the_engine_makes_a_stack_whose_settings_are_there(tmp_path: Path) -> None:
    here = place(tmp_path)
    (here.folder / f"Pulumi.{STACK}.yaml").write_text("encryptionsalt: v1:of:another\n")
    assert not here.make()
    assert here.written() == []


def test_a_state_that_is_packed_so_that_it_is_not_read_here_is_not_hidden_by_an_empty_one(
    tmp_path: Path,
) -> None:
    here = place(tmp_path)
    (here.root / STACKS).mkdir(parents=True)
    (here.root / STACKS / f"{STACK}.json.zst").write_bytes(b"packed")
    assert not here.make()
    assert here.written() == [f"{STACK}.json.zst"]


def test_a_backend_elsewhere_is_the_engines(tmp_path: Path) -> None:
    assert not made_without_the_engine(
        STACK, None, folder=tmp_path, environment={"PULUMI_CONFIG_PASSPHRASE": "p"}, secrets_provider=None
    )
