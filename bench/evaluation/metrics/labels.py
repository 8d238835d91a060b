"""How well samples fit the labels that they were drawn for: of conditional variants only."""

import torch
from torch import Tensor

from bench.evaluation.declarations import metric
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics, Gaussian, frechet

_LEAST = 2  # of a class, for a covariance


@metric(when="final", needs=["rows", "classes", "given labels"])
def label_accuracy(samples: FeatureStatistics, reference: Reference) -> float:
    """The share of samples that the classifier takes for the label they were drawn for.

    Label: label accuracy
    Formula: 1/n Σ [argmax p(·|x) = label]
    Range: 0 to 1
    Better: higher
    Unit: share
    Floor: about 0.999 for real images and the shipped classifier; labels at random get 0.1
    Source: Odena et al. 2017, arXiv 1610.09585, section 4.1
    """
    assert samples.given is not None
    return float((samples.labels == samples.given).double().mean())


@metric(when="final", needs=["rows", "classes", "given labels"], ratio=True)
def fid_within(samples: FeatureStatistics, reference: Reference) -> float:
    """The mean over labels of the FID between samples of a label and test images of that class.

    Label: FID within a class
    Formula: 1/K Σ_k fid(samples drawn for k, test images that the classifier takes for k)
    Range: 0 to ∞
    Better: lower
    Unit: squared feature units; compare within one evaluator and one n
    Floor: 0.16 for 1,000 real images a digit and the shipped classifier
    Source: Miyato & Koyama 2018, arXiv 1802.05637, section 5 (intra FID)
    """
    return float(samples.once(_distances, reference).mean())


@metric(when="final", needs=["rows", "classes", "given labels"], ratio=True)
def fid_within_worst(samples: FeatureStatistics, reference: Reference) -> float:
    """As fid_within, of the label where it is highest.

    Label: FID within the worst class
    Formula: max_k fid(samples drawn for k, test images that the classifier takes for k)
    Range: 0 to ∞
    Better: lower
    Unit: squared feature units; compare within one evaluator and one n
    Floor: 0.27 for 1,000 real images a digit and the shipped classifier
    Source: Miyato & Koyama 2018, arXiv 1802.05637, section 5 (intra FID)
    """
    return float(samples.once(_distances, reference).max())


def _distances(samples: FeatureStatistics, reference: Reference) -> Tensor:
    """The Fréchet distance of each class, NaN where one has too few samples."""
    assert samples.given is not None
    distances = []
    for label in range(len(reference.test.histogram.counts)):
        ours = samples.rows[samples.given == label]
        theirs = reference.test.rows[reference.test.labels == label]
        enough = min(len(ours), len(theirs)) >= _LEAST
        distances.append(frechet(*map(Gaussian.of, (ours, theirs))) if enough else float("nan"))
    return torch.tensor(distances)
