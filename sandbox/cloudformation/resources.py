"""A stack's resources, made and removed in moto's services.

moto's own CloudFormation backend does the work (references, outputs, IAM roles, functions); a custom
resource, for which moto would run its function in a container, is a record here.
"""

import dataclasses
import json
import secrets
import string
from collections.abc import Mapping
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import CloudFormationError
from moto.cloudformation.models import CloudFormationBackend, Stack, cloudformation_backends
from moto.core.common_models import CloudFormationModel
from moto.core.exceptions import ServiceException

from sandbox.cloudformation.errors import validation_error
from sandbox.cloudformation.lifecycle import Failure, StackResource
from sandbox.cloudformation.template import LINK_TYPE, Template

_RECORD_TYPE = "Sandbox::CustomResource"
_INERT_TYPES = frozenset({"AWS::CloudFormation::WaitCondition", "AWS::CloudFormation::WaitConditionHandle"})
_MAXIMUM_ROLE_NAME = 64


class CustomResource(CloudFormationModel):
    """A custom resource as moto's engine sees it: resolved properties, no behaviour."""

    def __init__(self, name: str, properties: Mapping[str, Any]) -> None:
        self.name = name
        self.properties = dict(properties)

    @staticmethod
    def cloudformation_name_type() -> str:
        """No property holds its name."""
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        """The type that `Custom::…` is rewritten to."""
        return _RECORD_TYPE

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:  # noqa: ARG003 - moto's signature
        """A custom resource may answer with any attribute."""
        return True

    @property
    def physical_resource_id(self) -> str:
        """What `Ref` gives."""
        return self.name

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        """What `Fn::GetAtt` gives: VMware's function answers with what it was given."""
        return self.properties.get(attribute_name, "")

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Mapping[str, Any], *_: Any, **__: Any
    ) -> "CustomResource":
        """Record the resolved properties."""
        return cls(resource_name, cloudformation_json.get("Properties", {}))

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: "CustomResource",
        new_resource_name: str,  # noqa: ARG003 - moto's signature
        cloudformation_json: Mapping[str, Any],
        *_: Any,
        **__: Any,
    ) -> "CustomResource":
        """Record the new properties under the old physical id."""
        return cls(original_resource.name, cloudformation_json.get("Properties", {}))

    @classmethod
    def delete_from_cloudformation_json(cls, *_: Any) -> None:
        """Nothing happens in VMware Cloud when the stack goes."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AccountRegion:
    """Where a stack lives."""

    account_number: str
    region: str

    @property
    def backend(self) -> CloudFormationBackend:
        """The state moto keeps of this account and region."""
        return cloudformation_backends[self.account_number][self.region]


class ResourceRefused(Exception):
    """A resource that can't be made or changed: the stack rolls back."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def forget_model_list() -> None:
    """Let moto look up its resource types again, so that `CustomResource` is among them."""
    parsing.get_model_list.cache_clear()
    parsing.get_model_map.cache_clear()
    parsing.get_name_type_map.cache_clear()


def create_resources(
    account_region: AccountRegion,
    name: str,
    template: Template,
    parameters: Mapping[str, str],
    tags: Mapping[str, str],
) -> Stack:
    """Make a stack's resources; returns moto's stack.

    Raises:
        Refusal: the template can't be read as a whole (an undefined reference, an unknown type).
        ResourceRefused: one resource can't be made; what was made before it is still there.
    """
    body = _prepare(name, template, {})
    backend = account_region.backend
    try:
        return backend.create_stack(
            name=name, template=body, parameters=dict(parameters), tags=dict(tags), notification_arns=[]
        )
    except (ServiceException, CloudFormationError, KeyError, ValueError, TypeError) as error:
        made = find(account_region, name)
        if made is None:
            raise validation_error(_one_line(error)) from error
        raise ResourceRefused(_failure_of(made, template, error)) from error


