"""Connected accounts through the API, in every mode: real HTTP server, clock moved by the test."""

import re

import pytest

from tests.sandbox.service import ACCOUNT, ROLE_ARNS, Vmware

OTHER_ACCOUNT = "210987654321"


def test_a_record_has_the_fields_of_real_answers(vmware: Vmware) -> None:
    vmware.link_account()
    (record,) = vmware.accounts()
    assert set(record) == {
        "user_id", "user_name", "created", "version", "id", "updated_by_user_id", "updated_by_user_name",
        "updated", "state", "account_number", "policy_payer_arn", "policy_payer_linked_arn",
        "policy_service_arn", "policy_external_id", "cf_stack_name", "region_to_az_to_shadow_mapping",
        "region_to_datacenter_to_az_mapping", "org_id",
    }  # fmt: skip
    assert (record["state"], record["cf_stack_name"], record["org_id"]) == ("ACTIVE", "lab", vmware.org_id)
    assert record["policy_payer_arn"] == ROLE_ARNS["RemoteRole"]
    assert record["policy_payer_linked_arn"] == ROLE_ARNS["RemoteRolePayer"]
    assert record["policy_service_arn"] == ROLE_ARNS["RemoteRoleService"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", record["created"])


def test_linking_again_keeps_the_record_and_replaces_its_stack(vmware: Vmware) -> None:
    vmware.link_account()
    (first,) = vmware.accounts()
    vmware.run_template(vmware.request_link(), stack="second")
    vmware.control.advance(2)
    (second,) = vmware.accounts()
    assert (second["id"], second["version"]) == (first["id"], first["version"] + 1)
    assert (second["cf_stack_name"], second["created"]) == ("second", first["created"])


def test_running_the_same_link_again_before_expiry_makes_a_new_version(vmware: Vmware) -> None:
    link = vmware.link_account()
    vmware.run_template(link, stack="again")
    vmware.control.advance(2)
    assert [(r["version"], r["cf_stack_name"]) for r in vmware.accounts()] == [(1, "again")]


def test_new_account_can_be_broken_for_a_while(vmware: Vmware) -> None:
    vmware.control.set_modes(broken_seconds=100)
    vmware.link_account()
    assert [r["state"] for r in vmware.accounts()] == ["BROKEN"]
    vmware.control.advance(100)
    assert [r["state"] for r in vmware.accounts()] == ["ACTIVE"]


def test_new_account_can_stay_broken_for_ever(vmware: Vmware) -> None:
    vmware.control.set_modes(broken_seconds=-1)
    vmware.link_account()
    vmware.pass_time(1_000_000)
    assert [r["state"] for r in vmware.accounts()] == ["BROKEN"]


def test_unlinking_answers_the_record_with_its_old_state_and_drops_it(vmware: Vmware) -> None:
    vmware.link_account()
    (record,) = vmware.accounts()
    answer = vmware.unlink(record["id"])
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["state"]) == (record["id"], "ACTIVE")
    assert answer.json()["region_to_az_to_shadow_mapping"] is None
    assert vmware.accounts() == []


def test_unlinked_account_can_stay_listed_for_a_while(vmware: Vmware) -> None:
    vmware.control.set_modes(unlink_lag_seconds=100)
    account = vmware.control.seed_account(ACCOUNT)
    assert vmware.unlink(account.id).status_code == 200
    assert [r["state"] for r in vmware.accounts()] == ["ACTIVE"]
    assert vmware.control.connected_accounts() == ()
    vmware.control.advance(60)
    assert vmware.unlink(account.id).status_code == 200
    vmware.control.advance(40)
    assert vmware.accounts() == []


def test_unlinked_account_can_stay_listed_as_deleted(vmware: Vmware) -> None:
    vmware.control.set_modes(deleted_records_listed=True)
    account = vmware.control.seed_account(ACCOUNT)
    vmware.unlink(account.id)
    assert [r["state"] for r in vmware.accounts()] == ["DELETED"]
    assert vmware.unlink(account.id).status_code == 400


def test_unlinked_account_can_be_linked_again(vmware: Vmware) -> None:
    account = vmware.control.seed_account(ACCOUNT)
    vmware.unlink(account.id)
    vmware.link_account()
    assert [(r["id"], r["state"]) for r in vmware.accounts()] == [(account.id, "ACTIVE")]


def test_account_number_is_not_the_id_to_unlink(vmware: Vmware) -> None:
    vmware.control.seed_account(ACCOUNT)
    answer = vmware.unlink(ACCOUNT)
    assert (answer.status_code, answer.json()["status"]) == (400, 400)
    assert answer.json()["error_messages"] == [f"Invalid connected account ID {ACCOUNT}."]
    assert len(vmware.accounts()) == 1


def test_sddc_blocks_unlinking_its_account_and_no_other(vmware: Vmware) -> None:
    blocked, free = vmware.control.seed_account(ACCOUNT), vmware.control.seed_account(OTHER_ACCOUNT)
    vmware.control.attach_sddc(ACCOUNT)
    answer = vmware.unlink(blocked.id)
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "skyscraper.account.link.sddc.present"
    assert vmware.unlink(free.id).status_code == 200
    assert [r["account_number"] for r in vmware.accounts()] == [ACCOUNT]


@pytest.mark.parametrize("force", ["true", "false"])
def test_force_decides_over_an_account_with_an_sddc(vmware: Vmware, force: str) -> None:
    account = vmware.control.seed_account(ACCOUNT)
    vmware.control.attach_sddc(ACCOUNT)
    status = vmware.unlink(account.id, forceEvenWhenSddcPresent=force).status_code
    assert (status, len(vmware.accounts())) == ((200, 0) if force == "true" else (400, 1))


def test_detached_sddc_no_longer_blocks(vmware: Vmware) -> None:
    account = vmware.control.seed_account(ACCOUNT)
    vmware.control.attach_sddc(ACCOUNT)
    vmware.control.detach_sddcs()
    assert vmware.unlink(account.id).status_code == 200
