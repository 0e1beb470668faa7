"""Inputs of `aws:cloudformation/stack:Stack` -> checked inputs, difference, planned outputs. Pure."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from enum import Enum, auto
from typing import Any

import yaml

from sandbox.aws_plugin.values import UNKNOWN, Properties, is_unknown

TYPE = "aws:cloudformation/stack:Stack"
DEFAULTS = "__defaults"
"""Where the real provider notes which inputs it filled in itself."""
FORCE_NEW = frozenset({"name", "disableRollback", "onFailure", "timeoutInMinutes", "region"})
_PLAIN = ("capabilities", "iamRoleArn", "notificationArns", "policyUrl", "templateUrl")
_OPTIONAL_AND_COMPUTED = ("parameters", "policyBody", "templateBody", "region", "name")
_ZERO_IS_ABSENT = ("disableRollback", "onFailure", "timeoutInMinutes")
SETTABLE = frozenset({*_PLAIN, *_OPTIONAL_AND_COMPUTED, *_ZERO_IS_ABSENT, "tags"})
_SETS = frozenset({"capabilities", "notificationArns"})
_CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
_ON_FAILURE = ("DO_NOTHING", "ROLLBACK", "DELETE")


class Change(Enum):
    """What happens to one property."""

    ADD = auto()
    DELETE = auto()
    UPDATE = auto()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What an update would do."""

    changes: Mapping[str, Change]
    delete_before_replace: bool

    @property
    def replaces(self) -> list[str]:
        """The properties that can't be changed in place."""
        return sorted(key for key in self.changes if key in FORCE_NEW)

    @property
    def has_updates(self) -> bool:
        """Whether CloudFormation would be asked to update, so that the outputs can't be known."""
        return bool(set(self.changes) - FORCE_NEW)


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """An input that can't be used. The reason never quotes the value: it may be secret."""

    property: str
    reason: str


def checked(
    news: Properties, olds: Properties, *, name: str, seed: bytes
) -> tuple[Properties, list[Problem]]:
    """Fill in the name and look at the values.

    Args:
        news: what the program gives.
        olds: the checked inputs of the last run; empty for a new or a replaced resource.
        name: the resource's Pulumi name.
        seed: random bytes from the engine, the same for a repeat of the same step.
    """
    inputs = {key: value for key, value in news.items() if key != DEFAULTS}
    filled: list[str] = []
    if "name" not in inputs:
        kept = olds.get("name") if "name" in olds.get(DEFAULTS, []) else None
        inputs["name"] = kept or f"{name}-{hashlib.sha256(seed).hexdigest()[:7]}"
        filled.append("name")
    problems = [Problem(key, "is not a property of a stack") for key in sorted(set(inputs) - SETTABLE)]
    problems += _problems(inputs)
    return {**inputs, DEFAULTS: filled}, problems


def difference(
    olds: Properties,
    news: Properties,
    default_tags: Mapping[str, str],
    ignored: Iterable[str] = (),
) -> Difference:
    """Compare the stored outputs with the checked inputs.

    An optional and computed property that is absent from the inputs keeps its value; a template is
    compared by what it says, a URL letter by letter.
    """
    roots = {path.split(".")[0].split("[")[0] for path in ignored}
    changes: dict[str, Change] = {}
    for key in sorted(SETTABLE - {"tags"}):
        old, new = olds.get(key), news.get(key)
        if key in _ZERO_IS_ABSENT:
            old, new = old or None, new or None
        if new is None and key in _OPTIONAL_AND_COMPUTED:
            continue
        if key not in roots and _comparable(key, old) != _comparable(key, new):
            changes[key] = _kind(old, new)
    if "tags" not in roots:
        if (olds.get("tags") or {}) != (news.get("tags") or {}):
            changes["tags"] = _kind(olds.get("tags"), news.get("tags"))
        if "tagsAll" not in roots and (olds.get("tagsAll") or {}) != all_tags(news, default_tags):
            changes["tagsAll"] = Change.UPDATE
    name_is_given = "name" not in news.get(DEFAULTS, [])
    return Difference(changes=changes, delete_before_replace=name_is_given and "name" not in changes)


