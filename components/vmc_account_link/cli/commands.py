"""From a command's options to its request; the Pulumi stack's configuration fills what they leave open."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click

from vmc_account_link import args
from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.organisation import find_organisation
from vmc_account_link.args import DEFAULT_STACK_NAME
from vmc_account_link.aws_reader import AwsAccess, AwsReader
from vmc_account_link.cli import doctor, output, shapes, status, unlink
from vmc_account_link.cli.check_result import CheckResult, exit_code, passed, run_check
from vmc_account_link.cli.project import LinkState, NoSuchLink, Project
from vmc_account_link.cli.report import report_lines
from vmc_account_link.cli.rights import Scope, iam_policy
from vmc_account_link.errors import SettingsError, VmcError
from vmc_account_link.link.ownership import LinkEvidence
from vmc_account_link.pulumi_cli import find_project_file
from vmc_account_link.resource_types import PACKAGE
from vmc_account_link.settings import (
    DEFAULT_REGION,
    VMC_KEYS,
    VmcSettings,
    read_settings,
    refuse_unknown_keys,
)
from vmc_account_link.template import source
from vmc_account_link.template.policy import read_policy
from vmc_account_link.template.report import TemplatePolicy, inspect_template, violations


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where the values come from that no option gives."""

    project: Project | None
    config: Mapping[str, str] = dataclasses.field(repr=False)
    """Full key -> value, secrets among them; empty without a project."""

    def setting(self, key: str) -> str | None:
        """A setting of the program, without its namespace; None where it is unset or empty."""
        name = self.project.name if self.project else ""
        return (self.config.get(f"{name}:{key}") or "").strip() or None

    def structured(self, key: str) -> Any:
        """As `setting`, of one that is a list or an object.

        Raises:
            SettingsError: it is neither.
        """
        text = self.setting(key)
        try:
            return json.loads(text) if text else None
        except ValueError:
            raise SettingsError(
                f"vmc-account-link:{key}", "it is neither a list nor an object", "Set it with --path."
            ) from None

    def aws_access(self, options: SimpleNamespace, link: LinkState | None = None) -> AwsAccess:
        """How to ask AWS about a link: as its stack's provider in the state does, else as `aws:*` says.

        Args:
            options: `--profile` goes before the credentials of either, `--region` before their region.
            link: of the state, if it is there.

        Raises:
            SettingsError: an `aws:` setting is malformed.
        """
        configured = {
            name: value for key, value in self.config.items() if (name := key.removeprefix("aws:")) != key
        }
        access = AwsAccess.from_inputs((link and link.aws_provider) or configured)
        if link and link.aws_provider:
            region = link.region or access.region
        else:
            region = self.setting("region") or DEFAULT_REGION
        if options.profile:
            access = AwsAccess(profile=options.profile, endpoints=access.endpoints)
        return dataclasses.replace(access, region=options.region or region)

    def link_of_stack(self, name: str) -> LinkState | None:
        """The link of the state whose CloudFormation stack has this name, if there is one.

        Raises:
            VmcError: the engine refused, in its own words.
        """
        links = self.project.links(show_secrets=True) if self.project else ()
        return next((link for link in links if link.stack_name == name), None)

    def vmc_settings(self) -> VmcSettings:
        """The `vmc:` settings, of the configuration or the environment.

        Raises:
            SettingsError: one is missing or malformed.
        """
        return read_settings(
            self.config.get, os.environ, lambda known: find_organisation(known, emit_progress=output.note)
        )


def context_of(options: SimpleNamespace) -> Context:
    """The Pulumi project of the folder, if there is one and it is wanted.

    Raises:
        VmcError: it was asked for and can't be read.
    """
    folder = Path(options.cwd)
    if options.no_project or not (options.stack or find_project_file(folder)):
        return Context(project=None, config={})
    project = Project(folder, options.stack)
    return Context(project=project, config=project.config())


