"""A table as cells, and written as Markdown, LaTeX, and as plain text for a terminal."""

import re
import textwrap
from dataclasses import dataclass, replace

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "↓": r"$\downarrow$", "↑": r"$\uparrow$", "–": "--", "×": r"$\times$",
    "−": "$-$", "≈": r"$\approx$", "∞": r"$\infty$", "≤": r"$\leq$",
    "<": "$<$", ">": "$>$", "²": r"\textsuperscript{2}", "…": r"\ldots{}", "·": r"$\cdot$",
    "`": r"\textasciigrave{}",
    "--": "-{}-{}",  # which would become a dash, and a command that cannot be typed
}  # fmt: skip
_CODE = re.compile(r"`([^`]+)`")
_TOKEN = re.compile(r"--|.", re.DOTALL)
_ACCENTED = re.compile(r"(?![ÐðÞþ×÷])[À-ÿ]")
_GAP = "  "
_ON_A_PAGE = 30
"""Rows of a LaTeX table."""


@dataclass(frozen=True)
class Cell:
    """One cell: its text, whether a verdict makes it bold, the row whose trials it is of."""

    text: str
    bold: bool = False
    row: str = ""
    value: float | None = None


@dataclass(frozen=True)
class Grid:
    """One table: its name, its caption, column heads, rows of cells, notes below it."""

    name: str
    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


def markdown(grids: list[Grid], verdict: str = "") -> str:
    """The verdict, then the tables."""
    return "\n".join([f"{verdict}\n"] * bool(verdict) + [_markdown(grid) for grid in grids])


def _markdown(grid: Grid) -> str:
    texts = [[f"**{c.text}**" if c.bold else c.text for c in row] for row in grid.rows]
    rule = [":--", *["--:"] * (len(grid.heads) - 1)]
    piped = [[text.replace("|", "\\|") for text in line] for line in (grid.heads, rule, *texts)]
    table = [f"| {' | '.join(line)} |" for line in piped]
    notes = [f"* {note}" for note in grid.notes]
    return "\n".join([f"**{grid.caption}**", "", *table, "", *notes]).rstrip() + "\n"


def latex(grids: list[Grid], verdict: str) -> str:
    """A whole document (booktabs) that compiles as it is; each table can be lifted out."""
    body = "\n".join(_latex(part) for grid in grids for part in _parts(grid))
    return (
        "\\documentclass{article}\n\\usepackage[utf8]{inputenc}\n"
        "\\usepackage{booktabs}\n\\usepackage{graphicx}\n"
        "\\usepackage[a4paper,landscape,margin=1.5cm]{geometry}\n"
        f"\\begin{{document}}\n{escaped(verdict)}\n\n{body}\\end{{document}}\n"
    )


def _parts(grid: Grid) -> list[Grid]:
    """The table in as many as it takes, because none may be longer than a page."""
    starts = range(0, len(grid.rows), _ON_A_PAGE)
    if len(starts) < 2:
        return [grid]
    return [
        replace(
            grid,
            name=f"{grid.name}-{number}",
            caption=f"{grid.caption} (part {number} of {len(starts)})",
            rows=grid.rows[start : start + _ON_A_PAGE],
            notes=grid.notes if number == len(starts) else (),
        )
        for number, start in enumerate(starts, 1)
    ]


def _latex(grid: Grid) -> str:
    texts = [[escaped(cell.text) for cell in row] for row in grid.rows]
    bold = [[rf"\textbf{{{t}}}" if c.bold else t for t, c in zip(line, row, strict=True)]
            for line, row in zip(texts, grid.rows, strict=True)]  # fmt: skip
    heads, *rows = [" & ".join(line) + r" \\" for line in [map(escaped, grid.heads), *bold]]
    lines = [
        r"\begin{table}[htbp]",
        r"\centering",
        rf"\caption{{{escaped(grid.caption)}}}",
        rf"\label{{tab:{grid.name}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{l{'r' * (len(grid.heads) - 1)}}}",
        *(r"\toprule", heads, r"\midrule", *rows, r"\bottomrule"),
        r"\end{tabular}}",
    ]
    if grid.notes:
        lines += [r"\par\medskip\footnotesize\raggedright", escaped(" ".join(grid.notes))]
    return "\n".join([*lines, r"\end{table}", ""])


def escaped(text: str) -> str:
    """``text`` as LaTeX sets it literally, what stands in backticks as code.

    A character that a plain LaTeX cannot set is named (``U+03C3``), since it would end the run.
    """
    parts = ["".join(map(_literal, _TOKEN.findall(part))) for part in _CODE.split(text)]
    return "".join(rf"\texttt{{{part}}}" if i % 2 else part for i, part in enumerate(parts))


def _literal(token: str) -> str:
    settable = token in _LATEX or token.isascii() or _ACCENTED.fullmatch(token)
    return _LATEX.get(token, token) if settable else f"U+{ord(token):04X}"


def plain(grid: Grid, width: int = 100) -> str:
    """Aligned columns for a terminal; no line of the table is longer than ``width``.

    A name in the first column that leaves too little room for the others stands whole on lines of
    its own, above its numbers.
    """
    table = [list(grid.heads), *([cell.text for cell in row] for row in grid.rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    room = width - sum(len(_GAP) + column for column in widths[1:])
    widths[0] = max([len(row[0]) for row in table if len(row[0]) <= room], default=0)
    lines = [line for row in table for line in _aligned(row, widths, width)]
    return "\n".join([grid.caption, "", *lines, "", *grid.notes]) + "\n"


def _aligned(row: list[str], widths: list[int], width: int) -> list[str]:
    name, *cells = row
    numbers = "".join(_GAP + cell.rjust(n) for cell, n in zip(cells, widths[1:], strict=True))
    if len(name) <= widths[0]:
        return [name.ljust(widths[0]) + numbers]
    return [*textwrap.wrap(name, width), " " * widths[0] + numbers]
