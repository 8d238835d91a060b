"""ganbench: GAN variants on MNIST over seeds, one pinned ruler, and which differences are real."""

__version__ = "0.1.0"
