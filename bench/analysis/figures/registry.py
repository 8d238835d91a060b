"""Figures register themselves: in this folder's files, in plug-ins, in installed packages.

An installed package names its module in the entry-point group "ganbench.analysis.figures".
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from bench.analysis.records import Records
from bench.analysis.sample_selection import Samples
from bench.registry import Registry

Draw = Callable[[Records, pd.DataFrame, Samples], Figure | None]
"""From the records (``records.trials`` is the frame of `bench.load_results`), the long frame of
`bench.load_curves`, and the samples by the key of the logged picture."""

_LAST = 100.0


@dataclass(frozen=True)
class FigureKind:
    """A figure that is drawn of every experiment whose records suffice for it.

    Attributes:
        name: its file's stem, which is the name of the function that draws it.
        place: figures are shown by place, then by name.
        of_pictures: whether it is made of the pictures that trials logged.
        on_page: whether the page shows it among its figures.
    """

    name: str
    title: str
    caption: str
    draw: Draw
    place: float
    of_pictures: bool
    on_page: bool


_FIGURES: Registry[FigureKind] = Registry("figure", "bench.analysis.figures")


def figure(
    *,
    title: str,
    caption: str,
    place: float = _LAST,
    of_pictures: bool = False,
    on_page: bool = True,
) -> Callable[[Draw], Draw]:
    """Decorator of a function that draws a figure, or returns None where the records lack it.

    Raises:
        UserError: the function's name is taken by another figure.
    """

    def remember(draw: Draw) -> Draw:
        name: str = draw.__name__  # type: ignore[attr-defined]
        kind = FigureKind(name, title, caption, draw, place, of_pictures, on_page)
        _FIGURES.add(name, kind, draw.__module__)
        return draw

    return remember


def kinds() -> list[FigureKind]:
    """Every figure that is known, in the order of the page.

    Raises:
        UserError: an installed package fails to load.
    """
    known = [_FIGURES.get(name) for name in _FIGURES.names()]
    return sorted(known, key=lambda kind: (kind.place, kind.name))
