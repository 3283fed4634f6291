"""Pages for those who are signed in, and the forms that they send: never kept by a cache, never shown inside a page of others."""

import re
from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, Request
from starlette.responses import RedirectResponse, Response

from app.errors import BadRequest, Text, TooLarge, UnsupportedType
from app.web import bodies, replies
from app.web.asking import COOKIE, Asking
from app.web.bodies import Unread
from app.web.frontdoor import PAGE_POLICY
from app.web.negotiation import HTML
from app.web.pages.layout import Page
from app.web.problems import refusals
from app.web.replies import PRIVATE

FORM: Final = "application/x-www-form-urlencoded"
LARGEST: Final = 20_000
"""Bytes of a form."""

FIELDS: Final = 300
LONGEST_REASON: Final = 2000

HEADERS: Final = {
    "Cache-Control": PRIVATE,
    "Content-Security-Policy": PAGE_POLICY.replace("frame-ancestors 'self'", "frame-ancestors 'none'"),
    "Cross-Origin-Resource-Policy": "same-origin",
}

_BACK: Final = re.compile(r"/review(?:/[a-z0-9/-]*)?(?:\?[A-Za-z0-9%&=+._~-]*)?\Z")

REFUSALS: Final = refusals(BadRequest, TooLarge, UnsupportedType)
NOT_READ: Final = Text("Le formulaire n'a pas pu être lu : rechargez la page.", "The form could not be read: reload the page.")
Fields = Annotated[bytes, Depends(bodies.at_most(LARGEST))]


class Sent:
    """The fields of a form, read once."""

    def __init__(self, request: Request, body: bytes) -> None:
        """Raises UnsupportedType and BadRequest."""
        if bodies.media_type(request) != FORM:
            raise Unread(NOT_READ, (FORM,))
        try:
            self.pairs = parse_qsl(body.decode("ascii"), max_num_fields=FIELDS, strict_parsing=bool(body), keep_blank_values=True, errors="strict")
        except ValueError as error:
            raise BadRequest(NOT_READ) from error

    def one(self, name: str) -> str:
        """Return a field, empty when it is missing."""
        return next((value for key, value in self.pairs if key == name), "")

    def every(self, name: str) -> list[str]:
        """Return all values of a field."""
        return list(dict.fromkeys(value for key, value in self.pairs if key == name))

    def reason(self) -> str | None:
        """Return why somebody judged so, None when nothing is said. Raises BadRequest."""
        text = self.one("reason").strip()
        if len(text) > LONGEST_REASON or any(not letter.isprintable() and letter not in "\r\n\t" for letter in text):
            raise BadRequest(
                Text(
                    f"La raison est un texte d'au plus {LONGEST_REASON} caractères, sans caractère invisible.",
                    f"The reason is a text of at most {LONGEST_REASON} characters without invisible ones.",
                )
            )
        return text or None


def page(here: Asking, body: bytes, status: int = 200) -> Response:
    """Answer with a page for one reader alone."""
    headers = {**HEADERS, "Content-Language": here.language, "Vary": "Cookie, Accept-Encoding, Accept-Language"}
    answer = replies.whole(here, body, replies.content_type(HTML), headers, status)
    if here.chosen:
        answer.set_cookie(COOKIE, here.chosen, max_age=replies.YEAR_S, samesite="lax", secure=here.node.names.base.startswith("https:"))
    return answer


def go(here: Asking, path: str, pairs: Mapping[str, str] | None = None) -> RedirectResponse:
    """Send the browser on to a page of ours, to be got."""
    return RedirectResponse(Page(here).to(path, (pairs or {}).items()), 303, headers={"Cache-Control": PRIVATE})


def sign_in_first(here: Asking) -> RedirectResponse:
    """Send a stranger to sign in, and back here afterwards."""
    query = here.request.url.query
    path = here.request.scope["path"] + (f"?{query}" if query else "")
    return go(here, "/sign-in", {"next": back(path)})


def back(path: str) -> str:
    """Return a path that one may be sent back to: one of ours, the queue when it is anything else.

    >>> back("/review?band=near"), back("//elsewhere.example/review")
    ('/review?band=near', '/review')
    """
    return path if _BACK.match(path) else "/review"


def with_query(path: str, pairs: Mapping[str, str]) -> str:
    """Return a path with its parameters."""
    return f"{path}?{urlencode(pairs)}" if pairs else path
