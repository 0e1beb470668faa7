"""Chromium without a window, for tests of the report and for pictures (`make browser` installs it)."""

import shutil
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service


def open_browser() -> Any:
    """A browser; whoever opens it quits it.

    Raises:
        FileNotFoundError: Chromium or its driver is not installed.
    """
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not binary or not driver:
        raise FileNotFoundError(
            "Chromium is not here: apt-get install chromium chromium-driver (`make browser`, as root)"
        )
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=Service(driver))
