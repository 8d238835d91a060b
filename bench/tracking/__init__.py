"""The record of a trial: its own event log first, MLflow as the mirror that everything reads."""
