"""Every key of a spec and every setting of the program, when it is set, has an effect where it belongs.

Real: the spec's reader, the fleet's way to a task, the program, the SDK. Mocked: the engine, what runs labs.
"""

import contextlib
import dataclasses
import json
import runpy
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.json_format import MessageToDict

from tests.support.mocked_engine import (
    CONNECTED,
    EXISTING,
    REQUEST,
    STACK,
    SUBNETS,
    WAIT,
    Recorder,
    Run,
    mocked_engine,
)
from tests.support.paths import REPOSITORY
from vmc_account_link import account_link
from vmc_account_link.settings import VmcSettings
from vmc_account_link.stack_hooks import StackPrecheck
from vmc_labs.commands.up import act
from vmc_labs.engine.lab_engine import LabEngine
from vmc_labs.engine.program import program
from vmc_labs.fleet.plan import plan_up
from vmc_labs.fleet.results import LabResult, LabTask
from vmc_labs.fleet.session import FleetSession
from vmc_labs.fleet.status import FleetSnapshot, LabStatus
from vmc_labs.output.terminal import Output
from vmc_labs.spec.credentials import vmc_settings
from vmc_labs.spec.schema import json_schema
from vmc_labs.state.reader import first_tags

PROVIDER = "pulumi:providers:aws"
NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
ORG = "8120f1bc-8fa6-45fe-9ccd-70ce37730bb0"
OTHER_ORG = "11111111-2222-3333-4444-555555555555"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lab"
URL = "https://vmc.example.com"
ENVIRONMENT = {
    "PULUMI_BACKEND_URL": "file:///states",
    "ORG_ID": ORG,
    "API_TOKEN": "token-of-the-first",
    "OTHER_TOKEN": "token-of-the-other",
}
NEVER = threading.Event()
LIMIT = {"subnetRegion": "us-west-2"}
"""What the settings of subnets need beside them."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effects:
    """What comes of a spec: the first lab's resources, tags and task, and how the fleet is run."""

    declared: Recorder
    watch: VmcSettings | None = None
    """The service's settings as the program's hooks have them."""
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    task: LabTask | None = None
    width: int = 0
    pauses: list[float] = dataclasses.field(default_factory=list)
    requested: list[str] = dataclasses.field(default_factory=list)
    """The arguments of the CLI that makes the stack."""

    def given(self, kind: str, name: str) -> Any:
        """The input of that name of the first resource of a type that has it; None without either."""
        inputs = (MessageToDict(r.object) for r in self.declared.requests if r.type == kind)
        return next((given[name] for given in inputs if name in given), None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A key's value, what else it needs, and where its effect is seen."""

    value: Any
    effect: Callable[[Any], Any]
    expected: Any
    beside: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def declares(kind: str, name: str) -> Callable[[Effects], Any]:
    return lambda observed: observed.given(kind, name)


def parsed(kind: str, name: str) -> Callable[[Effects], Any]:
    """An argument of a provider, which travels as JSON."""
    return lambda observed: json.loads(observed.given(kind, name) or "null")


PROGRAM = {
    "link": Row(value="existing", effect=lambda s: s.given(EXISTING, "account_number"), expected=ACCOUNT),
    "stackName": Row(value="Lab-7", effect=declares(STACK, "name"), expected="Lab-7"),
    "region": Row(value="eu-west-1", effect=declares(PROVIDER, "region"), expected="eu-west-1"),
    "templateHosts": Row(
        value=["host:8443"], effect=declares(REQUEST, "template_hosts"), expected=["host:8443"]
    ),
    "linkTimeoutMinutes": Row(value=7, effect=declares(WAIT, "link_timeout_minutes"), expected=7),
    "unlinkOnDestroy": Row(value=False, effect=declares(CONNECTED, "unlink_on_destroy"), expected=False),
    "relink": Row(value="2", effect=declares(REQUEST, "relink"), expected="2"),
    "relinkDespiteSddcs": Row(value="2", effect=declares(REQUEST, "relink_despite_sddcs"), expected="2"),
    "templatePolicy.resourceTypes": Row(
        value=["AWS::IAM::Role"],
        effect=declares(REQUEST, "template_policy"),
        expected={"resourceTypes": ["AWS::IAM::Role"]},
    ),
    "templatePolicy.trustedAccounts": Row(
        value=[ACCOUNT], effect=declares(REQUEST, "template_policy"), expected={"trustedAccounts": [ACCOUNT]}
    ),
    "subnetRegion": Row(value="us-west-2", effect=declares(SUBNETS, "region"), expected="us-west-2"),
    "sddcType": Row(value="MultiAZ", effect=declares(SUBNETS, "sddc_type"), expected="MultiAZ", beside=LIMIT),
    "sddcHosts": Row(value=4, effect=declares(SUBNETS, "hosts"), expected=4, beside=LIMIT),
    "sddcSubnets": Row(
        value=["subnet-1"], effect=declares(SUBNETS, "chosen"), expected=["subnet-1"], beside=LIMIT
    ),
    "tags": Row(value={"room": "A"}, effect=declares(STACK, "tags"), expected={"room": "A"}),
}
"""Settings that a spec has under `defaults` and for each lab, and Pulumi.yaml as configuration."""
ACCOUNT_ID = Row(value=ACCOUNT, effect=parsed(PROVIDER, "allowedAccountIds"), expected=[ACCOUNT])
OF_A_LAB = {
    **PROGRAM,
    "ttl": Row(value="8h", effect=lambda s: s.tags.get("expires"), expected="2026-01-10T20:00:00+00:00"),
    "owner": Row(value="ann", effect=lambda s: s.tags.get("owner"), expected="ann"),
}
VMC = {
    "orgId": Row(value=OTHER_ORG, effect=lambda s: s.watch.org_id, expected=OTHER_ORG),
    "tokenVariable": Row(
        value="OTHER_TOKEN", effect=lambda s: s.watch.secrets, expected=("token-of-the-other",)
    ),
    "vmcUrl": Row(value=URL, effect=lambda s: s.watch.vmc_url, expected=URL),
    "cspUrl": Row(value=URL, effect=lambda s: s.watch.csp_url, expected=URL),
}
SPEC: dict[str, Row] = {
    "event": Row(value="autumn", effect=lambda s: s.task.lab.stack, expected="autumn-one"),
    "backend": Row(value="s3://bucket", effect=lambda s: s.task.backend, expected="s3://bucket"),
    "secretsProvider": Row(
        value="awskms://alias/states",
        effect=lambda s: (
            s.requested[s.requested.index("--secrets-provider") + 1]
            if "--secrets-provider" in s.requested
            else ""
        ),
        expected="awskms://alias/states",
    ),
    "limits.parallel": Row(value=2, effect=lambda s: s.width, expected=2),
    "limits.startJitter": Row(value="7s", effect=lambda s: set(s.pauses), expected={7.0}),
    **{f"vmc.{key}": row for key, row in VMC.items()},
    **{f"defaults.{key}": row for key, row in OF_A_LAB.items()},
    **{f"labs.{key}": row for key, row in OF_A_LAB.items()},
    **{f"labs.vmc.{key}": row for key, row in VMC.items()},
    "labs.name": Row(value="two", effect=lambda s: s.task.lab.stack, expected="event-two"),
    "labs.awsAccountId": ACCOUNT_ID,
    "labs.awsProfile": Row(value="team-01", effect=declares(PROVIDER, "profile"), expected="team-01"),
    "labs.roleArn": Row(
        value=ROLE,
        effect=parsed(PROVIDER, "assumeRoles"),
        expected=[{"roleArn": ROLE, "sessionName": "vmc-account-link"}],
    ),
}
"""Each key of a spec, by its path without the numbers of labs."""


def leaves(schema: Mapping[str, Any], of: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The keys of a JSON schema that hold a value, by their path."""
    for name, field in of["properties"].items():
        here = f"{path}.{name}" if path else name
        kinds = [field, *field.get("anyOf", []), field.get("items", {})]
        references = [kind["$ref"].rpartition("/")[2] for kind in kinds if "$ref" in kind]
        if references:
            yield from leaves(schema, schema["$defs"][references[0]], here)
        else:
            yield here


def test_every_key_of_a_spec_and_every_setting_of_the_program_has_its_row() -> None:
    schema = json_schema()
    assert set(leaves(schema, schema)) == set(SPEC)
    settings = set(yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())["config"])
    assert {key.partition(".")[0] for key in PROGRAM} | {"awsAccountId"} == settings


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    with mocked_engine() as go:
        yield go


@dataclasses.dataclass
class Nobody(Executor):
    """Runs no lab, and keeps what it was handed."""

    tasks: list[LabTask] = dataclasses.field(default_factory=list)

    def submit(self, _fn: Any, /, *args: Any, **_: Any) -> Future[Any]:
        self.tasks.append(args[0])
        future: Future[Any] = Future()
        future.set_result(LabResult(lab=args[0].lab.name, status=LabStatus.LINKED))
        return future


@pytest.fixture
def effects(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Mapping[str, Any]], Effects]:
    """Follow a spec to all that comes of it."""
    (tmp_path / "config").write_text("[profile team-01]\n")
    cli = tmp_path / "pulumi"
    cli.write_text(f'#!/bin/sh\nfor one in "$@"; do echo "$one"; done > {tmp_path}/asked\n')
    cli.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    environ = {
        **ENVIRONMENT,
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "PATH": f"{tmp_path}:/usr/bin:/bin",
    }

    def follow(spec: Mapping[str, Any]) -> Effects:
        file = tmp_path / "spec.yaml"
        file.write_text(yaml.safe_dump(spec))
        session = FleetSession.open(file, environ=environ)
        nobody, widths, pauses = Nobody(), list[int](), list[float]()

        def no_pause(_shortest: float, longest: float) -> float:
            pauses.append(longest)
            return 0.0

        monkeypatch.setattr("vmc_labs.fleet.scheduler.random.uniform", no_pause)

        def executor(width: int) -> contextlib.nullcontext[Executor]:
            widths.append(width)
            return contextlib.nullcontext(nobody)

        steps = plan_up(session.labs, FleetSnapshot(states={}))
        output = Output(StringIO(), StringIO())
        act(session, steps, parallel=None, output=output, executor=executor)
        task = nobody.tasks[0]
        LabEngine(
            stack=task.lab.stack, folder=task.work_dir, environment=environ, log=lambda _: None,
            stop=NEVER, force_stop=NEVER, is_interruptible=lambda: True,
        ).init(task.secrets_provider)  # fmt: skip
        watched: list[VmcSettings] = []

        class Watch(StackPrecheck):
            def __init__(self, settings: VmcSettings) -> None:
                watched.append(settings)
                super().__init__(settings)

        monkeypatch.setattr(account_link, "StackPrecheck", Watch)
        settings = vmc_settings(task.lab.service, environ)
        declared = run(config={}, program=program(task.lab, settings))
        return Effects(
            declared=declared,
            watch=watched[0] if watched else settings,
            tags=first_tags(task.event, task.lab, NOW),
            task=task,
            width=widths[0],
            pauses=pauses,
            requested=(tmp_path / "asked").read_text().splitlines(),
        )

    return follow


def written(path: str, row: Row | None) -> dict[str, Any]:
    """A spec of three labs, the key of the path set to the row's value."""
    first: dict[str, Any] = {"name": "one"}
    others = [{"name": f"other-{number}", "awsAccountId": f"30000000000{number}"} for number in (1, 2)]
    spec: dict[str, Any] = {"event": "event", "limits": {"parallel": 3}, "labs": [first, *others]}
    if row is None:
        return spec
    where, *steps = path.split(".")
    if where == "labs":
        first.update(row.beside)
        index = first
    else:
        index = spec if not steps else spec.setdefault(where, {})
        steps = steps or [where]
        if where == "defaults":
            index.update(row.beside)
    for step in steps[:-1]:
        index = index.setdefault(step, {})
    index[steps[-1]] = row.value
    return spec


@pytest.mark.parametrize("path", SPEC)
def test_a_key_of_a_spec_does_something(path: str, effects: Callable[[Mapping[str, Any]], Effects]) -> None:
    row = SPEC[path]
    assert row.effect(effects(written(path, None))) != row.expected, "without the key"
    assert row.effect(effects(written(path, row))) == row.expected


@pytest.mark.parametrize("key", [*PROGRAM, "awsAccountId"])
def test_a_setting_of_the_program_does_something(key: str, run: Run) -> None:
    row = PROGRAM.get(key, ACCOUNT_ID)

    def read_with(values: Mapping[str, Any]) -> Any:
        texts = {
            f"vmc-account-link:{k}": v if isinstance(v, str) else json.dumps(v) for k, v in values.items()
        }
        declared = run(
            config={"vmc:orgId": ORG, "vmc:refreshToken": "planted-token", **texts},
            program=lambda: runpy.run_path(str(REPOSITORY / "__main__.py")) and None,
        )
        return row.effect(Effects(declared=declared))

    outer, _, inner = key.partition(".")
    value = {inner: row.value} if inner else row.value
    assert read_with(dict(row.beside)) != row.expected, "without the setting"
    assert read_with({**row.beside, outer: value}) == row.expected
