"""The Inception score's analogue on the digit classifier."""

import math

import torch

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


@metric(cost="cheap", labels=True)
def score(samples: FeatureStatistics, reference: Reference) -> float:
    """Sure about each image, undecided about all: not a quality metric, ten images reach 10.

    Formula: exp E_x KL(p(k|x) ‖ p(k)) = exp(H(mean p) - mean H(p)), one split
    Range: 1 to 10
    Better: higher
    Unit: effective classes
    Floor: exp H(labels), at most 9.98 on MNIST's test images
    Source: Salimans et al. 2016, arXiv 1606.03498
    """
    mean = samples.histogram.probability
    spread = -float(torch.xlogy(mean, mean).sum())
    return math.exp(max(spread - samples.histogram.entropy, 0.0))
