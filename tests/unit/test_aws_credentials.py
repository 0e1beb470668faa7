"""What is seen of AWS credentials without a call: a profile that nobody describes, and none at all."""

from pathlib import Path

import pytest

from vmc_account_link.aws import refuse_missing_credentials
from vmc_account_link.errors import WrongAccount

OFF = {"AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """AWS's two shared files: two profiles, and a default one without anything in it."""
    (tmp_path / "config").write_text("[default]\n[profile sso]\nsso_session = corp\n[sso-session corp]\n")
    (tmp_path / "credentials").write_text("[keys]\naws_access_key_id = AKIA\n")
    return {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        **OFF,
    }


@pytest.mark.parametrize("profile", ["sso", "keys"])
def test_a_profile_of_either_file_is_taken(files: dict[str, str], profile: str) -> None:
    refuse_missing_credentials({}, {**files, "AWS_PROFILE": profile})
    refuse_missing_credentials({"profile": profile}, files)


@pytest.mark.parametrize("profile", ["nope", "corp"])
def test_a_profile_that_no_file_describes_is_named(files: dict[str, str], profile: str) -> None:
    for arguments, environ in (({}, {**files, "AWS_PROFILE": profile}), ({"profile": profile}, files)):
        with pytest.raises(WrongAccount, match=f"there is no AWS profile {profile}"):
            refuse_missing_credentials(arguments, environ)


def test_files_of_the_configuration_are_read_instead(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "other").write_text("[theirs]\naws_access_key_id = AKIA\n")
    refuse_missing_credentials(
        {"profile": "theirs", "shared_credentials_files": [str(tmp_path / "other")]}, files
    )


def test_missing_credentials_are_reported_where_that_is_certain(files: dict[str, str]) -> None:
    with pytest.raises(WrongAccount, match="there are none"):
        refuse_missing_credentials({}, files)


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        pytest.param({}, {"AWS_ACCESS_KEY_ID": "AKIA"}, id="keys of the environment"),
        pytest.param({"access_key": "AKIA"}, {}, id="keys of the configuration"),
        pytest.param({}, {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}, id="a pod's token"),
        pytest.param({}, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2"}, id="a container's"),
        pytest.param({}, {"AWS_EC2_METADATA_DISABLED": "false"}, id="the machine's may be asked"),
    ],
)
def test_what_only_a_call_can_tell_is_left_to_the_provider(
    files: dict[str, str], arguments: dict[str, str], environ: dict[str, str]
) -> None:
    refuse_missing_credentials(arguments, {**files, **environ})


def test_a_file_that_can_not_be_read_is_left_to_the_provider(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"\xff no = section")
    refuse_missing_credentials({}, {**files, "AWS_PROFILE": "keys"})
