"""`score`: what the numbers of any samples say, as a report, as JSON and as a page."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from bench import paths
from bench.cli.measuring import apart, short
from bench.cli.options import (
    DatasetOption,
    ExtractorOption,
    JsonOption,
    PluginOption,
    StoreOption,
    app,
    load_plugins,
    path_option,
)
from bench.datasets import DEFAULT

_PAIRS = 32
_INDENT = 25
_DIRECTIONS = {
    "lower": "lower is better",
    "higher": "higher is better",
    "near the floor": "best near the floor",
}

_FIRST = "Correct that first: the numbers are of the samples as they were given."
_WITHOUT = "Without it only classes, noise and blur are judged."


@dataclass(frozen=True)
class Line:
    """One metric of a report, its numbers as text; one of a number a class is one line."""

    name: str
    value: str
    noise: str
    floor: str
    direction: str
    meaning: str

    @property
    def text(self) -> str:
        value = f"{self.value} ± {self.noise} over other samples (sd)" if self.noise else self.value
        floor = f"floor {self.floor}" if self.floor else ""
        numbers = ", ".join(filter(None, (value, self.direction, floor)))
        return f"  {self.name:{_INDENT - 3}} {numbers}\n{'':{_INDENT}}{self.meaning}"


@dataclass(frozen=True)
class Report:
    """What is said of a set of samples.

    Attributes:
        name: the file's.
        floor: what as many real samples get; empty where it is not known.
        own: whether the user's own extractor measured.
        warnings: what the samples look like, if they were saved wrongly.
        judgement: what is wrong with them.
    """

    name: str
    measurement: Any
    floor: dict[str, Any]
    own: bool
    warnings: list[str]
    judgement: list[str]

    @property
    def about_floor(self) -> str:
        if self.floor:
            return "Floor: what real held-out samples get at the same n."
        if self.own:
            return f"There is no floor for an extractor of your own. {_WITHOUT}"
        return (
            "There is no floor, because fewer real samples are held out than were given. "
            f"{_WITHOUT}"
        )

    @property
    def lines(self) -> list[Line]:
        """One for each metric, in the order in which they were measured."""
        from bench.evaluation.declarations import measure

        groups: dict[str, list[str]] = {}
        for name in self.measurement.metrics:
            groups.setdefault(name.partition("/")[0], []).append(name)
        return [
            Line(
                name,
                _joined(names, self.measurement.metrics),
                _joined(names, self.measurement.noise),
                _joined(names, self.floor),
                _DIRECTIONS.get(measure(name).better, ""),
                measure(name).about.replace("``", "`"),
            )
            for name, names in groups.items()
        ]

    @property
    def text(self) -> str:
        head = f"{self.measurement.measure} (evaluator, feature layer, n, reference split)"
        omitted = [
            f"  {name:{_INDENT - 3}} left out: {reason}"
            for name, reason in self.measurement.omitted.items()
        ]
        said = ["", *self.warnings, *self.judgement, ""]
        return "\n".join(
            [head, self.about_floor, *said, *(line.text for line in self.lines), *omitted]
        )

    @property
    def json(self) -> str:
        of = self.measurement
        result = {"ruler": of.measure.partition("/")[0], "n": of.n, "measure": of.measure,
                  "metrics": of.metrics, "noise": of.noise, "floor": self.floor,
                  "omitted": of.omitted}  # fmt: skip
        return json.dumps(result, allow_nan=False)


@app.command()
def score(
    samples: Annotated[
        Path,
        typer.Argument(
            help="A .npy, .npz, .pt or .safetensors file, or a folder of PNGs.",
            metavar="SAMPLES",
            parser=paths.expanded,
        ),
    ],
    dataset: DatasetOption = DEFAULT,
    as_json: JsonOption = False,
    html: Annotated[
        Path | None, path_option("--html", "FILE", "Also write a page with pictures to FILE.")
    ] = None,
    extractor: ExtractorOption = None,
    plugin: PluginOption = None,
    store: StoreOption = None,
) -> None:
    """Measure samples from anywhere with the pinned evaluator of a data set.

    Images are uint8 in 0..255, or float in [0, 1] or in [-1, 1]. Next to each number stands its
    floor: what the same number of real samples gets.

    Example: ganbench score samples.npy --html report.html
    """
    from bench import datasets
    from bench.evaluation import Evaluator, judgement, mistakes
    from bench.evaluation import samples as reading

    load_plugins(plugin)
    if html:
        paths.check(html.absolute().parent, "choose another file with --html")
    known = datasets.get(dataset)
    content = reading.read(samples, apart, known)
    known.ensure(apart)
    evaluator = Evaluator.from_file(extractor, known) if extractor else Evaluator.load(dataset)
    measurement = evaluator.score(content, final=True)
    # An extractor of the user's own may take half an hour for what real images get.
    floor = {} if extractor else evaluator.floor(measurement.n, final=True)
    warnings = [] if extractor else mistakes.recognise(evaluator, content)
    judged = [_FIRST] if warnings else judgement.judge(evaluator, content, measurement, floor)
    judged = judged or [judgement.NOTHING]
    report = Report(samples.name, measurement, floor, bool(extractor), warnings, judged)
    if html:
        _write_page(html, report, evaluator, content)
        apart(f"The page is {html}.")
    if as_json:
        for sentence in warnings:
            apart(sentence)
    print(report.json if as_json else report.text)


def _joined(names: list[str], values: dict[str, Any]) -> str:
    """One value, or those of the classes, ``0: 0.1; 1: 0.11``; empty where there is none."""
    present = [name for name in names if name in values]
    labels = [f"{label}: " if label else "" for label in (n.partition("/")[2] for n in present)]
    return "; ".join(
        label + short(values[name]) for label, name in zip(labels, present, strict=True)
    )


def _write_page(path: Path, report: Report, evaluator: Any, samples: Any) -> None:
    from bench.analysis.page import templates
    from bench.evaluation.declarations import FINAL

    pairs = any(metric.name == "neighbour_ratio" for metric in evaluator.at(FINAL))
    picture = (_neighbours if pairs else _drawn)(evaluator, samples)
    template = templates().get_template("score.html")
    with paths.replacing(path, "w") as file:
        file.write(template.render(report=report, picture=picture, pairs=pairs))


def _neighbours(evaluator: Any, samples: Any) -> bytes:
    """A PNG of the first samples, each with its nearest training image."""
    import io

    from PIL import Image

    from bench.training import pictures

    train = evaluator.extractor.dataset.split("train").values
    file = io.BytesIO()
    drawn = pictures.neighbours(evaluator, samples[:_PAIRS], train)
    Image.fromarray(drawn.numpy()).save(file, format="PNG")
    return file.getvalue()


def _drawn(evaluator: Any, samples: Any) -> bytes:
    """The data set's own picture of samples, as PNG."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "samples.png"
        evaluator.extractor.dataset.draw(samples, path)
        return path.read_bytes()
