"""The command blocks of a page, and a shell that runs them in order, each as it is written."""

import dataclasses
import os
import re
import selectors
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)[^\n]*\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_END = "END-OF-BLOCK"
_FAILED = "FAILED-WITH"
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of commands."""

    line: int
    """Where it begins in its page."""
    text: str
    expected: str | None = None
    """The output that the page shows below it (```text); `…` stands for anything, missing lines too."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A block that was run."""

    block: Block
    output: str
    failed: tuple[str, ...]
    """Commands that ended with another code than 0."""
    seconds: float

    @property
    def problems(self) -> tuple[str, ...]:
        """What is not as the page says."""
        missing = missing_lines(self.block.expected or "", self.output)
        return (*(f"failed: {one}" for one in self.failed), *(f"not in the output: {one}" for one in missing))


def read_blocks(page: str) -> tuple[Block, ...]:
    """The blocks of commands (```sh) of a page, each with the output that follows it. Pure."""
    found: list[Block] = []
    previous_end = -1
    for match in _FENCE.finditer(page):
        text = "".join(line.removeprefix(match["indent"]) for line in match["text"].splitlines(keepends=True))
        if match["language"] == "sh":
            found.append(Block(line=page.count("\n", 0, match.start()) + 1, text=text))
        elif match["language"] == "text" and found and not page[previous_end : match.start()].strip():
            found[-1] = dataclasses.replace(found[-1], expected=text)
        previous_end = match.end()
    return tuple(found)


def missing_lines(expected: str, output: str) -> tuple[str, ...]:
    """The expected lines that the output does not have, in this order; blank space counts once. Pure."""
    rest = [" ".join(line.split()) for line in output.splitlines()]
    missing: list[str] = []
    for line in expected.splitlines():
        expected_line = " ".join(line.split())
        if expected_line in {"", "…"}:
            continue
        pattern = re.compile(".*".join(map(re.escape, expected_line.split("…"))))
        position = next((index for index, line_read in enumerate(rest) if pattern.fullmatch(line_read)), None)
        if position is None:
            missing.append(line)
        else:
            rest = rest[position + 1 :]
    return tuple(missing)


class Shell:
    """A bash that gets its lines on standard input: a shell that a block opens reads the following ones."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],  # noqa: S607 - the reader's
            cwd=folder,
            # What asks "are you sure" takes yes: nobody is there.
            env={**environment, "PULUMI_SKIP_CONFIRMATIONS": "true", "PS1": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, 9)
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def run(self, block: Block, *, values: Mapping[str, str], time_limit: float) -> Ran:
        """Run one block and wait for its end.

        Args:
            block: the commands.
            values: what the page has for a value of the reader's own -> that value.
            time_limit: seconds.

        Raises:
            TimeoutError: it takes longer.
        """
        text = block.text
        for shown, own in values.items():
            text = text.replace(shown, own)
        started = time.monotonic()
        trap = f'trap \'printf "\\n{_FAILED} %s %s\\n" $? "$BASH_COMMAND"\' ERR'
        self._write(f"{trap}\n{text}\ntrap - ERR; printf '\\n%s\\n' {_END}\n")
        output = self._read_until_end(started + time_limit)
        failed = tuple(re.findall(rf"^{_FAILED} (.*)$", output, re.MULTILINE))
        kept = re.sub(rf"^{_FAILED} .*\n", "", output, flags=re.MULTILINE)
        return Ran(block=block, output=kept, failed=failed, seconds=time.monotonic() - started)

    def _write(self, text: str) -> None:
        if self._process.stdin is None:
            raise TypeError
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def _read_until_end(self, deadline: float) -> str:
        if self._process.stdout is None:
            raise TypeError
        read = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not read.endswith(f"\n{_END}\n".encode()):
                if not selector.select(max(deadline - time.monotonic(), 0)):
                    raise TimeoutError(_plain(read))
                chunk = os.read(self._process.stdout.fileno(), 65536)
                if not chunk:
                    return f"{_plain(read)}\n{_FAILED} the shell has ended\n"
                read += chunk
        return _plain(read.removesuffix(f"\n{_END}\n".encode()))


def _plain(output: bytes) -> str:
    """Without colours and without lines that were written over."""
    text = _ANSI.sub("", output.decode(errors="replace"))
    return "\n".join(line.rpartition("\r")[2] for line in text.replace("\r\n", "\n").split("\n"))


def run_page(
    page: Path, *, folder: Path, environment: Mapping[str, str], values: Mapping[str, str], time_limit: float
) -> Iterator[Ran]:
    """Run a page's blocks in one shell; `folder` is where its reader begins, `time_limit` of each block."""
    with Shell(folder, environment) as shell:
        for block in read_blocks(page.read_text(encoding="utf-8")):
            yield shell.run(block, values=values, time_limit=time_limit)
