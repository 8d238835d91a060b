"""The verdict in words, as a reader asks for it: which is best, how sure, what is missing."""

from itertools import combinations, groupby
from typing import get_args

from bench.analysis import summary, verdicts
from bench.analysis.records import Records
from bench.analysis.statistics import ALPHA, LEAST_SEEDS
from bench.analysis.summary import Row, decimals, times, trimmed
from bench.analysis.verdicts import Pair, Verdict
from bench.evaluation.declarations import ALT, measure

_IN_FULL = 3
"""Variants that one sentence names with their numbers; of more it gives the names or the count."""
_FEW_ROWS = 6
"""Variants of which each one is compared with those below it in words; of more only the leader."""
_LEAST_P = 0.0001
_WIDE = 10
"""Times that an interval's end is above its beginning, where each needs decimals of its own."""
_FEW = 4
"""Seeds with which nobody can see whether log FID is normally distributed."""


def verdict(records: Records) -> str:
    """One paragraph on FID, plain text; every claim in it is the verdict on a pair.

    The pairs are those with the control where the records have one, else all.
    """
    rows = summary.rows(records)
    pairs = verdicts.pairs(rows, "fid", records.control)
    finished = [row for row in rows if row.final("fid").points]
    if not finished:
        return f"No trial of {records.experiment} finished with an FID; all that ended diverged."
    leader = finished[0]
    against = [pair for pair in pairs if pair.a == leader.name]
    sentences = [_lead(leader, records.floor)]
    if records.control:
        sentences += _against_control(records, rows, pairs)
    else:
        sentences += _standing(records, against)
    if len(rows) <= _FEW_ROWS and not records.control:
        sentences += [text for row in rows if row is not leader for text in _below(row.name, pairs)]
    return " ".join([*sentences, *_diverged([row for row in rows if len(row.diverged)])])


def effect_text(pair: Pair) -> str:
    """``0.61 (0.55 to 0.70)``: the effect and its interval, on the pair's own scale."""
    if pair.effect is None:
        return "–"
    if pair.low is None or pair.high is None:
        return trimmed(pair.effect) + (" (finished only)" if pair.diverged else "")
    ends = (pair.effect, pair.low, pair.high)
    if pair.ratio and pair.high > _WIDE * pair.low:
        effect, low, high = (f"{end:.{decimals(end) if end else 0}f}" for end in ends)
        return f"{effect} ({low} to {high})"
    places = decimals(pair.high - pair.low) if pair.high > pair.low else 2
    return f"{pair.effect:.{places}f} ({pair.low:.{places}f} to {pair.high:.{places}f})"


def level_text(pair: Pair) -> str:
    """``95 % interval``"""
    return f"{100 * pair.level:.4g} % interval"


def command(records: Records, seeds: int | None = None) -> str:
    """What a user types to run what these records hold again, or so many seeds of it."""
    option = records.seeds_option if seeds is None else seeds
    return f"{records.command} --seeds {option}" if option else records.command


def p_text(p: float | None) -> str:
    """``0.031``; below 0.0001 only that, because no test's assumptions hold so far out."""
    if p is None:
        return "–"
    return f"{p:.2g}" if p >= _LEAST_P else f"< {_LEAST_P}"


def needed_text(pair: Pair) -> str:
    """How many seeds of each variant a verdict needs, or why the question does not arise."""
    if pair.significant:
        return "–"
    if pair.needed is None:
        return "unknown (diverged)" if pair.diverged else "> 1000"
    return f"{pair.needed}"


def _lead(row: Row, floor: dict[str, float]) -> str:
    fid = row.final("fid")
    over = f"mean ± sd over {fid.n} seeds" if fid.n > 1 else "n = 1"
    if len(row.diverged):
        over += f", of {len(row.trials)}"
    over_floor = ""
    if floor.get("fid") and fid.mean is not None:
        ratio = times(fid.mean / floor["fid"])
        over_floor = f", {ratio} times what real data gets by this evaluator"
    return f"{row.name} has the lowest mean FID: {fid.text()} ({over}){over_floor}."