def run_doctor(options: SimpleNamespace) -> int:
    """Look at everything before the first link."""
    context = context_of(options)
    settings: VmcSettings | VmcError
    try:
        settings = context.vmc_settings()
    except SettingsError as error:
        settings = error
    stack_name = options.stack_name or context.setting("stackName") or DEFAULT_STACK_NAME
    owned = context.link_of_stack(stack_name)
    access = context.aws_access(options, owned)
    account_id = options.aws_account_id or context.setting("awsAccountId")
    if options.iam_policy:
        output.show_json(
            iam_policy(Scope(account=account_id or "*", region=access.region, stack_name=stack_name))
        )
        return 0
    request = doctor.DoctorRequest(
        settings=settings,
        uses_existing=options.existing or context.setting("link") == "existing",
        stack_name=stack_name,
        access=access,
        subnet_region=options.subnet_region or context.setting("subnetRegion") or access.region,
        account_id=account_id,
        owned_stack_id=owned.stack_id if owned else None,
    )
    results = (*_configuration(context), *doctor.run(request))
    output.show_results(results, as_json=options.json)
    return exit_code(results)


def _configuration(context: Context) -> tuple[CheckResult, ...]:
    """Whether the program would take the whole configuration; nothing to say without one."""
    if not context.config:
        return ()

    def check() -> CheckResult:
        from vmc_account_link.aws import aws_keys  # noqa: PLC0415 - pulumi_aws is slow to load

        refuse_unknown_keys("vmc", context.config, VMC_KEYS)
        refuse_unknown_keys("aws", context.config, aws_keys())
        if context.project and context.project.name == PACKAGE:
            given = args.parse_args(
                PACKAGE, context.config, lambda key: context.config.get(f"{PACKAGE}:{key}")
            )
            args.validate_args(args.drop_unset(given), args.config_key)
        return passed("configuration", f"all {len(context.config)} settings are known and well formed")

    return (run_check("configuration", check),)


def run_status(options: SimpleNamespace) -> int:
    """Look at one link."""
    context = context_of(options)
    if options.shapes:
        return _write_shapes(options, context)
    results = status.run(_status_request(options, context))
    output.show_results(results, as_json=options.json)
    return exit_code(results)


def _write_shapes(options: SimpleNamespace, context: Context) -> int:
    """Write what the service answers, as shapes."""
    link: dict[str, Any] = {}
    if options.aws_account_id:
        known = _status_request(options, context).known
    else:
        state = _link_of_state(context, options)
        known = state.known
        link = {
            "template_url": state.template_url,
            "tracking_task": known.tracking_task if known else None,
            "requested_at": state.requested_at,
            "expiration_date": state.expiration_date,
        }
    found = shapes.collect(context.vmc_settings(), known, link)
    try:
        Path(options.shapes).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"write {options.shapes}", str(error.strerror), "Name another file.") from None
    output.show_text([f"{options.shapes}: the shapes of the service's answers, without their values"])
    return 0


def _status_request(options: SimpleNamespace, context: Context) -> status.StatusRequest:
    if options.aws_account_id:
        name = options.stack_name or context.setting("stackName") or DEFAULT_STACK_NAME
        return status.StatusRequest(
            settings=context.vmc_settings(),
            account_number=options.aws_account_id,
            stack=name,
            known=LinkEvidence(
                account_number=options.aws_account_id, stack_names=(name,), tracking_task=options.task
            ),
            access=context.aws_access(options),
            expiration_date=None,
        )
    link = _link_of_state(context, options)
    if link.account_number is None:
        raise NoSuchLink(
            f"look at {link.component}", "the Pulumi state does not name its AWS account", "Run `pulumi up`."
        )
    return status.StatusRequest(
        settings=context.vmc_settings(),
        account_number=link.account_number,
        stack=None if link.is_existing else link.stack_id or link.stack_name,
        known=link.known,
        access=context.aws_access(options, link),
        expiration_date=link.expiration_date,
    )


