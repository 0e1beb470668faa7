"""A spec's file -> frozen values. The whole file is judged, before anything is touched."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from vmc_account_link.cli.environment import absolute_backend
from vmc_account_link.errors import RequestError
from vmc_account_link.settings import DEFAULT_CSP_URL, DEFAULT_VMC_URL
from vmc_labs.spec import located_yaml, schema
from vmc_labs.spec.model import Credentials, FleetSpec, LabSpec, Service
from vmc_labs.spec.patterns import expand
from vmc_labs.spec.problems import Problem, Problems, SpecRefused, did_you_mean, key_of
from vmc_labs.spec.validation import IndexedLabs, validate_labs


def load_spec(path: Path, environ: Mapping[str, str] = os.environ) -> FleetSpec:
    """Read a spec's file; see `read_spec`."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise SpecRefused(str(path), [Problem(line=1, path="", reason="it is not text in UTF-8")]) from None
    except OSError as error:
        raise RequestError(f"{path}: {error.strerror}: name the spec's file") from None
    return read_spec(text, file=str(path), environ=environ, folder=path.absolute().parent)


def read_spec(text: str, *, file: str, environ: Mapping[str, str], folder: Path | None = None) -> FleetSpec:
    """Read a spec and judge all of it.

    Args:
        text: YAML.
        file: its name, for messages.
        environ: for what the spec leaves to the environment: ORG_ID, VMC_URL, CSP_URL, and where AWS's shared
            files are.
        folder: what a relative path in it is relative to; None: this process's folder.

    Raises:
        SpecRefused: with every problem of the file.
    """
    try:
        located = located_yaml.read(text)
    except located_yaml.YamlRefused as error:
        problem = Problem(line=error.line, path=key_of(error.path), reason=error.reason)
        raise SpecRefused(file, [problem]) from None
    problems = Problems(located)
    written = _validated(located, problems)
    if written is None:
        raise SpecRefused(file, problems.found)
    labs = _labs(written, problems, environ)
    if not problems.found:
        validate_labs(labs, written, problems, environ)
    if problems.found:
        raise SpecRefused(file, problems.found)
    jitter = written.limits.start_jitter
    return FleetSpec(
        event=written.event,
        backend=absolute_backend(written.backend or "", folder or Path.cwd()),
        secrets_provider=written.secrets_provider,
        labs=tuple(lab for _, lab in labs),
        parallel=written.limits.parallel,
        **({"start_jitter": jitter} if jitter is not None else {}),
    )


def _validated(located: located_yaml.LocatedYaml, problems: Problems) -> schema.Fleet | None:
    if not isinstance(located.data, dict):
        problems.add((), "it is not a spec: `event:` and `labs:` are needed")
        return None
    for path in _empty(located.data, ()):
        problems.add(path, "it is empty: give it a value, or remove the key")
    if problems.found:
        return None
    try:
        return schema.Fleet.model_validate(located.data)
    except ValidationError as error:
        for one in error.errors():
            problems.add(one["loc"], _reason(one, one["loc"]))
        return None


def _empty(data: Any, path: located_yaml.Path) -> Iterator[located_yaml.Path]:
    if data is None:
        yield path
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _empty(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _empty(value, (*path, index))


def _reason(error: Any, path: located_yaml.Path) -> str:
    kind, given = error["type"], error.get("input")
    reason = f"{_shown(given)}: {error['msg'][:1].lower()}{error['msg'][1:]}"
    match kind:
        case "missing":
            reason = "it is missing"
        case "extra_forbidden":
            reason = f"there is no such key{_perhaps(path)}"
        case "string_type" | "int_type" | "bool_type" | "list_type" | "dict_type" | "model_type":
            names = {"string": "text", "int": "a whole number", "bool": "true or false", "list": "a list"}
            expected = names.get(kind.partition("_")[0], "a mapping of keys")
            hint = ": put it in quotes" if expected == "text" and isinstance(given, int | float) else ""
            reason = f"{_shown(given)} is not {expected}{hint}"
        case "string_pattern_mismatch":
            reason = f"{_shown(given)} is not of the form {error['ctx']['pattern']}"
        case "value_error":
            reason = str(error["ctx"]["error"])
        case "too_short" if path == ("labs",):
            reason = "at least one lab is needed"
    return reason


def _perhaps(path: located_yaml.Path) -> str:
    models = (schema.Fleet, schema.Lab, schema.Vmc, schema.Limits, schema.Policy)
    known = {to_camel(field) for model in models for field in model.model_fields}
    word = str(path[-1])
    if re.search(r"(?i)token$|secret$|password", word):
        return ": secrets are never in a spec, export API_TOKEN instead"
    return did_you_mean(word, known)


def _shown(value: object) -> str:
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) <= 60 else text[:59] + "…"


