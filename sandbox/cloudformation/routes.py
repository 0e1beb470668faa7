"""CloudFormation's calls about stacks; every other call and service is moto's."""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.cloudformation.utils import get_stack_from_s3_url
from moto.core.exceptions import ServiceException

from sandbox.cloudformation import query, wire
from sandbox.cloudformation.errors import Refusal, validation_error
from sandbox.cloudformation.resources import AccountRegion
from sandbox.cloudformation.state import Stacks
from sandbox.cloudformation.template import (
    MAXIMUM_FETCHED_BYTES,
    Template,
    check_inline_size,
    needed_capability,
    parse_template,
)
from sandbox.vmc.organizations import LinkRegistry
from sandbox.vmc.state import FOREIGN_BASE, TEMPLATE_PATH

Form: TypeAlias = Mapping[str, str]
Result: TypeAlias = Mapping[str, wire.Node] | None

_ACCESS_DENIED = (
    "S3 error: Access Denied\nFor more information check "
    "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
)
_PAGE_SIZE = 100


class CloudFormationApp:
    """A WSGI application in front of moto's that answers for stacks."""

    def __init__(self, moto_app: WSGIApplication, *, stacks: Stacks, links: LinkRegistry) -> None:
        self._moto_app = moto_app
        self._stacks = stacks
        self._links = links
        self._calls: dict[str, Callable[[AccountRegion, Form], Result]] = {
            "CreateStack": self._create_stack,
            "UpdateStack": self._update_stack,
            "DeleteStack": self._delete_stack,
            "DescribeStacks": self._describe_stacks,
            "ListStacks": self._list_stacks,
            "DescribeStackEvents": self._describe_stack_events,
            "DescribeStackResource": self._describe_stack_resource,
            "DescribeStackResources": self._describe_stack_resources,
            "ListStackResources": self._list_stack_resources,
            "GetTemplate": self._get_template,
            "GetTemplateSummary": self._get_template_summary,
            "ValidateTemplate": self._get_template_summary,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; `wsgi.input` is seekable and whole."""
        scope = query.scope_of(environ)
        form = query.form_of(environ) if scope and scope.service == "cloudformation" else {}
        action = form.get("Action", "")
        call = self._calls.get(action)
        if scope is None or call is None:
            return self._moto_app(environ, start_response)
        account_region = AccountRegion(account_number=query.account_of(environ), region=scope.region)
        try:
            status, body = 200, wire.answer_xml(action, call(account_region, form))
        except Refusal as refusal:
            status, body = refusal.status, wire.refusal_xml(refusal)
        headers = [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))]
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    def _create_stack(self, account_region: AccountRegion, form: Form) -> Result:
        template = self._template(account_region, form)
        return {"StackId": self._stacks.create(account_region, query.stack_request(form, template))}

    def _update_stack(self, account_region: AccountRegion, form: Form) -> Result:
        self._stacks.find(account_region, form.get("StackName", ""))
        template = self._template(account_region, form)
        return {"StackId": self._stacks.update(account_region, query.stack_request(form, template))}

    def _delete_stack(self, account_region: AccountRegion, form: Form) -> Result:
        self._stacks.delete(
            account_region, form.get("StackName", ""), client_request_token=form.get("ClientRequestToken")
        )
        return None

    def _describe_stacks(self, account_region: AccountRegion, form: Form) -> Result:
        now = self._stacks.now()
        if name := form.get("StackName"):
            records = [self._stacks.find(account_region, name)]
        else:
            records = [
                one for one in self._stacks.list(account_region) if one.status(now) != "DELETE_COMPLETE"
            ]
        return {"Stacks": [wire.stack_node(one, now) for one in records]}

    def _list_stacks(self, account_region: AccountRegion, form: Form) -> Result:
        now = self._stacks.now()
        chosen = query.members(form, "StackStatusFilter")
        records = [
            one for one in self._stacks.list(account_region) if not chosen or one.status(now) in chosen
        ]
        return {"StackSummaries": [wire.summary_node(one, now) for one in records]}

    def _describe_stack_events(self, account_region: AccountRegion, form: Form) -> Result:
        events = self._stacks.find(account_region, form.get("StackName", "")).events(self._stacks.now())
        start = int(form.get("NextToken") or 0)
        rest = len(events) > start + _PAGE_SIZE
        return {
            "StackEvents": [wire.event_node(one) for one in events[start : start + _PAGE_SIZE]],
            "NextToken": str(start + _PAGE_SIZE) if rest else None,
        }

    def _describe_stack_resource(self, account_region: AccountRegion, form: Form) -> Result:
        record = self._stacks.find(account_region, form.get("StackName", ""))
        chosen = form.get("LogicalResourceId", "")
        for one in record.resources():
            if one.logical_id == chosen:
                node = wire.resource_node(record, one, moment_key="LastUpdatedTimestamp")
                return {"StackResourceDetail": node}
        raise validation_error(f"Resource {chosen} does not exist for stack {record.name}")

    def _describe_stack_resources(self, account_region: AccountRegion, form: Form) -> Result:
        record = self._stacks.find(account_region, form.get("StackName", ""))
        chosen = form.get("LogicalResourceId")
        nodes: list[wire.Node] = [
            wire.resource_node(record, one, moment_key="Timestamp")
            for one in record.resources()
            if chosen in {None, one.logical_id}
        ]
        return {"StackResources": nodes}

    def _list_stack_resources(self, account_region: AccountRegion, form: Form) -> Result:
        record = self._stacks.find(account_region, form.get("StackName", ""))
        nodes: list[wire.Node] = [
            wire.resource_node(record, one, moment_key="LastUpdatedTimestamp") for one in record.resources()
        ]
        return {"StackResourceSummaries": nodes}

    def _get_template(self, account_region: AccountRegion, form: Form) -> Result:
        record = self._stacks.find(account_region, form.get("StackName", ""))
        return {"TemplateBody": record.template.text, "StagesAvailable": ["Original", "Processed"]}

    def _get_template_summary(self, account_region: AccountRegion, form: Form) -> Result:
        name = form.get("StackName")
        template = (
            self._stacks.find(account_region, name).template if name else self._template(account_region, form)
        )
        if template is None:
            raise validation_error("Either Template URL or Template Body must be specified.")
        needed = needed_capability(template)
        parameters: Mapping[str, Mapping[str, object]] = template.content.get("Parameters") or {}
        described = [
            {
                "ParameterKey": key,
                "DefaultValue": str(one["Default"]) if "Default" in one else None,
                "ParameterType": str(one.get("Type", "String")),
                "NoEcho": str(bool(one.get("NoEcho", False))).lower(),
            }
            for key, one in parameters.items()
        ]
        types = sorted({str(one["Type"]) for one in template.resources.values()})
        return {
            "Parameters": [*described],
            "Description": template.description,
            "Capabilities": [needed] if needed else [],
            "CapabilitiesReason": (
                f"The following resource(s) require capabilities: [{needed}]" if needed else None
            ),
            "ResourceTypes": types,
        }

    def _template(self, account_region: AccountRegion, form: Form) -> Template | None:
        """The template that a request brings; None for UsePreviousTemplate.

        Raises:
            Refusal: none, both, too large, not to be fetched, or not a template.
        """
        body, url = form.get("TemplateBody"), form.get("TemplateURL")
        if form.get("UsePreviousTemplate") == "true" and not body and not url:
            return None
        if bool(body) == bool(url):
            raise validation_error("Either Template URL or Template Body must be specified.")
        if body:
            check_inline_size(body)
            return parse_template(body)
        text = self._fetch(account_region, url or "")
        if len(text.encode()) > MAXIMUM_FETCHED_BYTES:
            raise validation_error("Template may not exceed 1000000 bytes in size.")
        return parse_template(text)

    def _fetch(self, account_region: AccountRegion, url: str) -> str:
        text = self._links.template_for_url(url)
        if text is not None:
            return text
        requested = urlsplit(url)
        if self._leads_to_a_link(requested.netloc, requested.path):
            raise validation_error(_ACCESS_DENIED)
        if requested.scheme != "https" or not requested.netloc.endswith(".amazonaws.com"):
            raise validation_error("TemplateURL must be a supported URL.")
        try:
            return str(get_stack_from_s3_url(url, account_id=account_region.account_number, partition="aws"))
        except (ServiceException, AttributeError, KeyError):
            raise validation_error(_ACCESS_DENIED) from None

    def _leads_to_a_link(self, host: str, path: str) -> bool:
        """Whether a URL is one of VMware's that S3 no longer answers with the template."""
        link = self._links.link(path.removeprefix(TEMPLATE_PATH))
        return (
            link is not None
            and host == urlsplit(link.template_url).netloc
            and host != urlsplit(FOREIGN_BASE).netloc
        )
