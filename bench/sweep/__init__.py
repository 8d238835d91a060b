"""Which trials remain, who runs them, and what one sees meanwhile."""
