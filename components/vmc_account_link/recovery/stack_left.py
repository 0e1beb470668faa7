"""What CloudFormation has of a link's stack at the end of a destroy, as far as that can be asked.

Another stack may have had the name all the time: then the link was never run. And the link's own stack may be
left: the AWS provider takes some refusals for a deletion (termination protection: a ValidationError, as for a
stack that does not exist), and of a stack that AWS made unheard the Pulumi state knows nothing. Both would be
left without a word.
"""

import functools
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from vmc_account_link.api.models import parse_moment
from vmc_account_link.aws_reader import AwsAccess, AwsReader, AwsRefused
from vmc_account_link.errors import SettingsError, StackLeft
from vmc_account_link.link.unlink import has_name_since_before
from vmc_account_link.recovery.cloudformation import same_template


class LinkStack:
    """A link request's CloudFormation stack as its own AWS provider sees it; one reader asks for all."""

    def __init__(self, props: Mapping[str, Any]) -> None:
        """Look at nothing yet.

        Args:
            props: the link request's, among them how its stack's AWS provider asks AWS.
        """
        self._props = props
        self._name, self._account = str(props["stack_name"]), str(props["account_number"])

    def refuse_left(self) -> str | None:
        """Make sure that it is gone.

        Returns:
            A line for the person where AWS could not be asked; None where there is nothing to say.

        Raises:
            StackLeft: it is there, and runs the link's template.
        """
        try:
            stack = self._reader.stack(self._name)
            if stack is None or not self._runs_template(stack.id):
                return None
        except ModuleNotFoundError:
            return self._not_checked("boto3 is not installed: `pip install 'vmc-account-link[cli]'`")
        except (AwsRefused, SettingsError) as error:
            return self._not_checked(f"{error.action}: {error.detail}")
        raise StackLeft(
            f"delete CloudFormation stack {self._name} of AWS account {self._account}",
            f"it is still there, {stack.status} ({stack.id})",
            "If it has termination protection, take that away. Then run `vmc-account-link recover --stack` "
            "with this Pulumi stack's name, which takes it in again, and `pulumi destroy`.",
        )

    def name_was_taken(self) -> bool:
        """Whether another stack has the name of the link's since before the link was requested.

        Returns:
            False where AWS could not be asked too: `refuse_left` says so.
        """
        requested_at = self._props.get("requested_at")
        if not isinstance(requested_at, str) or "aws_access" not in self._props:
            return False
        try:
            stack = self._reader.stack(self._name)
        except (ModuleNotFoundError, AwsRefused, SettingsError):
            return False
        # By the service's clock: this machine's may be hours off.
        requested = parse_moment(requested_at) + timedelta(
            seconds=self._props.get("clock_ahead_seconds") or 0
        )
        return stack is not None and has_name_since_before(
            requested, created=stack.created, updated=stack.updated
        )

    @functools.cached_property
    def _reader(self) -> AwsReader:
        """AWS as the link's account only."""
        reader = AwsReader(AwsAccess.from_inputs(self._props["aws_access"]))
        reader.refuse_other_account(self._account)
        return reader

    def _runs_template(self, stack_id: str) -> bool:
        """Whether it runs the link's template, which holds its id; by URL the template is not known."""
        sent = self._props.get("template_body")
        return bool(sent) and same_template(str(sent), self._reader.template(stack_id))

    def _not_checked(self, why: str) -> str:
        return (
            f"whether AWS account {self._account} still has CloudFormation stack {self._name} was not asked: "
            f"{why}"
        )
