"""Labs that are well written, and yet can't be: by the program's rules, by each other, by this machine."""

import configparser
from collections.abc import Mapping
from pathlib import Path

from pydantic.alias_generators import to_snake

from vmc_account_link.args import validate_args
from vmc_account_link.errors import SettingsError
from vmc_account_link.settings import DEFAULT_REGION, setting_key
from vmc_labs.spec import located_yaml, schema
from vmc_labs.spec.model import LabSpec
from vmc_labs.spec.problems import Problems

IndexedLabs = list[tuple[int, LabSpec]]
"""Labs with their entry's place in the file."""


def validate_labs(
    labs: IndexedLabs, written: schema.Fleet, problems: Problems, environ: Mapping[str, str]
) -> None:
    """Note what is wrong with labs that are each well written.

    Args:
        labs: with patterns and defaults worked out.
        written: the file, to say where a setting stands.
        problems: takes what is found.
        environ: says where AWS's shared files are.
    """
    _refuse_what_the_program_would(labs, problems, written)
    _refuse_doubles(labs, problems)
    _refuse_missing_profiles(labs, problems, environ)


def _refuse_what_the_program_would(labs: IndexedLabs, problems: Problems, written: schema.Fleet) -> None:
    """Judge each lab's settings as the program does, which knows what goes ill with what."""
    for index, lab in labs:
        try:
            validate_args(lab.settings, setting_key)
        except SettingsError as error:
            key = error.action
            is_own = to_snake(key) in written.labs[index].model_fields_set
            path: located_yaml.Path = ("labs", index) if is_own else ("defaults",)
            problems.add((*path, key), f"{error.detail}: {error.hint}")


def _refuse_doubles(labs: IndexedLabs, problems: Problems) -> None:
    names: set[str] = set()
    links: dict[tuple[object, ...], str] = {}
    stacks: dict[tuple[object, ...], str] = {}
    for index, lab in labs:
        if lab.name in names:
            problems.add(("labs", index, "name"), f"lab {lab.name} is there twice")
        names.add(lab.name)
        credentials = lab.credentials
        account = lab.aws_account_id or (credentials.profile, credentials.role_arn)
        whose = f"AWS account {account}" if lab.aws_account_id else "the account of these credentials"
        path: located_yaml.Path = ("labs", index)
        if lab.aws_account_id or credentials.profile:
            path = (*path, "awsAccountId" if lab.aws_account_id else "awsProfile")
        first = links.setdefault((account, lab.service.org_id), lab.name)
        if first != lab.name:
            problems.add(
                path, f"{whose} is lab {first}'s already: an organisation holds one link for each account"
            )
            continue
        region = lab.settings.get("region", DEFAULT_REGION)
        first = stacks.setdefault((account, region, lab.stack_name), lab.name)
        if first != lab.name:
            problems.add(
                path,
                f"lab {first} has CloudFormation stack {lab.stack_name} in {whose}: set another stackName",
            )


def _refuse_missing_profiles(labs: IndexedLabs, problems: Problems, environ: Mapping[str, str]) -> None:
    profiles = [(index, lab.credentials.profile) for index, lab in labs if lab.credentials.profile]
    if not profiles:
        return
    known = _profiles(environ)
    for index, profile in profiles:
        if profile not in known:
            problems.add(
                ("labs", index, "awsProfile"),
                f"there is no AWS profile {profile!r} (AWS_CONFIG_FILE, ~/.aws/config)",
            )


def _profiles(environ: Mapping[str, str]) -> set[str]:
    """The profiles of AWS's two shared files."""
    found = set()
    for variable, default in (("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")):
        parser = configparser.RawConfigParser(strict=False)
        path = Path(environ.get(variable) or Path.home() / ".aws" / default).expanduser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        found |= {section.removeprefix("profile ").strip() for section in parser.sections()}
    return found
