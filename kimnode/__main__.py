"""`python -m kimnode` is the same program as the `kimnode` command."""

from kimnode.cli import main

main()
