"""What a trial is and all that is kept of it: experiment, record, status, event log, provenance."""

from bench.trials.record import TrialRecord
from bench.trials.trial import Trial

__all__ = ["Trial", "TrialRecord"]
