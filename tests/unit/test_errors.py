"""Messages: one line, three parts, no secret. Pure."""

import inspect

import pulumi
import pytest

from vmc_account_link import errors
from vmc_account_link.errors import Refused, VmcError, safe_text, url_origin, url_secrets

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, Exception)]


def test_a_message_has_action_detail_and_hint() -> None:
    error = VmcError("list the accounts", "500, out of order.", "Try again later.")
    assert str(error) == "list the accounts: 500, out of order. Try again later."


def test_the_python_host_prints_no_error_with_a_traceback() -> None:
    assert len(CLASSES) > 15
    assert all(issubclass(one, pulumi.RunError) for one in CLASSES)


def test_the_tree_in_the_docstring_is_the_tree_of_the_code() -> None:
    drawn = {
        line.strip("├└─│ ").split()[0]
        for line in (errors.__doc__ or "").splitlines()
        if "─" in line and not line.startswith("Vmc")
    }
    assert drawn == {one.__name__ for one in CLASSES} - {"VmcError", "CommandFailed"}


def test_of_a_url_the_origin_alone_is_shown() -> None:
    assert url_origin("https://user:pw@host:1/p/a?X-Amz-Signature=s#f") == "https://host:1"
    assert url_origin("https://[broken/t") == "a malformed URL"


def test_the_long_segments_of_a_templates_url_are_secrets() -> None:
    url = "https://vmc.vmware.com/callbacks/publics/planted-id/planted-content?sig=planted-sig&x=1"
    assert url_secrets(url) == ("callbacks", "planted-id", "planted-content", "planted-sig")
    assert url_secrets("https://[broken/t") == ()


@pytest.mark.parametrize(
    ("text", "secrets", "expected"),
    [
        ("see https://h/p?X-Amz-Signature=abc&x=1 now", (), "see https://h now"),
        ("bad token planted-token-123 refused", ("planted-token-123",), "bad token [secret] refused"),
        ("bad token planted-... refused", ("planted-token-123",), "bad token [secret] refused"),
        ("bad pw", ("pw",), "bad [secret]"),
        ("two\nlines\tand  blanks", (), "two lines and blanks"),
    ],
)
def test_a_services_text_is_made_one_line_without_secrets(
    text: str, secrets: tuple[str, ...], expected: str
) -> None:
    assert safe_text(text, secrets) == expected


def test_a_long_text_is_cut() -> None:
    assert len(safe_text("x" * 5000)) == 400


def test_a_message_stays_one_line_whatever_name_is_in_it() -> None:
    strange = "\x1b[2J\u202e two\nlines\ud800 " + "x" * 1_000_000
    line = str(VmcError(f"unlink {strange}", f"404, {strange}", f"Look at {strange}."))
    assert line.isprintable()
    assert len(line) < 1300
    assert "unlink" in line
    assert "404" in line
    assert "Look at" in line


def test_a_refusal_keeps_what_decides_about_a_repeat() -> None:
    error = Refused("a", "b", "c", status=503, code="x", retryable=False, retry_after_seconds=2.0)
    assert (error.status, error.code, error.retryable, error.retry_after_seconds) == (503, "x", False, 2.0)
