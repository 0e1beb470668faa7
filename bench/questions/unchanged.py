"""2. What the everyday commands cost where nothing has changed, beside an empty Pulumi program.

The empty program is the engine's own share: the CLI, the language host, `pip list`, an interpreter with the
SDK.
"""

import concurrent.futures
import dataclasses
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from matplotlib.axes import Axes

from bench import end_state
from bench.cloud import Account, Cloud, cloud
from bench.measure import Measurement, measure
from bench.project import empty_project, link_project, prepare, pulumi
from bench.question_result import Aim, Column, QuestionResult, Value, median, spread
from bench.roles import AWS_PLUGIN
from bench.scale import Scale

NAME = "unchanged"
_TARGET_RATIO = 1.3
_COMMANDS: Mapping[str, Sequence[str]] = {
    "preview": pulumi("preview", "--expect-no-changes"),
    "up": pulumi("up", "--yes", "--expect-no-changes"),
    "refresh": pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes"),
    "destroy": pulumi("destroy", "--yes", "--skip-preview"),
}
_SMOKE_COMMANDS = ("preview",)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CommandRun:
    """One measured command."""

    command: str
    program: str
    """`link` or `empty`."""
    cost: Measurement
    requests: Mapping[str, int]
    waited_seconds: float
    """Of the wall time: from asking AWS to delete the stack to its plugin's last look at it."""

    @property
    def wall_seconds(self) -> float:
        """Without the wait for AWS."""
        return self.cost.wall_seconds - self.waited_seconds


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """A link and an empty stack, both up."""

    account: Account
    environment: Mapping[str, str]
    folders: Mapping[str, Path]
    """By program."""


def ask(scale: Scale) -> QuestionResult:
    """Run every command on both programs, in turn, on a pair of stacks after the other."""
    names = _SMOKE_COMMANDS if scale.is_smoke else tuple(_COMMANDS)
    runs: list[CommandRun] = []
    with cloud(first_poll_seconds=scale.first_poll_seconds, stack_seconds=1.0, task_seconds=1.0) as sandbox:
        # All at once: this is not measured, and mostly waits.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            pairs = list(
                pool.map(_prepared, [sandbox] * scale.repetitions, sandbox.new_accounts(scale.repetitions))
            )
        linked = [pair.account for pair in pairs]
        end_state.must_be_linked(sandbox, linked)
        for pair in pairs:
            for name in names:
                runs += [_run(sandbox, name, program, pair) for program in pair.folders]
                if name == "destroy":
                    linked.remove(pair.account)
                    end_state.must_be_gone(sandbox, [pair.account])
                end_state.must_be_linked(sandbox, linked, links_requested=0)
    return answer(runs)


def _prepared(sandbox: Cloud, account: Account) -> _Pair:
    environment = sandbox.process_environment(account.credentials)
    folders = {
        "link": link_project(sandbox.folder / f"link-{account.number}"),
        "empty": empty_project(sandbox.folder / f"empty-{account.number}"),
    }
    for folder in folders.values():
        prepare("stack", "init", f"lab-{account.number}", folder=folder, environment=environment)
        prepare("up", "--yes", "--skip-preview", folder=folder, environment=environment)
    return _Pair(account=account, environment=environment, folders=folders)


def _run(sandbox: Cloud, name: str, program: str, pair: _Pair) -> CommandRun:
    sandbox.control.clear_journal()
    cost = measure(_COMMANDS[name], environment=pair.environment, folder=pair.folders[program])
    journal = sandbox.control.journal()
    requests: dict[str, int] = {}
    for entry in journal:
        requests[entry.service] = requests.get(entry.service, 0) + 1
    requested = [one.at for one in journal if one.call == "cloudformation.DeleteStack"]
    polled = [one.at for one in journal if one.call == "cloudformation.DescribeStacks"]
    waited = polled[-1] - requested[0] if requested else timedelta()
    sandbox.control.clear_journal()
    return CommandRun(
        command=name,
        program=program,
        cost=cost,
        requests=requests,
        waited_seconds=waited.total_seconds(),
    )


