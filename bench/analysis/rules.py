"""What can go wrong in a training, a rule for each: from what a trial recorded to plain words.

The first line of a docstring says what is wrong. Then follow the rule's threshold, where that comes
from, and what helps. "Measured" means measured here: the 32 trials of ``results/paper``, those of
`ring`, small trials that were made to fail, and the known sets of ``ganbench calibrate``.
``python tests/analysis/confusion.py URI`` counts how often each rule applies in a store.
"""

import math

import numpy as np
import pandas as pd
from scipy.signal import find_peaks

from bench.analysis.health import HEALTHY, RULES, START, Finding, Trial, began, rule

_OF_CLASSES = ("classes missing", "unequal classes", "little variety")
_OF_TRAINING = (
    *("discriminator won", "generator gradient vanishes", "weights at the clip", "oscillates"),
    *("past its best", "still improving"),
)


@rule("diverged", "collapsed", *_OF_CLASSES, *_OF_TRAINING)
def diverged(trial: Trial) -> Finding | None:
    """A number of the training became infinite or undefined.

    Threshold: a loss, a gradient or a weight is infinite or NaN
    Source: such a number never becomes finite again
    Helps: a lower learning rate, or a gradient penalty (`r1`)
    """
    ends = [int(curve.index[-1]) for curve in trial.curves.values() if len(curve)]
    return Finding(trial.diverged, max(ends, default=START)) if trial.diverged else None


@rule("still improving")
def still_improving(trial: Trial) -> Finding | None:
    """FID still falls fast, so the training ended too early.

    Threshold: at the rate of the last half, twice the budget would lower FID by 45 % or more
    Source: measured: it applied to 23 curves that were cut at half, of 79. All of them fell
        further, by 16 to 78 %, most by less than that rate. 16 healthy trials are at 8 to 44 %
        at the end
    Helps: a larger budget
    """
    factor = doubled(trial)
    if not factor <= 0.55:
        return None
    return Finding(f"twice the budget may lower FID by up to {1 - factor:.0%}", None, sure=False)


@rule("discriminator won")
def discriminator_won(trial: Trial) -> Finding | None:
    """The discriminator tells real from generated without error, so the generator learns nothing.

    Threshold: the discriminator's loss is from 0 to 0.05 to the end, and its outputs for real and
        generated samples differ by more than 0.5. Below 0 it is a Wasserstein loss, which says
        nothing; where outputs hardly differ it is an autoencoder's (`began`).
    Source: Goodfellow et al. 2014, section 3; Arjovsky & Bottou 2017; measured: `mlp_bce` has 0.3
        after a million, 0.06 where it has learnt nothing yet
    Helps: a lower learning rate of the discriminator, spectral norm, or a gradient penalty (`r1`)
    """
    loss = trial.smooth("loss_d")
    apart = trial.smooth("logit_real") - trial.smooth("logit_fake")
    since = began(loss.between(0, 0.05) & (apart > 0.5))
    if since is None:
        return None
    return Finding(f"the discriminator's loss is {loss.iloc[-1]:.2g}", since)


@rule("weights at the clip", "generator gradient vanishes")
def weights_at_the_clip(trial: Trial) -> Finding | None:
    """Clipping drives the critic's weights to its limits, until it hardly sees what is generated.

    Threshold: the variant clips; the critic's outputs for real and generated samples differ by less
        than a twentieth of what they once did; and FID is more than 10 % above its best. The
        weights themselves are not recorded, so this is inferred from signs.
    Source: Gulrajani et al. 2017, section 3; measured in a `wgan` of the paper: after 50,000 images
        89 % of its weights are at the clip, in all layers but the first all of them; from half a
        million on its outputs hardly differ
    Helps: a gradient penalty instead of clipping (`wgan_gp`), or spectral norm
    """
    real, fake = trial.smooth("logit_real"), trial.smooth("logit_fake")
    apart = (real - fake).abs()
    since = began(apart < apart.max() / 20)
    if "clip" not in trial.settings or since is None or _worsened(trial) < 0.1:
        return None
    text = f"the critic's outputs differ by {apart.iloc[-1]:.2g}, once by {apart.max():.3g}"
    return Finding(text, since, sure=False)


