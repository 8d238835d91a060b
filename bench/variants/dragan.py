"""DRAGAN (Kodali et al. 2017, Algorithm 1): λ = 10, noise as in the authors' notebook.

x̃ ← x + α δ, with δ = ½ std(x) U(0, 1) a value and one α ~ U(0, 1) a sample
D: descend −E log D(x) − E log(1 − D(G(z))) + λ E (‖∇D(x̃)‖ − 1)², of the logit
G: descend −E log D(G(z))
"""

import torch
from torch import Tensor

from bench.nn import NonSaturating, one_centred_penalty, share_per_sample
from bench.variants import Labels, Pair, Positive, register


@register("dragan")
class DRAGAN(NonSaturating, Pair):
    """A gradient penalty in the neighbourhood of real samples (Kodali et al. 2017)."""

    idea = "gradient penalty"
    penalty_weight: Positive = 10.0

    def penalty(self, real: Tensor, fake: Tensor, step: int, labels: Labels = None) -> Tensor:
        noise = torch.rand_like(real) * real.std() / 2
        near = real + share_per_sample(real) * noise
        return self.penalty_weight * one_centred_penalty(self.D, near)
