"""One `up` against each form in which the service may answer: ACTIVE, or one line that one can act on."""

import pytest

from sandbox.modes import FieldForm, RecordName, TemplateKind, TokenRefusal
from tests.engine.test_one_line import QUICK_CLOCK, one_line
from tests.support.forms import LINKING, REFUSED, Form
from tests.support.lab import ACCOUNT, Lab
from tests.support.planted import plant
from tests.sweep.stage import leaks

pytestmark = pytest.mark.engine

UP = ("up", "--yes", "--skip-preview")


def each(forms: tuple[Form, ...]) -> pytest.MarkDecorator:
    """A test with each of the forms, all of them in `make whole` alone but for the sampled ones."""
    whole = pytest.mark.whole
    return pytest.mark.parametrize(
        "form", [pytest.param(one, id=one.name, marks=() if one.is_sampled else whole) for one in forms]
    )


@each(LINKING)
def test_an_up_against_this_form_links_and_a_destroy_unlinks(lab: Lab, form: Form) -> None:
    lab.control.set_modes(**form.modes)
    lab.up()
    assert lab.outputs()["connected_account_state"] == "ACTIVE"
    for secret in (link.signature for link in lab.box.world.links.links()):
        assert secret not in lab.destroy().output
    assert lab.control.connected_accounts() == ()
    assert lab.resources() == {}


@each(REFUSED)
def test_an_up_against_this_form_ends_in_one_line(lab: Lab, form: Form) -> None:
    # The wait gives a record five minutes after its task's end: of a clock that runs sixty times as fast.
    plant(lab, QUICK_CLOCK)
    lab.control.set_modes(**form.modes)
    done = lab.run(*UP)
    line = one_line(done)
    assert form.says in line
    assert ("expired" in line) == ("expired" in form.says)
    assert "LinkId" not in line, "the template is quoted"
    assert leaks(lab, done.output) == ()
    # Only of an account's record nobody knows before the link was run.
    assert ("cloudformation.CreateStack" in lab.calls()) == ("fields" in form.modes)
    assert bool({"Stack", "LinkRequest"} & set(lab.resources())) == ("fields" in form.modes)


def test_every_unkind_form_that_the_sandbox_has_is_met() -> None:
    kind = {
        RecordName.CHOSEN,
        FieldForm.DOCUMENTED,
        TemplateKind.NORMAL,
        TemplateKind.LARGE,
        TokenRefusal.NONE,
    }
    values = {value for choice in (RecordName, FieldForm, TemplateKind, TokenRefusal) for value in choice}
    met = [mode for form in (*LINKING, *REFUSED) for mode in form.modes.items()]
    assert {value for _, value in met if isinstance(value, str)} >= values - kind
    assert ("record_roles", False) in met
    assert "redirect_to" in dict(met)


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
