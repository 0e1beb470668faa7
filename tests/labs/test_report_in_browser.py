"""The report as people see it: on a phone, at night, and on paper. Real: Debian's Chromium."""

import base64
import dataclasses
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest

from tests.labs.reports import event, phases, row
from tools.chromium import open_browser
from vmc_labs.fleet.status import LabStatus
from vmc_labs.output.report.page import render
from vmc_labs.output.report.rows import EventReport, ReportRow

PHONE, DESKTOP = (390, 844), (1280, 900)

OVERFLOWING = """
const wide = [];
for (const one of document.querySelectorAll('body *')) {
  if (one.closest('.sr')) continue;
  const box = one.getBoundingClientRect();
  if (!box.width || (box.right <= innerWidth + 0.5 && box.left >= -0.5)) continue;
  wide.push(one.className + ' ' + one.textContent.trim());
}
return wide;
"""
SHOWN = """
return [...document.querySelectorAll(arguments[0])]
  .filter(one => one.getBoundingClientRect().height > 10 && one.checkVisibility({opacityProperty: true}))
  .map(one => one.dataset.lab);
"""
FAINT = """
function light(colour) {
  const part = colour.match(/[\\d.]+/g).map(Number).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
}
function paper(one) {
  for (; one; one = one.parentElement) {
    const colour = getComputedStyle(one).backgroundColor;
    if (!/, 0\\)$/.test(colour)) return colour;
  }
  return 'rgb(255, 255, 255)';
}
const faint = [];
for (const one of document.querySelectorAll('body *')) {
  const own = [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  if (!own || one.closest('.sr')) continue;
  const [a, b] = [light(getComputedStyle(one).color), light(paper(one))].sort((x, y) => y - x);
  const contrast = (a + 0.05) / (b + 0.05);
  if (contrast < arguments[0]) faint.push(one.tagName + '.' + one.className + ' ' + contrast.toFixed(2));
}
return [...new Set(faint)];
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    started = open_browser()
    yield started
    started.quit()


@pytest.fixture(scope="module")
def report() -> EventReport:
    return event()


def page_of(report: EventReport, folder: Path) -> str:
    file = folder / "report.html"
    file.write_text(render(report), encoding="utf-8")
    return file.as_uri()


@pytest.fixture(scope="module")
def url(report: EventReport, tmp_path_factory: pytest.TempPathFactory) -> str:
    return page_of(report, tmp_path_factory.mktemp("report"))


def show(browser: Any, url: str, size: tuple[int, int], *, dark: bool = False) -> None:
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE},
    )
    browser.get(url)


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nothing_is_wider_than_the_screen_and_every_lab_is_shown(
    browser: Any, url: str, report: EventReport, size: tuple[int, int]
) -> None:
    show(browser, url, size)
    assert browser.execute_script(OVERFLOWING) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= size[0]
    assert browser.execute_script(SHOWN, ".lane") == [row.name for row in report.rows]
    assert browser.execute_script(SHOWN, ".slip") == [row.name for row in report.linked]


OVERPRINTED = """
const labels = [...document.querySelectorAll('.ticks i, .ticks b')].filter(one => one.textContent)
  .map(one => one.getBoundingClientRect()).filter(box => box.width).sort((a, b) => a.left - b.left);
const close = labels.slice(1).filter((box, at) => box.left < labels[at].right + 2).length;
const outside = [...document.querySelectorAll('.end')].filter(
  one => one.getBoundingClientRect().right > one.closest('td').getBoundingClientRect().right);
