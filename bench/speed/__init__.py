"""How fast a sweep is on this machine: against the loops that tutorials write, and its limit."""
