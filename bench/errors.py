"""The one exception that is meant for a reader, and the suggestion that goes with it."""

import difflib
from collections.abc import Iterable

FEWER_WORKERS = "use fewer --workers, then run the same command again."
OUT_OF_MEMORY = f"Out of memory: {FEWER_WORKERS}"


class UserError(Exception):
    """Something the user can fix. The message is one full sentence that says what to do."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that is not known, with the closest known names.

    Args:
        kind: what was looked up, in the singular ("variant", "key of [protocol]").
        name: what the user wrote.
        known: every name that would have been accepted.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'?" if close else f"choose from {', '.join(names) or 'none'}."
    return UserError(f"There is no {kind} '{name}': {hint}")
