"""A process that runs texts on the engine as a query process does, with its stack, but with the network left to it.

It reads one JSON list of texts and writes one line for each: ``refused`` by the guard, ``error`` from the engine, or ``answered``.
Usage: ``engine.py SECONDS``; a text that takes longer ends the process by SIGALRM.
"""

import json
import signal
import sys
import threading

import pyoxigraph

from app.errors import BadQuery, QueryRefused
from app.sparql.confinement import STACK
from app.sparql.guard import check


def outcome(store: pyoxigraph.Store, text: str) -> str:
    """Run one text, all of its answer."""
    try:
        checked = check(text)
    except (BadQuery, QueryRefused):
        return "refused"
    try:
        result = store.query(checked.bounded(100))
        if not isinstance(result, pyoxigraph.QueryBoolean):
            list(result)
    except (SyntaxError, RuntimeError, OSError) as error:
        return f"error {type(error).__name__} {error}".replace("\n", " ")
    return "answered"


def run(texts: list[str], seconds: float) -> None:
    """Run all of them."""
    store = pyoxigraph.Store()
    store.update("INSERT DATA { <a:a> <a:p> 1, 2, 'x' . <a:b> <a:p> <a:a> . GRAPH <a:g> { <a:a> <a:p> 3 } }")
    for text in texts:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        print(outcome(store, text), flush=True)
    signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    threading.stack_size(STACK)
    thread = threading.Thread(target=run, args=(json.load(sys.stdin), float(sys.argv[1])))
    thread.start()
    thread.join()