def update_resources(
    account_region: AccountRegion, stack: Stack, template: Template, parameters: Mapping[str, str]
) -> None:
    """Change a stack's resources to a new template.

    Raises:
        ResourceRefused: one resource can't be changed; the caller brings the old template back.
    """
    names = {
        logical_id: resource["Properties"]["RoleName"]
        for logical_id, resource in stack.template_dict["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role"
    }
    body = _prepare(stack.name, template, names)
    incoming = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    try:
        account_region.backend.update_stack(stack.stack_id, body, None, incoming, None)
    except (ServiceException, CloudFormationError, KeyError, ValueError, TypeError) as error:
        raise ResourceRefused(_failure_of(stack, template, error)) from error


def remove_resources(stack: Stack) -> Failure | None:
    """Remove a stack's resources; returns the resource that would not go, or None."""
    try:
        stack.resource_map.delete()
    except (ServiceException, KeyError, ValueError, TypeError) as error:
        remaining = resources_of(stack)
        return Failure(resource=remaining[0], reason=_one_line(error)) if remaining else None
    return None


def forget(account_region: AccountRegion, stack: Stack) -> None:
    """Take the stack out of moto's list, its exports with it."""
    account_region.backend.stacks.pop(stack.stack_id, None)
    for export in [
        key
        for key, value in account_region.backend.exports.items()
        if value.exporting_stack_id == stack.stack_id
    ]:
        account_region.backend.exports.pop(export)


def find(account_region: AccountRegion, name: str) -> Stack | None:
    """The stack of that name in moto, if it has one."""
    return next((stack for stack in account_region.backend.stacks.values() if stack.name == name), None)


def resources_of(stack: Stack) -> tuple[StackResource, ...]:
    """What exists, in the order it was made."""
    return tuple(
        StackResource(
            logical_id=logical_id,
            physical_id=str(getattr(made, "physical_resource_id", "")),
            type=_public_type(stack, logical_id),
        )
        for logical_id, made in stack.resource_map._parsed_resources.items()  # noqa: SLF001 - no public way
        if isinstance(made, CloudFormationModel)
    )


def links_of(stack: Stack) -> dict[str, dict[str, Any]]:
    """Logical id -> resolved properties of the stack's account-link custom resources."""
    return {
        logical_id: made.properties
        for logical_id, made in stack.resource_map._parsed_resources.items()  # noqa: SLF001 - no public way
        if isinstance(made, CustomResource) and _public_type(stack, logical_id) == LINK_TYPE
    }


def role_arns_of(stack: Stack) -> dict[str, str]:
    """Logical id -> ARN of the stack's roles."""
    return {
        logical_id: made.arn
        for logical_id, made in stack.resource_map._parsed_resources.items()  # noqa: SLF001 - no public way
        if _public_type(stack, logical_id) == "AWS::IAM::Role"
    }


def _public_type(stack: Stack, logical_id: str) -> str:
    resource = stack.template_dict.get("Resources", {}).get(logical_id, {})
    return str(resource.get("Metadata", {}).get("SandboxType") or resource.get("Type", ""))


def _prepare(stack_name: str, template: Template, names: Mapping[str, str]) -> str:
    """The template as moto is to see it.

    Custom resources become records; roles get the name CloudFormation would generate, cut to IAM's 64
    characters (moto does not cut), and keep it over updates.
    """
    content = json.loads(json.dumps(template.content, default=str))
    known = parsing.get_model_map()
    unknown = []
    for logical_id, resource in content["Resources"].items():
        kind = resource["Type"]
        resource["Properties"] = resource.get("Properties") or {}
        if (
            kind.startswith("Custom::")
            or kind == "AWS::CloudFormation::CustomResource"
            or kind in _INERT_TYPES
        ):
            resource["Metadata"] = {**(resource.get("Metadata") or {}), "SandboxType": kind}
            resource["Type"] = _RECORD_TYPE
        elif kind not in known:
            unknown.append(kind)
        elif kind == "AWS::IAM::Role":
            name = names.get(logical_id) or _generated_name(stack_name, logical_id)
            resource["Properties"].setdefault("RoleName", name)
    if unknown:
        raise validation_error(
            f"Template format error: Unrecognized resource types: [{', '.join(sorted(unknown))}]"
        )
    return json.dumps(content)


def _generated_name(stack_name: str, logical_id: str) -> str:
    suffix = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(12))
    tail = f"-{logical_id[:24]}-{suffix}"
    return stack_name[: _MAXIMUM_ROLE_NAME - len(tail)] + tail


def _failure_of(stack: Stack, template: Template, error: Exception) -> Failure:
    made = {resource.logical_id for resource in resources_of(stack)}
    missing = [logical_id for logical_id in template.resources if logical_id not in made]
    logical_id = missing[0] if missing else next(iter(template.resources))
    kind = str(template.resources[logical_id]["Type"])
    return Failure(
        resource=StackResource(logical_id=logical_id, physical_id="", type=kind), reason=_one_line(error)
    )


def _one_line(error: Exception) -> str:
    message = getattr(error, "message", None) or str(error)
    return " ".join(str(message).split())
