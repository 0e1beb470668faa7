"""What was observed of a case -> its verdict. Pure."""

import dataclasses
import re
from collections.abc import Sequence
from enum import StrEnum

STACK_NAME = "SDDC-Account-Link"
NOT_REACHED = "not reached"
"""The reason where the fault never took effect."""


class Verdict(StrEnum):
    """How a case ended, as the table has it."""

    SUCCEEDED = "ok"
    CONVERGED = "then ok"
    """It failed, and the next one converged."""
    RECOVERED = "recover"
    """The next one named `vmc-account-link recover`, and after that it converged."""
    FELL_SHORT = "SHORT"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A command that ended, or was ended."""

    code: int | None
    """None: it did not end in time and was killed."""
    output: str
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The world after the last command."""

    live_stacks: tuple[str, ...]
    """Ids of the CloudFormation stacks that are not gone, whatever their name."""
    stacks_made: int
    """Those, and the gone ones, those of earlier cases on the stage too."""
    records: tuple[tuple[str, str, str], ...]
    """(id, state, stack name) of the connected accounts."""
    links: int
    """Links requested in this case."""
    state: tuple[dict[str, object], ...]
    """The resources of the Pulumi state."""
    pending: int
    """Its pending operations."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Everything that a verdict rests on."""

    operation: str
    call: str
    was_reached: bool
    first: Finished
    """The operation that met the fault."""
    second: Finished | None
    """The same again without a fault, where the first failed."""
    recovered: Finished | None
    """`vmc-account-link recover`, where the second failed and named it."""
    third: Finished | None
    """The same once more, after that."""
    unchanged: Finished | None
    """`up --expect-no-changes` after a failure and a success."""
    ending: Ending
    leaks: tuple[str, ...]
    """What secret stood where in plaintext."""


_MAY_REQUEST_AGAIN = {"request-link", "download-template"}
"""A link whose answer, or whose template, was lost is not in the state; it expires by itself."""


def assess(found: Observation) -> tuple[Verdict, str]:
    """The verdict, and what fell short in few words (empty where nothing did)."""
    reasons = [*_of_run(found), *_of_ending(found), *(f"plaintext: {leak}" for leak in found.leaks)]
    if reasons:
        return Verdict.FELL_SHORT, "; ".join(reasons)
    if found.recovered is not None:
        return Verdict.RECOVERED, ""
    return (Verdict.SUCCEEDED if found.first.code == 0 else Verdict.CONVERGED), ""


def _of_run(found: Observation) -> list[str]:
    reasons = [] if found.was_reached else [NOT_REACHED]
    if found.first.code is None:
        reasons.append(f"no end within {found.first.seconds:.0f} s")
    elif found.first.code != 0:
        reasons += complaints(found.first.output)
    if found.recovered is not None and found.second is not None:
        reasons += complaints(found.second.output)
    for which, done in (("next", found.second), ("third", found.third)):
        if done is not None and done.code != 0 and (which == "third" or found.recovered is None):
            said = error_lines(done.output)
            reasons.append(f"the {which} {found.operation} failed: {said[0] if said else 'without a word'}")
    if found.recovered is not None and found.recovered.code != 0:
        reasons.append(f"recover failed: {' '.join(found.recovered.output.split())}")
    if found.unchanged is not None and found.unchanged.code != 0:
        reasons.append("the one after that had changes to make")
    return reasons


def _of_ending(found: Observation) -> list[str]:
    ending = found.ending
    reasons = [f"{ending.links} links requested"] if ending.links > _most_links(found) else []
    return reasons + shortfalls(found.operation, ending)


def shortfalls(operation: str, ending: Ending) -> list[str]:
    """What keeps a world from being as a clean `up` or `destroy` leaves it."""
    pending = [f"{ending.pending} pending operations"] if ending.pending else []
    return pending + (_not_linked(ending) if operation == "up" else _not_gone(ending))


