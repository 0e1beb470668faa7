"""What is changed in the SDK's provider process, beside an SDK that has other names."""

import importlib.machinery
import sys
import traceback
import types

import pytest

from vmc_account_link.provider_process import CANCELED, prepare

SOURCE = """
import traceback

def wrapper(self, request, context):
    try:
        raise ValueError("broken")
    except Exception:
        return traceback.format_exc()

class DynamicResourceProviderServicer:
    Check = Diff = Create = Read = Update = Delete = wrapper
    def Cancel(self, request, context):
        return None
"""
"""As much of `pulumi.dynamic.__main__` as is used."""


def process(
    monkeypatch: pytest.MonkeyPatch, source: str, name: str = "pulumi.dynamic.__main__"
) -> types.ModuleType:
    main = types.ModuleType("__main__")
    main.__spec__ = importlib.machinery.ModuleSpec(name, None)
    exec(source, vars(main))  # noqa: S102 - a module that no file holds
    monkeypatch.setitem(sys.modules, "__main__", main)
    return main


def test_the_sdks_process_is_changed_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    main = process(monkeypatch, SOURCE)
    assert prepare(()) == []
    assert main.traceback is not traceback
    try:
        main.DynamicResourceProviderServicer().Cancel(None, None)
        assert CANCELED.is_set()
    finally:
        CANCELED.clear()


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("format_exc", "a failure may be shown with a traceback"),
        ("Update", "a failure may be shown with a traceback"),
        ("Cancel", "Ctrl-C is noticed only when a wait is over"),
    ],
)
def test_an_sdk_with_other_names_is_reported(
    monkeypatch: pytest.MonkeyPatch, name: str, warning: str
) -> None:
    process(monkeypatch, SOURCE.replace(name, "format_exception" if name == "format_exc" else "Other"))
    (line,) = prepare(())
    assert line.startswith("vmc-account-link does not know the provider process of this Pulumi SDK: ")
    assert warning in line


def test_another_process_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    main = process(monkeypatch, SOURCE, name="vmc_labs.__main__")
    assert prepare(()) == []
    assert main.traceback is traceback
    assert main.DynamicResourceProviderServicer().Cancel(None, None) is None
    assert not CANCELED.is_set()
