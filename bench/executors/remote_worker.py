"""A time slice of one trial on a machine of a cluster: files come in, files go out, nothing stays.

The machine needs ganbench's dependencies and nothing else: no network, no shared disk, no store.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench import datasets, paths, settings
from bench.training import trial
from bench.trials import TrialRecord
from bench.trials.provenance import environment

Files = dict[str, bytes]
"""Names relative to a trial's folder, and what is in them."""

_INCEPTION = "inception.pth"


@dataclass(frozen=True)
class Bundle:
    """What every trial of a sweep needs beside its own folder."""

    store: Mapping[str, Any]
    """Bytes by path inside the store: the data set, reference statistics, Inception's weights.

    They are arrays, because Ray shares those between the processes of a machine.
    """


def pack(used: Iterable[str]) -> Bundle:
    """The bundle for trials of the data sets of these names, from this machine's store."""
    root = paths.root()
    kept = (root / "reference").glob("*/[!.]*")
    taken = {path.relative_to(root).as_posix(): path for path in kept}
    if weights := paths.given(settings.INCEPTION):
        taken[_INCEPTION] = weights
    arrays = {name: np.fromfile(path, np.uint8) for name, path in taken.items()}
    for dataset in used:
        for name, content in datasets.get(dataset).content().items():
            arrays[name] = np.frombuffer(content, np.uint8)
    return Bundle(arrays)


def time_slice(sent: Files, bundle: Bundle, home: str, seconds: float) -> Files:
    """Bring a trial forward by some seconds of training, or to its end.

    Args:
        sent: the trial's record, with the text of the plug-ins, and, where it has begun, its
            status, journal and newest checkpoint.
        bundle: what `pack` made on the machine that the trial comes from.
        home: the trial's folder there, for sentences that name it.
        seconds: as for `bench.training.trial.run`.

    Returns:
        The files that are new or have changed; the status is ``running`` where the trial goes on.
    """
    with tempfile.TemporaryDirectory(prefix="ganbench-", ignore_cleanup_errors=True) as scratch:
        root = Path(scratch)
        _unpack(bundle, root)
        folder = root / "trial"
        _lay_out(folder, sent)
        trial.run(folder, seconds=seconds)
        found = _files(folder, home)
    return {name: content for name, content in found.items() if sent.get(name) != content}


def fetched(bundles: Sequence[Any], home: str, seconds: float) -> Files:
    """`time_slice` on a machine of a Ray cluster, which fetches the files and the bundle itself.

    What Ray hands over as an argument of its own stays pinned on the machine where a sweep leaves
    while a time slice is going on, and the next sweep may wait for room there for ever.

    Args:
        bundles: references of Ray's to ``sent`` and ``bundle``.
        home, seconds: as for `time_slice`.
    """
    import ray

    sent, bundle = ray.get(list(bundles))
    return time_slice(sent, bundle, home, seconds)


def _unpack(bundle: Bundle, root: Path) -> None:
    for name, content in bundle.store.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        content.tofile(root / name)
    os.environ[settings.STORE] = str(root)
    for name in (settings.DATA, settings.INCEPTION):  # what this machine has of its own
        os.environ.pop(name, None)
    if _INCEPTION in bundle.store:
        os.environ[settings.INCEPTION] = str(root / _INCEPTION)


def _lay_out(folder: Path, sent: Files) -> None:
    """Write what was sent, this machine described in the trial's record."""
    for name, content in sent.items():
        _put(folder / name, content)
    replace(TrialRecord.read(folder), environment=environment()).write(folder)


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _files(folder: Path, home: str) -> Files:
    """All that the trial left; a sentence that points to its traceback does so at ``home``."""
    kept = [p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("lock")]
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in kept}
    here = str(folder / "error.txt").encode()
    there = json.dumps(str(Path(home) / "error.txt"))[1:-1].encode()
    for name in ("status.json", "journal.jsonl"):
        if name in found:
            found[name] = found[name].replace(here, there)
    return found
