"""The tutorials' pair with its parts as settings, to change one at a time (Radford et al. 2016).

As it stands it is ``batchnorm_dropout``, to the bit. The settings: ``batch_norm`` in the generator,
``dropout`` in the discriminator, ``reuse_fakes`` in the generator's step or fresh latents,
``beta1`` of Adam, ``width`` of all layers.
"""

from torch import nn

from bench.nn import NonSaturating
from bench.variants import Pair, Share, register


@register("ablation")
class Ablation(NonSaturating, Pair):
    """The tutorials' pair, each of its parts a setting (Radford et al. 2016)."""

    idea = "tutorial"
    dropout: Share = 0.3
    reuse_fakes: bool = True  # type: ignore[misc]

    def discriminator(self) -> nn.Module:
        return self.discriminator_of(self.packed_shape, self.dropout)