def _labs(written: schema.Fleet, problems: Problems, environ: Mapping[str, str]) -> IndexedLabs:
    labs: IndexedLabs = []
    for index, entry in enumerate(written.labs):
        names = expand(entry.name)
        fields = {
            "awsProfile": _spread(entry.aws_profile, names, ("labs", index, "awsProfile"), problems),
            "roleArn": _spread(entry.role_arn, names, ("labs", index, "roleArn"), problems),
            "awsAccountId": _spread(entry.aws_account_id, names, ("labs", index, "awsAccountId"), problems),
        }
        service = _service(written.vmc, entry.vmc, index, problems, environ)
        for number, name in enumerate(names):
            account, profile = fields["awsAccountId"][number], fields["awsProfile"][number]
            role = _filled(fields["roleArn"][number], name, account, ("labs", index, "roleArn"), problems)
            account = _account(account, role, ("labs", index), problems)
            lab = LabSpec(
                name=name,
                stack=f"{written.event}-{name}",
                service=service,
                credentials=Credentials(
                    profile=_filled(profile, name, account, ("labs", index, "awsProfile"), problems),
                    role_arn=role,
                ),
                aws_account_id=account,
                settings=_settings(written.defaults, entry, name),
                owner=entry.owner or written.defaults.owner,
                ttl=entry.ttl or written.defaults.ttl,
            )
            labs.append((index, lab))
    return labs


def _spread(
    value: str | list[str] | None, names: tuple[str, ...], path: located_yaml.Path, problems: Problems
) -> tuple[str | None, ...]:
    """One value for each lab of an entry."""
    if value is None:
        return (None,) * len(names)
    values = [one for text in ([value] if isinstance(value, str) else value) for one in expand(text)]
    if isinstance(value, str) and len(values) == 1:
        return tuple(values * len(names))
    if len(values) != len(names):
        problems.add(path, f"it stands for {len(values)}, the lab's name for {len(names)}")
        return (None,) * len(names)
    return tuple(values)


def _filled(
    text: str | None, name: str, account: str | None, path: located_yaml.Path, problems: Problems
) -> str | None:
    """The text with `{name}` and `{account}` filled in."""
    if text is None:
        return None
    filled = text.replace("{name}", name)
    if account is not None:
        filled = filled.replace("{account}", account)
    elif "{account}" in filled:
        problems.add(path, "{account} stands for awsAccountId, which is missing")
        return text
    if re.search("[{}]", filled):
        problems.add(path, f"{text!r}: only {{name}}, {{account}} and a range like {{01..30}} are filled in")
    return filled


def _account(
    account: str | None, role: str | None, path: located_yaml.Path, problems: Problems
) -> str | None:
    """The lab's account, which its role names too."""
    of_role = role.split(":")[4] if role and role.count(":") >= 5 else None
    if account and of_role and account != of_role and of_role.isdecimal():
        problems.add((*path, "roleArn"), f"the role is of account {of_role}, awsAccountId is {account}")
    return account or of_role


def _service(
    fleet: schema.Vmc,
    lab: schema.Vmc | None,
    index: int,
    problems: Problems,
    environ: Mapping[str, str],
) -> Service:
    vmc = fleet.model_copy(update=lab.model_dump(exclude_none=True)) if lab else fleet
    org_id = vmc.org_id or environ.get("ORG_ID", "").strip()
    if not org_id:
        path: located_yaml.Path = ("labs", index, "vmc", "orgId") if lab else ("vmc", "orgId")
        problems.add(path, "it is missing, and ORG_ID is not set: the VMC organisation's long id")
    return Service(
        org_id=org_id,
        vmc_url=vmc.vmc_url or environ.get("VMC_URL") or DEFAULT_VMC_URL,
        csp_url=vmc.csp_url or environ.get("CSP_URL") or DEFAULT_CSP_URL,
        token_variable=vmc.token_variable or "API_TOKEN",
    )


_NOT_SETTINGS = frozenset({"ttl", "owner", "name", "aws_profile", "role_arn", "aws_account_id", "vmc"})


def _settings(defaults: schema.Settings, lab: schema.Lab, name: str) -> dict[str, object]:
    """The program's configuration: the lab's own, else the defaults'; tags are merged."""
    names = set(schema.Settings.model_fields) - _NOT_SETTINGS
    own = {field: getattr(lab, field) for field in names if getattr(lab, field) is not None}
    shared = {field: getattr(defaults, field) for field in names if getattr(defaults, field) is not None}
    merged = {**shared, **own}
    if "tags" in shared and "tags" in own:
        merged["tags"] = {**shared["tags"], **own["tags"]}
    if "template_policy" in merged:
        merged["template_policy"] = merged["template_policy"].model_dump(by_alias=True, exclude_none=True)
    if "stack_name" in merged:
        merged["stack_name"] = merged["stack_name"].replace("{name}", name)
    return {field: merged[field] for field in sorted(merged)}
