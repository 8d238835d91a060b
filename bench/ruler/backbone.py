"""Frozen feature extractors: the two shipped classifiers, or a user's own file."""

import hashlib
import importlib.util
import shlex
from collections.abc import Iterator
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from bench.data import files, pixels
from bench.errors import UserError
from bench.ruler.identity import Shipped
from bench.ruler.networks import BUILDERS

# The fastest on one core: a chunk's activations stay in the second-level cache.
_CHUNK = 250


class Backbone:
    """A frozen network with a name.

    Args:
        id: names the weights, not only the architecture.
        net: takes (N, 1, 28, 28) float32 in [-1, 1]; returns features (N, d), or features and
            logits (N, 10).
    """

    def __init__(self, id: str, net: nn.Module) -> None:
        self.id = id
        self._net = net.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def passes(self, images: Tensor) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Features (n, d) and logits (n, 10) or None, both float64, chunk by chunk.

        Args:
            images: (N, 1, 28, 28) uint8.

        Raises:
            UserError: the network returns something else, or values that are not finite.
        """
        for chunk in torch.split(images, _CHUNK):
            with torch.inference_mode():
                out = self._net(
                    pixels.to_float(chunk).contiguous(memory_format=torch.channels_last)
                )
            if isinstance(out, tuple) and len(out) != 2:
                raise self._returned(
                    f"{len(out)} values instead of features, or features and logits"
                )
            features, logits = out if isinstance(out, tuple) else (out, None)
            self._check(features, logits, len(chunk))
            yield features.double(), None if logits is None else logits.double()

    def _check(self, features: Tensor, logits: Tensor | None, n: int) -> None:
        if features.ndim != 2 or len(features) != n:
            wrong = f"features of shape {tuple(features.shape)} for {n} images instead of (N, d)"
        elif logits is not None and tuple(logits.shape) != (n, 10):
            wrong = f"logits of shape {tuple(logits.shape)} for {n} images instead of (N, 10)"
        elif not features.isfinite().all() or not (logits is None or logits.isfinite().all()):
            wrong = "values that are not finite"
        else:
            return
        raise self._returned(wrong)

    def _returned(self, wrong: str) -> UserError:
        return UserError(f"The feature extractor {self.id} returned {wrong}: mend its forward.")


def shipped(which: Shipped) -> Backbone:
    """One of the repository's classifiers, after its weights passed their digest.

    Raises:
        UserError: the file is missing, altered or truncated.
    """
    return Backbone(which.id, _folded(_weighted(which)))


def _weighted(which: Shipped) -> nn.Module:
    _verify(which)
    net = BUILDERS[which.network]()
    net.load_state_dict(safetensors.torch.load_file(which.path))
    return net


def _verify(which: Shipped) -> None:
    tree = shlex.quote(str(which.path.parents[3]))
    mend = (
        f"run `git -C {tree} checkout -- bench/ruler/weights/{which.path.name}`, "
        "or install ganbench again"
    )
    if not which.path.is_file():
        raise UserError(f"The classifier's weights {which.path} are missing: {mend}.")
    found = files.digest_of(which.path)
    if found != which.sha256:
        raise UserError(
            f"The classifier's weights {which.path} are altered (expected sha256 {which.sha256}, "
            f"found {found}): {mend}."
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


def from_file(path: Path) -> Backbone:
    """A user's extractor: a Python file with ``extractor() -> torch.nn.Module`` (see `Backbone`).

    Its id is the file's name and a digest of its text and of the network's weights.

    Raises:
        UserError: there is no such file, it does not load, or it defines no such function.
    """
    if not path.is_file():
        raise UserError(f"There is no feature extractor {path}: give the path of a Python file.")
    net = _built(path)
    digest = hashlib.sha256(path.read_bytes())
    for name, weight in sorted(net.state_dict().items()):
        digest.update(name.encode())
        digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return Backbone(f"{path.stem}-{digest.hexdigest()[:8]}", net)


def _built(path: Path) -> nn.Module:
    spec = importlib.util.spec_from_file_location(f"ganbench_ruler_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"The feature extractor {path} is not a Python file: it must end in .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        net = module.extractor()
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise UserError(
            f"The feature extractor {path} does not load ({why}): it must define "
            "`extractor()`, which returns a torch.nn.Module."
        ) from error
    if not isinstance(net, nn.Module):
        raise UserError(
            f"`extractor()` of {path} returned a {type(net).__name__}: return a torch.nn.Module."
        )
    return net
