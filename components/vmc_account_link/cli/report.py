"""A template's report as text, in full. Pure."""

from collections.abc import Iterable, Iterator

from vmc_account_link.template.report import CustomResource, Function, Role, TemplateReport, format_principal


def report_lines(report: TemplateReport) -> Iterator[str]:
    """What the template creates, whom it trusts, and what it runs."""
    roles = {role.logical_id for role in report.roles}
    yield from _section("Resources", _resource_lines(report))
    yield from _section("Roles", (line for role in report.roles for line in _role_lines(role)))
    yield from _section(
        "Others that are trusted",
        (
            f"  {one.logical_id}: {format_principal(one)}"
            for one in report.trusts
            if one.logical_id not in roles
        ),
    )
    code = (*map(_custom_line, report.custom_resources), *map(_function_line, report.functions))
    yield from _section("Code that runs", code)


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """The lines under their title; nothing where there are none."""
    for number, line in enumerate(lines):
        if number == 0:
            yield title
        yield line


def _resource_lines(report: TemplateReport) -> Iterator[str]:
    for kind, ids in report.resources.items():
        yield f"  {len(ids)} {kind}: {', '.join(ids)}"
    for logical_id, condition in report.conditional.items():
        yield f"  {logical_id} only if {condition}, which can't be known here"
    for part in report.opaque:
        yield f"  what {part} adds can't be seen"


def _role_lines(role: Role) -> Iterator[str]:
    yield f"  {role.logical_id}"
    for trust in role.trusts:
        yield f"    may be assumed by {format_principal(trust)}"
    for arn in role.managed_policies:
        yield f"    has {arn}"
    for one in role.permissions:
        verb = {"Allow": "allows", "Deny": "denies"}.get(one.effect, one.effect)
        yield f"    {verb} {', '.join(one.actions) or 'nothing'} on {', '.join(one.resources) or 'nothing'}"


def _custom_line(custom: CustomResource) -> str:
    target = custom.calls or custom.service_token
    named = f"; its properties name {', '.join(custom.urls)}" if custom.urls else ""
    return f"  {custom.logical_id} ({custom.type}) calls {target}{named}"


def _function_line(function: Function) -> str:
    if function.code != "inline":
        return f"  {function.logical_id}: its code is not in the template ({function.code})"
    named = f"names {', '.join(function.urls)}" if function.urls else "names no URL"
    return f"  {function.logical_id}: its code is in the template and {named}"
