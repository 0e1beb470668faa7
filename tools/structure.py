"""`python -m tools.structure`: the rooms of each package and the arrows between them, counted.

A room is a module; a folder with modules of its own is one room for who looks from outside. An arrow says
that one room imports another one, however often.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ("vmc_account_link", "vmc_labs")


def imported_names(file: Path) -> Iterator[str]:
    """The full names that a file imports, modules and what is in them."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(package: str) -> dict[str, Path]:
    """Full name of each module of a package -> its file; a folder's `__init__` is named for the folder."""
    root = REPOSITORY / "components"
    files = (root / package).rglob("*.py")
    return {
        ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): file
        for file in files
    }


def arrows(package: str) -> set[tuple[str, str]]:
    """Pairs of modules of the package of which the first imports the second."""
    known = modules(package)
    return {
        (name, used)
        for name, file in known.items()
        for used in imported_names(file)
        if used in known and used not in {name, package}
    }


def room(package: str, module: str) -> str:
    """The folder or module right below the package that a module is in."""
    return module.removeprefix(f"{package}.").partition(".")[0]


def room_arrows(package: str) -> set[tuple[str, str]]:
    """Pairs of rooms of the package of which the first imports the second."""
    pairs = {(room(package, first), room(package, second)) for first, second in arrows(package)}
    return {(first, second) for first, second in pairs if first != second}


def main() -> None:
    """Print the counts."""
    for package in PACKAGES:
        found = [name for name in modules(package) if name != package and not name.endswith("__main__")]
        rooms = {room(package, name) for name in found}
        sys.stdout.write(
            f"{package}: {len(rooms)} rooms with {len(room_arrows(package))} arrows; "
            f"{len(found)} modules with {len(arrows(package))} arrows\n"
        )


if __name__ == "__main__":
    main()