def answer(runs: Sequence[CommandRun]) -> QuestionResult:
    """Put the runs into a table. Pure."""
    rows, aims = [], []
    for name in dict.fromkeys(run.command for run in runs):
        link, empty = (
            [run for run in runs if (run.command, run.program) == (name, program)]
            for program in ("link", "empty")
        )
        cpu = _ratios([run.cost.cpu_seconds for run in link], [run.cost.cpu_seconds for run in empty])
        wall = _ratios([run.wall_seconds for run in link], [run.wall_seconds for run in empty])
        for program, these in (("link", link), ("empty", empty)):
            rows.append(_row(name, program, these))
        rest = [run.cost.cpu_seconds - run.cost.cpu_seconds_by_role.get(AWS_PLUGIN, 0.0) for run in link]
        rows[-2] |= {
            "cpu_ratio": median(cpu),
            "wall_ratio": median(wall),
            "cpu_range": spread(cpu, 2),
            "rest_ratio": median(_ratios(rest, [run.cost.cpu_seconds for run in empty])),
        }
        for what, ratios in (("CPU", cpu), ("wall", wall)):
            aims.append(
                Aim(
                    target=f"{name}: {what} at most {_TARGET_RATIO} x the empty program's",
                    came=f"{median(ratios):.2f} x",
                    is_met=median(ratios) <= _TARGET_RATIO,
                )
            )
    return QuestionResult(
        question=NAME,
        title="Where nothing has changed: beside an empty Pulumi program",
        columns=[
            Column(key="command", heading="command"),
            Column(key="program", heading="program"),
            Column(key="wall", heading="wall s", digits=2),
            Column(key="cpu", heading="CPU s", digits=2),
            Column(key="requests", heading="requests", digits=0),
            Column(key="memory", heading="peak MB", digits=0),
            Column(key="wall_ratio", heading="wall x", digits=2),
            Column(key="cpu_ratio", heading="CPU x", digits=2),
            Column(key="cpu_range", heading="range"),
            Column(key="rest_ratio", heading="CPU x, without the AWS plugin", digits=2),
        ],
        rows=rows,
        aims=aims,
        notes=[
            (
                "Link and empty program run in turn; a ratio is taken pair by pair, and its median is shown. "
                "`up` includes "
                "its preview."
            ),
            (
                "The wait for CloudFormation to delete the stack, which is the AWS provider's and "
                "AWS's, is not "
                "in the wall "
                "time of `destroy`; unlinking is."
            ),
            (
                "The AWS plugin is the real provider with one resource (85 to 97 MB); with all of them it is "
                "larger (300 MB and up)."
            ),
        ],
        runs=[dataclasses.asdict(run) for run in runs],
    )


def _ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Pair by pair: the machine's speed drifts."""
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def _row(name: str, program: str, runs: Sequence[CommandRun]) -> dict[str, Value]:
    return {
        "command": name,
        "program": program,
        "wall": median([run.wall_seconds for run in runs]),
        "cpu": median([run.cost.cpu_seconds for run in runs]),
        "requests": median([float(sum(run.requests.values())) for run in runs]),
        "memory": median([run.cost.peak_pss_bytes / 1e6 for run in runs]),
        "cpu_range": "",
    }


def draw(axes: Axes, answer: QuestionResult) -> None:
    """CPU seconds by command, a bar a program."""
    names = list(dict.fromkeys(str(row["command"]) for row in answer.rows))
    for location, program in enumerate(("empty", "link")):
        heights = [float(row["cpu"] or 0) for row in answer.rows if row["program"] == program]
        axes.bar([n + 0.4 * location for n in range(len(names))], heights, width=0.38, label=program)
    axes.set_xticks([n + 0.2 for n in range(len(names))], names)
    axes.set_ylabel("CPU s")
    axes.legend()
