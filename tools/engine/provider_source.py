"""Copies the Terraform AWS provider's source without the services that nobody here uses.

Only generated lists lose lines. What is left is the provider's own code, letter for letter, and compiles in
minutes and 2 GB of memory; all of AWS takes an hour and more memory than most machines have.
"""

import re
import shutil
from pathlib import Path

from tools.engine.work import SetupError

_SERVICES = "cloudformation|sts"
"""Whose resources are kept."""
_CLIENTS = "cloudformation|organizations|s3|sts"
"""Which of AWS's clients those and the provider itself ask for."""
_CLIENT_METHOD = (
    rf"func \(c \*AWSClient\) \w+\(ctx context\.Context\) \*(?!(?:{_CLIENTS})\.)\w+\.Client {{\n.*?\n}}\n\n?"
)
_STACK = "internal/service/cloudformation/stack.go"
# Test equipment of the provider's, which needs services that are left out.
_SWEEPER = "internal/service/cloudformation/sweep.go"

_REDUCE = (
    ("internal/provider/sdkv2/service_packages_gen.go", rf'^.*internal/service/(?!(?:{_SERVICES})").*\n', ""),
    (
        "internal/provider/sdkv2/service_packages_gen.go",
        rf"^\t\t(?!(?:{_SERVICES})\.)\w+\.ServicePackage\(ctx\),\n",
        "",
    ),
    ("internal/conns/awsclient_gen.go", rf'^.*aws-sdk-go-v2/service/(?!(?:{_CLIENTS})").*\n', ""),
    ("internal/conns/awsclient_gen.go", f"(?s:{_CLIENT_METHOD})", ""),
)
"""File, pattern, and what stands in its place."""
_POLL_EARLY = (
    (_STACK, r"(Delay: +)10 \* time\.Second", r"\1pollDelay()"),
    (_STACK, r"minTimeout = \d \* time\.Second", "minTimeout = 200 * time.Millisecond"),
)
_POLL_DELAY = """package cloudformation

import (
	"os"
	"time"
)

func pollDelay() time.Duration {
	if delay, err := time.ParseDuration(os.Getenv("SANDBOX_AWS_POLL_DELAY")); err == nil {
		return delay
	}
	return 10 * time.Second
}
"""


def copy_reduced(module: Path, to: Path, *, quick: bool) -> None:
    """Copy the provider's module from Go's cache to a new folder.

    A quick copy's waits for a stack (create, update, delete) begin after `SANDBOX_AWS_POLL_DELAY`, not 10 s,
    and look again after 200 ms.

    Raises:
        SetupError: the source has not what is to be cut or changed.
    """
    for part in ("go.mod", "go.sum", "internal", "names", "version", "xpprovider"):
        for file in [module / part, *(module / part).rglob("*")]:
            path = file.relative_to(module)
            if file.is_file() and _is_needed(path):
                (to / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, to / path)
    for name, pattern, instead in (*_REDUCE, *(_POLL_EARLY if quick else ())):
        text, count = re.subn(pattern, instead, (to / name).read_text("utf-8"), flags=re.MULTILINE)
        if count < 3:
            raise SetupError(f"{name} of {module.name} has {count} places with {pattern}, not 3 or more")
        (to / name).write_text(text, encoding="utf-8")
    if quick:
        (to / _STACK).with_name("poll_delay.go").write_text(_POLL_DELAY, encoding="utf-8")


def _is_needed(path: Path) -> bool:
    is_unused = re.match(rf"internal/service/(?!(?:{_SERVICES})/)", path.as_posix())
    is_test = path.name.endswith("_test.go") or "testdata" in path.parts
    return not is_unused and not is_test and path.as_posix() != _SWEEPER
