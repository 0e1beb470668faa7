"""Answers as Markdown, which reads as text too. Pure."""

from collections.abc import Mapping, Sequence

from bench.question_result import Aim, Column, QuestionResult, Row, Value


def markdown(answer: QuestionResult, about: Mapping[str, Value | Mapping[str, Value]]) -> str:
    """The whole answer: table, aims, notes, machine."""
    parts = [
        f"# {answer.title}",
        _table(answer.columns, answer.rows),
        _aims(answer.aims),
        "\n".join(f"- {note}" for note in answer.notes),
        _machine(about),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    lines = [[column.heading for column in columns]]
    lines += [[_shown(row.get(column.key), column.digits) for column in columns] for row in rows]
    widths = [max(len(line[location]) for line in lines) for location in range(len(columns))]
    numeric = [all(isinstance(row.get(column.key), int | float | None) for row in rows) for column in columns]
    padded = [
        "| "
        + " | ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        )
        + " |"
        for line in lines
    ]
    rule = (
        "|"
        + "|".join(
            f" {'-' * (width - 1)}{':' if right else '-'} "
            for width, right in zip(widths, numeric, strict=True)
        )
        + "|"
    )
    return "\n".join([padded[0], rule, *padded[1:]])


def _aims(aims: Sequence[Aim]) -> str:
    if not aims:
        return ""
    return _table(
        [
            Column(key="target", heading="aim"),
            Column(key="came", heading="figure"),
            Column(key="met", heading=""),
        ],
        [
            {"target": aim.target, "came": aim.came, "met": "met" if aim.is_met else "**MISSED**"}
            for aim in aims
        ],
    )


def _shown(value: Value, digits: int) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    return f"{value:,.{digits}f}" if isinstance(value, float) else f"{value:,}"


def _machine(about: Mapping[str, Value | Mapping[str, Value]]) -> str:
    machine = about["machine"]
    if not isinstance(machine, Mapping):
        raise TypeError("machine is a mapping")
    hardware = (
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB, "
        f"{machine['system']}, "
        f"Python {machine['python']}, engine {machine['engine']}, pulumi {machine['pulumi']}, "
        f"pulumi-aws {machine['pulumi-aws']}, boto3 {machine['boto3']}; {about['when']}"
    )
    smoke = (
        "**A smoke run: it shows that the bench works, its figures mean nothing.** " if about["smoke"] else ""
    )
    return f"{smoke}Measured on {hardware}. Load average before it began: {about['load']}."