def run_inspect(options: SimpleNamespace) -> int:
    """Say what a template makes, and whether the policy agrees."""
    wants_project = bool(options.stack) or not (options.file or options.stack_name)
    context = context_of(options) if wants_project else Context(project=None, config={})
    report = inspect_template(_template_text(options, context))
    policy = _policy(options, context)
    found = violations(report, policy)
    if options.json:
        output.show_json({"report": report, "policy": policy, "violations": found})
    else:
        output.show_text([*report_lines(report), *_verdict_lines(policy, found)])
    return int(bool(found))


def run_unlink(options: SimpleNamespace) -> int:
    """Remove a record that no Pulumi stack holds."""
    context = context_of(options)
    own = next(
        (link for link in (context.project.links() if context.project else ()) if not link.is_existing), None
    )
    request = unlink.UnlinkRequest(
        settings=context.vmc_settings(),
        access=context.aws_access(options),
        account_number=options.aws_account_id or context.setting("awsAccountId"),
        own_account_number=own.account_number if own else None,
    )
    return unlink.run(
        request,
        show=lambda line: output.show_text([line]),
        confirm=lambda question: options.yes or click.confirm(question),
    )


def run_recover(options: SimpleNamespace) -> int:
    """Put one Pulumi stack right after a crash."""
    from vmc_account_link.recovery import recover  # noqa: PLC0415 - psutil, which the other commands don't need

    request = recover.RecoverRequest(
        stack=options.stack,
        folder=Path(options.cwd),
        lost_hosts=options.lost_hosts,
        force=options.force,
    )
    recover.run(request, emit_progress=lambda line: output.show_text([line]))
    return 0


def _template_text(options: SimpleNamespace, context: Context) -> str:
    if options.file:
        try:
            return Path(options.file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            cause = error.strerror if isinstance(error, OSError) else "it is not text"
            raise SettingsError(f"read {options.file}", str(cause), "Name a template's file.") from None
    if options.stack_name:
        access = context.aws_access(options, context.link_of_stack(options.stack_name))
        template = AwsReader(access).template(options.stack_name)
        return template if isinstance(template, str) else json.dumps(template)
    link = _link_of_state(context, options)
    if link.template_body:
        return link.template_body
    if link.template_url:
        return _downloaded(link.template_url, context)
    raise NoSuchLink(
        f"look for the template of {link.component}", "the state holds none", "Name a file, or --stack-name."
    )


def _downloaded(url: str, context: Context) -> str:
    """The template behind the link's URL, under the same rules as in `pulumi up`."""
    settings = context.vmc_settings()
    hosts = context.structured("templateHosts") or ()
    source.check_source(url, service_url=settings.vmc_url, s3_endpoint=settings.s3_url, further_hosts=hosts)
    with VmcClient(settings, context=output.ASKING) as vmc:
        return vmc.download_template(url)


def _link_of_state(context: Context, options: SimpleNamespace) -> LinkState:
    if context.project is None:
        raise SettingsError(
            options.cwd,
            "there is no Pulumi project here",
            "Name its folder with --cwd, or the link by flags.",
        )
    return context.project.link(options.component, show_secrets=True)


def _policy(options: SimpleNamespace, context: Context) -> TemplatePolicy:
    """`templatePolicy` of the configuration; an option takes the place of the part that it names."""
    wire = context.structured("templatePolicy")
    read_policy(wire)  # A misspelt one is refused, whatever the options say.
    given = {"resourceTypes": options.allow_type, "trustedAccounts": options.trust_account}
    return read_policy({**(wire or {}), **{key: value for key, value in given.items() if value}})


def _verdict_lines(policy: TemplatePolicy, found: tuple[str, ...]) -> list[str]:
    if policy == TemplatePolicy():
        return ["Policy: none (templatePolicy, --allow-type, --trust-account)"]
    return ["Policy: refused", *(f"  {line}" for line in found)] if found else ["Policy: it fits"]
