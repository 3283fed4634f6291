"""`python -m app` is `maillage`."""

from app.cli import main

main()
