"""The real samples as an extractor sees them, worked out once and kept in the store."""

import hashlib
import inspect
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from bench import paths
from bench.datasets import pixels
from bench.datasets.dataset import Dataset, Split
from bench.evaluation.extractor import FeatureExtractor
from bench.evaluation.statistics import ClassHistogram, FeatureStatistics

Tensors = dict[str, Tensor]
_SETS = ("plane.py", "stacked.py")  # of data sets whose classes are equally likely
_DIGEST_BYTES = 32


class Reference:
    """FeatureStatistics on the three splits of a data set, each read when it is first asked for.

    Args:
        load: returns a split's statistics, rows kept.
        keep: keeps named tensors, which take long to work out.
        classes: how often each class is drawn by definition; by default as in the test samples.
        dataset: of which the splits are.
    """

    def __init__(
        self,
        load: Callable[[Split], FeatureStatistics],
        keep: Callable[[str, Callable[[], Tensors]], Tensors] = lambda name, compute: compute(),
        classes: ClassHistogram | None = None,
        dataset: Dataset | None = None,
    ) -> None:
        self.dataset = dataset
        self._load, self._keep, self._classes = load, keep, classes
        self._derived: dict[str, Tensors] = {}

    @cached_property
    def test(self) -> FeatureStatistics:
        """The test samples: what every number is measured against."""
        return self._load("test")

    @property
    def classes(self) -> ClassHistogram:
        """How often each class is drawn."""
        return self._classes or self.test.histogram

    @cached_property
    def heldout(self) -> FeatureStatistics:
        """The training samples that no generator sees."""
        return self._load("heldout")

    @cached_property
    def train(self) -> FeatureStatistics:
        """The samples that generators learn from, for the memorisation hints."""
        return self._load("train")

    def derived(self, compute: Callable[["Reference"], Tensors]) -> Tensors:
        """``compute(self)``, kept under the function's name."""
        name = compute.__name__
        if name not in self._derived:
            self._derived[name] = self._keep(name, lambda: compute(self))
        return self._derived[name]


def observe(
    extractor: FeatureExtractor, samples: Tensor, keep_rows: bool = True
) -> FeatureStatistics:
    """One pass of the extractor over samples (N, *shape) in stored form."""
    statistics = FeatureStatistics(keep_rows)
    for features, logits in extractor.passes(samples):
        statistics.update(features, logits)
    return statistics


def of(extractor: FeatureExtractor) -> Reference:
    """An extractor's reference; features are computed once and then read from the store."""
    room, dataset = Path(__file__).parent, extractor.dataset
    encoded_by = [Path(pixels.__file__), Path(inspect.getfile(type(dataset)))]
    seen_by = [*encoded_by, *(room / name for name in ("networks.py", "extractor.py", *_SETS))]
    used_by = [f"metrics/{name}.py" for name in ("manifold", "memorisation", "plane")]
    features = Cache(extractor.id, dataset.digest, *seen_by)
    derived = Cache(extractor.id, dataset.digest, *seen_by, *(room / name for name in used_by))

    def load(split: Split) -> FeatureStatistics:
        kept = features.tensors(split, lambda: _observed(extractor, split))
        return FeatureStatistics.of(kept["features"], kept.get("logits"))

    equal = ClassHistogram.equal(dataset.classes) if extractor.equal_classes else None
    return Reference(load, derived.tensors, equal, dataset)


def _observed(extractor: FeatureExtractor, split: Split) -> Tensors:
    features, logits = zip(*extractor.passes(extractor.dataset.split(split).values), strict=True)
    seen = {"features": torch.cat(features)}
    if logits[0] is not None and not extractor.equal_classes:
        seen["logits"] = torch.cat(logits)
    return seen


class Cache:
    """One folder of ``<store>/reference/``, named by a digest of ``defined_by``.

    A file that is truncated or altered is worked out again, never used.

    Args:
        defined_by: everything on which the kept values depend: ids, digests, source files.
    """

    def __init__(self, *defined_by: str | Path) -> None:
        digest = hashlib.sha256()
        for part in defined_by:
            content = part.read_bytes() if isinstance(part, Path) else part.encode()
            digest.update(hashlib.sha256(content).digest())
        self._folder = Path("reference") / digest.hexdigest()[:16]

    def tensors(self, name: str, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        """The named tensors, from the store or from ``compute``."""
        path = self._path(f"{name}.safetensors")
        kept = _read(path)
        if kept is not None:
            return safetensors.torch.load(kept)
        made = {key: value.contiguous() for key, value in compute().items()}
        _write(path, safetensors.torch.save(made))
        return made

    def json(self, name: str, compute: Callable[[], Any]) -> Any:
        """The JSON value, from the store or from ``compute``."""
        path = self._path(f"{name}.json")
        kept = _read(path)
        if kept is not None:
            return json.loads(kept)
        made = compute()
        _write(path, json.dumps(made, allow_nan=False).encode())
        return made

    def _path(self, name: str) -> Path:
        return paths.root() / self._folder / name


def _read(path: Path) -> bytes | None:
    """What was written, if its digest, the file's first 32 bytes, still fits."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise paths.refused(path, error) from error
    digest, kept = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    return kept if hashlib.sha256(kept).digest() == digest else None


def _write(path: Path, content: bytes) -> None:
    try:
        with paths.replacing(path) as file:
            file.write(hashlib.sha256(content).digest() + content)
    except OSError as error:
        raise paths.unwritable(path, error) from error
