"""The evaluator: frozen extractors, their references and all metrics, as a torchmetrics.Metric."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor
from torchmetrics import Metric as TorchMetric

from bench import datasets
from bench.datasets import Dataset
from bench.errors import UserError
from bench.evaluation import calibration, identity, inception, reference, suite
from bench.evaluation import extractor as extractors
from bench.evaluation.declarations import ALT, EACH, FINAL, Metric, When
from bench.evaluation.extractor import FeatureExtractor
from bench.evaluation.metrics import memorisation
from bench.evaluation.reference import Cache, Reference
from bench.evaluation.statistics import ClassHistogram, FeatureStatistics, Gaussian, merged
from bench.evaluation.suite import Measurement, Values


class Evaluator(TorchMetric):
    """What gives every number its meaning; `Evaluator.load` makes the pinned one of a data set.

    It takes in the samples of any training loop::

        evaluator = Evaluator.load("mnist")
        evaluator.update(generator(latents))  # any number of times, in any number of processes
        evaluator.compute()["fid"]
        evaluator.reset()

    Its states are float64 and merge across processes. All is computed on the CPU, so that a number
    does not depend on the samples' device.

    Args:
        extractor: the frozen feature extractor that all plain metric names refer to.
        others: what loads further ones, by the suffix of their metrics' names (``_alt``).
        known_sets: samples of known quality, by the name of their row of `calibration`.
        metrics: the names of those of `suite.at` that mean something for its samples.
        usual_n: how many samples its calibration is of, by default `identity.SAMPLES`.
        final: also the metrics that are measured at the end of a trial, and those of each
            evaluation by the other extractors (``fid_alt``); keeps the features of every sample.
    """

    full_state_update = False
    rows: list[Tensor]
    logits: list[Tensor]
    given: list[Tensor]
    drawn: list[Tensor]

    def __init__(
        self,
        extractor: FeatureExtractor,
        others: Mapping[str, Callable[[], FeatureExtractor]] | None = None,
        known_sets: Mapping[str, Callable[[], Tensor]] | None = None,
        *,
        metrics: Collection[str] | None = None,
        usual_n: int | None = None,
        final: bool = False,
    ) -> None:
        super().__init__()
        self.extractor, self.known_sets = extractor, dict(known_sets or {})
        self.others = {suffix: load() for suffix, load in (others or {}).items()}
        self.metrics, self.usual_n = metrics, usual_n
        self.final = final
        self.id = extractor.id
        self.measure_name = identity.measure_name(self.id)
        for suffix, each in self._extractors.items():
            features, classes = each.widths
            empty = torch.zeros(1 + features, 1 + features, dtype=torch.float64)
            self.add_state(f"moments{suffix}", empty, dist_reduce_fx=merged)
            sums = torch.zeros(3 + 2 * classes, dtype=torch.float64)
            self.add_state(f"classes{suffix}", sums, dist_reduce_fx="sum")
        for name in ("rows", "logits", "given", "drawn"):
            self.add_state(name, [], dist_reduce_fx="cat")

    @classmethod
    def load(cls, dataset: str = datasets.DEFAULT, *, final: bool = False) -> "Evaluator":
        """The pinned evaluator of a data set.

        Raises:
            UserError: there is no such data set, or the weights are missing or altered.
        """
        evaluator: Evaluator = datasets.get(dataset).evaluator()
        evaluator.final = final
        return evaluator

    @classmethod
    def from_file(cls, path: Path, dataset: Dataset | None = None) -> "Evaluator":
        """An evaluator of the user's own, without a second extractor.

        Args:
            path: a Python file (`extractor.from_file`), or Inception's weights as .pth.
            dataset: whose samples it measures; by default the usual one.

        Raises:
            UserError: the file does not give a feature extractor.
        """
        if path.suffix == ".pth":
            return cls(inception.extractor(path, dataset))
        return cls(extractors.from_file(path, dataset))

    @property
    def _extractors(self) -> dict[str, FeatureExtractor]:
        return {"": self.extractor, **self.others}

    @cached_property
    def reference(self) -> Reference:
        """The real samples as the extractor sees them."""
        return reference.of(self.extractor)

    @cached_property
    def _references(self) -> dict[str, Reference]:
        return {suffix: reference.of(other) for suffix, other in self.others.items()}

    def update(self, samples: Tensor, labels: Tensor | None = None) -> None:
        """Take in samples (n, *shape).

        Args:
            samples: as networks return them (floats, images in [-1, 1]), or in stored form (uint8
                images); on any device.
            labels: (n,) the labels that they were drawn for, where there are any.

        Raises:
            UserError: not such samples, or samples that are not finite.
        """
        stored = self._stored(samples.detach().cpu())
        if labels is not None:
            self.given.append(labels.detach().to(self.device, torch.int64))
            self.drawn += [stored.to(self.device)] if self.final else []
        for suffix, extractor in self._extractors.items():
            if not suffix or self.final:
                self._absorb(suffix, extractor, stored)

    def _absorb(self, suffix: str, extractor: FeatureExtractor, samples: Tensor) -> None:
        keep = not suffix and any(metric.when == FINAL for metric in self._due)
        gaussian = Gaussian.unpacked(getattr(self, f"moments{suffix}").cpu())
        histogram = ClassHistogram(getattr(self, f"classes{suffix}").cpu())
        for features, logits in extractor.passes(samples):
            gaussian.update(features)
            if logits is not None:
                histogram.update(logits)
            if keep:
                self.rows.append(features.to(self.device))
                self.logits += [] if logits is None else [logits.to(self.device)]
        setattr(self, f"moments{suffix}", gaussian.packed.to(self.device))
        if histogram.count:
            setattr(self, f"classes{suffix}", histogram.packed.to(self.device))

    def compute(self) -> dict[str, float | int]:
        """The numbers of all samples since `reset`, by the metrics' names.

        Raises:
            UserError: fewer than two samples.
        """
        values, _ = self._computed_by(self._due)
        return {name: value for name, value in values.items() if not isinstance(value, str)}

    @property
    def _due(self) -> list[Metric]:
        return self.at(EACH, FINAL) if self.final else self.at(EACH)

    def at(self, *when: When) -> list[Metric]:
        """The metrics that it measures then."""
        return suite.at(*when, among=self.metrics)

    def _computed_by(self, metrics: Iterable[Metric]) -> tuple[Values, dict[str, str]]:
        chosen = list(metrics)
        values, omitted = suite.compute(self.statistics(), self.reference, chosen)
        for suffix, known in (self._references if self.final else {}).items():
            each = [metric for metric in chosen if metric.when == EACH]
            more, without = suite.compute(self.statistics(suffix), known, each)
            values |= {f"{name}{suffix}": value for name, value in more.items()}
            omitted |= {f"{name}{suffix}": reason for name, reason in without.items()}
        return values, omitted

    def defined(self, n: int, *, given: bool) -> dict[str, Metric]:
        """The metrics of n samples by the names of their values, final ones too.

        Args:
            given: whether the samples have labels that they were drawn for.
        """
        return {
            f"{metric.name}{suffix}": metric
            for suffix, extractor in self._extractors.items()
            for metric in self.at(EACH, FINAL if not suffix else EACH)
            if not suite.lacking(metric, n, bool(extractor.widths[1]), given)
        }

    def statistics(self, suffix: str = "") -> FeatureStatistics:
        """What is known of the samples since `reset`, by one of the extractors."""
        moments, sums = (getattr(self, f"{kind}{suffix}").cpu() for kind in ("moments", "classes"))
        kept = ("rows", "logits") if not suffix else ()
        rows, logits = [self._cpu(name) for name in kept] or ([], [])
        statistics = FeatureStatistics.unpacked(moments, sums, rows, logits)
        statistics.given = torch.cat(given) if (given := self._cpu("given")) else None
        statistics.samples = torch.cat(drawn) if (drawn := self._cpu("drawn")) else None
        return statistics

    def _cpu(self, name: str) -> list[Tensor]:
        """A list state, which is one tensor after it was merged across processes."""
        state = getattr(self, name)
        return [s.cpu() for s in ([state] if isinstance(state, Tensor) else state) if len(s)]

    def _stored(self, samples: Tensor) -> Tensor:
        dataset = self.extractor.dataset
        usual = dataset.decode(torch.zeros(1, *dataset.shape)).dtype
        floats = samples.is_floating_point()
        if tuple(samples.shape[1:]) != dataset.shape or not (floats or samples.dtype == usual):
            shape = ", ".join(map(str, ("N", *dataset.shape)))
            raise UserError(
                f"This evaluator measures samples of shape ({shape}), as {usual} or as floats, "
                f"not {samples.dtype} of {tuple(samples.shape)}: bring them to that form."
            )
        if floats and not samples.isfinite().all():
            raise UserError("Some samples hold NaN or infinite values: correct the generator.")
        return samples if samples.dtype == usual else dataset.decode(samples.float())

    def measure(self, samples: Tensor, final: bool = False, labels: Tensor | None = None) -> Values:
        """The metrics of one set of samples, as `score` gives them."""
        return self.score(samples, final, with_noise=False, labels=labels).metrics

    def score(
        self,
        samples: Tensor,
        final: bool = False,
        with_noise: bool = True,
        metrics: Iterable[Metric] | None = None,
        labels: Tensor | None = None,
    ) -> Measurement:
        """Measure one set of samples; what `update` took in before is forgotten.

        Args:
            samples: at least two, as for `update`; numbers are comparable at one N only.
            final: also the final metrics, as ``final`` of the class.
            with_noise: also estimate each number's noise, if the measurement is final.
            metrics: these only.
            labels: as for `update`.

        Raises:
            UserError: not such samples.
        """
        before, self.final = self.final, final
        self.reset()
        try:
            self.update(samples, labels)
            chosen = self._due if metrics is None else list(metrics)
            values, omitted = self._computed_by(chosen)
            each = [m for m in chosen if m.when == EACH] if final and with_noise else []
            spread = suite.noise(self.statistics(), self.reference, each) if each else {}
        finally:
            self.reset()
            self.final = before
        n = len(samples)
        return Measurement(identity.measure_name(self.id, n), n, values, spread, omitted)

    def nearest_training(self, samples: Tensor) -> Tensor:
        """For each sample (N, *shape) in stored form the index of the training sample nearest in
        features, (N,) int64."""
        return memorisation.to_train(reference.observe(self.extractor, samples), self.reference)[1]

    @property
    def alternative_id(self) -> str:
        """The second extractor's id, ``none`` where there is none."""
        return self.others[ALT].id if ALT in self.others else "none"

    def floor(self, n: int = identity.SAMPLES, final: bool = False) -> Values:
        """What real samples get: n held-out training samples against the test samples.

        The mean over disjoint sets of n (`calibration.disjoint_sets`); at n = 10,000 it is one set
        of MNIST, all of them. ``fid_heldout`` takes the value of ``fid``, which is the
        same distance from the other side. The values are kept in the store.

        Args:
            n: as many as the samples that the floor stands next to.
            final: as of `score`.

        Returns:
            Metric to value; empty where n is more than there are held-out samples.
        """
        name = f"floor-{n}{'-final' if final else ''}"
        return dict(self.cache.json(name, lambda: calibration.floor(self, n, final)))

    def calibration(self) -> list[Values]:
        """What the metrics say about known sets of samples; the first time takes two minutes."""
        return calibration.rows(self)

    @cached_property
    def cache(self) -> Cache:
        """Where measured values are kept; a changed line of this room makes them again."""
        ids = [other.id for other in self.others.values()]
        # Metrics of plug-ins stand in other files.
        files = {Path(m.compute.__code__.co_filename) for m in suite.at(EACH, FINAL) if m.compute}
        defined_by = sorted({*Path(__file__).parent.rglob("*.py"), *files})
        return Cache(self.id, *ids, self.extractor.dataset.digest, *defined_by)
