"""Tables and aims from planted runs: a miss is written as a miss."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from bench import roles
from bench.measure import Measurement
from bench.questions import link, unchanged
from bench.questions.breakdown import packages
from bench.table import markdown

_COST = Measurement(
    wall_seconds=10.0, cpu_seconds=2.0, peak_pss_bytes=10**8, most_processes=3, cpu_seconds_by_role={}
)
_FACTS = "cores processor memory_gib system python engine pulumi pulumi-aws boto3"
_ABOUT: Mapping[str, Any] = {
    "machine": dict.fromkeys(_FACTS.split(), "x"),
    "when": "2026-11-25",
    "smoke": False,
    "load": 0.1,
}


def _command(program: str, cpu_seconds: float) -> unchanged.CommandRun:
    cost = dataclasses.replace(_COST, cpu_seconds=cpu_seconds)
    return unchanged.CommandRun(command="up", program=program, cost=cost, requests={}, waited_seconds=4.0)


def test_a_missed_aim_is_written_as_missed_and_a_met_one_as_met() -> None:
    answer = unchanged.answer([_command("link", 2.7), _command("empty", 2.0)])
    text = markdown(answer, _ABOUT)
    assert [aim.is_met for aim in answer.aims] == [False, True]
    assert "1.35 x" in text
    assert text.count("**MISSED**") == 1


def test_a_ratio_is_taken_pair_by_pair() -> None:
    runs = [_command("link", 2.0), _command("empty", 1.0), _command("link", 8.0), _command("empty", 4.0)]
    assert unchanged.answer(runs).rows[0]["cpu_ratio"] == 2.0


def test_the_wait_for_aws_is_not_in_the_wall_time() -> None:
    assert unchanged.answer([_command("link", 1.0), _command("empty", 1.0)]).rows[0]["wall"] == 6.0


def _linked(contender: str, wall_seconds: float, late_seconds: float) -> link.LinkRun:
    return link.LinkRun(
        service_seconds=30.0,
        contender=contender,
        cost=dataclasses.replace(_COST, wall_seconds=wall_seconds),
        requests={"vmc": 2},
        noticed_late_seconds=late_seconds,
        load=0.0,
    )


def test_up_is_held_to_the_scripts_time_and_to_its_own_promise() -> None:
    runs = [_linked("script", 31.0, 0.2), _linked("pulumi up --yes", 36.0, 3.1)]
    assert [aim.is_met for aim in link.answer(runs, is_smoke=False).aims] == [False, False]
    runs = [_linked("script", 46.0, 16.0), _linked("pulumi up --yes", 36.0, 2.9)]
    assert [aim.is_met for aim in link.answer(runs, is_smoke=False).aims] == [True, True]


def test_each_process_of_an_update_has_its_role() -> None:
    assert roles.role_of(["/x/bin/pulumi", "up"]) == roles.CLI
    assert roles.role_of(["/x/python", "-m", "pip", "list", "-v"]) == roles.PIP_LIST
    assert roles.role_of(["/x/python", "-u", "-m", "pulumi.dynamic", "127.0.0.1:1"]) == roles.DYNAMIC_PROVIDER
    assert roles.role_of(["/x/python", "/x/pulumi-language-python-exec", "--x"]) == roles.PROGRAM
    assert roles.role_of(["/x/python", "-m", "vmc_labs", "up"]) == roles.DRIVER
    assert roles.role_of([]) == roles.DRIVER, "one that has ended"


def test_import_times_are_added_up_by_package() -> None:
    output = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:      1000 |       1000 |   grpc._cython\n"
        "import time:      2000 |       3000 | grpc\n"
        "import time:       500 |        500 | json.decoder\n"
        "import time:       500 |        500 | email\n"
    )
    assert packages(output) == {"grpc": 0.003, "standard library": 0.001}
