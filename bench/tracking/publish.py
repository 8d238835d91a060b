"""``ganbench publish URI``: whole experiments of this store into another tracking store."""

from collections.abc import Callable, Iterator, Set
from pathlib import Path

from bench.errors import UserError
from bench.redaction import redact
from bench.tracking.experiments import Planned, all_planned, read, trial_folder
from bench.tracking.publisher import Publisher


def publish(
    uri: str,
    experiment: str | None = None,
    *,
    live: Set[str] = frozenset(),
    report: Callable[[str], None] = print,
) -> int:
    """Send what the store at ``uri`` lacks; sending again changes nothing.

    Args:
        uri: any tracking store, the default one too.
        experiment: one name; None for every experiment of this store.
        live: keys of the trials that are being trained now; their runs stay RUNNING.
        report: takes one line for each experiment.

    Returns:
        How many trials of this store are in the other one now.

    Raises:
        UserError: there is no such experiment, or the other store did not take everything.
    """
    planned = [read(experiment)] if experiment else all_planned()
    if not planned:
        raise UserError("This store holds no experiment yet: run one with `ganbench run quick`.")
    return sum(_publish(uri, one, set(live), report) for one in planned)


def _publish(uri: str, planned: Planned, live: set[str], report: Callable[[str], None]) -> int:
    publisher = Publisher(uri, planned.name, planned.about)
    folders = list(_begun(planned))
    done = publisher.connect() and all(publisher.send(path, verify=True) for path in folders)
    if done:
        publisher.reconcile(live)
    if not done or publisher.problem:
        raise UserError(publisher.problem or "")
    report(f"{planned.name}: {len(folders)} of {len(planned.keys)} trials are in {redact(uri)}.")
    return len(folders)


def _begun(planned: Planned) -> Iterator[Path]:
    """The folders of the trials that have anything to tell."""
    for key in planned.keys:
        folder = trial_folder(key)
        if (folder / "journal.jsonl").exists():
            yield folder
