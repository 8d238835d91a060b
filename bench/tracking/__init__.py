"""The record of a trial: its own journal first, MLflow as the mirror that everything reads."""
