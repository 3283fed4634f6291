"""Records that a source no longer shows. Silence is not a withdrawal: files get cut, servers get emptied.

A record that is merely missing stays until it was missed by three visits and for a week; unless the source's own log says for certain that it is
withdrawn, or a person confirms its loss.
"""

from datetime import UTC, datetime, timedelta

from app.errors import Text
from app.harvest import lines
from app.harvest.items import End
from app.harvest.pace import moment
from app.harvest.staging import Errand
from app.journal import Journal
from app.journal.records import Head
from app.journal.visits import Item as Line

VISITS_MISSED = 3
DAYS_MISSED = 7


def stage(journal: Journal, errand: Errand, end: End) -> int:
    """Write a line for each record that the visit did not meet; return how many of these lines say nothing new (missing before, and still).

    After a visit of which nothing was sent, those missing are those that were missing before.
    """
    if not (end.complete or end.unchanged):
        return 0
    week_ago = moment(datetime.now(UTC) - timedelta(days=DAYS_MISSED))
    repeated = 0
    with journal.read() as snapshot:
        for page in lines.absent(snapshot, errand.visit_id, errand.source.id, errand.state, still=end.unchanged):
            repeated += sum(head.missed > 0 and not end.withdrawn for head in page)
            with journal.write() as c:
                lines.write(c, errand.visit_id, [_line(head, week_ago, withdrawn=end.withdrawn) for head in page])
    return repeated


def _line(head: Head, week_ago: str, *, withdrawn: bool) -> Line:
    """Return the line of one record that was not met."""
    times = head.missed + 1
    if withdrawn:
        act, message = (
            lines.WITHDRAW,
            Text("Le journal de sa source ne la contient plus : elle est retirée.", "Its source's log does not hold it any more: it is withdrawn."),
        )
    elif times >= VISITS_MISSED and head.missing_since is not None and head.missing_since <= week_ago:
        act, message = (
            lines.HIDE,
            Text(
                f"Absente depuis {times} visites et plus d'une semaine : elle est masquée.",
                f"Missing for {times} visits and more than a week: it is hidden.",
            ),
        )
    else:
        act = lines.MISS
        message = Text(
            f"Absente ({times} fois) : elle reste visible jusqu'à {VISITS_MISSED} visites et {DAYS_MISSED} jours d'absence.",
            f"Missing ({times} times): it stays visible until {VISITS_MISSED} visits and {DAYS_MISSED} days of absence.",
        )
    return Line(head.key, "gone", head.iri, message, {"act": act})
