"""Memorisation: share of authentic samples."""

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.memory import to_train, train_to_train
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


@metric(cost="costly")
def authpct(samples: FeatureStatistics, reference: Reference) -> float:
    """The percentage of samples that are farther from a training image than its own neighbour is.

    Formula: 100/n Σ_fake [|fake - t| > |t - nearest other train|], t the nearest train to fake
    Range: 0 to 100
    Better: near the floor
    Unit: percent
    Floor: what unseen real images get, 60 with the shipped classifier; copies get 0
    Source: Alaa et al. 2022, arXiv 2102.08921
    """
    distance, index = samples.once(to_train, reference)
    apart = reference.derived(train_to_train)["distance"][index]
    return 100 * float((distance > apart).double().mean())
