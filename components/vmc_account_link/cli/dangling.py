"""A record without what it stands for: its CloudFormation stack and roles are gone, VMware lists it still."""

import dataclasses

from vmc_account_link.api.models import AccountRecord
from vmc_account_link.aws_reader import AwsReader, AwsRefused
from vmc_account_link.cli.check_result import CheckResult, failed


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What AWS still has of a link."""

    region: str
    """Where the CloudFormation stack was looked for."""
    has_stack: bool
    roles: tuple[str, ...]
    """Names of the record's roles that exist."""

    @property
    def is_dangling(self) -> bool:
        """Whether nothing is left; a stack in another region would have roles, which have no region."""
        return not self.has_stack and not self.roles


def remains_of(aws: AwsReader, record: AccountRecord) -> Remains:
    """Look for what a record stands for.

    Raises:
        AwsRefused: AWS did not say.
    """
    names = (arn.rpartition("/")[2] for arn in record.role_arns)
    return Remains(
        region=aws.region,
        has_stack=bool(record.cf_stack_name and aws.stack(record.cf_stack_name)),
        roles=tuple(name for name in names if aws.role_exists(name)),
    )


def check_dangling(aws: AwsReader, record: AccountRecord) -> CheckResult | None:
    """The result for a record that is an orphan; None of any other, and where AWS does not say."""
    try:
        remains = remains_of(aws, record)
    except AwsRefused:
        return None
    if not remains.is_dangling:
        return None
    return failed(
        "linked",
        f"account {record.account_number} is {record.state} "
        f'for CloudFormation stack "{record.cf_stack_name}", '
        f"but neither that (in {remains.region}) nor the link's roles exist: the record is an orphan",
        "Remove it: `vmc-account-link unlink`.",
    )
