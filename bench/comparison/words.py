"""The verdict in words, as a reader asks for it: which is best, how sure, what is missing."""

from itertools import combinations

from bench.comparison import statistics
from bench.comparison.measures import WITNESS
from bench.comparison.records import Records
from bench.comparison.statistics import ALPHA
from bench.comparison.summary import Row, decimals, times, trimmed
from bench.comparison.verdicts import Pair, groups


def verdict(records: Records, rows: list[Row], pairs: list[Pair]) -> str:
    """One paragraph on FID, plain text; every claim in it is one of ``pairs``."""
    finished = [row for row in rows if row.final("fid").points]
    if not finished:
        return f"No trial of {records.experiment} finished with an FID; all that ended diverged."
    sentences = [_lead(finished[0], records.floor)]
    if pairs and not groups(rows, pairs):
        sentences.append(_too_few(records, pairs))
    elif pairs:
        leader = finished[0].name
        sentences += [
            told for row in rows if (told := _standing(row.name, pairs, row.name == leader))
        ]
    sentences += [_diverged(row) for row in rows if row.diverged]
    return " ".join(sentences)


def effect_text(pair: Pair) -> str:
    """``0.61 (0.55 to 0.70)``: the effect and its 95 % interval, on the pair's own scale."""
    if pair.effect is None:
        return "–"
    if pair.low is None or pair.high is None:
        return trimmed(pair.effect)
    places = decimals(pair.high - pair.low) if pair.high > pair.low else 2
    return f"{pair.effect:.{places}f} ({pair.low:.{places}f} to {pair.high:.{places}f})"


def command(records: Records, seeds: int | None = None) -> str:
    """What a user types to run what these records hold again, or so many seeds of it."""
    option = records.seeds_option if seeds is None else seeds
    return f"{records.command} --seeds {option}" if option else records.command


def p_text(p: float | None) -> str:
    return "–" if p is None else f"{p:.2g}"


def needed_text(pair: Pair) -> str:
    """How many shared seeds would settle it, or why the question does not arise."""
    if pair.told_apart:
        return "–"
    if pair.needed is None:
        return "unknown (diverged)" if pair.diverged else "> 1000"
    return f"{pair.needed}"


def _lead(row: Row, floor: dict[str, float]) -> str:
    fid = row.final("fid")
    over = f"mean ± sd over {fid.n} seeds" if fid.n > 1 else "n = 1"
    if row.diverged:
        over += f", of {len(row.trials)}"
    over_floor = ""
    if floor.get("fid") and fid.mean is not None:
        over_floor = f", {times(fid.mean / floor['fid'])} times what real images get"
    return f"{row.name} has the lowest mean FID: {fid.text()} ({over}){over_floor}."


def _too_few(records: Records, pairs: list[Pair]) -> str:
    shared = min(len(pair.seeds) for pair in pairs)
    needed = statistics.seeds_for_any_verdict(len(pairs))
    least = (
        f"with {shared} shared {_seeds(shared)} an exact paired test cannot go below "
        f"p = {p_text(statistics.smallest_p(shared))}"
        if shared
        else "some variants share no seed"
    )
    many = f"{len(pairs)} comparisons need" if len(pairs) > 1 else "one comparison needs"
    return (
        f"Whether any difference is real cannot be said yet (too few seeds): {least}, and "
        f"{many} at least {needed} seeds; `{command(records, needed)}` runs them."
    )


def _standing(name: str, pairs: list[Pair], in_full: bool) -> str:
    """What the row named is to each row below it in the table; in full: by how much, how sure."""
    below = [pair for pair in pairs if pair.a == name]
    parts = []
    for kind, how in (("better", "is better than"), ("worse", "is worse than")):
        if found := [
            f"{pair.b} ({_sure(pair)})" if in_full else pair.b
            for pair in below
            if pair.verdict == kind
        ]:
            parts.append(f"{how} {_and(found)}")
    if found := [f"{pair.b} ({_more(pair)})" for pair in below if pair.verdict == "tied"]:
        parts.append(f"is tied with {_and(found)}")
    if found := [pair.b for pair in below if pair.verdict == "too few seeds"]:
        parts.append(f"shares too few seeds with {_and(found)}")
    return f"{name} {'; it '.join(parts)}." if parts else ""


def _sure(pair: Pair) -> str:
    told = f"p = {p_text(pair.p_holm)}"
    if pair.diverged:  # a ratio over the seeds that finished may point the other way
        return f"{told}, a diverged trial counting as worst"
    if pair.effect is None or not pair.ratio:
        return told
    effect, _, interval = effect_text(pair).rstrip(")").partition(" (")
    within = f", 95 % interval {interval}" if interval else ""
    return f"FID {effect} times as high{within}; {told}"


def _more(pair: Pair) -> str:
    if pair.needed is None and pair.diverged:
        return "with a diverged trial among them"
    if pair.needed:
        return f"about {pair.needed} seeds would tell such a difference apart"
    return "even 1000 seeds would not tell such a difference apart"


def _diverged(row: Row) -> str:
    of = f"{len(row.diverged)} of {len(row.trials)}"
    return f"{of} {row.name} {'trial' if len(row.trials) == 1 else 'trials'} diverged."


def how(pairs: list[Pair]) -> str:
    """The footnote that says how the verdicts were reached."""
    return (
        "Pairs are trials of one seed, which share data order and evaluation noise. The ratio is "
        "of geometric means over the seeds that finished on both sides, with a 95 % t-interval of "
        "the paired log difference; p is of sign flips over the shared seeds (all of them up to "
        f"{statistics.EXACT_UP_TO} seeds, 65,536 drawn ones beyond; a diverged trial ranks worst), "
        f"Holm's over all {len(pairs)} pairs. P(A better): in what share of all pairs of a run of "
        "A and a run of B the run of A is better; it says how far the two overlap here, not how "
        f"sure that is. Better: Holm's p ≤ {ALPHA} and the interval leaves out equality; tied: "
        "otherwise; too few seeds: even if every seed agreed, p times the number of pairs would "
        f"exceed {ALPHA}. Seeds needed: for a difference of the size seen here, at 80 % power of "
        "a paired t-test; the exact test may need one or two more, and few seeds say little of "
        "the size."
    )


def _and(names: list[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _seeds(count: int) -> str:
    return "seed" if count == 1 else "seeds"


def orders(table: list[Row]) -> tuple[str, ...]:
    """Whether the second classifier puts the variants into the same order of mean FID."""
    means = [(row.name, row.final("fid").mean, row.final(f"{WITNESS}fid").mean) for row in table]
    known = [(name, a, b) for name, a, b in means if a is not None and b is not None]
    turned = [
        f"{one[0]} and {two[0]}"
        for one, two in combinations(known, 2)
        if (one[1] < two[1]) != (one[2] < two[2])
    ]
    if len(known) < 2:
        return ()
    if not turned:
        return ("Both classifiers put the variants into the same order of mean FID.",)
    return (f"The two classifiers disagree about the order by mean FID of {', of '.join(turned)}.",)
