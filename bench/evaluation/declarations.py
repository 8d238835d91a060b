"""What each metric declares of itself: the one source of table heads, lists and of what runs when.

A metric is a function of the samples' statistics and the reference under `metric`, in a file of
``bench/evaluation/metrics`` or in a plug-in. Its docstring states `FIELDS`, one a line::

    @metric(when="each evaluation")
    def spread(samples: FeatureStatistics, reference: Reference) -> float:
        \"\"\"How far the samples' features lie from their mean.

        Label: spread [sd]
        Formula: …

Importing this loads nothing heavy, because the declarations can be read without their code.
"""

import ast
import inspect
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.errors import UserError
from bench.registry import Registry

if TYPE_CHECKING:
    from bench.evaluation.reference import Reference
    from bench.evaluation.statistics import FeatureStatistics

Value = float | int | str
When = Literal["each evaluation", "final"]
Need = Literal["classes", "given labels"]
Better = Literal["lower", "higher", "near the floor", "neither"]
Compute = Callable[["FeatureStatistics", "Reference"], Value | dict[int, float]]
"""A metric of several numbers gives one a class; they are called ``<name>/<class>``."""

FIELDS = ("label", "formula", "range", "better", "unit", "floor", "source")
BETTER = ("lower", "higher", "near the floor", "neither")
EACH: When = "each evaluation"
FINAL: When = "final"
_SIGNS = {"lower": " ↓", "higher": " ↑", "near the floor": " ≈ floor", "neither": ""}
ALT, INCEPTION = "_alt", "_inception"
"""End the name of a metric by the second feature extractor, and by Inception."""
_FIELD = re.compile(r"^(\w+):(.*(?:\n .*)*)", re.MULTILINE)
_FOLDER = Path(__file__).parent / "metrics"


@dataclass(frozen=True)
class Metric:
    """A metric as a reader meets it, and as the evaluator runs it.

    Attributes:
        name: as in the records, without ``final/``.
        label: as in a column head or on an axis.
        unit: as it stands behind the label; empty for a plain number.
        better: the direction of improvement.
        about: one sentence.
        ratio: a positive distance, compared by ratios (on the log scale) rather than differences.
        when: measured at each evaluation of a trial, or at its end only.
        needs: what it takes besides features: a classifier's class probabilities, the labels that
            the samples were drawn for.
        least: the smallest number of samples that it is defined for.
        optional: measured only by an evaluator that names it, not by every one.
        doc: the fields of its docstring.
        compute: None where only the declaration was read.
    """

    name: str
    label: str
    better: Better = "neither"
    about: str = ""
    unit: str = ""
    ratio: bool = False
    when: When = FINAL
    needs: frozenset[Need] = frozenset()
    least: int = 2
    optional: bool = False
    doc: Mapping[str, str] = field(default_factory=dict)
    compute: Compute | None = None

    @property
    def head(self) -> str:
        """The label with its unit and a sign for the better side."""
        return f"{self._with_unit}{_SIGNS[self.better]}"

    @property
    def axis(self) -> str:
        """The label with its unit and the better side in words."""
        side = {"neither": "", "near the floor": " (best near the floor)"}
        return f"{self._with_unit}{side.get(self.better, f' ({self.better} is better)')}"

    @property
    def _with_unit(self) -> str:
        return f"{self.label} [{self.unit}]" if self.unit else self.label


METRICS: Registry[Metric] = Registry("metric", "bench.evaluation.metrics")
_SPEED = Metric("images_per_s", "images/s", "higher", "Real images shown per second of training.")
"""What the trial itself measures, and a table compares."""


def metric(
    *,
    when: When,
    needs: Collection[Need] = (),
    least: int = 2,
    ratio: bool = False,
    optional: bool = False,
) -> Callable[[Compute], Compute]:
    """Register a metric under its function's name; the arguments are those of `Metric`.

    Raises:
        UserError: another file registered the name, or the docstring lacks a field.
    """

    def register(compute: Compute) -> Compute:
        name, doc = compute.__name__, inspect.getdoc(compute)
        given = {"when": when, "needs": needs, "least": least, "ratio": ratio}
        declared = _declare(name, doc, **given, optional=optional)
        METRICS.add(name, replace(declared, compute=compute), compute.__module__)
        return compute

    return register


def at(*when: When) -> list[Metric]:
    """The metrics that are measured then, those of each evaluation first, by name."""
    chosen = [m for m in declared().values() if m.when in when]
    return sorted(chosen, key=lambda m: (m.when == FINAL, m.name))


def measure(name: str) -> Metric:
    """The measure of that name; an unknown one has its own name for a label and no direction.

    ``X_alt`` is X by the second feature extractor, ``X_inception`` by Inception.
    """
    base = name.removesuffix(ALT).removesuffix(INCEPTION)
    known = (declared() | {_SPEED.name: _SPEED}).get(base) or Metric(base, base.replace("_", " "))
    label = f"Inception {known.label}" if name.endswith(INCEPTION) else known.label
    return replace(known, name=name, label=label)


def listing() -> list[dict[str, str]]:
    """One row a metric: its name, what it is, its fields, when it is measured."""
    return [{"name": m.name, "summary": m.about, **m.doc, "when": m.when} for m in at(EACH, FINAL)]


def declared() -> dict[str, Metric]:
    """All metrics by name: those that are shipped, and those of the plug-ins that were loaded."""
    return {**shipped(), **METRICS.loaded}


@cache
def shipped() -> dict[str, Metric]:
    """Those of this repository. Read from the files' text: importing them takes seconds."""
    metrics: dict[str, Metric] = {}
    for path in sorted(_FOLDER.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "metric":
                    given = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
                    metrics[node.name] = _declare(node.name, ast.get_docstring(node), **given)
    return metrics


def _declare(name: str, text: str | None, **given: Any) -> Metric:
    doc = _fields(name, text or "")
    label, _, unit = doc["label"].removesuffix("]").partition(" [")
    given["needs"] = frozenset(given.get("needs", ()))
    about, better = (text or "").splitlines()[0], doc["better"]
    return Metric(name, label, better, about, unit, doc=doc, **given)  # type: ignore[arg-type]


def _fields(name: str, text: str) -> dict[str, str]:
    """Read ``Key: value`` lines, where a deeper indented line continues the one before."""
    fields = {
        key.lower(): " ".join(value.split())
        for key, value in _FIELD.findall(text)
        if key.lower() in FIELDS
    }
    if missing := [f for f in FIELDS if not fields.get(f)]:
        raise UserError(
            f"The docstring of the metric '{name}' states no {', '.join(missing)}: add a line for "
            'each, such as "Better: lower".'
        )
    if fields["better"] not in BETTER:
        raise UserError(f"In the metric '{name}', \"Better:\" is one of {', '.join(BETTER)}.")
    return fields
