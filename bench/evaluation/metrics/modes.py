"""What a classifier says of the samples: which classes there are, how many, how surely."""

import math

import torch
from torch import Tensor

from bench.evaluation.declarations import metric
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics

_PART = 10


def inside(samples: FeatureStatistics, reference: Reference) -> Tensor:
    """How many samples are of each class, (K,) int64; those of no class are left out."""
    return samples.histogram.counts[: len(reference.classes.counts)]


def covered(samples: FeatureStatistics, reference: Reference) -> list[bool]:
    """For each class: has it at least a tenth of its share in the reference?"""
    ours, theirs = inside(samples, reference), reference.classes
    # In whole numbers, because a share of exactly a tenth counts as covered.
    enough = _PART * ours * theirs.count >= theirs.counts * samples.histogram.count
    return ((theirs.counts > 0) & enough).tolist()


@metric(when="each evaluation", needs=["classes"])
def modes(samples: FeatureStatistics, reference: Reference) -> int:
    """How many classes are drawn often enough to count as covered: of MNIST, how many digits.

    Label: modes
    Formula: #{k : q(k) ≥ p(k)/10}, q and p the classifier's label shares in samples and reference
    Range: 0 to the number of classes (10 on MNIST)
    Better: higher
    Unit: classes
    Floor: the number of classes
    Source: this benchmark; a threshold, because misread noise alone reaches modes_any = 10
    """
    return sum(covered(samples, reference))


@metric(when="each evaluation", needs=["classes"])
def modes_any(samples: FeatureStatistics, reference: Reference) -> int:
    """How many classes are drawn at least once, which is what papers call modes.

    Label: modes any
    Formula: #{k : q(k) > 0}, q the classes' shares in the samples
    Range: 0 to the number of classes
    Better: higher
    Unit: classes
    Floor: the number of classes
    Source: Srivastava et al. 2017 (VEEGAN), arXiv 1705.07761
    """
    return int((inside(samples, reference) > 0).sum())


@metric(when="each evaluation", needs=["classes"])
def missing(samples: FeatureStatistics, reference: Reference) -> str:
    """The classes that modes does not count.

    Label: missing
    Formula: {k : q(k) < p(k)/10}
    Range: the classes' numbers with blanks between them, or "none"
    Better: neither
    Unit: class numbers
    Floor: none
    Source: this benchmark
    """
    absent = [str(label) for label, seen in enumerate(covered(samples, reference)) if not seen]
    return " ".join(absent) or "none"


@metric(when="each evaluation", needs=["classes"], ratio=True)
def mode_kl(samples: FeatureStatistics, reference: Reference) -> float:
    """How unevenly the classes are drawn, compared with their shares in the test images.

    Label: mode KL [nats]
    Formula: Σk q(k) ln (q(k)/p(k)), 0 ln 0 = 0, q samples of a class, p reference; p = 1/K where
        classes are equally likely by definition
    Range: 0 to ln(1/min p) (2.4 on MNIST); not defined where no sample is of any class
    Better: lower
    Unit: nats
    Floor: (K-1)/2n, 4.5e-4 for ten classes at n = 10,000, for a sampler with the shares p
    Source: Che et al. 2017, arXiv 1612.02136; Srivastava et al. 2017, arXiv 1705.07761
    """
    counts, p = inside(samples, reference), reference.classes.share
    if not counts.sum():
        return math.nan
    q = counts.double() / counts.sum()
    divergence = torch.xlogy(q, q) - torch.xlogy(q, p)
    return max(float(divergence.sum()), 0.0)


@metric(when="each evaluation", needs=["classes"])
def confidence(samples: FeatureStatistics, reference: Reference) -> float:
    """Mean largest class probability; where it is low, shares of classes are guesses.

    Label: confidence
    Formula: (1/n) Σx max_k p(k|x)
    Range: 1/K to 1, K classes
    Better: near the floor
    Unit: probability
    Floor: what real images get, just under 1
    Source: this benchmark
    """
    return samples.histogram.certainty


@metric(when="each evaluation", needs=["classes"])
def inception_score(samples: FeatureStatistics, reference: Reference) -> float:
    """Sure about each image, undecided about all; no quality metric: one image a class reaches K.

    Label: inception score
    Formula: exp E_x KL(p(k|x) ‖ p(k)) = exp(H(mean p) - mean H(p)), one split
    Range: 1 to K, the number of classes
    Better: higher
    Unit: effective classes
    Floor: exp H(labels), at most 9.98 on MNIST's test images
    Source: Salimans et al. 2016, arXiv 1606.03498
    """
    mean = samples.histogram.probability
    spread = -float(torch.xlogy(mean, mean).sum())
    return math.exp(max(spread - samples.histogram.entropy, 0.0))


# It costs next to nothing, but a curve for each class would bury the others: at the end only.
@metric(when="final", needs=["classes"])
def digit_share(samples: FeatureStatistics, reference: Reference) -> dict[int, float]:
    """How often each class is drawn, one number a class: ``digit_share/0``, ``digit_share/1`` …

    Label: class share
    Formula: q(k) = #{samples of class k} / n
    Range: 0 to 1
    Better: near the floor
    Unit: share
    Floor: the class's share; on MNIST from 0.09 (digit 5) to 0.11 (digit 1)
    Source: this benchmark; modes, missing and mode_kl are worked out of these
    """
    return dict(enumerate((inside(samples, reference).double() / len(samples)).tolist()))
