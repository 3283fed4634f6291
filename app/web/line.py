"""Those who wait for an answer to SPARQL, in order, in the event loop: nobody takes a thread before it is his turn.

So a crowd of slow questions leaves the threads, and with them every other address of the node, alone.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.sparql.answers import Answer, Question
from app.sparql.pool import Limits, Pool, busy
from app.sparql.processes import out_of_time
from app.sparql.turns import Turn

SHARE = 0.625
"""The part of the line that one client may take."""

MOMENT_S = 0.001
"""How long the event loop stands still for an answer while nobody else asks: a look-up's comes within it, and waking up again takes as long."""


class Line:
    """The line before `pool`; as many are served at once as it has processes."""

    def __init__(self, pool: Pool, limits: Limits) -> None:
        self._pool = pool
        self._limits = limits
        self._served = asyncio.Semaphore(limits.workers)
        self._waiting: Counter[str] = Counter()
        self._asking = 0

    @property
    def _is_alone(self) -> bool:
        """Whether one question is asked and no more."""
        return self._asking == 1 and not self._waiting

    async def ask(self, question: Question, client: str) -> Answer:
        """Answer a question, in the time that one may take, the waiting included. Raises what `Pool.ask` raises."""
        async with self.turn(client) as until:
            held = self._pool.held(question)  # many ask the same at once: the first has answered for all
            if held is not None:
                return held
            turn = self._pool.asked(question, client, until)
            if turn is None:
                return await asyncio.to_thread(self._pool.ask, question, client, until)
            return await _heard_out(turn, MOMENT_S if self._is_alone else 0.0)

    @asynccontextmanager
    async def turn(self, client: str) -> AsyncIterator[float]:
        """Wait until it is this client's turn; gives when he must have been answered. Raises Busy when too many wait, or it takes too long."""
        until = self._pool.until()
        if self._waiting.total() >= self._limits.waiting or self._waiting[client] >= SHARE * self._limits.waiting:
            raise busy()
        await self._wait(client)
        self._asking += 1
        try:
            yield until
        finally:
            self._asking -= 1
            self._served.release()

    async def _wait(self, client: str) -> None:
        """Stand in the line, if there is one."""
        if not self._served.locked():
            await self._served.acquire()
            return
        self._waiting[client] += 1
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                await self._served.acquire()
        except TimeoutError as error:
            raise busy() from error
        finally:
            self._waiting[client] -= 1
            if not self._waiting[client]:
                del self._waiting[client]


async def _heard_out(turn: Turn, moment_s: float) -> Answer:
    """Follow a process's answer as it comes; a look-up's is there within a moment. Raises QueryStopped at its deadline."""
    try:
        turn.begin()
        return (turn.received() if turn.at_hand(moment_s) else None) or await _followed(turn)
    finally:
        if turn.answered:
            turn.end()
        else:
            await asyncio.to_thread(turn.end)


async def _followed(turn: Turn) -> Answer:
    """Take the pieces until the answer is whole."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(turn.descriptor, readable.set)
    try:
        async with asyncio.timeout(turn.seconds_left):
            while True:
                await readable.wait()
                readable.clear()
                answer = turn.received()
                if answer is not None:
                    return answer
    except TimeoutError as error:
        raise out_of_time() from error
    finally:
        loop.remove_reader(turn.descriptor)
