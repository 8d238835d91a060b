"""A time slice of one trial on a machine of a cluster: files come in, files go out, nothing stays.

The machine needs ganbench's dependencies and nothing else: no network, no shared disk, no store.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench import datasets, paths, settings
from bench.training import trial
from bench.trials import TrialRecord
from bench.trials.provenance import environment

Files = dict[str, bytes]
"""What is in a trial's folder, by names relative to it."""
Bundle = Mapping[str, Any]
"""What trials need besides their folders, by its path in the store: the bytes of data sets,
reference statistics and Inception's weights. They are uint8 arrays, because the processes of a
machine share those in Ray."""

_INCEPTION = "inception.pth"


def bundle(used: Iterable[str]) -> Bundle:
    """The bundle for trials of the data sets of these names, from this machine's store."""
    root = paths.root()
    files = {str(path.relative_to(root)): path for path in root.glob("reference/*/[!.]*")}
    if weights := paths.given(settings.INCEPTION):
        files[_INCEPTION] = weights
    contents = [item for name in used for item in datasets.get(name).content().items()]
    return {name: np.fromfile(path, np.uint8) for name, path in files.items()} | {
        name: np.frombuffer(content, np.uint8) for name, content in contents
    }


def train(sent: Files, bundle: Bundle, home: str, seconds: float) -> Files:
    """Train a trial for some seconds, or to its end.

    Args:
        sent: the trial's record, with the text of the plug-ins, and, where it has begun, its
            status, event log and newest checkpoint.
        bundle: what `bundle` made on the machine that the trial comes from.
        home: the trial's folder there, for sentences that name it.
        seconds: as for `bench.training.trial.run`.

    Returns:
        The files that are new or have changed; the status is ``running`` where more is to do.
    """
    with tempfile.TemporaryDirectory(prefix="ganbench-", ignore_cleanup_errors=True) as scratch:
        _unpack(bundle, Path(scratch))
        folder = Path(scratch) / "trial"
        for name, content in sent.items():
            _put(folder / name, content)
        replace(TrialRecord.read(folder), environment=environment()).write(folder)
        trial.run(folder, seconds=seconds)
        files = _files(folder, home)
    return {name: content for name, content in files.items() if sent.get(name) != content}


def task(references: Sequence[Any], home: str, seconds: float) -> Files:
    """`train` as a task of Ray's, which fetches the files and the bundle itself.

    What Ray hands over as an argument of its own stays pinned on the machine where a sweep leaves
    in the middle of a time slice, and the next sweep may wait for room there for ever.
    """
    import ray

    sent, bundle = ray.get(list(references))
    return train(sent, bundle, home, seconds)


def _unpack(bundle: Bundle, root: Path) -> None:
    for name, content in bundle.items():
        _put(root / name, content)
    os.environ[settings.STORE] = str(root)
    for name in (settings.DATA, settings.INCEPTION):  # what this machine has of its own
        os.environ.pop(name, None)
    if _INCEPTION in bundle:
        os.environ[settings.INCEPTION] = str(root / _INCEPTION)


def _put(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _files(folder: Path, home: str) -> Files:
    """All that the trial left; a sentence that points to its traceback does so at ``home``."""
    kept = [p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("lock")]
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in kept}
    here, there = (json.dumps(str(Path(p) / "error.txt"))[1:-1].encode() for p in (folder, home))
    for name in {"status.json", "journal.jsonl"} & files.keys():
        files[name] = files[name].replace(here, there)
    return files
