"""Which runs of an experiment count, and a sentence on each kind of run that does not."""

from collections import Counter

from bench.tracking.reading import Run

COUNTED = ("done", "diverged")


def of_protocol(runs: list[Run], current: str | None) -> tuple[str, list[Run], list[str]]:
    """The runs under the current protocol; the newest run's when the experiment names none."""
    protocol = current or (runs[-1].tags.get("ganbench.protocol", "") if runs else "")
    mine = [run for run in runs if run.tags.get("ganbench.protocol", "") == protocol]
    left = len(runs) - len(mine)
    were = f"{left} runs were" if left > 1 else "1 run was"
    note = f"{were} made under another protocol and left out (the current one is {protocol})."
    return protocol, mine, [note] if left else []


def of_plan(runs: list[Run], keys: set[str], command: str) -> tuple[list[Run], list[str]]:
    """The runs of the experiment as it was last run; all where no record says which those are."""
    mine = [run for run in runs if not keys or run.tags.get("ganbench.key") in keys]
    left = len(runs) - len(mine)
    were = f"{left} runs are" if left > 1 else "1 run is"
    note = (
        f"{were} left out: they have other variants, seeds or settings than `{command}` asked for."
    )
    held = {run.tags.get("ganbench.key") for run in mine}
    absent = len(keys - held)
    lost = (
        f"{absent} of {len(keys)} trials have no run in MLflow yet: `{command}` trains or sends "
        "what is missing."
    )
    return mine, [note] * bool(left) + [lost] * bool(absent)


def counted_runs(runs: list[Run]) -> tuple[list[Run], list[str]]:
    """The newest finished run of each key, and a note on every other."""
    done = [run for run in runs if run.status in COUNTED]
    newest = {run.tags.get("ganbench.key", run.run_id): run for run in done}
    counted = list(newest.values())
    notes = []
    if again := len(done) - len(counted):
        notes.append(f"{again} finished more than once; of each trial the newest run counts.")
    open_keys = Counter(
        run.status
        for run in {run.tags.get("ganbench.key", run.run_id): run for run in runs}.values()
        if run.status not in COUNTED and run.tags.get("ganbench.key") not in newest
    )
    if open_keys:
        told = ", ".join(f"{count} {status}" for status, count in sorted(open_keys.items()))
        notes.append(f"Not counted because they have no result: {told}.")
    return counted, notes
