"""The table of what has ended so far, each time one more seed of every row has ended."""

from statistics import fmean, stdev

from rich.table import Column, Table

from bench.executors.plan import Standing

_OVER = ("done", "diverged", "failed")


class InterimTables:
    """Tells when a table is due, and makes it.

    There is none for the last seed, because the final table follows, and none for a search.
    """

    def __init__(self) -> None:
        self._complete: set[int] | None = None

    def due(self, standing: Standing) -> Table | None:
        """The table where a seed has been completed since the last call, otherwise None.

        What was complete at the first call has been shown by the run that completed it.
        """
        if any(item.phase == "search" for item, _ in standing):
            return None
        seeds = {item.trial.seed for item, _ in standing}
        waiting = {item.trial.seed for item, status in standing if status.status not in _OVER}
        complete, before = seeds - waiting, self._complete
        self._complete = complete
        if before is None or not complete - before or not waiting:
            return None
        return _table(standing, len(complete), len(seeds))


def _table(standing: Standing, complete: int, seeds: int) -> Table:
    """A line a row that has results, the lowest mean FID first."""
    numeric = (Column(head, justify="right") for head in ("trials", "FID", "modes"))
    table = Table("variant", *numeric, title=f"After {complete} of {seeds} seeds")
    done = [(item.trial.variant, status) for item, status in standing if status.status == "done"]
    rows = {row: [status for name, status in done if name == row] for row, _ in done}
    fids = {row: [s.fid for s in group if s.fid is not None] for row, group in rows.items()}
    for row in sorted(rows, key=lambda row: fmean(fids[row] or [0.0])):
        modes = [status.modes for status in rows[row] if status.modes is not None]
        table.add_row(row, str(len(rows[row])), _spread(fids[row]), _mean(modes))
    return table


def _spread(values: list[float]) -> str:
    """``21.38 ± 0.52``, the mean and the sample standard deviation."""
    if not values:
        return ""
    mean = f"{fmean(values):.2f}"
    return f"{mean} ± {stdev(values):.2f}" if len(values) > 1 else mean


def _mean(values: list[int]) -> str:
    return f"{fmean(values):.1f}" if values else ""
