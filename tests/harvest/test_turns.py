"""Many visits wait, few work, and the one that has worked stands in line again."""

import threading

from app.harvest.turns import Turns


def test_few_work_while_many_wait():
    """Twenty threads are away at the same time; never more than two are between."""
    turns, lock = Turns(2), threading.Lock()
    away, working, most = threading.Barrier(20), 0, 0

    def visit() -> None:
        nonlocal working, most
        with turns.held():
            with turns.away():
                away.wait(30)  # passes only when all twenty are here at once
            with lock:
                working += 1
                most = max(most, working)
            with lock:
                working -= 1

    threads = [threading.Thread(target=visit) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert 1 <= most <= 2


def test_whoever_waits_comes_before_the_next_piece():
    """A long piece of work gives way to the one that waits; with nobody in line it simply goes on."""
    turns, order, waits = Turns(1), [], threading.Event()

    def short() -> None:
        waits.set()
        with turns.held():
            order.append("short")

    with turns.held():
        turns.pass_on()
        order.append("long, first piece")
        thread = threading.Thread(target=short)
        thread.start()
        waits.wait(30)
        while not turns._line:
            pass
        turns.pass_on()
        order.append("long, second piece")
    thread.join(30)
    assert order == ["long, first piece", "short", "long, second piece"]


def test_a_fault_gives_the_turn_back():
    """Whatever ends the work or the waiting, the hand is free again."""
    turns = Turns(1)
    for place in (turns.held, turns.away):
        try:
            with turns.held():
                if place is turns.away:
                    with turns.away():
                        raise OSError
                raise OSError
        except OSError:
            pass
    with turns.held():
        assert turns._free == 0
    assert turns._free == 1
