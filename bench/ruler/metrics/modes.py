"""Digits that are covered."""

from bench.ruler.evidence import Evidence
from bench.ruler.metrics.registry import metric
from bench.ruler.reference import Reference

_PART = 10


def covered(samples: Evidence, reference: Reference) -> list[bool]:
    """For each digit: has it at least a tenth of its share in the reference?"""
    ours, theirs = samples.votes, reference.test.votes
    # In whole numbers, because a share of exactly a tenth counts as covered.
    enough = _PART * ours.counts * theirs.count >= theirs.counts * ours.count
    return ((theirs.counts > 0) & enough).tolist()


@metric(cost="cheap", labels=True)
def modes(samples: Evidence, reference: Reference) -> int:
    """How many of the ten digits are drawn often enough to count as covered.

    Formula: #{k : q(k) ≥ p(k)/10}, q and p the classifier's label shares in samples and reference
    Range: 0 to 10
    Better: higher
    Unit: digits
    Floor: 10
    Source: this benchmark; a threshold, because misread noise alone reaches modes_any = 10
    """
    return sum(covered(samples, reference))
