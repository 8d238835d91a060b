"""What a trial is, and the record of it that crosses every room."""

from bench.trials.record import TrialRecord
from bench.trials.trial import Trial

__all__ = ["Trial", "TrialRecord"]
