"""The copy of the Terraform AWS provider's source that is built."""

import re
from pathlib import Path

import pytest

from tools.engine.provider_source import copy_reduced
from tools.engine.work import SetupError


def make_module(root: Path, *, delays: int = 3) -> Path:
    """A module that looks like the provider's, as far as the reduction does."""
    unused = ("ec2", "ecs", "eks")
    services = "".join(f'\t"x/internal/service/{one}"\n' for one in (*unused, "sts"))
    packages = "".join(f"\t\t{one}.ServicePackage(ctx),\n" for one in (*unused, "sts"))
    clients = "".join(f'\t"x/aws-sdk-go-v2/service/{one}"\n' for one in (*unused, "s3"))
    methods = "".join(
        f"func (c *AWSClient) XClient(ctx context.Context) *{one}.Client {{\n\treturn 1\n}}\n\n"
        for one in (*unused, "s3")
    )
    texts = {
        "go.mod": "", "go.sum": "", "names/names.go": "", "version/version.go": "", "xpprovider/x.go": "",
        "internal/provider/sdkv2/service_packages_gen.go": services + packages,
        "internal/conns/awsclient_gen.go": clients + methods,
        "internal/service/ec2/vpc.go": "",
        "internal/service/cloudformation/sweep.go": "",
        "internal/service/cloudformation/stack.go":
            "\t\tDelay:   10 * time.Second,\n" * delays + "\t\tminTimeout = 5 * time.Second\n" * 3,
    }  # fmt: skip
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def test_the_build_loses_lists_only_and_the_quick_one_waits_less(tmp_path: Path) -> None:
    given = make_module(tmp_path / "module")
    stack = "internal/service/cloudformation/stack.go"
    for quick in (False, True):
        copy_reduced(given, tmp_path / str(quick), quick=quick)
    assert (tmp_path / "False" / stack).read_bytes() == (given / stack).read_bytes()
    assert (tmp_path / "True" / stack).read_text() == (
        "\t\tDelay:   pollDelay(),\n" * 3 + "\t\tminTimeout = 200 * time.Millisecond\n" * 3
    )
    left = "".join(file.read_text() for file in (tmp_path / "False").rglob("*_gen.go"))
    assert not re.search("ec2|ecs|eks", left)
    assert left.count("sts") == left.count("s3") == 2
    assert not (tmp_path / "False/internal/service/ec2").exists()


def test_source_without_the_lines_to_change_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"stack\.go of module has 2 places with .*Delay"):
        copy_reduced(make_module(tmp_path / "module", delays=2), tmp_path / "copy", quick=True)
