"""The plugins that `make setup` has got, where the engine of a sandbox finds them."""

import dataclasses
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

_ENGINE = Path(__file__).resolve().parent.parent / ".engine"
POLL_VARIABLE = "SANDBOX_AWS_POLL_DELAY"
"""Read by the quick build alone: how long a wait for a stack lasts before its first look, as Go writes it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AwsProvider:
    """Where a build of the provider is, and what it wants in its environment."""

    folder: Path
    """Holds `pulumi-resource-aws`."""
    environment: Mapping[str, str]


def find_provider(first_poll_seconds: float | None) -> AwsProvider | None:
    """The provider of `.engine`; None where the engine has to find or download it.

    Args:
        first_poll_seconds: the quick build, whose waits for a stack look first after so long, where there
            is one (it needs Go); None: the untouched provider, which looks first after 10 s.
    """
    name = f"resource-aws-v{version('pulumi_aws')}"
    if first_poll_seconds is not None and (quick := _ENGINE / "quick" / name).is_dir():
        delay = f"{round(first_poll_seconds * 1000)}ms"
        return AwsProvider(folder=quick, environment={POLL_VARIABLE: delay})
    plain = _ENGINE / "plugins" / name
    return AwsProvider(folder=plain, environment={}) if plain.is_dir() else None


def language_hosts() -> list[Path]:
    """The folders of the language hosts of `.engine`: those that do not come with its `pulumi`."""
    return sorted((_ENGINE / "plugins").glob("language-*"))


def install(plugin: Path, pulumi_home: Path) -> None:
    """Link a plugin's folder into `pulumi_home`, as if `pulumi plugin install` had been run there.

    Raises:
        OSError: the folder can't be written.
    """
    # The engine passes over a folder that is a link, so the links are inside.
    installed = pulumi_home / "plugins" / plugin.name
    installed.mkdir(parents=True, exist_ok=True)
    for file in plugin.iterdir():
        link = installed / file.name
        link.unlink(missing_ok=True)
        link.symlink_to(file)
