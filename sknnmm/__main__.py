"""``python -m sknnmm``: the command line."""

from sknnmm.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
