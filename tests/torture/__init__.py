"""Real faults on real sweeps: kills at random moments, a full disk, inputs that nobody meant."""
