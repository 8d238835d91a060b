"""Grids written as Markdown, LaTeX, CSV, and as plain text for a terminal."""

import csv
import io
import re
import textwrap

from bench.analysis.table import Cell, Grid

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
_ACCENTED = re.compile(r"[À-ÖØ-öø-ÿ]")
_NO_ACCENTS = "ÐðÞþ"
_GAP = "  "


def markdown(grids: list[Grid], verdict: str = "") -> str:
    """The verdict, then the tables."""
    return "\n".join([f"{verdict}\n"] * bool(verdict) + [_markdown(grid) for grid in grids])


def latex(grids: list[Grid], verdict: str) -> str:
    """A whole document (booktabs) that compiles as it is; each table can be lifted out."""
    body = "\n".join(_latex(grid) for grid in grids)
    return (
        "\\documentclass{article}\n\\usepackage[utf8]{inputenc}\n"
        "\\usepackage{booktabs}\n\\usepackage{graphicx}\n"
        "\\usepackage[a4paper,landscape,margin=1.5cm]{geometry}\n"
        f"\\begin{{document}}\n{escaped(verdict)}\n\n{body}\\end{{document}}\n"
    )


def escaped(text: str) -> str:
    """``text`` as LaTeX sets it literally, what stands in backticks as code.

    A character that a plain LaTeX cannot set is named (``U+03C3``), since it would end the run.
    """
    parts = ["".join(map(_literal, _TOKEN.findall(part))) for part in _CODE.split(text)]
    return "".join(rf"\texttt{{{part}}}" if i % 2 else part for i, part in enumerate(parts))


def _literal(token: str) -> str:
    known = _LATEX.get(token)
    if known is not None or token.isascii():
        return known or token
    settable = _ACCENTED.fullmatch(token) and token not in _NO_ACCENTS
    return token if settable else f"U+{ord(token):04X}"


def comma_separated(heads: list[str], rows: list[list[str | float | int]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([heads, *rows])
    return file.getvalue()


def plain(grid: Grid, width: int = 100) -> str:
    """Aligned columns for a terminal; no line of the table is longer than ``width``.

    A name in the first column that leaves too little room for the others stands whole on lines of
    its own, above its numbers.
    """
    table = [list(grid.heads), *([cell.text for cell in row] for row in grid.rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(grid.heads))]
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


def _markdown(grid: Grid) -> str:
    lines = [f"**{grid.caption}**", "", _line([_piped(head) for head in grid.heads])]
    lines.append(_line([":--", *["--:"] * (len(grid.heads) - 1)]))
    lines += [_line([_marked(cell) for cell in row]) for row in grid.rows]
    lines += ["", *(f"* {note}" for note in grid.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _marked(cell: Cell) -> str:
    text = _piped(cell.text)
    return f"**{text}**" if cell.bold else text


def _piped(text: str) -> str:
    return text.replace("|", "\\|")


def _latex(grid: Grid) -> str:
    rows = [" & ".join(_set(cell) for cell in row) + r" \\" for row in grid.rows]
    columns = "l" + "r" * (len(grid.heads) - 1)
    heads = " & ".join(escaped(head) for head in grid.heads) + r" \\"
    lines = [
        r"\begin{table}[htbp]",
        r"\centering",
        rf"\caption{{{escaped(grid.caption)}}}",
        rf"\label{{tab:{grid.name}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{columns}}}",
        *(r"\toprule", heads, r"\midrule", *rows, r"\bottomrule"),
        r"\end{tabular}}",
    ]
    if grid.notes:
        lines += [r"\par\medskip\footnotesize\raggedright", escaped(" ".join(grid.notes))]
    return "\n".join([*lines, r"\end{table}", ""])


def _set(cell: Cell) -> str:
    return rf"\textbf{{{escaped(cell.text)}}}" if cell.bold else escaped(cell.text)
