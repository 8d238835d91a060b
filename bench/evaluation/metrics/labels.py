"""How well samples fit the labels that they were drawn for: of conditional variants only."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bench import seeding
from bench.evaluation.declarations import metric
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics, Gaussian, frechet

_LEAST = 2  # of a class, for a covariance
_HIDDEN, _PASSES, _BATCH = 256, 10, 100


@metric(when="final", needs=["classes", "given labels"])
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


@metric(when="final", needs=["classes", "given labels"], ratio=True)
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


@metric(when="final", needs=["classes", "given labels"], ratio=True)
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


@metric(when="final", needs=["given labels"], least=100)
def cas(samples: FeatureStatistics, reference: Reference) -> float:
    """The share of real test samples that a classifier gets right which saw generated ones only.

    It is trained from scratch on the samples and the labels that they were drawn for: one hidden
    layer of 256, ten passes, Adam at 1e-3.

    Label: classification accuracy score
    Formula: 1/m Σ [argmax q(·|x) = y] over the m test samples, q trained on the generated ones
    Range: 0 to 1
    Better: higher
    Unit: share
    Floor: 0.94 for 10,000 real digits; a set of one digit gets 0.1
    Source: Ravuri & Vinyals 2019, arXiv 1905.10887, section 2, who train a ResNet-50
    """
    assert samples.given is not None
    assert samples.samples is not None
    assert reference.dataset is not None
    encode, test = reference.dataset.encode, reference.dataset.split("test")
    classifier = _trained(encode(samples.samples), samples.given, reference.dataset.classes)
    with torch.no_grad():
        answers = classifier(encode(test.values)).argmax(1)
    return float((answers == test.labels).double().mean())


def _trained(images: Tensor, labels: Tensor, classes: int) -> nn.Module:
    """A small classifier of (N, *shape), the same for the same samples."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.derive("classifier", 0))
        hidden = nn.Linear(images[0].numel(), _HIDDEN)
        net = nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), nn.Linear(_HIDDEN, classes))
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
        for _ in range(_PASSES):
            for part in torch.split(torch.randperm(len(images)), _BATCH):
                loss = cross_entropy(net(images[part]), labels[part])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
    return net


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
