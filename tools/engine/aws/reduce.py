"""Cuts a copy of the Terraform AWS provider down to a few services.

Only generated lists lose lines, and two files go: a data source that needs all of EC2's resources, and the
test equipment of CloudFormation. What is left is the provider's own code, letter for letter.

usage: reduce.py COPY
"""

import pathlib
import re
import sys

SERVICES = ("cloudformation", "sts")
CLIENTS = ("cloudformation", "organizations", "s3", "sts")

root = pathlib.Path(sys.argv[1]) / "internal"


def edit(path: str, change) -> None:
    file = root / path
    file.write_text(change(file.read_text()))


def wanted(line: str, names: tuple[str, ...]) -> bool:
    return any(re.search(rf'[/\t]{name}("|\.ServicePackage)', line) for name in names)


def services(text: str) -> str:
    return "".join(
        line
        for line in text.splitlines(keepends=True)
        if not ("internal/service/" in line or ".ServicePackage(ctx)" in line) or wanted(line, SERVICES)
    )


def clients(text: str) -> str:
    text = "".join(
        line
        for line in text.splitlines(keepends=True)
        if "aws-sdk-go-v2/service/" not in line or wanted(line, CLIENTS)
    )
    method = r"func \(c \*AWSClient\) \w+Client\(ctx context\.Context\) \*(\w+)\.Client \{\n.*?\n\}\n\n?"
    return re.sub(method, lambda m: m[0] if m[1] in CLIENTS else "", text, flags=re.DOTALL)


edit("provider/sdkv2/service_packages_gen.go", services)
edit("conns/awsclient_gen.go", clients)
(root / "service/cloudformation/sweep.go").unlink()
