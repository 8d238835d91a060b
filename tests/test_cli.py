"""The commands' contract, and one clear sentence for every bad input."""

import errno
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import typer
from rich.console import Console

from bench import cli, datasets
from bench.analysis import Comparison
from bench.cli import in_mlflow, options, running, startup
from bench.datasets import mnist
from bench.executors import display
from bench.executors import plan as planning
from bench.executors.run import Outcome
from bench.training import generator
from bench.trials import experiment as experiments
from bench.trials.status import Status

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ganbench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    # --store sets the variable for the process; setting it here gives it back after the test.
    monkeypatch.setenv("GANBENCH_STORE", os.environ.get("GANBENCH_STORE", ""))
    monkeypatch.setattr(startup, "received", [])
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ganbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), captured.out, captured.err

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


def one_sentence(result: tuple[int, str, str]) -> str:
    """The message of a user's error: exit status 1, one line on stderr, no traceback."""
    code, _, err = result
    assert code == 1
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert err.rstrip()[-1] in ".?"
    return err


def test_usage_errors_exit_with_2(ganbench: Run) -> None:
    for arguments in (["run"], ["run", "quick", "--workers", "0"], ["fly"], ["run", "quick", "-x"]):
        code, _, err = ganbench(*arguments)
        assert code == 2
        assert "Usage" in err