def _most_links(found: Observation) -> int:
    if found.operation == "destroy":
        return 0
    return 2 if found.call in _MAY_REQUEST_AGAIN else 1


def _not_gone(ending: Ending) -> list[str]:
    left = {
        "stacks": len(ending.live_stacks),
        "records": len(ending.records),
        "resources in the state": len(ending.state),
    }
    return [f"{count} {what} left" for what, count in left.items() if count]


def _not_linked(ending: Ending) -> list[str]:
    reasons = []
    if len(ending.live_stacks) != 1:
        reasons.append(f"{len(ending.live_stacks)} live stacks")
    if [record[1:] for record in ending.records] != [("ACTIVE", STACK_NAME)]:
        reasons.append(f"records {[record[1:] for record in ending.records]}")
    by_type: dict[str, list[dict[str, object]]] = {}
    for resource in ending.state:
        by_type.setdefault(str(resource["type"]).rpartition("/")[2].rpartition(":")[2], []).append(resource)
        if resource.get("initErrors"):
            reasons.append(f"{resource['type']} has init errors")
    stacks = [one.get("id") for one in by_type.get("Stack", []) if one.get("custom")]
    if stacks != list(ending.live_stacks):
        reasons.append(f"the state knows {len(stacks)} stacks, not the live one")
    connected = [one.get("outputs") for one in by_type.get("ConnectionWait", [])]
    known = [
        (one.get("connected_account_id"), one.get("connected_account_state"))
        for one in connected
        if isinstance(one, dict)
    ]
    if known != [record[:2] for record in ending.records]:
        reasons.append("the state's connected account is not the record")
    if len(by_type.get("LinkRequest", [])) != 1:
        reasons.append(f"{len(by_type.get('LinkRequest', []))} link requests in the state")
    return reasons


_HEADING = re.compile(r"  \S+ \(.*\):$")
_LIST_OF_ONE = re.compile(r"1 error occurred:$")
_LOGGED = re.compile(r"\s*sdk-v2/provider2\.go:\d+: sdk\.helper_schema: (.*): provider=aws@\S+$")
"""The AWS provider logs an error before it returns it."""
_SUMMARIES = frozenset(
    {
        "update failed",
        "destroy failed",
        "Resource monitor has terminated, shutting down",
        "an unhandled error occurred: program exited with non-zero exit code: 1",
    }
)
_ITEM = re.compile(r"\* \S")


def error_lines(output: str) -> list[str]:
    """What Diagnostics says went wrong, each once, without the engine's summary of it."""
    lines = (line.strip() for line in _diagnostics(output))
    said = (
        _LOGGED.sub(r"\1", line.removeprefix("error: ").removeprefix("* "))
        for line in lines
        if line.startswith(("error: ", "* "))
    )
    return [line for line in dict.fromkeys(said) if not _is_summary(line)]


def complaints(output: str) -> list[str]:
    """What is wrong with how a failure was reported: no line, more than one for an error, a crash."""
    reasons = [f"{word!r} in the output" for word in ("Traceback", "goroutine ", 'File "') if word in output]
    if not error_lines(output):
        reasons.append("no error line")
    is_in_error = False
    for line in _diagnostics(output):
        text = line.strip()
        if not text or _HEADING.match(line):
            is_in_error = False
        elif text.startswith("error: "):
            is_in_error = True
        elif is_in_error and not _ITEM.match(text):
            reasons.append(f"an error of several lines: {text[:80]!r}")
            is_in_error = False
    return reasons


def _is_summary(line: str) -> bool:
    return bool(_LIST_OF_ONE.match(line)) or line in _SUMMARIES


def _diagnostics(output: str) -> Sequence[str]:
    after = output.partition("\nDiagnostics:\n")[2]
    return re.split(r"\n(?:Outputs|Resources|Duration|Policies):", after)[0].splitlines() or [
        line for line in output.splitlines() if line.startswith("error:")
    ]
