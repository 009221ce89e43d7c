"""What Wirewatch does a second, and what it costs: `make bench`, or `python -m bench --help`. No part of the package.

The mail and webhook receivers and the private PostgreSQL are those of the tests.
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "tests"))