@pytest.mark.parametrize(
    "command",
    ["run", "table", "verify", "score", "list", "data", "ui", "classifier", "publish", "calibrate",
     "export", "import", "new", "speed"],
)  # fmt: skip
def test_every_command_helps_with_an_example(command: str, ganbench: Run) -> None:
    code, out, _ = ganbench(command, "--help")
    assert code == 0
    assert "Example: " in out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["export", "quik"], "There is no experiment in this store 'quik'"),
        (["import", "no.zip"], "There is no file no.zip: check the path."),
        (["run", "quik"], "There is no experiment 'quik': did you mean 'quick'?"),
        (["run", "quick", "--variants", "wgan,mlp_bc"], "no variant 'mlp_bc': did you mean 'mlp_bce'?"),
        (["run", "quick", "--variants", "wgan,"], "There is no variant ''"),
        (["run", "quick", "--seeds", "0,0"], "the key 'seeds' does not fit: 0 is listed twice"),
        (["run", "quick", "--seeds", "0,-1"], "the key 'seeds.1' does not fit: Input should be greater"),
        (["run", "quick", "--seeds", "0"], "the key 'seeds' does not fit: at least one is needed"),
        (["run", "quick", "--seeds", "three"], "write how many (5) or which (0,3,7)"),
        (["run", "quick", "-o", "budget=0"], "the key 'budget' does not fit: Input should be greater"),
        (["run", "quick", "-o", "budgt=5"], "no key for the option -o 'budgt': did you mean 'budget'?"),
        (["run", "quick", "-o", "budget=many"], "Error: The option -o budget=many: the key 'budget' does not fit: Input should be a valid integer"),
        (["run", "quick", "-o", "wgan.clp=1"], "no key of the variant 'wgan' 'clp': did you mean 'clip'?"),
        (["run", "quick", "-o", "wgn.clip=1"], "no variant 'wgn': did you mean 'wgan'?"),
        (["run", "quick", "-o", "wgan.clip=-1"], "The value -1 does not fit wgan.clip"),
        (["run", "quick", "-o", "wgan.lr=true"], "The value True does not fit wgan.lr: Input should be a valid number"),
        (["run", "quick", "-o", "wgan.n_critic=5.0"], "The value 5.0 does not fit wgan.n_critic: Input should be a valid integer"),
        (["run", "quick", "-o", "my-gan.lr=1"], "There is no variant 'my-gan'"),
        (["run", "quick", "-o", "wgan.lr=inf"], "The value inf does not fit wgan.lr"),
        (["run", "quick", "-o", "seeds=99999999999"], "at most 10000 seeds make an experiment"),
        (["run", "quick", "-o", "description=" + "x" * 300], "name longer than 200 characters"),
        (["run", "quick", "-o", "budget=" + "9" * 50], "the key 'budget' does not fit: Input should be less"),
        (["run", "quick", "-o", "a.b.c=1"], "There is no variant 'a.b'"),
        (["run", "quick", "-o", "budget"], "is not KEY=VALUE"),
        (["run", "quick", "-o", "budget=../../x"], "is not KEY=VALUE"),
        (["run", "quick", "--executor", "cloud"], "There is no executor 'cloud'"),
        (["run", "quick", "--ray-address", "host:6379"], "--ray-address is for --executor ray only"),
        (["run", "quick", "--executor", "ray", "-o", "device=cuda"], "The executor ray trains on processors only"),
        (["run", "quick", "-o", "device=tpu"], "the key 'device' does not fit"),
        (["run", "quick", "--plugin", "none.py"], "none.py does not exist"),
        (["run", "no/such.toml"], "The experiment file no/such.toml does not exist"),
        (["run", "quick", "-o", "dataset=mnst"], "There is no data set 'mnst': did you mean 'mnist'?"),
        (["data", "mnst"], "There is no data set 'mnst': did you mean 'mnist'?"),
        (["list", "variant"], "There is no listing 'variant': did you mean 'variants'?"),
        (["table", "quick", "--format", "pdf"], "There is no table format 'pdf'"),
        (["verify", "quik"], "There is no stored table to compare 'quik' with"),
        (["verify", "quick", "--against", "none.json"], "none.json does not exist"),
        (["verify", "quick"], "no records at"),
        (["score", "none.npy"], "none.npy"),
    ],
)  # fmt: skip
def test_bad_arguments(arguments: list[str], expected: str, ganbench: Run, own_store: Path) -> None:
    assert expected in one_sentence(ganbench(*arguments))
    assert not (own_store / "trials").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("variants = [", "cannot be read as TOML"),
        ("variants = ['wgan']\nseeds = 2", "the key 'budget' does not fit: Field required"),
        ("variants = ['wgan']\nseeds = 2\nbudget = '9'", "Input should be a valid integer (found '9')"),
        ("variants = ['wgan']\nseeds = -2\nbudget = 9", "Input should be greater than or equal to 0"),
        ("variants = ['wgan']\nseeds = [1, 1]\nbudget = 9", "1 is listed twice"),
        ("variants = []\nseeds = 2\nbudget = 9", "the key 'variants' does not fit"),
        ("variants = ['wgan']\nseeds = 2\nbudget = 9\nbath = 3", "'bath': did you mean 'batch'?"),
        ("variants = ['wgan']\nseeds = true\nbudget = 9", "the key 'seeds' does not fit"),
        ("variants = ['wgan']\nseeds = 1\nbudget = 9\nvariant = 3", "the key 'variant' does not fit"),
        ("variants = ['wgan', 'wgan']\nseeds = 1\nbudget = 9", "wgan is listed twice"),
    ],
)  # fmt: skip
def test_bad_experiment_files(
    text: str, expected: str, ganbench: Run, own_store: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    message = one_sentence(ganbench("run", path, "--dry-run"))
    assert str(path) in message
    assert expected in message


def test_a_wrong_key_of_the_file_is_not_blamed_on_an_option(
    ganbench: Run, own_store: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("variants = ['wgan']\nseeds = 1\nbudget = true")
    message = one_sentence(ganbench("run", path, "-o", "batch=32", "--dry-run"))
    assert f"Error: {path}: the key 'budget' does not fit" in message


def test_a_byte_order_mark_and_a_number_that_toml_does_not_know(
    ganbench: Run, own_store: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("\ufeffvariants = ['wgan']\nseeds = 1\nbudget = 640", encoding="utf-8")
    code, out, _ = ganbench("run", path, "-o", "wgan.lr=.5", "--dry-run")
    assert code == 0
    assert re.match(r"mine-[0-9a-f]{6}@wgan\.lr=\.5: 1 trial,", out)


def test_an_experiment_name_cannot_lead_out_of_the_results(
    ganbench: Run, own_store: Path, tmp_path: Path
) -> None:
    path = tmp_path / "..mine.toml"
    path.write_text("variants = ['wgan']\nseeds = 1\nbudget = 9")
    assert "cannot name an experiment" in one_sentence(ganbench("run", path, "--dry-run"))


def test_a_store_that_cannot_be_written(ganbench: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    message = one_sentence(ganbench("run", "quick", "--store", tmp_path / "file" / "store"))
    assert "set GANBENCH_STORE to another folder" in message


def test_a_wrong_tracking_uri_is_refused_before_anything_is_trained(
    ganbench: Run, own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "mlruns")
    assert "'mlruns' is not a tracking store" in one_sentence(ganbench("run", "quick"))
    assert not (own_store / "trials").exists()


def test_a_full_disk_anywhere_is_a_sentence(
    ganbench: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*given: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/table.md")

    monkeypatch.setattr("bench.analysis.compare", full)
    message = one_sentence(ganbench("table", "quick", "--results", tmp_path))
    assert "Cannot write /somewhere/table.md (the disk is full): free some space" in message


def test_a_sweep_that_has_results_ends_with_its_champions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen = experiments.load("quick")
    ended = [(item, Status(status="done")) for item in planning.plan(chosen)]
    given_to_mlflow: list[object] = []
    monkeypatch.setattr("bench.executors.run.sweep", lambda *given: Outcome(ended, None, None))
    monkeypatch.setattr("bench.analysis.compare", lambda *given: Comparison("", "", ()))
    monkeypatch.setattr(
        "bench.tracking.registered_models.register_best_models",
        lambda *given: given_to_mlflow.extend(given[1:3]),
    )
    running._sweep_and_compare(chosen, [], None, None, tmp_path, Console())
    assert given_to_mlflow == ["quick", generator.load]


def test_a_sweep_that_mlflow_did_not_take_makes_no_table_and_exits_with_5(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    chosen = experiments.load("quick")
    ended = [(item, Status(status="done")) for item in planning.plan(chosen)]
    outcome = Outcome(ended, None, "MLflow did not take the record.")
    monkeypatch.setattr("bench.executors.run.sweep", lambda *given: outcome)
    with pytest.raises(typer.Exit) as left:
        running._sweep_and_compare(chosen, [], None, None, tmp_path, Console())
    assert left.value.exit_code == 5
    assert capsys.readouterr().out == (
        "MLflow did not take the record.\nNo table is made before MLflow has every trial.\n"
    )


def test_a_failed_trial_is_reported_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Square brackets are no markup; the others are compared all the same."""
    reason = "nothing was found in [/data/weights] for [batch, channels]."
    first, *others = planning.plan(experiments.load("quick"))
    ended = [(first, Status(status="failed", reason=reason))]
    ended += [(item, Status(status="done")) for item in others]
    monkeypatch.setattr("bench.executors.run.sweep", lambda *given: Outcome(ended, None, None))
    made = Comparison("TABLE", "", (), "The pictures of wgan seed 0 are lost.", "wgan: healthy.")
    monkeypatch.setattr("bench.analysis.compare", lambda *given: made)
    monkeypatch.setattr(
        "bench.tracking.registered_models.register_best_models", lambda *given: None
    )
    with pytest.raises(typer.Exit) as end:
        running._sweep_and_compare(
            experiments.load("quick"), [], None, None, tmp_path, options.console()
        )
    assert end.value.exit_code == 3
    out = capsys.readouterr().out
    assert f"{first.trial.title} failed: {reason}\n" in out
    assert "TABLE" in out
    assert "The pictures of wgan seed 0 are lost.\n" in out
    assert "\nDiagnosis (in how many trials):\nwgan: healthy.\n" in out


def test_a_home_in_an_option_is_expanded_and_a_dry_run_creates_nothing(
    ganbench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text('variants = ["wgan"]\nseeds = 1\nbudget = 9\n')
    code, out, _ = ganbench("run", "~/mine.toml", "--dry-run", "--store=~/x")
    assert code == 0
    assert re.fullmatch(r"mine-[0-9a-f]{6}: 1 trial, 0 done, 1 to do\.", out.splitlines()[0])
    assert os.environ["GANBENCH_STORE"] == str(tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]
    for arguments in (["score", "~/a.npy"], ["run", "quick", "--plugin=~/a.py", "--dry-run"],
                      ["verify", "quick", "--against=~/a.json"]):  # fmt: skip
        assert str(tmp_path / "a.") in one_sentence(ganbench(*arguments))


def test_an_empty_path_is_a_sentence(ganbench: Run) -> None:
    assert "A path is empty" in one_sentence(ganbench("run", "quick", "--dry-run", "--store="))


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ECONNREFUSED, "A connection failed ("),
        (errno.ENOMEM, "Out of memory: use fewer --workers"),
        (errno.EAGAIN, "The system starts no more processes ("),
    ],
)
def test_what_the_system_refuses_is_not_always_a_file(
    number: int,
    said: str,
    ganbench: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def refused(*given: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("bench.analysis.compare", refused)
    message = one_sentence(ganbench("table", "quick", "--results", tmp_path))
    assert message.startswith(f"Error: {said}")


def test_a_registry_that_fails_costs_one_sentence_and_not_the_sweep(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*given: object) -> None:
        raise ConnectionError("no such\n host")

    monkeypatch.setattr("bench.tracking.registered_models.register_best_models", broken)
    in_mlflow.register_best("quick", Console())
    assert capsys.readouterr().out == (
        "MLflow has not registered the best generators (no such host). Everything else is done.\n"
    )


@pytest.mark.parametrize("swallowed", [False, True])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_end_any_command_with_a_sentence(
    number: signal.Signals, code: int, swallowed: bool, ganbench: Run,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    """Also where a library that is being imported makes another error of them."""

    def interrupted(*given: object) -> None:
        try:
            startup._stop(number, None)  # xdist's workers ignore SIGINT
        except BaseException:
            if swallowed:
                raise ImportError("half imported") from None
            raise

    monkeypatch.setattr("bench.analysis.compare", interrupted)
    assert ganbench("table", "quick", "--results", tmp_path) == (
        code, "", "Stopped. Nothing is lost: run the same command again.\n"
    )  # fmt: skip


def test_dry_run_names_the_trials_and_begins_none(ganbench: Run, own_store: Path) -> None:
    before = {*own_store.iterdir(), own_store / "catalogue.json"}
    code, out, _ = ganbench("run", "quick", "--seeds", "0,7", "--variants", "wgan", "--dry-run")
    assert code == 0
    assert out.splitlines() == [
        "quick: 2 trials, 0 done, 2 to do.", "  wgan seed 0: pending", "  wgan seed 7: pending"
    ]  # fmt: skip
    assert set(own_store.iterdir()) == before


def test_lists(ganbench: Run) -> None:
    names = {row["variant"] for row in json.loads(ganbench("list", "variants", "--json")[1])}
    assert {"mlp_bce", "batchnorm_dropout", "wgan", "spectral_norm"} <= names
    shapes = {
        row["data set"]: row["shape"]
        for row in json.loads(ganbench("list", "datasets", "--json")[1])
    }
    assert shapes == {
        "grid": [2], "mnist": [1, 28, 28], "ring": [2], "stacked_mnist": [3, 28, 28]
    }  # fmt: skip
    listed = json.loads(ganbench("list", "experiments", "--json")[1])
    assert [row["experiment"] for row in listed] == [
        "ablation", "collapse", "conditional", "conv", "grid", "paper", "quick", "ring", "stacked",
        "stacked_unrolled", "stacked_veegan", "tuned", "zoo",
    ]  # fmt: skip
    metrics = [row["name"] for row in json.loads(ganbench("list", "metrics", "--json")[1])]
    assert {"fid", "modes", "mode_kl", "missing", "confidence", "inception_score"} <= set(metrics)
    assert "wgan" in ganbench("list")[1]


def test_score_of_the_test_images_themselves(
    ganbench: Run, mnist_store: Path, tmp_path: Path
) -> None:
    path = tmp_path / "test.pt"
    torch.save(mnist.load("test").images, path)
    code, out, _ = ganbench("score", path, "--json")
    assert code == 0
    result = json.loads(out)
    assert result["n"] == 10_000
    assert result["ruler"].startswith("digits-v1-")
    assert abs(result["metrics"]["fid"]) < 1e-6
    assert result["floor"]["fid"] == pytest.approx(0.121234, rel=1e-4)
    assert result["metrics"]["modes"] == 10


def test_data_verifies(ganbench: Run, mnist_store: Path) -> None:
    code, out, _ = ganbench("data")
    assert code == 0
    assert datasets.get("mnist").digest in out


def test_what_goes_through_a_pipe_is_plain_lines_although_a_notebook_asks_for_colours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not sys.stdout.isatty()
    assert isinstance(display.view(options.console()), display.Lines)
