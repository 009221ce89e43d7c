"""`python -m worker`: the `wirewatch` command."""

from worker.cli import main

main()
