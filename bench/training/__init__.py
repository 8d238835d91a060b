"""One trial: its steps, its evaluation points, its checkpoints and its end."""
