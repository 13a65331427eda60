"""`python -m intarsia` is the command `intarsia`, where its script is on no path."""

import sys

from intarsia.cli import main

if __name__ == "__main__":
    sys.exit(main())
