"""One word for one thing: what was renamed does not come back, in names or in texts.

The glossary of CONTRIBUTING.md says what each word means.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

TREE = Path(__file__).parent.parent
ROOMS = sorted(
    path
    for path in (TREE / "bench").iterdir()
    if path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))
)
PAGES = [TREE / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile")]

# Of names and of texts: the old word and what stands for it.
OLD = {
    r"witness\w*": "second feature extractor, fid_alt",
    r"evidence": "feature statistics",
    r"votes?": "class histogram",
    r"cheap|costly": "each evaluation, final",
    r"journals?": "event log",
    r"cursors?": "sync position",
    r"crown\w*": "register_best_models",
    r"conclude\w*": "log_report",
    r"sessions?": "trainer",
    r"steppers?": "step",
    r"lanes?": "stream",
    r"settled?": "synchronize",
    r"feeds?": "device data loader",
    r"arithmetic": "runtime",
    r"kits?": "bundle",
    r"stretch(es)?": "time slice",
    r"parcels?": "bundle",
    r"observers?": "progress monitor",
    r"albums?|galler(y|ies)": "figure registry",
    r"optimism": "selection bias",
}
# Of texts alone.
PHRASES = {
    r"(?<!of )courses?": "learning curve",
    r"told apart": "significantly different",
    r"tied": "not distinguishable",
    r"mend(s|ed)?": "fix",
    r"anew": "again",
    r"(goes|go|going|went) on": "resumes, continues",
    r"(held|holds?) \S+( \S+)? against|held against": "compared with",
    r"beside": "next to",
}
# Of names alone: they say nothing.
EMPTY = {"found", "one", "told", "shown"}

# What files, checkpoints, sqlite and CSS call their things; what the changelog says was renamed.
STORED = re.compile(
    r"^journal$|journal\\?\.jsonl|journal_mode|-journal\b|^witness_$|witness_\||``witness_fid``"
    r"|`witness_\*`"
)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Comments, docstrings and other strings of a module, each with its line."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def names(path: Path) -> Iterator[tuple[int, str]]:
    """Every name that a module defines: its own, classes, functions, parameters, variables."""
    yield 1, path.stem
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def parts(name: str) -> str:
    """The words of a name, with blanks between them: ``LaneOf_x`` is "lane of x"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_+", " ", name).lower().strip()


def violations(text: str, words: dict[str, str]) -> Iterator[str]:
    for word, instead in words.items():
        for match in re.finditer(rf"(?i)\b({word})\b", STORED.sub("", text)):
            yield f"'{match[0]}', say: {instead}"


def of_module(path: Path) -> Iterator[str]:
    for line, name in names(path):
        bad = [f"'{name}' says nothing"] if name in EMPTY else violations(parts(name), OLD)
        yield from (f"{path.name}:{line}: the name {violation}" for violation in bad)
    for line, text in texts(path):
        bad = violations(text, OLD | PHRASES)
        yield from (f"{path.name}:{line}: {violation}" for violation in bad)


def of_page(path: Path) -> Iterator[str]:
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        bad = violations(text, OLD | PHRASES)
        yield from (f"{path.name}:{line}: {violation}" for violation in bad)


@pytest.mark.parametrize("room", ROOMS, ids=lambda path: path.name)
def test_a_room_uses_the_words_of_the_field(room: Path) -> None:
    modules = sorted(room.rglob("*.py")) if room.is_dir() else [room]
    pages = [
        path for kind in ("html", "j2", "md", "js") for path in sorted(room.rglob(f"*.{kind}"))
    ]
    assert [line for path in modules for line in of_module(path)] == []
    assert [line for path in pages for line in of_page(path)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_a_page_uses_the_words_of_the_field(page: Path) -> None:
    assert list(of_page(page)) == []


def test_old_words_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "lanes.py"
    path.write_text('"""Trains it anew."""\ndef f(one, StepperKit):  # beside it\n    pass\n')
    assert [line.partition(": ")[2].partition(",")[0] for line in of_module(path)] == [
        "the name 'lanes'",
        "the name 'one' says nothing",
        "the name 'stepper'",
        "the name 'kit'",
        "'anew'",
        "'beside'",
    ]
    assert list(violations("journal.jsonl, of course", OLD | PHRASES)) == []
