"""The page in a real browser: `make test-browser`. Needs playwright and Chromium; no part of `make test`.

Set PICTURES to a folder to keep screenshots at the width of a desk and of a phone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (  # pyright: ignore[reportMissingImports]  # installed by its target alone
    Browser,
    Locator,
    Page,
    Position,
    expect,
    sync_playwright,
)

ROOT = Path(__file__).parents[2]
CHINA, NUCLEI = ROOT / "examples/photos/china.jpg", ROOT / "examples/photos/nuclei.tif"
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a server of its own, started as a user does."""
    command = [sys.executable, "-c", "from intarsia.cli import main; main()", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line.startswith("Intarsia is at http://127.0.0.1:"), line
        yield line.split()[3]
        server.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "Chromium must be installed: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page, which must neither complain nor ask anything of another machine."""
    page = browser.new_page(viewport=request.param)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on(
        "request", lambda asked: complaints.append(asked.url) if _is_foreign(asked.url, address) else None
    )
    page.goto(address)
    yield page
    keep(page, f"{request.node.name}")
    page.close()
    expected = [text for text in complaints if "400 (Bad Request)" in text]
    assert len(expected) == (1 if "refused" in request.node.name else 0)
    assert not set(complaints) - set(expected)


def _is_foreign(url: str, address: str) -> bool:
    return not url.startswith((address, "data:", "blob:"))


def keep(page: Page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        safe = name.replace("[", "_").replace("]", "")
        page.screenshot(path=f"{folder}/{safe}.png", full_page=True)


def choose(page: Page, file: Path) -> None:
    page.set_input_files("#file", file)
    expect(page.locator("#status")).to_contain_text("segments", timeout=60_000)


def heat(page: Page) -> Locator:
    return page.locator("canvas").first


def on_the_facade(page: Page, number: int = 0) -> Position:
    """A point of the house in a canvas of the picture of China; its sky is void."""
    box = page.locator("canvas.top").nth(number).bounding_box()
    assert box is not None
    return {"x": 0.32 * box["width"], "y": 0.235 * box["height"]}


def is_wide(page: Page) -> bool:
    size = page.viewport_size
    assert size is not None
    return size["width"] > 1000


def test_a_picture_is_chosen_hovered_and_clicked(page: Page):
    choose(page, CHINA)
    expect(page.locator("button.segment").first).to_be_visible()
    before = page.locator("canvas").first.screenshot()
    top = page.locator("canvas.top")
    top.hover(position=on_the_facade(page))
    expect(page.locator("#tip")).to_have_text("facade")
    top.click(position=on_the_facade(page))
    expect(page.locator("#inside-text")).to_contain_text("its own segment", timeout=60_000)
    expect(page.locator("input[value=joined]")).to_be_checked()
    assert heat(page).screenshot() != before
    page.keyboard.press("Escape")
    expect(page.locator("input[value=segments]")).to_be_checked()
    expect(page.locator("#inside")).to_be_hidden()


def test_what_is_nothing_that_the_model_knows_can_be_looked_from_too(page: Page):
    choose(page, CHINA)
    page.locator("canvas.top").click(position={"x": 10, "y": 10})
    expect(page.locator("#inside-text h3").first).to_have_text("facades: void", timeout=60_000)
    expect(page.locator("#inside-text table")).to_have_count(1)


def test_nothing_is_wider_than_the_screen(page: Page):
    choose(page, CHINA)
    size = page.viewport_size
    assert size is not None
    assert page.locator("body").bounding_box()["width"] <= size["width"]  # type: ignore[index]
    for locator in page.locator("button:visible, a:visible, select:visible, figure:visible").all():
        box = locator.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"] + 1


def test_two_models_are_compared_side_by_side_or_below_each_other(page: Page):
    choose(page, CHINA)
    page.select_option("#other", label="facades-embedding")
    expect(page.locator("figure")).to_have_count(2, timeout=60_000)
    expect(page.locator("#status")).to_contain_text("PQ of one against the other")
    left, right = (figure.bounding_box() for figure in page.locator("figure").all())
    assert left is not None
    assert right is not None
    if is_wide(page):
        assert right["x"] > left["x"] + left["width"] - 1
    else:
        assert right["y"] > left["y"] + left["height"] - 1
    page.locator("canvas.top").nth(1).click(position=on_the_facade(page, 1))
    expect(page.locator("#inside-text table")).to_have_count(4, timeout=60_000)


def test_the_keyboard_alone_is_enough(page: Page):
    choose(page, CHINA)
    page.locator("canvas.top").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tip")).to_be_visible()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#inside")).to_be_visible(timeout=60_000)
    page.keyboard.press("Escape")
    expect(page.locator("#inside")).to_be_hidden()
    page.locator("#file").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#model")).to_be_focused()


def test_results_are_downloaded(page: Page, tmp_path: Path):
    page.select_option("#model", label="nuclei")
    choose(page, NUCLEI)
    with page.expect_download(timeout=60_000) as coming:
        page.get_by_text("everything (ZIP)").click()
    coming.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert "nuclei_labels.tif" in archive.namelist()
        assert archive.read("nuclei_segments.csv").count(b"nucleus") > 50


def test_a_file_that_is_no_picture_is_refused_and_the_next_one_is_not(page: Page, tmp_path: Path):
    wrong = tmp_path / "wrong.jpg"
    wrong.write_text("no picture")
    page.set_input_files("#file", wrong)
    sentence = "`wrong.jpg` must be a readable image, got no kind of image that is known."
    expect(page.locator("#status")).to_have_text(sentence)
    choose(page, CHINA)
    expect(page.locator("#result")).to_be_visible()
