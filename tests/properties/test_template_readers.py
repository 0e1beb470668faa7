"""A template that we take is taken by the real AWS provider's Check, which quotes what it does not take."""

import subprocess
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.plugins import find_provider
from vmc_account_link.template.parse import NotTaken, load

pytestmark = pytest.mark.engine

TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Description: >-
  Links the account.
Parameters:
  Name: {Type: String, Default: x}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      Path: !Sub "/${Name}/"
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - Effect: Allow
            Principal: {AWS: "arn:aws:iam::123456789012:root"}
            Action: [sts:AssumeRole]
            Condition: {StringEquals: {"sts:ExternalId": 'it''s'}}
  Run:
    Type: AWS::Lambda::Function
    Properties:
      Role: !GetAtt Role.Arn
      Code:
        ZipFile: |
          def run(event, context):
              return {"a": 1}  # no
      Environment: {Variables: {LINK: "abc-123", N: 1.0, T: yes}}
  Report: {Type: Custom::Report, Properties: {ServiceToken: !GetAtt [Run, Arn], If: !If [C, !Ref Name, b]}}
"""
PIECES = (
    *("\t", "\r", "\n", "\r\n", " ", "\n\n", "\x85", "\u2028", "\ufeff", "\x7f", "é", "\U0001f600"),
    *("&a ", "*a", "<<: *a", "!!str ", "!Foo ", "!Sub ", "!Sub\n", "!<tag:x> ", "!!binary aGk="),
    *("%YAML 1.1\n", "---\n", "...\n", "--- x\n", "? ", ": ", "- ", "- - ", "? a\n: b\n", "a: b: c"),
    *(
        "{",
        "}",
        "[",
        "]",
        ",",
        "'",
        '"',
        "|",
        ">",
        "|2",
        ">-",
        "#",
        " #",
        "\\",
        "\\z",
        "@",
        "`",
        "!",
        "~",
        "%",
    ),
    *("null: ", "1: ", "true: ", "key", "Name: x\n", "  Role: 1\n", "0x1F", "1_000", ".inf", "="),
)
"""What is put in somewhere: all that readers of YAML may differ about."""


@pytest.fixture(scope="module")
def check() -> Iterator[Any]:
    """The provider's verdict on a template: its failures' texts."""
    provider = find_provider(None)
    assert provider is not None, "make setup has built no AWS provider"
    command = [str(provider.folder / "pulumi-resource-aws"), "127.0.0.1:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                yield lambda text: _failures(stub, text)
        finally:
            process.kill()


def _failures(stub: Any, text: str) -> list[str]:
    inputs = struct_pb2.Struct()
    inputs.update({"name": "x", "templateBody": text})
    urn = "urn:pulumi:dev::p::aws:cloudformation/stack:Stack::s"
    return [
        failure.reason for failure in stub.Check(provider_pb2.CheckRequest(urn=urn, news=inputs)).failures
    ]


def test_the_template_as_it_is_is_taken_by_both(check: Any) -> None:
    assert load(TEMPLATE)["Resources"]["Report"]
    assert check(TEMPLATE) == []


def test_the_provider_quotes_what_it_does_not_take(check: Any) -> None:
    """The reason for all of this: a line of the template, in clear."""
    text = TEMPLATE.replace("  Run:", "  Role:")
    assert any("AWS::Lambda::Function" in failure for failure in check(text))
    with pytest.raises(NotTaken):
        load(text)


@settings(max_examples=400)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(TEMPLATE)), st.sampled_from(PIECES), st.integers(0, 5)), max_size=3
    )
)
def test_what_we_take_of_changed_templates_the_provider_takes(
    check: Any, changes: list[tuple[int, str, int]]
) -> None:
    text = TEMPLATE
    for at, piece, dropped in changes:
        text = text[:at] + piece + text[at + dropped :]
    try:
        load(text)
    except NotTaken:
        return
    assert check(text) == []
