"""`python -m intarsia` is the command `intarsia`, where its script is on no path."""

import sys

from intarsia.cli import main

sys.exit(main())
