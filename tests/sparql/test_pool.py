"""Real query processes: they answer, they are stopped, they die, and others are served all the while."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from app.errors import BadQuery, Busy, QueryRefused, QueryStopped
from app.graph import Change
from app.graph.oxigraph import OxigraphStore
from app.sparql.answers import Question
from app.sparql.generations import Generations
from app.sparql.pool import Limits, Pool

RUNAWAY = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n2 ?o . ?p ?q ?r }"
HUNGRY = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n2 ?o . ?p ?q ?r } ORDER BY ?c ?f ?i ?l ?o ?r"
NAMES = 'SELECT ?name { ?s <https://schema.org/name> ?name FILTER(LANG(?name) = "fr") } ORDER BY ?name'


def test_a_question_is_answered(pool: Pool) -> None:
    """The answer says its format, what it knows of the journal, and when."""
    answer = pool.ask(Question(NAMES, accept="text/csv"))
    assert (answer.media_type, answer.position, answer.truncated) == ("text/csv", 1, False)
    assert answer.read().split(b"\r\n")[1] == b"Le g0"
    assert 0 <= time.time() - answer.created_at < 60


def test_a_process_answers_many_questions_and_sees_what_is_new(pool: Pool, store: OxigraphStore) -> None:
    """The same process goes on to newer copies."""
    pool.ask(Question(NAMES))
    store.apply([Change(None, '<urn:new> <https://schema.org/name> "Nouveau"@fr .\n', "urn:new")], 2)
    deadline = time.monotonic() + 20
    while b"Nouveau" not in (answer := pool.ask(Question(NAMES))).read():
        assert time.monotonic() < deadline
    assert answer.position == 2


def test_what_was_answered_is_answered_again_without_a_process(pool: Pool, store: OxigraphStore) -> None:
    """As long as the graph has not moved on; another question, or another format, is asked anew."""
    first = pool.ask(Question(NAMES, accept="text/csv"))
    assert pool.held(Question(NAMES, accept="text/csv")) is first
    assert pool.ask(Question(NAMES, accept="text/csv")) is first
    assert pool.held(Question(NAMES)) is None
    assert pool.held(Question(NAMES, accept="text/csv", default_graphs=("urn:a",))) is None
    store.apply([Change(None, '<urn:new> <https://schema.org/name> "Nouveau"@fr .\n', "urn:new")], 2)
    deadline = time.monotonic() + 20
    while pool.held(Question(NAMES, accept="text/csv")) is not None:
        assert time.monotonic() < deadline
    assert b"Nouveau" in pool.ask(Question(NAMES, accept="text/csv")).read()


@pytest.mark.parametrize("said", ["NOW()", "rand()", "UUID ( )", "StrUUID()", 'BNODE("a")'])
def test_what_changes_by_itself_is_never_held(pool: Pool, said: str) -> None:
    """The time, chance and new names are asked for anew each time; the same words in a text are but words."""
    question = Question(f"SELECT ({said} AS ?x) {{}}")
    pool.ask(question)
    assert pool.held(question) is None
    words = Question(f"ASK {{ FILTER('now' != '''{said}''') }}")
    assert pool.ask(words) is pool.held(words)


def test_errors_of_the_question_are_the_strangers(pool: Pool) -> None:
    """They come back with their sentences, and the process lives."""
    with pytest.raises(BadQuery, match="line 1"):
        pool.ask(Question("SELECT"))
    with pytest.raises(QueryRefused, match="SERVICE"):
        pool.ask(Question("ASK { SERVICE <http://z.example/> {} }"))
    assert pool.ask(Question("ASK {}")).read()


@pytest.mark.parametrize(
    "question",
    [Question("x" * 20_000), Question("ASK {}", default_graphs=("http://a.example/",) * 200), Question("ASK {}", named_graphs=("x" * 3000,))],
    ids=["text", "graphs", "address"],
)
def test_what_is_too_large_never_reaches_a_process(pool: Pool, question: Question) -> None:
    """Refused at the door."""
    with pytest.raises(QueryRefused):
        pool.ask(question)


@pytest.mark.parametrize("text", ["ASK { '\ud800' }"])
def test_what_is_no_text_never_reaches_a_process(pool: Pool, text: str) -> None:
    """Half a character cannot be sent."""
    with pytest.raises(BadQuery):
        pool.ask(Question(text))
    with pytest.raises(QueryRefused):
        pool.ask(Question("ASK {}", default_graphs=(text,)))


def test_a_large_answer_is_spooled_and_removed_once_read(pool: Pool, generations: Generations) -> None:
    """Its file is there until it was given out."""
    text = f"SELECT (CONCAT(?o, '{'x' * 9_000}') AS ?y) {{ ?s ?p ?o . ?a ?b ?c FILTER(isLITERAL(?o)) }} LIMIT 40"
    answer = pool.ask(Question(text))
    assert isinstance(answer.body, Path)
    assert len(list(generations.spool.iterdir())) == 1
    assert len(answer.read()) == answer.size
    assert list(generations.spool.iterdir()) == []


def test_an_answer_over_the_bytes_leaves_nothing(pool: Pool, generations: Generations) -> None:
    """A stopped answer takes its file with it."""
    text = (
        f"SELECT (CONCAT(?o, '{'x' * 9_000}') AS ?y) (CONCAT(?y, ?y, ?y, ?y, ?y, ?y) AS ?z) {{ ?s ?p ?o . ?a ?b ?c FILTER(isLITERAL(?o)) }} LIMIT 50"
    )
    with pytest.raises(QueryStopped, match="2 MB"):
        pool.ask(Question(text))
    assert list(generations.spool.iterdir()) == []


@pytest.fixture
def impatient(generations: Generations) -> Pool:
    """Two processes with little time."""
    return Pool(generations, Limits(timeout_s=1, memory_mb=128, workers=2, waiting=2))


def test_a_runaway_query_is_stopped_in_time_and_others_are_served(impatient: Pool) -> None:
    """It ends at its time with a sentence; the other process answers meanwhile; the dead one has a successor, and its copy is let go."""
    with pytest.raises(QueryStopped, match="took too long"):
        impatient.ask(Question(RUNAWAY))
    for _ in range(4):
        assert impatient.ask(Question("ASK {}")).read()
    told: list[type[Exception]] = []

    def run_away() -> None:
        try:
            impatient.ask(Question(RUNAWAY))
        except QueryStopped as error:
            told.append(type(error))

    thread = threading.Thread(target=run_away)
    thread.start()
    for _ in range(5):
        assert impatient.ask(Question("ASK {}")).read()
    thread.join()
    assert told == [QueryStopped]
    impatient.close()


def _stopped(pool: Pool, until: float) -> None:
    """Ask what takes too long."""
    with pytest.raises(QueryStopped):
        pool.ask(Question(RUNAWAY), until=until)


def test_waiting_counts(generations: Generations) -> None:
    """Who has waited has so much less time; who cannot be served before his time is over is told that too many ask."""
    pool = Pool(generations, Limits(timeout_s=600, workers=1))
    assert pool.ask(Question("ASK {}")).read()
    with pytest.raises(QueryStopped, match="took too long"):
        pool.ask(Question(RUNAWAY), until=time.monotonic() + 0.5)
    occupied = threading.Thread(target=_stopped, args=(pool, time.monotonic() + 5))
    occupied.start()
    while pool._waiting == 0:
        time.sleep(0.01)
    with pytest.raises(Busy):
        pool.ask(Question(NAMES), until=time.monotonic())
    occupied.join()
    assert pool.ask(Question(NAMES)).read()
    pool.close()


def test_a_query_that_wants_too_much_memory_is_stopped(generations: Generations) -> None:
    """The process meets its limit and dies; the node is unharmed."""
    pool = Pool(generations, Limits(timeout_s=60, memory_mb=128, workers=1))
    with pytest.raises(QueryStopped, match="too much memory"):
        pool.ask(Question(HUNGRY))
    assert pool.ask(Question("ASK {}")).read()
    pool.close()


def test_a_process_that_crashes_costs_one_question(generations: Generations) -> None:
    """Killed in mid-question by anything, it is one stopped query, and a new process answers the next."""
    pool = Pool(generations, Limits(timeout_s=60, workers=1))
    assert pool.ask(Question("ASK {}")).read()
    (process,) = pool.processes()
    threading.Timer(0.5, os.kill, (process, signal.SIGSEGV)).start()
    with pytest.raises(QueryStopped):
        pool.ask(Question(RUNAWAY))
    assert pool.ask(Question("ASK {}")).read()
    assert pool.processes() != [process]
    pool.close()


def test_a_process_that_died_between_two_questions_costs_none(generations: Generations) -> None:
    """It is replaced before it is asked."""
    pool = Pool(generations, Limits(workers=1))
    assert pool.ask(Question("ASK {}")).read()
    (process,) = pool.processes()
    os.kill(process, signal.SIGKILL)
    time.sleep(0.2)
    assert pool.ask(Question("ASK {}")).read()
    pool.close()


def test_too_many_at_once_are_told_so(impatient: Pool) -> None:
    """Two run, two wait, the others are told at once that it is busy; all of the rest are told that their time is over."""
    told: list[str] = []

    def run_away() -> None:
        try:
            impatient.ask(Question(RUNAWAY))
        except (QueryStopped, Busy) as error:
            told.append(type(error).__name__)

    threads = [threading.Thread(target=run_away) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 8
    assert told.count("Busy") >= 4
    assert "QueryStopped" in told
    impatient.close()


def test_copies_are_let_go_by_dead_and_moved_processes(impatient: Pool, store: OxigraphStore, generations: Generations) -> None:
    """However processes come and go, no more copies are kept than there are processes, and one."""
    for position in range(2, 8):
        store.apply([Change(None, "<urn:n> <urn:p> <urn:o> .\n", "urn:n")], position)
        time.sleep(0.55)
        impatient.ask(Question("ASK {}"))
    with pytest.raises(QueryStopped):
        impatient.ask(Question(RUNAWAY))
    copies = [path for path in generations.spool.parent.iterdir() if path.name.isdecimal()]
    assert len(copies) <= 3
    impatient.close()


def test_a_closed_pool_leaves_no_process(generations: Generations) -> None:
    """Every process has ended, and a question is told that nobody answers."""
    pool = Pool(generations, Limits(workers=2))
    processes = pool.processes()
    pool.close()
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    with pytest.raises(Busy):
        pool.ask(Question("ASK {}"))


def test_a_query_process_knows_nothing_of_the_nodes_environment(pool: Pool) -> None:
    """No proxy, no settings, no secret."""
    pool.ask(Question("ASK {}")).read()
    (process,) = pool.processes()
    environment = Path(f"/proc/{process}/environ")
    if not environment.exists():
        pytest.skip("this system does not show the environment of a process")
    names = {entry.partition(b"=")[0] for entry in environment.read_bytes().split(b"\0") if entry}
    assert names == {b"PYTHONPATH", b"PYTHONDONTWRITEBYTECODE", b"LC_ALL", b"MALLOC_ARENA_MAX"}


def test_a_query_process_has_no_network(pool: Pool) -> None:
    """Where the system allows it, its only interface is a loopback of its own that is down."""
    pool.ask(Question("ASK {}")).read()
    (process,) = pool.processes()
    try:
        same = Path(f"/proc/{process}/ns/net").readlink() == Path("/proc/self/ns/net").readlink()
    except OSError:
        pytest.skip("this system does not show the namespaces of a process")
    if same:
        pytest.skip("this system does not let a process give up its network")
    assert "lo:" in Path(f"/proc/{process}/net/dev").read_text()
    assert Path(f"/proc/{process}/net/dev").read_text().count(":") == 1


def test_processes_that_read_a_forgotten_copy_are_replaced(pool: Pool, generations: Generations) -> None:
    """Idle ones at once, one at work with its answer: no copy stays on disk, and questions are answered as ever."""
    pool.ask(Question(NAMES))
    before = pool.processes()

    def run_away() -> None:
        with pytest.raises(QueryStopped):
            pool.ask(Question(RUNAWAY))

    slow = threading.Thread(target=run_away)
    slow.start()
    pool.forget()
    slow.join()
    pool.forget()
    assert [path.name for path in generations.spool.parent.iterdir() if path.name.isdecimal()] == []
    assert pool.processes() != before
    assert b"Le g0" in pool.ask(Question(NAMES)).read()
