"""Who signed in on the pages, with the same tokens as programs: kept in the memory of the serving process alone, so that signing out is final.

The browser holds 256 random bits in a cookie that no script reads and no other site sends (HttpOnly, SameSite=Strict); what is kept here
is their hash. Every form carries a second secret, and a form that comes from another site is refused before it is read. Whether the token
still holds is asked of the journal each time: one that is revoked ends its sessions at once.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import urlsplit

from starlette.responses import Response

from app.errors import Forbidden, NotSignedIn, OverBudget, Text
from app.journal import tokens
from app.journal.tokens import Role, Token
from app.matching.deciding import Decided
from app.web.asking import Asking

LASTS_S: Final = 12 * 3600.0
"""Seconds after which one signs in again."""

MOST: Final = 500
"""Sessions at once; the oldest ends when there are more."""

TRIES: Final = 10
"""Wrong tokens that one client may send within `WITHIN_S`."""

WITHIN_S: Final = 900.0

STEPS: Final = 50
"""Answers that can be taken back, the last one first."""

TOO_MANY = Text(
    "Trop d'essais avec des jetons qui ne sont pas valables : réessayez dans un quart d'heure.",
    "Too many tries with tokens that are not valid: try again in a quarter of an hour.",
)
NOT_ENOUGH = Text(
    "Ce jeton permet de lire, pas de juger : il faut le rôle « editor ».", "This token lets you read, not judge: the role 'editor' is needed."
)
NO_MORE = Text("Vous n'êtes plus connecté : connectez-vous, puis recommencez.", "You are no longer signed in: sign in and start again.")
ELSEWHERE = Text(
    "Ce formulaire ne vient pas d'ici, ou la page est trop ancienne. Rien n'a été fait : rechargez la page et recommencez.",
    "This form does not come from here, or the page is too old. Nothing was done: reload the page and start again.",
)


@dataclass(slots=True)
class Step:
    """Something that was decided, and the path of the page on which it was."""

    decided: Decided
    path: str


@dataclass(slots=True)
class Session:
    """One signed-in browser; `form` is the secret of its forms, `steps` what it decided, the last one at the end."""

    token_id: int
    until: float
    form: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    steps: deque[Step] = field(default_factory=lambda: deque(maxlen=STEPS))


class Sessions:
    """All of them, and the wrong tries of each client."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, token: Token) -> str:
        """Begin a session and return what the cookie holds."""
        secret = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[_hash(secret)] = Session(token.id, time.monotonic() + LASTS_S)
            while len(self._sessions) > MOST:
                self._sessions.popitem(last=False)
        return secret

    def get(self, secret: str | None) -> Session | None:
        """Return the session of a cookie, if it goes on."""
        with self._lock:
            found = self._sessions.get(_hash(secret)) if secret else None
        return found if found is not None and found.until > time.monotonic() else None

    def close(self, secret: str | None) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(_hash(secret or ""), None)

    def try_(self, client: str) -> None:
        """Let a client try a token. Raises OverBudget when too many of its tries were wrong lately."""
        now = time.monotonic()
        with self._lock:
            tries = self._tries.get(client, deque())
            while tries and tries[0] < now - WITHIN_S:
                tries.popleft()
            if len(tries) >= TRIES:
                raise OverBudget(TOO_MANY, int(WITHIN_S))

    def failed(self, client: str) -> None:
        """Note a wrong try."""
        with self._lock:
            self._tries.setdefault(client, deque(maxlen=TRIES)).append(time.monotonic())
            self._tries.move_to_end(client)
            while len(self._tries) > 10 * MOST:
                self._tries.popitem(last=False)


def _hash(secret: str) -> str:
    """What is kept of a cookie."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Signed:
    """Somebody who is signed in and may judge."""

    token: Token
    session: Session


def of(here: Asking) -> Session | None:
    """Return the session of a request, without asking whether its token still holds."""
    return _all(here).get(here.request.cookies.get(_name(here)))


def editor(here: Asking) -> Signed | None:
    """Return who is signed in, None when nobody is, or with a token that does not hold any more."""
    session = of(here)
    if session is None:
        return None
    with here.node.journal.read() as connection:
        token = tokens.standing(connection, session.token_id)
    return Signed(token, session) if token is not None and token.role >= Role.EDITOR else None


def sign_in(here: Asking, text: str) -> str:
    """Take a token as it was typed and return what the cookie is to hold. Raises NotSignedIn, Forbidden and OverBudget."""
    refuse_other_sites(here)
    known = _all(here)
    known.try_(here.client)
    try:
        with here.node.journal.read() as connection:
            token = tokens.check(connection, text)
    except NotSignedIn:
        known.failed(here.client)
        raise
    if token.role < Role.EDITOR:
        raise Forbidden(NOT_ENOUGH)
    return known.open(token)


def sign_out(here: Asking) -> None:
    """End the session of a request."""
    _all(here).close(here.request.cookies.get(_name(here)))


def checked(here: Asking, form: str) -> Signed:
    """Return who sends a form of ours; `form` is the secret that it carries. Raises NotSignedIn and Forbidden."""
    refuse_other_sites(here)
    signed = editor(here)
    if signed is None:
        raise NotSignedIn(NO_MORE)
    if not hmac.compare_digest(form.encode(), signed.session.form.encode()):
        raise Forbidden(ELSEWHERE)
    return signed


def refuse_other_sites(here: Asking) -> None:
    """Let only our own pages send forms, as the browser tells where they come from. Raises Forbidden."""
    site, origin = here.header("sec-fetch-site"), here.header("origin")
    ours = {here.header("host"), urlsplit(here.node.names.base).netloc}
    if (site is not None and site not in {"same-origin", "none"}) or (origin is not None and urlsplit(origin).netloc not in ours):
        raise Forbidden(ELSEWHERE)


def remember(here: Asking, answer: Response, secret: str) -> None:
    """Have the browser keep a session's secret until it closes or signs out."""
    answer.set_cookie(_name(here), secret, path=_path(here), httponly=True, samesite="strict", secure=_secure(here))


def forget(here: Asking, answer: Response) -> None:
    """Have the browser forget it."""
    answer.delete_cookie(_name(here), path=_path(here), httponly=True, samesite="strict", secure=_secure(here))


def _all(here: Asking) -> Sessions:
    """Return the sessions of this application."""
    return cast("Sessions", here.request.app.state.sessions)


def _secure(here: Asking) -> bool:
    """Tell whether the node is reached through TLS."""
    return here.node.names.base.startswith("https:")


def _path(here: Asking) -> str:
    """Return the path under which the cookie is sent."""
    return urlsplit(here.node.names.base).path or "/"


def _name(here: Asking) -> str:
    """Return the cookie's name; with this prefix no other host of the same domain can set it."""
    return "__Host-maillage" if _secure(here) and _path(here) == "/" else "maillage-session"
