"""Answers are held within bounds, and only those of the newest copy of the store."""

from pathlib import Path

from app.sparql.answers import OVERHEAD, Answer, Answers, Question
from app.sparql.generations import Generation


def generation(number: int) -> Generation:
    """A copy made at that moment."""
    return Generation(Path(f"/none/{number}"), number, float(number))


def answer(body: bytes | Path) -> Answer:
    """An answer with this body."""
    return Answer("text/csv", truncated=False, size=len(body) if isinstance(body, bytes) else 10, position=1, created_at=1.0, body=body)


def test_those_that_nobody_asks_for_go_first() -> None:
    """When there is no room any more."""
    copy, answers = generation(1), Answers(most_bytes=3 * (OVERHEAD + 100))
    for name in "abc":
        answers.keep(copy, Question(name), answer(b"x" * 90))
    assert answers.given(copy, Question("a")) is not None
    answers.keep(copy, Question("d"), answer(b"x" * 90))
    assert [name for name in "abcd" if answers.given(copy, Question(name))] == ["a", "c", "d"]


def test_one_that_fills_all_the_room_is_not_held() -> None:
    """And leaves nothing behind."""
    copy, answers = generation(1), Answers(most_bytes=5000)
    answers.keep(copy, Question("a"), answer(b"x" * 6000))
    assert answers.given(copy, Question("a")) is None
    answers.keep(copy, Question("b"), answer(b"x" * 3000))
    assert answers.given(copy, Question("b")) is not None


def test_an_answer_in_a_file_is_not_held() -> None:
    """It is given out once."""
    copy, answers = generation(1), Answers()
    answers.keep(copy, Question("a"), answer(Path("/none/answer")))
    assert answers.given(copy, Question("a")) is None


def test_only_the_newest_copy_counts() -> None:
    """What comes late from an older copy is not held, and what was held of it is forgotten."""
    old, new, answers = generation(1), generation(2), Answers()
    answers.keep(old, Question("a"), answer(b"old"))
    answers.keep(new, Question("b"), answer(b"new"))
    answers.keep(old, Question("b"), answer(b"old"))
    assert answers.given(old, Question("a")) is None
    assert answers.given(new, Question("a")) is None
    held = answers.given(new, Question("b"))
    assert held is not None
    assert held.body == b"new"
