"""The page as a file, and in a browser where there is one."""

import html.parser
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bench.analysis import records
from bench.analysis.formats import Cell, Grid
from bench.analysis.page import anchor, commands, templates, unbroken
from bench.tracking.reading import RecordStore

from .conftest import Written
from .synthetic import Store

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")


class Elements(html.parser.HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, attribute: str) -> list[str]:
        return [value for _, attrs in self.found if (value := attrs.get(attribute))]


@pytest.fixture
def text(written: Written) -> str:
    return (written.out / "index.html").read_text(encoding="utf-8")


def test_nothing_on_it_comes_from_elsewhere(text: str) -> None:
    elements = Elements(text)
    assert all(source.startswith("data:") for source in elements.all("src"))
    assert all(target[0] == "#" or target == "data:," for target in elements.all("href"))
    assert "default-src 'none'" in text
    assert "://" not in text


def test_every_inner_link_has_its_target(text: str) -> None:
    elements = Elements(text)
    ids = elements.all("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in elements.all("href") if link[0] == "#"} <= set(ids)


def test_it_says_the_verdict_and_shows_every_run(text: str, written: Written, quick: Store) -> None:
    first = written.comparison.verdict.split(": ")[0]
    assert text.index(first) < text.index("<table")
    found = records.read(RecordStore(quick.uri), "quick")
    assert all(run_id in text for run_id in found.trials.index)
    assert "digits-v1-0a1b2c3d/penultimate/n10000/test" in text
    assert "<code>ganbench run quick</code>" in text
    assert "Which of <code>these</code> is best?" in text
    assert "uniform noise" in text


def test_every_picture_is_described(text: str) -> None:
    images = [attrs for tag, attrs in Elements(text).found if tag == "img"]
    assert len(images) > 50
    assert all(image.get("alt") for image in images)


def test_words_are_set_as_code_and_heads_kept_whole() -> None:
    assert commands("run `a <b>` now") == "run <code>a &lt;b&gt;</code> now"
    assert unbroken("modes [of 10] ↑") == "modes [of\u00a010]\u00a0↑"
    assert re.fullmatch(r"[\w-]+", anchor("wgan (clip=0.1)"))


def test_what_a_person_looks_at_first_stands_below_the_verdict(text: str) -> None:
    opening = text[text.index('<ol class="glance">') : text.index("</ol>")]
    assert text.index('class="verdict"') < text.index(opening) < text.index("<table")
    images = [attrs for tag, attrs in Elements(opening).found if tag == "img"]
    assert len(images) == 4
    assert re.findall('aria-label="(FID .*)">', opening)[0].startswith("FID ")
    assert opening.count('<circle class="seed"') == 11  # 4 variants, 3 seeds, one diverged
    assert "<title>seed 0: FID " in opening
    assert "1 of 3 diverged" in opening


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Any, written: Written) -> Iterator[Any]:
    """The page on a phone's screen; any request or error in it fails the test."""
    page, wrong = browser.new_page(viewport={"width": 390, "height": 844}), []
    page.on("request", lambda request: wrong.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((written.out / "index.html").as_uri())
    yield page
    page.close()
    assert [what for what in wrong[1:] if not what.startswith("data:")] == []


def test_a_phone_shows_it_without_scrolling_sideways(opened: Any) -> None:
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_opening_fits_a_phone_and_a_wide_screen(opened: Any) -> None:
    """One below the other on a phone, one line a variant on a wide screen; every circle inside."""
    first = ".glance li:first-child"
    outside = (
        "all => all.filter(c => { const [a, b] = [c, c.ownerSVGElement]"
        ".map(e => e.getBoundingClientRect()); return a.x < b.x || a.right > b.right; }).length"
    )
    for width, side_by_side in ((390, False), (1200, True)):
        opened.set_viewport_size({"width": width, "height": 844})
        image, axis = (opened.locator(f"{first} {tag}").bounding_box() for tag in ("img", "svg"))
        assert (image["x"] + image["width"] <= axis["x"]) == side_by_side
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        assert opened.eval_on_selector_all(".axis circle", outside) == 0


def test_tables_sort_by_keyboard_and_the_floor_stays_last(opened: Any) -> None:
    opened.focus("#table-main th:nth-child(4) button")
    opened.keyboard.press("Enter")
    opened.keyboard.press("Enter")
    names = [name.strip() for name in opened.locator("#table-main th[scope=row]").all_inner_texts()]
    assert names[0] == "mlp_bce"
    assert names[-1] == "real data (floor)"
    assert opened.get_attribute("#table-main th:nth-child(4)", "aria-sort") == "descending"


def test_the_slider_goes_back_in_training(opened: Any) -> None:
    opened.focus("#step")
    opened.keyboard.press("ArrowLeft")
    assert opened.inner_text("#step-value") == "4,800"
    steps = opened.eval_on_selector_all(
        ".grids img:not([hidden])",
        "all => all.filter(i => i.offsetParent).map(i => i.dataset.step)",
    )
    assert steps == ["4800"] * 4
    opened.select_option("#place", "diverged")
    assert opened.locator(".grids img:visible").get_attribute("data-step") == "3200"


def test_play_shows_training_from_its_beginning_to_its_end_and_stops(opened: Any) -> None:
    opened.evaluate("window.seen = []; new MutationObserver(() => window.seen.push("
                    "document.getElementById('step-value').textContent)).observe("
                    "document.getElementById('step-value'), {childList: true})")  # fmt: skip
    opened.click("#play")
    assert opened.inner_text("#play") == "Pause"
    opened.wait_for_selector("#play:text-is('Play')")
    assert opened.evaluate("window.seen") == ["0", "1,600", "3,200", "4,800", "6,400"]
    opened.click("#play")
    opened.click("#play")
    assert opened.inner_text("#play") == "Play"
    assert opened.inner_text("#step-value") == "0"


def test_a_long_table_is_folded(opened: Any) -> None:
    assert opened.locator("details #table-pairs").count() == 0
    tall = Grid("tall", "Tall", ("A",), tuple((Cell("b"),) for _ in range(31)))
    module: Any = templates().get_template("grid.html").module
    assert "<summary>31 rows</summary>" in module.grid_table(tall)
    assert "<details" not in module.grid_table(replace(tall, rows=tall.rows[:30]))


def test_every_diverged_seed_is_shown(opened: Any) -> None:
    """A second one beside the first, as it would stand there."""
    opened.evaluate(
        "() => { const one = document.querySelector('[data-places=diverged]');"
        " one.after(one.cloneNode(true)); }"
    )
    opened.select_option("#place", "diverged")
    assert opened.locator(".grids img:visible").count() == 2


def test_a_cell_leads_to_the_runs_behind_it(opened: Any) -> None:
    opened.focus("#table-main tbody tr:nth-child(3) td:nth-child(4) a")
    opened.keyboard.press("Enter")
    opened.wait_for_selector("#trials-wgan[open]")
    assert opened.locator("#trials-wgan tbody tr").count() == 3
    assert "not finite" in opened.inner_text("#trials-wgan")
