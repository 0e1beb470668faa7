"""Whose credentials AWS is asked with: the profile's, the given keys', or the environment's. Pure."""

from pathlib import Path

import pytest

from vmc_account_link.aws_reader import AwsAccess, _session


@pytest.mark.parametrize(
    ("access", "key"),
    [
        (AwsAccess(profile="team"), "of-the-profile"),
        (AwsAccess(access_key="given", secret_key="secret"), "given"),
        (AwsAccess(), "of-the-environment"),
    ],
    ids=["a profile", "keys", "the environment"],
)
def test_a_profile_and_given_keys_win_over_the_environment(
    access: AwsAccess, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fleet's process has keys of its own in the environment, for its backend."""
    (tmp_path / "config").write_text(
        "[profile team]\naws_access_key_id = of-the-profile\naws_secret_access_key = s\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    assert _session(access).get_credentials().access_key == key