return [labels.length, close, outside.map(one => one.closest('tr').dataset.lab)];
"""
BURSTS = {
    "a workshop": event().rows,
    "seconds": tuple(row(number, phases=phases(number, 4, 9, 2)) for number in range(1, 6)),
    "a minute, from its beginning on": tuple(
        row(number, phases=phases(56 + number, 30, 20, 2)) for number in range(1, 6)
    ),
    "two hours": tuple(row(number, phases=phases(number * 600, 400, 900, 2)) for number in range(1, 13)),
    "failed as the last one": (row(1), row(2, LabStatus.FAILED, phases=phases(9, 800))),
}


@pytest.mark.parametrize("rows", BURSTS.values(), ids=BURSTS)
@pytest.mark.parametrize("medium", ["phone", "desktop", "paper"])
def test_no_label_of_the_axis_and_no_mark_of_a_lab_overprints_another(
    browser: Any, report: EventReport, tmp_path: Path, medium: str, rows: tuple[ReportRow, ...]
) -> None:
    url = page_of(dataclasses.replace(report, rows=rows), tmp_path)
    # A4 between its margins is 186 mm, at 96 pixels an inch.
    show(browser, url, {"phone": PHONE, "desktop": DESKTOP, "paper": (703, 1000)}[medium])
    if medium == "paper":
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown, close, outside = browser.execute_script(OVERPRINTED)
    assert shown >= 2
    assert (close, outside) == (0, [])
    assert medium == "paper" or browser.execute_script(OVERFLOWING) == []
    if medium == "paper":
        size = browser.execute_script("return getComputedStyle(document.querySelector('.ticks i')).fontSize")
        assert float(size.removesuffix("px")) * 72 / 96 >= 8, "points"


def test_what_aws_said_is_shown_when_it_is_asked_for(browser: Any, url: str) -> None:
    show(browser, url, DESKTOP)
    raw = "return document.querySelector('details code').checkVisibility()"
    assert not browser.execute_script(raw)
    browser.execute_script("document.querySelector('summary').click()")
    assert browser.execute_script(raw)


@pytest.mark.parametrize("labs", [30, 36, 37, 60])
def test_no_row_of_the_table_is_left_alone_on_a_page(
    browser: Any, report: EventReport, tmp_path: Path, labs: int
) -> None:
    show(browser, page_of(dataclasses.replace(report, rows=event(labs).rows), tmp_path), DESKTOP)
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    pages = pypdf.PdfReader(io.BytesIO(base64.b64decode(printed["data"]))).pages
    texts = [page.extract_text() for page in pages]
    tables = [text for text in texts if "Requested" in text]
    lanes = [len(re.findall(r"\+\d:\d\d.*\+\d:\d\d", text)) for text in tables]
    assert len(tables) == (1 if labs == 30 else 2), "the head is repeated on each page of the table"
    assert sum(lanes) >= labs - 3
    assert lanes[-1] >= 5
    assert "marks a pause" in tables[-1]


@pytest.mark.parametrize("dark", [False, True], ids=["by day", "at night"])
def test_every_text_has_enough_contrast(browser: Any, url: str, *, dark: bool) -> None:
    show(browser, url, DESKTOP, dark=dark)
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(20, 23, 28)") is dark
    # WCAG 2, level AA, for text of any size.
    assert browser.execute_script(FAINT, 4.5) == []


def test_the_browser_fetches_nothing_and_complains_of_nothing(browser: Any, url: str) -> None:
    show(browser, url, DESKTOP)
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.get_log("browser") == []


def test_print_cuts_no_row_and_no_slip_and_is_on_white_paper(
    browser: Any, url: str, report: EventReport
) -> None:
    show(browser, url, DESKTOP, dark=True)
    pdf = pypdf.PdfReader(io.BytesIO(base64.b64decode(browser.print_page())))
    pages = [page.extract_text() for page in pdf.pages]
    assert 2 <= len(pages) <= 4
    for lab in report.linked:
        (page,) = [text for text in pages if lab.connected_account_id and lab.connected_account_id in text]
        assert lab.name in page
        # The digits are set apart on the page, and "2000 0000 0001" to a reader of the text.
        assert lab.account_number
        assert lab.account_number in page.replace(" ", "").replace("\n", "")
    assert slips_that_cross_a_page(browser) == []


def slips_that_cross_a_page(browser: Any) -> list[str]:
    """The rows and slips whose box CSS may break: Chromium cuts them where the page ends."""
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    script = """
    return [...document.querySelectorAll('.lane, .slip, .failures li')]
      .filter(one => getComputedStyle(one).breakInside !== 'avoid').map(one => one.textContent.trim());
    """
    found: list[str] = browser.execute_script(script)
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    return found
