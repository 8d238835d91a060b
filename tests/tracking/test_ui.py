"""The starter of MLflow's interface, and the saved views in a real browser."""

import contextlib
import importlib.util
import json
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench import settings
from bench.analysis import compare
from bench.errors import UserError
from bench.tracking import addresses, ui
from bench.tracking.experiments import ExperimentRecord
from bench.tracking.publisher import Publisher
from bench.tracking.report import log_report

from .servers import free_port, until
from .synthetic import Trial

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium")
MISSING = [
    *([] if CHROMIUM else ["chromium"]),
    *([] if importlib.util.find_spec("playwright") else ["playwright"]),
]
VARIANTS = ("mlp_bce", "wgan", "spectral_norm", "batchnorm_dropout")
ROOT = Path(__file__).resolve().parents[2]
_SERVE = """
import signal, sys
from bench.tracking import addresses, ui
# As in a terminal: whatever runs the tests in the background may have had Ctrl-C ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(ui.serve(addresses.tracking_uri(), "quick", int(sys.argv[1]),
                  report=lambda line: print(line, flush=True)))
"""


def test_port_in_use_is_said(uri: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"listen on 127.0.0.1:{port} .* with --port"):
            ui.serve(uri, None, port)


def test_store_that_is_not_there_is_said() -> None:
    with pytest.raises(UserError, match=r"nothing to show yet in .*mlflow\.db: run `ganbench run"):
        ui.serve(addresses.tracking_uri(), None, free_port())


def test_server_that_does_not_answer_is_said() -> None:
    with pytest.raises(UserError, match=r"does not answer .*unset MLFLOW_TRACKING_URI"):
        ui.serve(f"http://127.0.0.1:{free_port()}", None, 5000)


