"""Lets `python -m busbar_cli` do what `busbar` does."""

from busbar_cli.main import main

main()
