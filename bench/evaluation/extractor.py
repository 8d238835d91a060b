"""Frozen feature extractors: the two shipped classifiers, or a user's own file."""

import hashlib
import importlib.util
import shlex
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from bench import datasets
from bench.datasets import Dataset, files
from bench.errors import UserError
from bench.evaluation.identity import Shipped
from bench.evaluation.networks import BUILDERS

# The fastest on one core: a chunk's activations stay in the second-level cache.
_CHUNK = 250
_USUAL_REMEDIES = (
    "give a network for three channels images.expand(-1, 3, -1, -1), and call .float() on one "
    "whose weights are not float32"
)


class FeatureExtractor:
    """A frozen network with a name.

    Args:
        id: names the weights, not only the architecture.
        net: takes (N, *shape) float32, as the data set encodes samples; returns features (N, d), or
            features and logits (N, K).
        dataset: whose samples it sees; by default the usual one.
        equal_classes: the classes are equally likely by definition, whatever the test samples say.
        none_of_them: the last logit is of samples that belong to no class.
    """

    def __init__(
        self,
        id: str,
        net: nn.Module,
        dataset: Dataset | None = None,
        *,
        equal_classes: bool = False,
        none_of_them: bool = False,
    ) -> None:
        self.id, self.dataset = id, dataset or datasets.get(datasets.DEFAULT)
        self.equal_classes = equal_classes
        self._logits = self.dataset.classes + none_of_them
        self._net = net.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    @cached_property
    def widths(self) -> tuple[int, int]:
        """d and K; K is 0 where it returns features only. Two samples of noise tell."""
        stream = torch.Generator().manual_seed(0)
        noise = 2 * torch.rand(2, *self.dataset.shape, generator=stream) - 1
        ((features, logits),) = self.passes(self.dataset.decode(noise))
        return features.shape[1], 0 if logits is None else logits.shape[1]

    def passes(self, samples: Tensor) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Features (n, d) and logits (n, K) or None, both float64, chunk by chunk.

        Args:
            samples: (N, *shape) in the data set's stored form.

        Raises:
            UserError: the network returns something else, or values that are not finite.
        """
        for chunk in torch.split(samples, _CHUNK):
            out = self._forward(self.dataset.encode(chunk))
            parts = out if isinstance(out, tuple) else (out,)
            parts = parts[:1] if len(parts) == 2 and parts[1] is None else parts
            if wrong := _wrong(parts, len(chunk), self._logits):
                contract = self._contract
                raise UserError(f"The feature extractor {self.id} returned {wrong}: {contract}.")
            features, *logits = (part.double() for part in parts)
            yield features, logits[0] if logits else None

    def _forward(self, samples: Tensor) -> Any:
        with torch.inference_mode():
            images = samples.ndim == 4
            return self._net(
                samples.contiguous(memory_format=torch.channels_last) if images else samples
            )

    @property
    def _contract(self) -> str:
        shape = ", ".join(map(str, ("N", *self.dataset.shape)))
        kind = "images" if len(self.dataset.shape) == 3 else "samples"
        return (
            f"its forward gets {kind} of shape ({shape}), float32 in [-1, 1], and returns a "
            f"tensor of features (N, d), or features and logits (N, {self._logits or 'K'})"
        )


class _Own(FeatureExtractor):
    """A user's extractor: whatever its code raises becomes a sentence.

    The shipped ones let everything through, because a trial is stopped by an exception that is
    raised between two operations.
    """

    def _forward(self, samples: Tensor) -> Any:
        try:
            return super()._forward(samples)
        except Exception as error:
            raise UserError(
                f"The feature extractor {self.id} failed ({_reason(error)}): {self._contract}; "
                f"{_USUAL_REMEDIES}."
            ) from error


def _wrong(parts: tuple[Any, ...], n: int, classes: int) -> str | None:
    """What a forward returned instead of features, or features and logits, of n images."""
    if len(parts) not in (1, 2):
        return f"a tuple of {len(parts)}"
    features, *logits = parts
    return _wrong_part(features, "features", (n, None)) or (
        _wrong_part(logits[0], "logits", (n, classes or None)) if logits else None
    )


def _wrong_part(part: Any, name: str, expected: tuple[int, int | None]) -> str | None:
    n, width = expected
    if not isinstance(part, Tensor):
        return f"{name} of the type {type(part).__name__}"
    if part.layout != torch.strided or part.is_quantized or part.is_meta or part.is_complex():
        return f"{name} that are no dense tensor of real numbers"
    shape = tuple(part.shape)
    if len(shape) != 2 or shape[0] != n or not shape[1] or width not in (None, shape[1]):
        return f"{name} of shape {shape} for {n} images instead of (N, {width or 'd'})"
    return None if part.isfinite().all() else "values that are not finite"


def _reason(error: BaseException) -> str:
    """The kind of an error and one line of its message."""
    lines = str(error).strip().splitlines()
    # TorchScript puts what is wrong at the end, others put it first.
    line = lines[-1 if "TorchScript" in lines[0] else 0] if lines else ""
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def shipped(which: Shipped) -> FeatureExtractor:
    """One of the repository's classifiers, after its weights passed their digest.

    Raises:
        UserError: the file is missing, altered or truncated.
    """
    return FeatureExtractor(which.id, network(which))


def network(which: Shipped) -> nn.Module:
    """Its network alone, to build an extractor of another data set from; raises as `shipped`."""
    return _folded(_weighted(which))


def _weighted(which: Shipped) -> nn.Module:
    _verify(which)
    net = BUILDERS[which.network]()
    net.load_state_dict(safetensors.torch.load_file(which.path))
    return net


def _verify(which: Shipped) -> None:
    tree = shlex.quote(str(which.path.parents[3]))
    remedy = (
        f"run `git -C {tree} checkout -- bench/evaluation/weights/{which.path.name}`, "
        "or install ganbench again"
    )
    if not which.path.is_file():
        raise UserError(f"The classifier's weights {which.path} are missing: {remedy}.")
    digest = files.digest_of(which.path)
    if digest != which.sha256:
        raise UserError(
            f"The classifier's weights {which.path} are altered (expected sha256 {which.sha256}, "
            f"found {digest}): {remedy}."
        )


def _folded(net: nn.Module) -> nn.Module:
    """Merge each batch normalisation into the layer before it: the same function, fewer passes."""
    net.eval()
    for block in [m for m in net.modules() if isinstance(m, nn.Sequential)]:
        for index in range(len(block) - 1, 0, -1):
            before, norm = block[index - 1], block[index]
            if isinstance(before, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                block[index - 1] = fuse_conv_bn_eval(before, norm)
            elif isinstance(before, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
                block[index - 1] = fuse_linear_bn_eval(before, norm)
            else:
                continue
            block[index] = nn.Identity()
    return net


def from_file(path: Path, dataset: Dataset | None = None) -> FeatureExtractor:
    """A user's extractor: a Python file with ``extractor() -> torch.nn.Module``.

    Its id is the file's name and a digest of its text and of the network's weights.

    Raises:
        UserError: there is no such file, it does not load, it defines no such function, or its
            network cannot be used.
    """
    if not path.is_file():
        raise UserError(f"There is no feature extractor {path}: give the path of a Python file.")
    net = _built(path)
    try:
        digest = _digest(path, net)
        return _Own(f"{path.stem}-{digest[:8]}", net, dataset)
    except Exception as error:  # lazy, quantised or 5-D weights, a train mode of its own, ...
        raise UserError(
            f"The network of the feature extractor {path} cannot be used ({_reason(error)}): its "
            "weights must be plain tensors of at most four dimensions."
        ) from error


def _digest(path: Path, net: nn.Module) -> str:
    digest = hashlib.sha256(path.read_bytes())
    for name, weight in sorted(net.state_dict().items()):
        digest.update(name.encode())
        # As bytes, because NumPy has no bfloat16.
        flat = weight.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _built(path: Path) -> nn.Module:
    spec = importlib.util.spec_from_file_location(f"ganbench_extractor_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"The feature extractor {path} is not a Python file: it must end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look up their annotations
    try:
        spec.loader.exec_module(module)
        net = module.extractor()
    except (Exception, SystemExit) as error:  # it is a user's own code
        raise UserError(
            f"The feature extractor {path} does not load ({_reason(error)}): it must define "
            "`extractor()`, which returns a torch.nn.Module."
        ) from error
    if not isinstance(net, nn.Module):
        raise UserError(
            f"`extractor()` of {path} returned a {type(net).__name__}: return a torch.nn.Module."
        )
    return net
