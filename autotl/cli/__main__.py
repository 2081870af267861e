"""`python -m autotl.cli` is the command `autotl`."""

from autotl.cli.app import main

main()
