"""A Pulumi backend's URL, absolute: the fleet and each lab's engine work in folders of their own. Pure."""

from pathlib import Path
from urllib.parse import quote

_FILE = "file://"


def absolute_backend(url: str, folder: Path, home: Path) -> str:
    """The same backend by a URL that means the same from every folder.

    Args:
        url: as the engine takes it: `file://.`, `file://states`, `file://~/states`, or of another scheme.
        folder: what a relative path is relative to; absolute.
        home: what `~` stands for.
    """
    if not url.startswith(_FILE):
        return url
    path, position, query = url.removeprefix(_FILE).partition("?")
    if path == "~" or path.startswith("~/"):
        base, path = home, path[2:]
    else:
        base = folder
    if not path.startswith("/"):
        path = f"{quote(str(base))}/{path}"
    return f"{_FILE}{_normal(path)}{position}{query}"


def _normal(path: str) -> str:
    """The path without `.` and `..`; as text, since its percent signs are the URL's."""
    steps: list[str] = []
    for step in path.split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in {"", "."}:
            steps.append(step)
    return "/" + "/".join(steps)
