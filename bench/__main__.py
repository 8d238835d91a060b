"""``python -m bench`` is ``ganbench``."""

from bench.cli import main

if __name__ == "__main__":
    main()
