"""`python -m tools.pictures`: the pictures in docs/assets, of what the program prints today."""

import base64
import io
import math
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image
from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from sandbox.environment import Sandbox
from tools.chromium import open_browser
from tools.demo_labs import SPEC, plan_failure

REPOSITORY = Path(__file__).resolve().parents[1]
ASSETS = REPOSITORY / "docs" / "assets"
_PAGE = """<meta charset="utf-8"><style>body {{ margin: 0; background: {background}; color: {foreground} }}
pre {{ margin: 0; padding: 14px 16px; width: max-content; font: 15px/20px "DejaVu Sans Mono" }}</style>
<pre>{code}</pre>"""


class Terminal:
    """A shell in a tmux of its own."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *, columns: int, rows: int) -> None:
        self._command = ("tmux", "-u", "-S", str(folder / "tmux"), "-f", "/dev/null")
        self._folder, self._environment = folder, {**environment, "PS1": "$ "}
        self.tmux("new-session", "-d", "-x", f"{columns}", "-y", f"{rows}", "bash --norc --noprofile -i")

    def tmux(self, *command: str) -> str:
        """Have tmux do something; returns what it writes."""
        line = [*self._command, *command]
        return subprocess.check_output(line, cwd=self._folder, env=self._environment, text=True)  # noqa: S603

    def wait_for(self, pattern: str) -> list[Text]:
        """The lines on the screen, once one of them has what the pattern says."""
        for _ in range(1000):
            lines = list(AnsiDecoder().decode(self.tmux("capture-pane", "-p", "-e").rstrip()))
            if any(re.search(pattern, line.plain) for line in lines):
                return lines
            time.sleep(0.3)
        raise TimeoutError(pattern)

    def close(self) -> None:
        """End it."""
        self.tmux("kill-server")


class Camera:
    """Chromium, and what it shows as files of docs/assets."""

    def __init__(self, browser: Any, folder: Path) -> None:
        self._browser, self._folder = browser, folder

    def page(self, file: Path, name: str, *, width: int, until: str | None = None) -> None:
        """A page in a window of this width; `until`: down to the end of this element."""
        self._show(file.as_uri(), width, 900)
        if until:
            bottom = "return document.querySelector(arguments[0]).getBoundingClientRect().bottom"
            self._show(file.as_uri(), width, math.ceil(self._browser.execute_script(bottom, until)))
        self._write(name)

    def terminal(self, lines: list[Text], name: str, *, columns: int) -> None:
        """The lines of a terminal of so many columns."""
        console = Console(record=True, width=200, file=io.StringIO(), force_terminal=True)
        for line in lines:
            console.print(line, soft_wrap=True)
        file = self._folder / "terminal.html"
        file.write_text(console.export_html(theme=SVG_EXPORT_THEME, inline_styles=True, code_format=_PAGE))
        self.page(file, name, width=round(columns * 9.03) + 32, until="pre")

    def first_sheet(self, file: Path, name: str) -> None:
        """The first sheet of paper of a page that is printed."""
        self._browser.get(file.as_uri())
        printed = self._browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
        paper = self._folder / "paper.pdf"
        paper.write_bytes(base64.b64decode(printed["data"]))
        self._show(f"{paper.as_uri()}#toolbar=0&navpanes=0&view=Fit", 794, 1123)
        time.sleep(3)  # it is drawn after the page has loaded
        self._write(name, crop=(6, 4, 788, 1112))  # without the viewer's own edge

    def _show(self, url: str, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self._browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self._browser.get(url)

    def _write(self, name: str, crop: tuple[int, int, int, int] | None = None) -> None:
        picture = Image.open(io.BytesIO(self._browser.get_screenshot_as_png())).convert("RGB")
        # The PDF viewer's smooth text has more colours than a palette.
        smaller = picture.crop(crop) if crop else picture.quantize(256, dither=Image.Dither.NONE)
        smaller.save(ASSETS / name, optimize=True)


def demo(camera: Camera, folder: Path) -> None:
    """What `make demo` shows of a link and of its removal, but for `pulumi stack output`."""
    with closing(Terminal(folder, os.environ, columns=120, rows=100)) as terminal:
        terminal.tmux("send-keys", f"cd {REPOSITORY} && clear && make demo", "Enter")
        lines = terminal.wait_for("^  README.md")
    text = [line.plain[:12] for line in lines]
    made, removed = text.index("$ pulumi up "), text.index("$ pulumi des")
    ends = text.index("$ pulumi sta", made) - 1, text.index("Resources:", removed) - 1
    camera.terminal([*lines[made : ends[0]], *lines[removed : ends[1]]], "demo.png", columns=120)


def workshop(camera: Camera, folder: Path) -> None:
    """The live table in two widths, and the report of a workshop with a failure."""
    with Sandbox.start(folder / "sandbox", accounts=30) as box:
        box.world.modes.apply({"task_seconds": 18})
        plan_failure(box.control)
        (folder / "workshop.yaml").write_text(SPEC)
        environment = box.process_environment() | {"XDG_STATE_HOME": str(folder)}
        environment["PATH"] = f"{REPOSITORY / '.venv' / 'bin'}{os.pathsep}{environment['PATH']}"
        with closing(Terminal(folder, environment, columns=80, rows=28)) as terminal:
            terminal.tmux("send-keys", "vmc-labs up workshop.yaml", "Enter")
            for columns, moment in ((80, r"^[2-9] of 30 done"), (130, r"^[12]\d of 30 done .* failed")):
                terminal.tmux("resize-window", "-x", f"{columns}", "-y", "28")
                terminal.wait_for(moment)
                lines = terminal.wait_for(" connect .* STARTED")
                begin = next(index for index, line in enumerate(lines) if line.plain[8:9] == "Z")
                camera.terminal(lines[begin:], f"live-table-{columns}.png", columns=columns)
            terminal.wait_for("^29 linked, 1 failed")
            terminal.tmux("send-keys", "vmc-labs report workshop.yaml", "Enter")
            terminal.wait_for("report.html$")
    report = folder / "vmc-account-link" / "events" / "workshop" / "report.html"
    camera.page(report, "report.png", width=1000, until=".lanes")
    camera.page(report, "report-phone.png", width=390, until=".lane:nth-child(6)")
    camera.first_sheet(report, "report-print.png")


def main(folder: Path) -> None:
    """Make all of them."""
    with open_browser() as browser:
        camera = Camera(browser, folder)
        demo(camera, folder)
        workshop(camera, folder)
        subprocess.run(["make", "docs"], cwd=REPOSITORY, check=True)  # noqa: S607
        for page, name in (("index", "site-home.png"), ("reference/rights", "site-rights.png")):
            camera.page(REPOSITORY / ".site" / f"{page}.html", name, width=1280)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main(Path(scratch))