def all_tags(inputs: Properties, default_tags: Mapping[str, str]) -> Any:
    """The stack's tags: the provider's default ones under the resource's own."""
    tags = inputs.get("tags") or {}
    if is_unknown(tags) and not isinstance(tags, dict):
        return UNKNOWN
    return {**default_tags, **tags}


def planned_outputs(
    inputs: Properties,
    olds: Properties,
    *,
    default_tags: Mapping[str, str],
    region: str,
    outputs_change: bool,
) -> Properties:
    """What a preview of a create (`olds` empty) or an update says of the resource."""
    unknown_when_new = dict.fromkeys(("parameters", "policyBody", "templateBody", "outputs"), UNKNOWN)
    kept = {
        key: value
        for key, value in olds.items()
        if key not in SETTABLE or (key in _OPTIONAL_AND_COMPUTED and key not in inputs)
    }
    planned = {**({} if olds else unknown_when_new), **kept, **given(inputs)}
    planned["tagsAll"] = all_tags(inputs, default_tags)
    planned.setdefault("region", region)
    if outputs_change:
        planned["outputs"] = UNKNOWN
    return planned


def given(inputs: Properties) -> Properties:
    """The inputs without the provider's own note."""
    return {key: value for key, value in inputs.items() if key != DEFAULTS}


def normalised_template(text: str) -> str:
    """A JSON template in one form, a YAML one as it is."""
    text = text.replace("\r\n", "\n")
    if text.lstrip().startswith(("{", "[")):
        try:
            return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
        except ValueError:
            return text
    return text


def _comparable(key: str, value: Any) -> Any:
    if value is None or is_unknown(value):
        return value
    if key in _SETS:
        return sorted(value) or None
    if key in {"templateBody", "policyBody"}:
        return normalised_template(value)
    if key == "parameters":
        return {name: str(one) for name, one in value.items()}
    return value


def _kind(old: Any, new: Any) -> Change:
    if old in (None, {}, []):
        return Change.ADD
    return Change.DELETE if new in (None, {}, []) else Change.UPDATE


def _problems(inputs: Properties) -> list[Problem]:
    problems = []
    wanted = _known(inputs.get("capabilities"), list) or []
    if set(wanted) - {UNKNOWN, *_CAPABILITIES}:
        problems.append(Problem("capabilities", f"expected each to be one of {', '.join(_CAPABILITIES)}"))
    on_failure = _known(inputs.get("onFailure"), str)
    if on_failure and on_failure not in _ON_FAILURE:
        problems.append(Problem("onFailure", f"expected to be one of {', '.join(_ON_FAILURE)}"))
    body = _known(inputs.get("templateBody"), str)
    if body is not None and not _is_json_or_yaml(body):
        problems.append(Problem("templateBody", "contains an invalid JSON or YAML document"))
    policy = _known(inputs.get("policyBody"), str)
    if policy is not None and not _is_json(policy):
        problems.append(Problem("policyBody", "contains an invalid JSON"))
    return problems


def _known(value: Any, kind: type) -> Any:
    return value if isinstance(value, kind) and value != UNKNOWN else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _is_json_or_yaml(text: str) -> bool:
    if text.lstrip().startswith(("{", "[")):
        return _is_json(text)
    try:
        # Only the syntax counts: CloudFormation's short forms are unknown tags here.
        for _ in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
    except yaml.YAMLError:
        return False
    return True


def inputs_after_read(old_inputs: Properties, state: Properties) -> Properties:
    """The inputs as AWS has them: after a refresh the given ones, after an import all that say something."""
    if not old_inputs:
        return {
            DEFAULTS: [],
            **{
                key: state[key]
                for key in sorted(SETTABLE - {"region"})
                if state.get(key) not in (None, {}, [], False)
            },
        }
    inputs = dict(old_inputs)
    for key, old in old_inputs.items():
        if key in SETTABLE and key in state and _comparable(key, old) != _comparable(key, state[key]):
            inputs[key] = state[key]
    return inputs
