"""A problem as a page: the same sentence that programs get, and where to go from there."""

from app.web.asking import Asking
from app.web.pages.layout import render
from app.web.problems import Problem


def page(here: Asking, found: Problem) -> bytes:
    """Write the page of one problem."""
    return render(here, "problem.html", problem=found)
