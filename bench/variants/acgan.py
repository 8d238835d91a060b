"""AC-GAN (Odena et al. 2017, eq. 2 and 3), whose D learns the classes from real samples only.

    D: descend −E log D(x) − E log(1 − D(G(z, y))) − E log C(y | x)
    G: descend −E log D(G(z, y)) − E log C(y | G(z, y))
The paper's D also learns from fakes, by which both networks agree on easy, poor samples.
"""

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bench.nn import Classified, NonSaturating
from bench.variants import Labels, Pair, register


@register("acgan")
class ACGAN(NonSaturating, Pair):
    """The discriminator also names the class (Odena et al. 2017)."""

    idea = "labels"
    conditional = True

    def discriminator(self) -> nn.Module:
        return Classified(self.discriminator_of(self.shape), self.classes)

    def penalty(self, real: Tensor, fake: Tensor, step: int, labels: Labels = None) -> Tensor:
        return cross_entropy(self.D.classify(real), labels)

    def g_objective(self, fake: Tensor, real: Tensor, labels: Labels, latents: Tensor) -> Tensor:
        loss = super().g_objective(fake, real, labels, latents)
        return loss + cross_entropy(self.D.classify(fake), labels)
