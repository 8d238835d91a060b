"""The real images as a backbone sees them: what samples are measured against."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from bench.data import files, mnist, pixels
from bench.ruler.backbone import Backbone
from bench.ruler.cache import Cache
from bench.ruler.evidence import Evidence

Tensors = dict[str, Tensor]


class Reference:
    """Evidence on the three splits of MNIST, each read when it is first asked for.

    Args:
        load: returns a split's evidence, rows kept.
        keep: keeps named tensors that are costly to work out.
    """

    def __init__(
        self,
        load: Callable[[mnist.Split], Evidence],
        keep: Callable[[str, Callable[[], Tensors]], Tensors] = lambda name, compute: compute(),
    ) -> None:
        self._load, self._keep = load, keep
        self._derived: dict[str, Tensors] = {}

    @cached_property
    def test(self) -> Evidence:
        """The 10,000 test images: what every number is measured against."""
        return self._load("test")

    @cached_property
    def heldout(self) -> Evidence:
        """The 10,000 training images that no generator sees."""
        return self._load("heldout")

    @cached_property
    def train(self) -> Evidence:
        """The 50,000 images that generators learn from, for the memorisation hints."""
        return self._load("train")

    def derived(self, compute: Callable[["Reference"], Tensors]) -> Tensors:
        """``compute(self)``, kept under the function's name."""
        name = compute.__name__
        if name not in self._derived:
            self._derived[name] = self._keep(name, lambda: compute(self))
        return self._derived[name]


def observe(backbone: Backbone, images: Tensor, keep_rows: bool = True) -> Evidence:
    """One pass of the backbone over uint8 images (N, 1, 28, 28)."""
    evidence = Evidence(keep_rows)
    for features, logits in backbone.passes(images):
        evidence.update(features, logits)
    return evidence


def of_mnist(backbone: Backbone) -> Reference:
    """The reference of a backbone; features are computed once and then read from the store."""
    room = Path(__file__).parent
    seen_by = [Path(pixels.__file__), room / "networks.py", room / "backbone.py"]
    derived_by = [room / name for name in ("neighbours.py", "manifold.py", "memory.py")]
    features = Cache(backbone.id, files.DIGEST, *seen_by)
    derived = Cache(backbone.id, files.DIGEST, *seen_by, *derived_by)

    def load(split: mnist.Split) -> Evidence:
        kept = features.tensors(split, lambda: _observed(backbone, split))
        return Evidence.of(kept["features"], kept.get("logits"))

    return Reference(load, derived.tensors)


def _observed(backbone: Backbone, split: mnist.Split) -> Tensors:
    features, logits = zip(*backbone.passes(mnist.load(split).images), strict=True)
    seen = {"features": torch.cat(features)}
    if logits[0] is not None:
        seen["logits"] = torch.cat(logits)
    return seen