@rule("generator gradient vanishes")
def generator_gradient_vanishes(trial: Trial) -> Finding | None:
    """The generator's gradient has become so small that the generator hardly changes.

    Threshold: below a fiftieth of its median in the first fifth, or below 0.0001, to the end; and
        FID is more than 10 % above its best or has not halved
    Source: Arjovsky & Bottou 2017, section 2; measured: healthy trials keep a tenth
    Helps: the non-saturating loss, a lower learning rate of the discriminator, or a penalty (`r1`)
    """
    gradient = trial.smooth("grad_generator")
    early = gradient[gradient.index <= gradient.index.max() / 5].median()
    since = began(gradient < max(early / 50, 1e-4))
    fid = trial.curve("fid")
    learnt = len(fid) and fid.iloc[-1] < fid.iloc[0] / 2 and _worsened(trial) < 0.1
    if since is None or learnt:
        return None
    return Finding(f"the gradient's norm is {gradient.iloc[-1]:.2g}, at first {early:.2g}", since)


@rule("noise", "collapsed", *_OF_CLASSES)
def noise(trial: Trial) -> Finding | None:
    """The samples look like nothing in the data.

    Threshold: AuthPct > 85 %, recall < 0.05 and precision < 0.7; of points, fewer than 25 % are
        near a mode
    Source: measured: uniform noise has 90, 0 and 0.54, generators that never learnt have 97, 0 and
        0.63; trials that learn have an AuthPct up to 80, those that collapse a precision above 0.76
    Helps: a lower learning rate, batch norm in the generator, or a larger budget
    """
    near, curve = trial.number("high_quality"), trial.curve("high_quality")
    if near < 25:
        return Finding(f"{near:.0f}% of the points are near a mode", began(curve < 25), near < 5)
    apart, precision = trial.number("authpct"), trial.number("precision")
    if not (apart > 85 and trial.number("recall") < 0.05 and precision < 0.7):
        return None
    return Finding(f"AuthPct is {apart:.0f}%, precision {precision:.2f}", None, precision < 0.6)


@rule("collapsed", *_OF_CLASSES)
def collapsed(trial: Trial) -> Finding | None:
    """The generator draws few classes only. This is mode collapse.

    Threshold: at most half of the classes are drawn, each a tenth as often as in the data or more
    Source: measured: `wgan` draws 1 or 2 of 10 digits after a million, healthy trials draw all
    Helps: batch norm in the generator, Adam with beta1 = 0.5, or packs of samples (`pacgan`)
    """
    modes, few = trial.number("modes"), trial.classes / 2
    if not modes <= few:
        return None
    drawn = [str(label) for label in range(trial.classes) if str(label) not in trial.missing]
    which = f": {', '.join(drawn)}" if trial.missing and 0 < len(drawn) <= 5 else ""
    since = began(trial.curve("modes") <= few)
    return Finding(f"draws {modes:.0f} of {trial.classes:,} classes{which}", since)


@rule("classes missing", "unequal classes")
def classes_missing(trial: Trial) -> Finding | None:
    """The generator leaves out some classes.

    Threshold: fewer than 97 % of the classes are drawn; 24 of 25 are too few, 970 of 1,000 are not
    Source: measured: real data has all; `mlp_bce` leaves out 1 to 5 digits after a million
    Helps: batch norm in the generator, Adam with beta1 = 0.5, or a larger budget
    """
    modes, enough = trial.number("modes"), 0.97 * trial.classes
    if not modes < enough:
        return None
    which = f"; not {', '.join(trial.missing)}" if 0 < len(trial.missing) <= 10 else ""
    since = began(trial.curve("modes") < enough)
    return Finding(f"draws {modes:.0f} of {trial.classes:,} classes{which}", since)


@rule("unequal classes")
def unequal_classes(trial: Trial) -> Finding | None:
    """The generator draws some classes far too often and others too rarely.

    Threshold: mode KL > 0.1 nats
    Source: as much as a generator has that never draws one of ten classes, −ln 0.9
    Helps: a larger budget, or packs of samples (`pacgan`)
    """
    divergence = trial.number("mode_kl")
    if not divergence > 0.1:
        return None
    shares = sorted((q, n[12:]) for n, q in trial.final.items() if n.startswith("digit_share/"))
    which = ""
    if shares:
        (low, rare), (high, often) = shares[0], shares[-1]
        which = f": {high:.0%} are class {often}, {low:.1%} class {rare}"
    since = began(trial.curve("mode_kl") > 0.1)
    return Finding(f"mode KL is {divergence:.2f}{which}", since, divergence > 0.2)


