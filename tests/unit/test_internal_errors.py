"""An exception that nobody foresaw: one line, and a file of the user's alone. Pure but for the file."""

import stat
import tempfile
from pathlib import Path

import pytest

from vmc_account_link.errors import InternalError, SettingsError
from vmc_account_link.internal_errors import internal_error, internal_errors

SECRET = "planted-secret-0123456789"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_bug_is_one_line_and_its_traceback_a_file_both_without_secrets(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_TOKEN", "another-secret")
    url = "https://h/t?X-Amz-Signature=abc"
    with pytest.raises(InternalError) as caught, internal_errors("look at it", [SECRET]):
        raise ValueError(f"two\nlines {SECRET} another-secret {url}")
    (file,) = folder.iterdir()
    assert str(caught.value) == (
        "look at it: ValueError: two lines [secret] [secret] https://h. This is a bug in vmc-account-link: "
        f"please report it with the traceback in {file}."
    )
    assert caught.value.__suppress_context__, "an engine that shows the chain would show the bug's own text"
    text = file.read_text()
    assert "Traceback (most recent call last)" in text
    assert "test_internal_errors.py" in text
    assert not [secret for secret in (SECRET, "another-secret", "abc") if secret in text]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_error_that_is_meant_for_people_passes(folder: Path) -> None:
    error = SettingsError("vmc:orgId", "not set", "Set it.")
    with pytest.raises(SettingsError) as caught, internal_errors("look at it"):
        raise error
    assert caught.value is error
    assert list(folder.iterdir()) == []


def test_a_full_disk_does_not_hide_the_bug() -> None:
    def keep(_: str) -> None:
        raise OSError(28, "No space left on device")

    line = str(internal_error("look at it", KeyError("x"), keep=keep))
    assert line.startswith("look at it: KeyError: 'x'. This is a bug")
    assert "could not be written: No space left on device" in line
