"""A template's text -> what CloudFormation checks before it starts. Pure."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, cast

import yaml
from moto.cloudformation.utils import yaml_tag_constructor

from sandbox.cloudformation.errors import Refusal, validation_error

MAXIMUM_BODY_BYTES = 51_200
"""Of an inline TemplateBody; source: AWS's API reference of CreateStack."""
MAXIMUM_FETCHED_BYTES = 1_048_576
LINK_TYPE = "Custom::VmcAccountLink"
_IAM_TYPES = frozenset(
    f"AWS::IAM::{name}"
    for name in (
        "AccessKey",
        "Group",
        "InstanceProfile",
        "ManagedPolicy",
        "Policy",
        "Role",
        "User",
        "UserToGroupAddition",
    )
)
_NAME_OF_IAM_RESOURCE = {
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
}


class _Loader(yaml.SafeLoader):
    """A safe loader that knows CloudFormation's short forms (`!Ref`, `!GetAtt`, `!Sub` …).

    Timestamps stay strings: a template's `2010-09-09` is a name, not a day.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - the shape is PyYAML's
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_multi_constructor(
    "!", lambda loader, suffix, node: yaml_tag_constructor(loader, f"!{suffix}", node)
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template that parses and has resources."""

    text: str
    """As it was sent."""
    content: Mapping[str, Any]

    @property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """Logical id -> resource."""
        return cast("Mapping[str, Mapping[str, Any]]", self.content["Resources"])

    @property
    def description(self) -> str | None:
        """The template's own words, if it has any."""
        text = self.content.get("Description")
        return None if text is None else str(text)


def parse_template(text: str) -> Template:
    """Parse JSON or YAML.

    Raises:
        Refusal: "Template format error: …" as AWS words it.
    """
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        position = getattr(error, "problem_mark", None)
        where = "" if position is None else f" (line {position.line + 1}, column {position.column + 1})"
        raise validation_error(f"Template format error: YAML not well-formed.{where}") from None
    if not isinstance(content, dict):
        raise validation_error("Template format error: unsupported structure.")
    resources = content.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise validation_error("Template format error: At least one Resources member must be defined.")
    for logical_id, resource in resources.items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise validation_error(
                f"Template format error: [/Resources/{logical_id}] Every Resources object must contain "
                "a Type member."
            )
    return Template(text=text, content=content)


def check_inline_size(text: str) -> None:
    """Refuse a TemplateBody above CloudFormation's limit.

    Raises:
        Refusal: the validation error AWS gives, which quotes the whole value; here it is left out.
    """
    if len(text.encode()) > MAXIMUM_BODY_BYTES:
        raise validation_error(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAXIMUM_BODY_BYTES}"
        )


def needed_capability(template: Template) -> str | None:
    """The capability the caller must acknowledge, or None."""
    iam = [resource for resource in template.resources.values() if resource["Type"] in _IAM_TYPES]
    if not iam:
        return None
    named = any(
        _NAME_OF_IAM_RESOURCE.get(resource["Type"], "-") in (resource.get("Properties") or {})
        for resource in iam
    )
    return "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"


def check_capabilities(template: Template, acknowledged: Sequence[str]) -> None:
    """Refuse IAM resources that the caller has not acknowledged.

    Raises:
        Refusal: InsufficientCapabilitiesException.
    """
    needed = needed_capability(template)
    if needed is None or needed in acknowledged or "CAPABILITY_NAMED_IAM" in acknowledged:
        return
    raise Refusal("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")
