"""Run benchmarks and print their tables: ``python -m tests.benchmarks [name…] [--groups N]``."""

import argparse
import sys

from tests.benchmarks import following, generations, harvest, load, lookup, matching, publishing, questions, remote, sparql

BENCHMARKS = {
    "sparql": sparql.run,
    "lookup": lookup.run,
    "crowd": lookup.crowd,
    "questions": questions.run,
    "remote": remote.run,
    "harvest": harvest.run,
    "following": following.run,
    "load": load.run,
    "publishing": publishing.run,
    "matching": matching.run,
    "generations": generations.run,
}


def main() -> None:
    """Run those that are named, or all; `--groups` replaces the size that each has by itself."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="name", help=", ".join(BENCHMARKS))
    parser.add_argument("--groups", type=int, help="how many groups")
    chosen = parser.parse_args()
    for name in chosen.names or BENCHMARKS:
        sys.stdout.write((BENCHMARKS[name](chosen.groups) if chosen.groups else BENCHMARKS[name]()) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
