"""A copy of the checkout in which a behaviour can be taken out, and pytest run on it."""

import contextlib
import dataclasses
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.guards.mutant import Change, WrongTable, changed
from tests.support.places import REPOSITORY
from tests.sweep.stage import end_everything_in

_LINKED = (".venv", ".engine")
_PACKAGES = ("vmc_account_link", "labs", "sandbox", "tests.guards")
_PYTEST = ("-q", "--tb=no", "-rfEp", "-p", "no:cacheprovider")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A pytest that ended."""

    code: int
    summary: str


class Checkout:
    """The copy; its own packages are the ones that its tests import."""

    def __init__(self, folder: Path) -> None:
        """Copy what git tracks, as it is now, and what is new and not ignored; link what is installed.

        Raises:
            WrongTable: a package would be imported from elsewhere.
        """
        self._root = folder.resolve()
        self.folder = self._root / "checkout"
        self.folder.mkdir(parents=True)
        listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = subprocess.run(listed, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
        for name in filter(None, names.split("\0")):
            if (REPOSITORY / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPOSITORY / name, self.folder / name)
        for name in _LINKED:
            if (REPOSITORY / name).exists():
                (self.folder / name).symlink_to(REPOSITORY / name)
        self._seconds = 0
        self._make_sure_of_the_imports()

    @contextlib.contextmanager
    def without(self, changes: Sequence[Change]) -> Iterator[None]:
        """Make changes for as long as the block.

        Raises:
            WrongTable: a change does not fit.
        """
        before = {change.file: self._path(change).read_text(encoding="utf-8") for change in changes}
        try:
            for change in changes:
                path = self._path(change)
                self._write(path, changed(path.read_text(encoding="utf-8"), change))
            yield
        finally:
            for name, text in before.items():
                self._write(self.folder / name, text)

    def pytest(self, *arguments: str, seconds: float) -> Ended:
        """Run pytest for so long, and end what its tests have left."""
        command = (*self._python, "-m", "pytest", *_PYTEST, f"--basetemp={self._root / 'tests'}")
        try:
            done = subprocess.run(
                [*command, *arguments],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            return Ended(code=-1, summary=f"pytest did not end within {seconds:.0f} s")
        finally:
            end_everything_in(self._root)
        return Ended(code=done.returncode, summary=done.stdout)

    @property
    def _python(self) -> tuple[str, ...]:
        # By the name of the environment, not of what its link leads to.
        return (str(self.folder / ".venv" / "bin" / "python"),)

    @property
    def _environment(self) -> Mapping[str, str]:
        return {
            **os.environ,
            # Before the path of the editable install, which leads to the original.
            "PYTHONPATH": os.pathsep.join((str(self.folder / "components"), str(self.folder))),
            # Found is enough: the smallest example is nobody's here.
            "HYPOTHESIS_PROFILE": "guards",
            # One line for each failed test, with its reason.
            "COLUMNS": "400",
        }

    def _make_sure_of_the_imports(self) -> None:
        """Raise unless the copy's packages come from the copy."""
        program = f"import {', '.join(_PACKAGES)}; print({', '.join(f'{p}.__file__' for p in _PACKAGES)})"
        done = subprocess.run(
            [*self._python, "-c", program],
            cwd=self.folder.parent,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise WrongTable(f"the copy can't be imported: {done.stderr.strip()}")
        for file in done.stdout.split():
            if not Path(file).resolve().is_relative_to(self.folder):
                raise WrongTable(f"{file} is imported instead of the copy in {self.folder}")

    def _path(self, change: Change) -> Path:
        return self.folder / change.file

    def _write(self, path: Path, text: str) -> None:
        """Write a file so that no compiled one of an earlier text passes for it: those go by the second."""
        path.write_text(text, encoding="utf-8")
        self._seconds += 2
        moment = path.stat().st_mtime + self._seconds
        os.utime(path, (moment, moment))
