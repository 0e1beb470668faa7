"""What the component's provider makes of a program's inputs, and the schema that describes them."""

from pathlib import Path

import pulumi
import pytest

from tools.schema import SCHEMA, schema
from vmc_account_link.component_provider import ComponentProvider, dynamic_python, is_named
from vmc_account_link.errors import SettingsError

TOKEN = "vmc-account-link:index:AccountLink"
# Made as the module is loaded: a test of another file may have taken the thread's event loop away. Not itself
# a name of the module: of that pytest makes a coroutine, which nobody awaits.
UNKNOWN: dict[str, object] = {"relink": pulumi.Output.from_input("1")}


def refusal(inputs: dict[str, object], token: str = TOKEN) -> str:
    with pytest.raises(SettingsError) as raised:
        ComponentProvider(SCHEMA.read_text(encoding="utf-8"), ("python3",)).construct("link", token, inputs)
    return str(raised.value)


def test_the_schema_in_the_tree_is_what_the_annotations_and_docstrings_say() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema(), "run `python -m tools.schema`"


def test_an_input_that_does_not_exist_is_named_with_the_nearest_one() -> None:
    """YAML and TypeScript check the names themselves; a program in Python or JavaScript does not."""
    assert refusal({"stackNam": "Lab"}).startswith("stackNam: AccountLink has no such input. Use stackName,")
    assert refusal({"stack_name": "Lab"}).startswith("stack_name: ")
    assert refusal({"vmc": {}}).startswith("vmc: AccountLink has no such input.")


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"linkTimeoutMinutes": "2"}, "linkTimeoutMinutes: '2' is not a whole number."),
        ({"unlinkOnDestroy": "false"}, "unlinkOnDestroy: 'false' is not true or false."),
        ({"link": "made"}, "link: 'made' is not one of its values."),
        ({"templateHosts": "mirror"}, "templateHosts: "),
    ],
)
def test_a_value_is_refused_under_the_name_that_was_written(inputs: dict[str, object], said: str) -> None:
    assert refusal(inputs).startswith(said)


def test_what_has_to_be_known_beforehand_is_no_output() -> None:
    assert refusal(UNKNOWN).startswith("relink: it is an output or a secret.")


def test_another_resource_is_refused() -> None:
    assert refusal({}, "vmc-account-link:index:Link").endswith(f"Use {TOKEN}.")


@pytest.mark.parametrize(
    ("variables", "python", "named"),
    [
        ({}, ("python3",), False),
        ({"PULUMI_PYTHON_CMD": "/opt/python"}, ("/opt/python",), False),
        ({"PULUMI_RUNTIME_TOOLCHAIN": "pip", "PULUMI_PYTHON_CMD": "/opt/python"}, ("/opt/python",), False),
        (
            {"PULUMI_RUNTIME_VIRTUALENV": "/opt/venv", "PULUMI_PYTHON_CMD": "x"},
            ("/opt/venv/bin/python",),
            True,
        ),
        ({"PULUMI_RUNTIME_VIRTUALENV": "venv"}, (str(Path.cwd() / "venv/bin/python"),), True),
        ({"PULUMI_RUNTIME_TOOLCHAIN": "uv"}, (str(Path.cwd() / ".venv/bin/python"),), True),
        ({"PULUMI_RUNTIME_TOOLCHAIN": "poetry"}, ("poetry", "run", "python"), True),
    ],
)
def test_the_interpreter_is_the_one_that_the_engine_starts(
    variables: dict[str, str], python: tuple[str, ...], *, named: bool
) -> None:
    assert (dynamic_python(variables), is_named(variables)) == (python, named)