def _standing(records: Records, against: list[Pair]) -> list[str]:
    """What the leader is to the others: a sentence for each kind of verdict that occurs."""
    kinds = _by_verdict(against)
    few = kinds.pop("too few seeds", [])
    sentences = [f"It is {kind} {_listed_pairs(kinds[kind], len(against))}." for kind in kinds]
    return [*sentences, *([_too_few(records, few, len(against))] if few else [])]


def _against_control(records: Records, rows: list[Row], pairs: list[Pair]) -> list[str]:
    """Which variants are better than the control, which are worse, and which may be as good."""
    (fid,) = (row.final("fid").text() for row in rows if row.name == records.control)
    kinds = _by_verdict(pairs)
    few = kinds.pop("too few seeds", [])
    sentences = [f"The control is {records.control}, with FID {fid}."]
    for kind, alike in kinds.items():
        link = "from" if kind == "not distinguishable" else "than"
        names = [pair.a if len(pairs) > _FEW_ROWS else _sized(pair) for pair in alike]
        sentences.append(f"{kind.capitalize()} {link} the control: {_and(names)}.")
    return [*sentences, *([_too_few(records, few, len(pairs))] if few else [])]


def _sized(pair: Pair) -> str:
    """``lsgan (FID 0.89 times as high, 95 % interval …)``"""
    return f"{pair.a} ({_numbers(pair)})"


def _below(name: str, pairs: list[Pair]) -> list[str]:
    """What a variant is to those below it in the table, a sentence for each kind of verdict."""
    against = [pair for pair in pairs if pair.a == name]
    kinds = _by_verdict(against)
    kinds.pop("too few seeds", None)
    return [
        f"{name} is {kind} {_listed_pairs(alike, len(against))}."
        if kind == "not distinguishable"
        else f"{name} is {kind} than {_and([pair.b for pair in alike])}."
        for kind, alike in kinds.items()
    ]


def _by_verdict(pairs: list[Pair]) -> dict[Verdict, list[Pair]]:
    ordered = sorted(pairs, key=lambda pair: get_args(Verdict).index(pair.verdict))
    return {kind: list(alike) for kind, alike in groupby(ordered, lambda pair: pair.verdict)}


def _listed_pairs(pairs: list[Pair], others: int) -> str:
    """Few with their numbers; of many, those it is better than by count and the rest by name."""
    link = "from" if pairs[0].verdict == "not distinguishable" else "than"
    if len(pairs) <= _IN_FULL:
        return f"{link} {_and([f'{pair.b} ({_numbers(pair)})' for pair in pairs])}"
    if pairs[0].verdict != "better":
        return f"{link} {_and([pair.b for pair in pairs])}"
    largest = max(pair.p_holm or 0.0 for pair in pairs)
    which = f"all {others} other" if len(pairs) == others else f"{len(pairs)} of the {others} other"
    return f"{link} {which} variants (p {'≤ ' if largest >= _LEAST_P else ''}{p_text(largest)})"


def _numbers(pair: Pair) -> str:
    """By how much, how sure, and what more seeds would do."""
    p = f"p {'= ' if (pair.p_holm or 0) >= _LEAST_P else ''}{p_text(pair.p_holm)}"
    if pair.diverged:  # a ratio over the seeds that finished may point the other way
        return f"{p}, a diverged trial counts as worst"
    if pair.low is None or not pair.ratio:
        return p
    effect, _, interval = effect_text(pair).rstrip(")").partition(" (")
    size = f"FID {effect} times as high, {level_text(pair)} {interval}"
    if pair.significant:
        return f"{size}; {p}"
    return f"{size}; seeds needed: {needed_text(pair)}"


def _too_few(records: Records, few: list[Pair], others: int) -> str:
    needed = max(pair.needed or LEAST_SEEDS for pair in few)
    ranked = any(pair.diverged for pair in few)
    why = (
        f"a verdict needs at least {needed} seeds of each variant"
        f"{', because a diverged trial can only be ranked' if ranked else ''}; "
        f"`{command(records, needed)}` runs them"
    )
    if len(few) == others:
        return f"There are too few seeds to say whether any difference is real: {why}."
    if records.control:
        names = _and([pair.a for pair in few])
        return f"There are too few seeds to compare {names} with the control: {why}."
    return f"There are too few seeds to compare it with {_and([pair.b for pair in few])}: {why}."


