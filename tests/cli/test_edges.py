"""The edges, fuzzed: variables, files and streams that are wrong end no more than their own line.

Real: the commands, boto3, requests, both emulated clouds.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox.environment import Sandbox
from tests.support.cli import Command

GARBAGE = (
    "",
    " ",
    "relative/path",
    "/nope/nothing",
    "/",
    "/dev/null",
    "http://[::1",
    "nonsense:\x01\u2026",
    "~nobody",
)
VARIABLES = (
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_CA_BUNDLE",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_MAX_ATTEMPTS",
    "AWS_RETRY_MODE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY",
    "NO_PROXY", "NETRC", "VMC_URL", "CSP_URL", "ORG_ID", "API_TOKEN", "PULUMI_HOME", "PULUMI_BACKEND_URL",
    "HOME", "XDG_STATE_HOME",
)  # fmt: skip
FILES: dict[str, bytes | None] = {
    "missing": None,
    "empty": b"",
    "NUL bytes": b"\x00" * 64,
    "no UTF-8": b"\xff\xfe\x00profile",
    "half a section": b"[profile",
    "no section": b"aws_access_key_id = x\n",
    "a process that says nothing": b"[default]\ncredential_process = true\n",
    "a process that says no JSON": b"[default]\ncredential_process = echo not-json\n",
    "a process that says another JSON": b"[default]\ncredential_process = echo []\n",
    "a tool that is not there": b"[default]\ncredential_process = /nope/tool\n",
    "unbalanced quotes": b'[default]\ncredential_process = "echo\n',
    "a code that nobody types": (
        b"[default]\nrole_arn = arn:aws:iam::200000000001:role/lab\nsource_profile = base\n"
        b"mfa_serial = arn:aws:iam::123456789012:mfa/joe\n"
        b"[profile base]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = x\n"
    ),
    "a circle of roles": b"[default]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = default\n",
    "a login without its parts": b"[default]\nsso_session = gone\nsso_account_id = 1\nsso_role_name = r\n",
    "deep nesting": b"[default]\n" + b"s3 =\n" + b"  a = b\n" * 500,
}
CHECKS = {
    "token", "organisation", "roles", "AWS identity", "linked", "region", "stack name", "subnets",
    "permissions", "quotas",
}  # fmt: skip
PARTS = 3
"""Of the values of each variable; `make test` takes one."""


def every_check_has_its_line(said: Any) -> None:
    assert said.code in {0, 1}, said
    assert "This is a bug" not in said.out + said.err
    assert set(json.loads(said.out)["lines"][0]) >= {"name", "verdict"}
    assert set(said.lines()) == CHECKS


@pytest.mark.parametrize(
    "part", [pytest.param(part, marks=[pytest.mark.whole] if part else []) for part in range(PARTS)]
)
@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_that_is_wrong_ends_no_other_check(
    command: Command, variable: str, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    # Of a part every third value, and another third for the next variable.
    for value in GARBAGE[(VARIABLES.index(variable) + part) % PARTS :: PARTS]:
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            every_check_has_its_line(command("doctor", "--json", "--no-project"))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("variable", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
def test_a_file_of_profiles_that_is_wrong_ends_no_other_check(
    command: Command, name: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, content = tmp_path / "profiles", FILES[name]
    if content is not None:
        file.write_bytes(content)
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(key)
    monkeypatch.setenv(variable, str(file))
    said = command("doctor", "--json", "--no-project")
    every_check_has_its_line(said)
    assert said.lines()["AWS identity"]["verdict"] == "fail"
    assert said.lines()["token"]["verdict"] == "pass"


@pytest.mark.parametrize("name", [name for name in FILES if name != "missing"])
def test_a_template_that_is_none_is_one_line(command: Command, name: str, tmp_path: Path) -> None:
    file = tmp_path / "template"
    file.write_bytes(FILES[name] or b"")
    said = command("inspect", str(file))
    assert said.code in {1, 2}
    assert len(said.err.splitlines()) == 1
    assert "This is a bug" not in said.err


def test_nothing_set_to_nothing_is_as_good_as_unset(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        monkeypatch.setenv(name, "")
    assert command("doctor", "--json", "--no-project").lines()["AWS identity"]["verdict"] == "pass"


@pytest.mark.parametrize(
    ("proxy", "found"),
    [
        ("http://", "through the proxy of HTTPS_PROXY"),
        ("http://proxy:port", "through the proxy of HTTPS_PROXY"),
        ("http://[::1", "through the proxy of HTTPS_PROXY"),
        ("http://127.0.0.1:1", "through the proxy of HTTPS_PROXY"),
        ("socks5h://127.0.0.1:1", "HTTPS_PROXY"),
    ],
)
def test_a_proxy_that_is_wrong_is_named_by_its_variable(
    command: Command, monkeypatch: pytest.MonkeyPatch, proxy: str, found: str
) -> None:
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("VMC_URL", "CSP_URL"):
        monkeypatch.setenv(name, "https://vmc.example.com")
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert found in command("doctor", "--json", "--no-project").lines()["token"]["found"]


def test_a_bundle_of_certificates_that_is_not_there_is_named_by_its_variable(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSP_URL", "https://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nope/bundle.pem")
    line = command("doctor", "--json", "--no-project").lines()["token"]
    assert "REQUESTS_CA_BUNDLE does not name a file" in line["found"]


def test_no_password_of_a_netrc_file_is_sent(
    command: Command, box: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login joe password hunter2hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    headers: list[str | None] = []
    send = requests_send(headers)
    monkeypatch.setattr("requests.Session.send", send)
    assert command("doctor", "--json", "--no-project").lines()["token"]["verdict"] == "pass"
    assert headers
    assert set(headers) == {None}


def requests_send(headers: list[str | None]) -> Any:
    import requests  # noqa: PLC0415 - as late as the client loads it

    send = requests.Session.send

    def spy(self: Any, request: Any, **options: Any) -> Any:
        headers.append(request.headers.get("Authorization"))
        return send(self, request, **options)

    return spy


DOCTOR = [sys.executable, "-m", "vmc_account_link", "doctor", "--no-project"]


@pytest.fixture
def environment(box: Sandbox) -> dict[str, str]:
    return {**box.process_environment(), "PYTHONUNBUFFERED": "1"}


@pytest.mark.parametrize(
    ("encoding", "streams"),
    [("latin-1", ()), ("ascii", ()), ("utf-8", (0,)), ("utf-8", (1,)), ("utf-8", (2,)), ("utf-8", (0, 1, 2))],
)
def test_a_stream_that_is_closed_or_has_no_sign_for_a_letter_is_no_error(
    environment: dict[str, str], encoding: str, streams: tuple[int, ...], tmp_path: Path
) -> None:
    closed = "".join(f" {number}{'<' if not number else '>'}&-" for number in streams)
    err = tmp_path / "err"
    # A wrong account: its line holds an ellipsis.
    command = f'"$@" --aws-account-id 000000000001{closed}'
    with err.open("w") as file:
        done = subprocess.run(
            ["sh", "-c", command, "sh", *DOCTOR],
            env={**environment, "PYTHONIOENCODING": encoding},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=file,
            check=False,
        )
    assert done.returncode == 1
    assert err.read_text() == ""
    if 1 not in streams:
        assert b"permissions" in done.stdout


def test_a_reader_that_has_had_enough_is_no_error(environment: dict[str, str], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    err = tmp_path / "err"
    with err.open("w") as file:
        done = subprocess.run(DOCTOR, env=environment, stdout=writing, stderr=file, check=False)
    os.close(writing)
    assert done.returncode in {0, 1}
    assert err.read_text() == ""


@pytest.mark.parametrize("files", [16, 24])
def test_a_small_limit_of_open_files_is_a_line(environment: dict[str, str], files: int) -> None:
    # Not in `preexec_fn`: a process that has used gRPC forks badly.
    limited = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *DOCTOR]
    done = subprocess.run(limited, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1, 2}
    assert "Traceback" not in done.stdout + done.stderr
