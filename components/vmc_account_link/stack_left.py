"""What CloudFormation has of a link's stack at the end of a destroy, as far as that can be asked.

Another stack may have had the name all the time: then the link was never run. And the link's own stack may be
left: the AWS provider takes some refusals for a deletion (termination protection: a ValidationError, as for a
stack that does not exist), and of a stack that AWS made unheard the Pulumi state knows nothing. Both would be
left without a word.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from vmc_account_link.api.models import parse_moment
from vmc_account_link.aws_reader import AwsAccess, AwsReader, AwsRefused
from vmc_account_link.errors import SettingsError, StackLeft
from vmc_account_link.link.unlink import has_name_since_before
from vmc_account_link.recovery.cloudformation import same_template


def refuse_stack_that_is_left(props: Mapping[str, Any]) -> str | None:
    """Make sure that the stack of a link request is gone.

    Args:
        props: the link request's, among them how its stack's AWS provider asks AWS.

    Returns:
        A line for the person where AWS could not be asked; None where there is nothing to say.

    Raises:
        StackLeft: it is there, and runs the link's template.
    """
    name, account = str(props["stack_name"]), str(props["account_number"])
    try:
        reader = _reader(props)
        stack = reader.stack(name)
        if stack is None or not _is_of_link(reader, stack.id, props):
            return None
    except ModuleNotFoundError:
        return _not_checked(name, account, "boto3 is not installed: `pip install 'vmc-account-link[cli]'`")
    except (AwsRefused, SettingsError) as error:
        return _not_checked(name, account, f"{error.action}: {error.detail}")
    raise StackLeft(
        f"delete CloudFormation stack {name} of AWS account {account}",
        f"it is still there, {stack.status} ({stack.id})",
        "If it has termination protection, take that away. Then run `vmc-account-link recover --stack` with "
        "this Pulumi stack's name, which takes it in again, and `pulumi destroy`.",
    )


def other_stack_has_name(props: Mapping[str, Any]) -> bool:
    """Whether another stack has the name of the link's since before the link was requested.

    Args:
        props: the link request's, as above.

    Returns:
        False where AWS could not be asked too: `refuse_stack_that_is_left` says so.
    """
    requested_at = props.get("requested_at")
    if not isinstance(requested_at, str) or "aws_access" not in props:
        return False
    try:
        stack = _reader(props).stack(str(props["stack_name"]))
    except (ModuleNotFoundError, AwsRefused, SettingsError):
        return False
    # By the service's clock: this machine's may be hours off.
    requested = parse_moment(requested_at) + timedelta(seconds=props.get("clock_ahead_seconds") or 0)
    return stack is not None and has_name_since_before(
        requested, created=stack.created, updated=stack.updated
    )


def _reader(props: Mapping[str, Any]) -> AwsReader:
    """AWS as the link's stack's provider sees it, and as the link's account only."""
    reader = AwsReader(AwsAccess.from_inputs(props["aws_access"]))
    reader.refuse_other_account(str(props["account_number"]))
    return reader


def _is_of_link(reader: AwsReader, stack_id: str, props: Mapping[str, Any]) -> bool:
    """Whether it runs this link's template, which holds the link's id; by URL the template is not known."""
    sent = props.get("template_body")
    return bool(sent) and same_template(str(sent), reader.template(stack_id))


def _not_checked(name: str, account: str, why: str) -> str:
    return f"whether AWS account {account} still has CloudFormation stack {name} was not asked: {why}"


def access_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a link request keeps of an AWS provider's arguments (`AwsAccess.from_inputs`): no credentials."""
    kept = ("region", "profile", "assumeRoles", "endpoints")
    return {key: values[key] for key in kept if values.get(key) is not None}