@rule("little variety")
def little_variety(trial: Trial) -> Finding | None:
    """The samples of a class are nearly all alike.

    Threshold: recall < 0.1
    Source: Kynkäänniemi et al. 2019; measured: healthy trials have 0.6, ten images repeated have 0
    Helps: Adam with beta1 = 0.5, packs of samples (`pacgan`), or a larger budget
    """
    recall = trial.number("recall")
    text = f"only {recall:.1%} of the real data has a sample near it"
    return Finding(text, None, recall < 0.05) if recall < 0.1 else None


@rule("copies")
def copies(trial: Trial) -> Finding | None:
    """The samples are copies of training data, or nearly.

    Threshold: AuthPct < 20 % and C_T < −5
    Source: Alaa et al. 2022; Meehan et al. 2020; measured: real data 60 and 0, a replay of the
        training set 0 and −39
    Helps: more training data, a smaller network, or a smaller budget
    """
    apart, nearer = trial.number("authpct"), trial.number("copying_ct")
    if not (apart < 20 and nearer < -5):
        return None
    return Finding(f"AuthPct is {apart:.0f}%, C_T is {nearer:.0f}", None, apart < 5)


@rule("oscillates")
def oscillates(trial: Trial) -> Finding | None:
    """FID rises and falls again and again instead of coming to rest.

    Threshold: it rises by 10 % or more and falls as much again, at least twice
    Source: Metz et al. 2017 show such cycles; measured: no healthy trial does so more than once
    Helps: a lower learning rate, an average of the generator's weights (ema), or a penalty (`r1`)
    """
    fid = trial.curve("fid")
    peaks, about = find_peaks(np.log(fid[fid > 0]), prominence=math.log(1.1))
    if len(peaks) < 2:
        return None
    since = int(fid.index[about["left_bases"][0]])
    return Finding(f"FID rises and falls {len(peaks)} times", since, len(peaks) > 2)


@rule("past its best")
def past_its_best(trial: Trial) -> Finding | None:
    """An earlier checkpoint is better than the last one.

    Threshold: FID against held-out data is more than 10 % above its lowest
    Source: measured: at most 5 % in healthy trials
    Helps: a smaller budget, a lower learning rate, or a penalty (`r1`)
    """
    worse, curve = _worsened(trial), trial.curve("fid_heldout")
    if not worse > 0.1:
        return None
    text = f"FID was {curve.min():.3g}, and is {curve.iloc[-1]:.3g}"
    return Finding(text, int(curve.idxmin()), worse > 0.2)


@rule(HEALTHY)
def healthy(trial: Trial) -> Finding | None:
    """Nothing is wrong by these rules.

    Threshold: no other rule applies, and FID was recorded at three points at least
    Source: measured: so are all 16 trials of `batchnorm_dropout` and `spectral_norm`
    Helps: a larger budget, where FID still falls
    """
    if len(trial.curve("fid")) < 3 or math.isnan(trial.number("fid")):
        return None
    gain = 1 - doubled(trial)
    more = f"twice the budget may lower FID by up to {gain:.0%}"
    return Finding(more if gain > 0.1 else "FID has nearly come to rest")


def findings(trial: Trial) -> dict[str, Finding]:
    """What the rules say of a trial, by their names; empty where too little was recorded."""
    checked = {name: rule.check(trial) for name, rule in RULES.items()}
    applying = {name: finding for name, finding in checked.items() if finding}
    hidden = {other for name in applying for other in RULES[name].hides}
    if len(applying) > 1:
        hidden.add(HEALTHY)
    return {name: finding for name, finding in applying.items() if name not in hidden}


def doubled(trial: Trial) -> float:
    """What twice the budget makes of FID, as a factor, if FID remains a power of the budget."""
    fid = trial.curve("fid")
    fid = fid[(fid > 0) & (fid.index >= max(1, fid.index.max() / 2))]
    if len(fid) < 2:
        return math.nan
    return float(2 ** np.polyfit(np.log(fid.index), np.log(fid), 1)[0])


def _worsened(trial: Trial) -> float:
    """By how much the last FID against held-out data is above the lowest, as a share of that."""
    curve: pd.Series[float] = trial.curve("fid_heldout")
    return float(curve.iloc[-1] / curve.min() - 1) if len(curve) else math.nan
