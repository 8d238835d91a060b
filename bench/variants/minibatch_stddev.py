"""Minibatch standard deviation (Karras et al. 2018, section 3), in groups of 4.

φ(x): the features before D's last layer
s ← mean over features of the standard deviation of φ within the group
D(x) = wᵀ [φ(x), s] + b;  the losses are the non-saturating ones
"""

from torch import nn

from bench.nn import Linear, MinibatchStddev, NonSaturating
from bench.variants import Count, Pair, register


@register("minibatch_stddev")
class MinibatchStandardDeviation(NonSaturating, Pair):
    """The discriminator sees how much samples differ (Karras et al. 2018)."""

    idea = "against mode collapse"
    group: Count = 4
    joint_pass = False  # a group holds samples of one kind

    def discriminator(self) -> nn.Module:
        network = self.discriminator_of(self.shape)
        width = next(network[-1].parameters()).shape[1]
        return network[:-1].extend([MinibatchStddev(self.group), Linear(width + 1, 1)])
