"""One `up` against each form in which the service may answer: ACTIVE, or one line that one can act on.

The forms are those of `sandbox.modes`; which of them the real service has nobody here has seen.
"""

import pytest

from tests.engine.test_one_line import QUICK_CLOCK, one_line
from tests.support.lab import ACCOUNT, Lab
from tests.support.planted import plant

pytestmark = pytest.mark.engine

WHOLE = pytest.mark.whole
UP = ("up", "--yes", "--skip-preview")
LINKED = [
    pytest.param({"record_name": "arn"}, id="a record named by the stack's ARN", marks=WHOLE),
    pytest.param({"record_name": "vmware"}, id="a record named by VMware", marks=WHOLE),
    pytest.param({"record_name": "null"}, id="a record without a name", marks=WHOLE),
    pytest.param({"record_name": "vmware", "record_roles": False}, id="VMware's name and no roles"),
    pytest.param({"record_name": "null", "record_roles": False}, id="neither name nor roles", marks=WHOLE),
    pytest.param({"fields": "few"}, id="nothing optional"),
    pytest.param({"fields": "other_types"}, id="fields of other types"),
    pytest.param({"template": "path_token"}, id="the template's secret in its path"),
    pytest.param({"access_token_seconds": 5.0, "task_seconds": 8.0}, id="access tokens that live seconds"),
]
REFUSED = [
    pytest.param({"fields": "no_state"}, "the field state is missing", id="a record without its state"),
    pytest.param(
        {"fields": "state_is_number"}, "state is float, not text", id="a number for the state", marks=WHOLE
    ),
    pytest.param(
        {"redirect_to": "https://vmc.broadcom.com/x"},
        "`pulumi config set vmc:vmcUrl https://vmc.broadcom.com` and `pulumi config set vmc:cspUrl",
        id="a redirecting host",
    ),
    pytest.param(
        {"template": "sibling_host"},
        "https://vmc.broadcom.com",
        id="a template on a sibling host",
        marks=WHOLE,
    ),
    pytest.param({"template": "large_on_service"}, "from Amazon S3 alone", id="a large template not on S3"),
    pytest.param({"token_refusal": "mfa"}, "make one without MFA", id="a token with MFA"),
    pytest.param(
        {"token_refusal": "ip_policy"}, "run it from an allowed network", id="an IP policy", marks=WHOLE
    ),
    pytest.param({"token_refusal": "hold"}, "organisation owner has to release it", id="a hold", marks=WHOLE),
]


@pytest.mark.parametrize("modes", LINKED)
def test_an_up_against_this_form_links_and_a_destroy_unlinks(lab: Lab, modes: dict[str, object]) -> None:
    lab.control.set_modes(**modes)
    lab.up()
    assert lab.outputs()["connected_account_state"] == "ACTIVE"
    for secret in (link.signature for link in lab.box.world.links.links()):
        assert secret not in lab.destroy().output
    assert lab.control.connected_accounts() == ()
    assert lab.resources() == {}


@pytest.mark.parametrize(("modes", "said"), REFUSED)
def test_an_up_against_this_form_ends_in_one_line(lab: Lab, modes: dict[str, object], said: str) -> None:
    # The wait gives a record five minutes after its task's end: of a clock that runs sixty times as fast.
    plant(lab, QUICK_CLOCK)
    lab.control.set_modes(**modes)
    line = one_line(lab.run(*UP))
    assert said in line
    assert "expired" not in line


def test_the_first_calls_may_fail_twice_each(lab: Lab) -> None:
    for service, call in (
        ("csp", "exchange-token"),
        ("vmc", "list-connected-accounts"),
        ("vmc", "request-link"),
        ("vmc", "get-task"),
        ("template", "download-template"),
    ):
        lab.control.plan_fault(service, call, "status", status=502, body="html", count=2)
    lab.up()
    assert lab.outputs()["connected_account_state"] == "ACTIVE"


def test_a_preview_shows_what_up_would_refuse_and_requests_no_link(lab: Lab) -> None:
    lab.must("preview")
    assert lab.calls(service="vmc") == ["list-connected-accounts"]
    lab.control.plan_fault("vmc", "list-connected-accounts", "status", status=503, count=9)
    assert "not checked in this preview: list the connected accounts" in lab.must("preview").output
    lab.control.clear_faults()
    lab.control.seed_account(ACCOUNT, cf_stack_name="vmware-sddc-formation-1")
    assert '"vmware-sddc-formation-1" linked it already' in one_line(lab.run("preview"))
    lab.control.set_modes(token_refusal="mfa")
    assert "asks for an MFA code" in one_line(lab.run("preview"))
    lab.set({"link": "existing"})
    assert "asks for an MFA code" in one_line(lab.run("preview"))
    assert lab.control.links() == ()


def test_a_wait_that_loses_its_token_for_good_keeps_the_link_and_the_next_up_goes_on(lab: Lab) -> None:
    lab.control.set_modes(task_seconds=30.0, access_token_seconds=1.0, token_refusal="none")
    started = lab.start("up")
    try:
        while not lab.calls(service="vmc").count("get-task"):
            assert started.poll() is None
        lab.control.set_modes(token_refusal="deactivated")
        assert started.wait(timeout=100) != 0
    finally:
        started.kill()
    lab.control.set_modes(token_refusal="none", access_token_seconds=1799.0)
    lab.control.advance(60)
    lab.up()
    assert lab.outputs()["connected_account_state"] == "ACTIVE"
    assert len(lab.control.links()) == 1


def test_an_organisation_that_is_not_set_is_found_and_named(lab: Lab) -> None:
    lab.environment["ORG_ID"] = ""
    done = lab.up()
    assert f"organisation {lab.box.world.organizations.first.id}" in done.output
    assert "the only one that the token sees" in done.output
    lab.must(*UP, "--expect-no-changes")
    lab.destroy()
    assert lab.control.connected_accounts() == ()