def _diverged(rows: list[Row]) -> list[str]:
    """One sentence however many variants have diverged trials."""
    if len(rows) > _IN_FULL:
        count = sum(len(row.diverged) for row in rows)
        return [f"{count} trials of {len(rows)} variants diverged."]
    counts = [f"{len(row.diverged)} of {len(row.trials)} {row.name}" for row in rows]
    if not rows:
        return []
    return [f"{_and(counts)} {'trial' if len(rows[-1].trials) == 1 else 'trials'} diverged."]


def how(pairs: list[Pair], control: str = "") -> str:
    """The footnote that says how the verdicts on these pairs were reached."""
    what = measure(pairs[0].measure).label
    ratio = pairs[0].ratio
    mean, equal = ("ratio of geometric means", "1") if ratio else ("difference of means", "0")
    tested = [pair for pair in pairs if pair.p is not None]
    sentences = [
        f"{what} A/B is the {mean}" if ratio else f"{what} A − B is the {mean}",
        "over the seeds that finished. Seeds are not paired: training is chaotic, so two variants "
        "at one seed do not end with correlated numbers.",
        f"p is of Welch's t-test of {'log ' if ratio else ''}{what}, two-sided; p (Holm) is "
        f"corrected for {_family(len(tested), control)}.",
        f"The interval is Welch's too. It leaves out {equal} exactly where the verdict is better "
        "or worse. Otherwise it shows how large a difference is still possible. Its level is "
        f"1 − {ALPHA}/m, where m is the number of pairs whose p (Holm) is above {ALPHA} (at least "
        "1).",
        *_of_ranks(pairs),
        f"Better, worse: Holm's p ≤ {ALPHA}. Not distinguishable: p is larger. Too few seeds: "
        f"fewer than {LEAST_SEEDS} trials of a variant ended, or so few that ranks cannot give "
        "such a p.",
        *_of_few(pairs, what),
        "The probability of improvement is the share of all pairs of a run of A and a run of B in "
        "which the run of A is better. It says how much the runs overlap, not how sure the verdict "
        "is.",
        "Seeds needed: so many seeds of each variant give 80 % power, if the difference and the "
        "spread are as in these runs. With few seeds this is a rough estimate.",
    ]
    return " ".join(sentences)


def _family(tested: int, control: str) -> str:
    """What the correction is for, in words."""
    if control:
        return f"the {tested} comparisons with {control} that were tested"
    return f"all {tested} pairs that were tested"


def _of_ranks(pairs: list[Pair]) -> list[str]:
    ranked = [pair for pair in pairs if pair.test == "mann-whitney" or pair.diverged]
    return ["Where a trial of the pair diverged, or all seeds are equal, the test is the exact "
            "Mann-Whitney test, which has no interval. A diverged trial ranks worst, equal trials "
            "share their mean rank, and the ratio is of the finished trials only."
            ] if ranked else []  # fmt: skip


def _of_few(pairs: list[Pair], what: str) -> list[str]:
    few = {min(p.n_a, p.n_b) for p in pairs if p.test == "welch" and min(p.n_a, p.n_b) <= _FEW}
    if not few:
        return []
    log = "log " if pairs[0].ratio else ""
    return [
        f"With {' or '.join(map(str, sorted(few)))} seeds a verdict rests on the assumption that "
        f"{log}{what} is normally distributed over seeds, which so few seeds cannot show."
    ]


def _and(names: list[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def orders(table: list[Row]) -> tuple[str, ...]:
    """Whether the second classifier puts the variants into the same order of mean FID."""
    means = [(row.name, row.final("fid").mean, row.final(f"fid{ALT}").mean) for row in table]
    known = [(name, a, b) for name, a, b in means if a is not None and b is not None]
    turned = [
        f"{a} and {b}"
        for (a, *of_a), (b, *of_b) in combinations(known, 2)
        if (of_a[0] < of_b[0]) != (of_a[1] < of_b[1])
    ]
    if len(known) < 2:
        return ()
    if not turned:
        return ("Both classifiers put the variants into the same order of mean FID.",)
    return (f"The two classifiers disagree about the order by mean FID of {', of '.join(turned)}.",)
