"""AWS accounts for teams: keys that moto knows, and the shared files that name them as profiles.

An account needs no more than a key of its own: moto keeps everything apart by the account of the key that
signs, and gives keys of any account to who assumes a role there (`arn:aws:iam::200000000001:role/lab`).
"""

import configparser
import dataclasses
from collections.abc import Sequence
from pathlib import Path

FIRST_ACCOUNT = 200_000_000_001
_USER = "team"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccount:
    """One team's account."""

    number: str
    """12 digits."""
    profile: str
    """Its name in the shared files: `team-01`."""
    access_key_id: str
    secret_access_key: str = dataclasses.field(repr=False)


def make_accounts(count: int) -> tuple[AwsAccount, ...]:
    """Make accounts 200000000001 and following, each with one user and one key.

    Profiles are numbered from `team-01`, or with as many digits as the last one needs.
    """
    # Here and not above: moto fails to load where AWS_PROFILE names a profile that no file describes.
    from moto.iam.models import iam_backends  # noqa: PLC0415

    digits = max(2, len(str(count)))
    accounts = []
    for location in range(count):
        number = str(FIRST_ACCOUNT + location)
        backend = iam_backends[number]["aws"]
        backend.create_user(region_name="us-east-1", user_name=_USER)
        key = backend.create_access_key(_USER)
        accounts.append(
            AwsAccount(
                number=number,
                profile=f"team-{location + 1:0{digits}}",
                access_key_id=key.access_key_id,
                secret_access_key=key.secret_access_key,
            )
        )
    return tuple(accounts)


def write_shared_files(folder: Path, accounts: Sequence[AwsAccount], *, region: str) -> tuple[Path, Path]:
    """Write AWS's two shared files, for this user only; returns config and credentials.

    The default profile is there and empty: who names none uses the environment's keys.
    """
    config, credentials = configparser.RawConfigParser(), configparser.RawConfigParser()
    config["default"], credentials["default"] = {}, {}
    for account in accounts:
        config[f"profile {account.profile}"] = {"region": region}
        credentials[account.profile] = {
            "aws_access_key_id": account.access_key_id,
            "aws_secret_access_key": account.secret_access_key,
        }
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "config", folder / "credentials"
    for path, content in zip(paths, (config, credentials), strict=True):
        path.touch(mode=0o600)
        with path.open("w", encoding="utf-8") as file:
            content.write(file)
    return paths