def test_server_that_ends_while_it_starts_is_said(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {"MLFLOW_SERVER_GUNICORN_OPTS": "x", "PYTHONHOME": "/none"}
    monkeypatch.setattr(settings, "SERVER", broken)
    with pytest.raises(UserError, match=r"stopped \(.+\): its output is in .*ui\.log"):
        ui.serve(uri, None, free_port(), report=lambda line: None)


def test_what_the_server_says_is_kept_without_secrets(tmp_path: Path) -> None:
    address = "postgresql://me:s%40cret@host/db"
    says = f"print('no driver for {address}'); raise SystemExit('wrong password: s@cret')"
    server = subprocess.Popen(
        [sys.executable, "-c", says], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    log = tmp_path / "ui.log"
    ui._keep(server, log, address)
    server.wait()
    assert sorted(log.read_text().splitlines()) == [
        "no driver for postgresql://host/db",
        "wrong password: ***",
    ]


def test_modules_of_the_current_folder_are_not_imported_by_the_server(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("random", "logging", "mlflow"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('the wrong {name}')")
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "ui.log"
    monkeypatch.setattr(sys, "executable", _asking_for_help(tmp_path))
    with ui._server(uri, tmp_path, "127.0.0.1", free_port(), log) as server:
        assert server.wait(120) == 0, log.read_text()
    assert "Usage" in log.read_text()


def _asking_for_help(folder: Path) -> str:
    """A Python that adds ``--help`` to its arguments, so that no server stays."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@" --help\n')
    path.chmod(0o755)
    return str(path)


def test_server_that_does_not_end_when_asked_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"
    monkeypatch.setattr(ui, "_GRACE_SECONDS", 0.1)
    server = subprocess.Popen(
        [sys.executable, "-c", deaf], stdout=subprocess.PIPE, start_new_session=True
    )
    assert server.stdout is not None
    with server.stdout:
        server.stdout.readline()
    ui._stop(server)
    assert server.returncode == -signal.SIGKILL


@pytest.mark.system
def test_interface_opens_at_the_ready_made_views_and_stops(
    home: Path, uri: str, about: ExperimentRecord, tmp_path: Path
) -> None:
    """Started as a user starts it, looked at as a user looks at it, stopped with Ctrl-C.

    What is seen is compared with the table that was made of the same store.
    """
    trials = [Trial(home, name, seed).points().finish() for name in VARIANTS for seed in range(3)]
    publisher = Publisher(uri, "quick", about)
    assert all(publisher.send(trial.folder) for trial in trials), publisher.problem
    compared = compare("quick", uri, tmp_path / "results")
    log_report(uri, "quick", compared.verdict, [tmp_path / "results" / "index.html"])
    table = json.loads((tmp_path / "results" / "table.json").read_text())
    with _served(tmp_path / "said") as (process, addresses):
        assert list(addresses) == ["leaderboard", "curves", "samples"]
        with pytest.raises(UserError, match="did you mean 'quick'"):
            ui.serve(addresses["curves"].partition("/#")[0], "quik", 0)
        if not MISSING:
            _look(addresses, table)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    with contextlib.suppress(OSError), urllib.request.urlopen(addresses["curves"], timeout=5):
        pytest.fail("the server still answers")
    if MISSING:
        pytest.skip(f"started and stopped, but not looked at: needs {', '.join(MISSING)}")


@contextlib.contextmanager
def _served(said: Path) -> Iterator[tuple["subprocess.Popen[bytes]", dict[str, str]]]:
    """The process of ``ganbench ui`` and the addresses that it names, by view."""
    port = free_port()
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(port)],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        until(lambda: "Ctrl-C" in said.read_text(), process, said.read_text() or "ganbench ui")
        lines = [line for line in said.read_text().splitlines() if "/#/" in line]
        pairs = [line.removeprefix("quick, ").split(": ", 1) for line in lines]
        yield process, dict(pairs)
    finally:
        process.terminate()  # the server is in a group of its own, which its starter ends
        process.wait(60)


def _look(addresses: dict[str, str], table: dict[str, Any]) -> None:
    from playwright.sync_api import sync_playwright

    options = ["--headless", "--no-sandbox", "--disable-gpu"]
    options += ["--disable-background-networking", "--disable-sync"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=options)
        page = browser.new_page(viewport={"width": 1600, "height": 1200})
        page.set_default_timeout(120_000)
        _look_at_leaderboard(page, addresses["leaderboard"], table)
        _look_at_curves(page, addresses["curves"])
        _look_at_means(page, addresses["curves"], table)
        _look_at_samples(page, addresses["samples"])
        browser.close()


def _look_at_leaderboard(page: "Page", address: str, table: dict[str, Any]) -> None:
    """The verdict; all twelve trials and nothing else, the lowest FID first, next to its number."""
    page.goto(address)
    page.get_by_text("12 matching runs").wait_for()
    page.get_by_text("Sort: final/fid").wait_for()
    close = page.get_by_role("button", name="Close").last
    if close.is_visible():
        close.click()  # MLflow's assistant covers a third of the page at a first visit
    assert page.get_by_text(table["verdict"].partition(":")[0]).first.is_visible()
    ranked = sorted(
        (point["value"], f"{row['variant']} seed {point['seed']}")
        for row in table["variants"]
        for point in row["final"]["fid"]["points"]
    )
    links = page.get_by_role("link", name="seed")
    links.nth(len(ranked) - 1).wait_for()  # the count is shown before the rows are drawn
    names = links.all_inner_texts()
    assert names == [name for _, name in ranked]
    cells = page.locator("[role=gridcell][col-id*='final/fid']")
    cells.nth(len(ranked) - 1).wait_for()
    fids = cells.all_inner_texts()
    assert [float(text) for text in fids] == [fid for fid, _ in ranked]


def _look_at_curves(page: "Page", address: str) -> None:
    """One line a variant: the mean over its three seeds."""
    page.goto(address)
    page.get_by_text("Group by: variant").wait_for()
    page.get_by_text("eval/fid", exact=True).wait_for()
    for variant in VARIANTS:
        page.get_by_text(f"Group: {variant}").wait_for()
    card = page.locator("[data-testid='experiment-view-compare-runs-card']")
    for variant in VARIANTS:
        legend = card.get_by_text(f"{variant} (eval/fid)", exact=True)
        legend.first.wait_for(state="attached")
        assert legend.count() == 1


def _look_at_means(page: "Page", address: str, table: dict[str, Any]) -> None:
    """The view of the curves as a table: a row a variant, its mean FID that of our table."""
    page.goto(address.replace("compareRunsMode=CHART", "compareRunsMode=TABLE"))
    cells = page.locator("[role=gridcell][col-id*='final/fid']").filter(has_text="(average)")
    cells.nth(len(VARIANTS) - 1).wait_for()
    averages = [float(text.removesuffix(" (average)")) for text in cells.all_inner_texts()]
    means = [row["final"]["fid"]["mean"] for row in table["variants"]]
    assert sorted(averages) == pytest.approx(sorted(means), rel=1e-3)


def _look_at_samples(page: "Page", address: str) -> None:
    """A grid of every variant at the last point, and a slider through the earlier ones."""
    page.goto(address)
    page.get_by_text("4 matching runs").wait_for()
    for variant in VARIANTS:
        page.get_by_text(f"{variant} seed 0").first.wait_for()
    image = page.locator("[data-testid='experiment-view-compare-runs-chart-area'] img")
    image.first.wait_for()
    assert image.first.evaluate("picture => picture.naturalWidth") > 0
    slider = page.get_by_role("slider")
    slider.wait_for()
    assert slider.get_attribute("aria-valuenow") == "6400"
