"""Grids written as Markdown, LaTeX, CSV; everything behind them as JSON."""

import csv
import io

from bench.comparison.table import Cell, Grid

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "↓": r"$\downarrow$", "↑": r"$\uparrow$", "–": "--", "×": r"$\times$",
    "−": "$-$", "≈": r"$\approx$", "∞": r"$\infty$", "≤": r"$\leq$",
    "<": "$<$", ">": "$>$", "²": r"\textsuperscript{2}",
}  # fmt: skip


def markdown(grids: list[Grid], verdict: str = "") -> str:
    """The verdict, then the tables."""
    return "\n".join([f"{verdict}\n"] * bool(verdict) + [_markdown(grid) for grid in grids])


def latex(grids: list[Grid], verdict: str) -> str:
    """A whole document (booktabs) that compiles as it is; each table can be lifted out."""
    body = "\n".join(_latex(grid) for grid in grids)
    return (
        "\\documentclass{article}\n\\usepackage[utf8]{inputenc}\n"
        "\\usepackage{booktabs}\n\\usepackage{graphicx}\n\\usepackage[margin=2cm]{geometry}\n"
        f"\\begin{{document}}\n{escaped(verdict)}\n\n{body}\\end{{document}}\n"
    )


def escaped(text: str) -> str:
    """``text`` as LaTeX sets it literally."""
    return "".join(_LATEX.get(char, char) for char in text)


def comma_separated(heads: list[str], rows: list[list[str | float | int]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([heads, *rows])
    return file.getvalue()


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
