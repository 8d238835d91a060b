"""MNIST: fetched, verified, held as uint8 tensors, and dealt in a reproducible order."""
