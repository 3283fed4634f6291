"""Who asks: bearer tokens and their roles (RFC 6750). For the API nothing else counts, so a page from elsewhere cannot act for its reader."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.errors import Forbidden, NotSignedIn, Text
from app.journal import tokens
from app.journal.tokens import Role, Token
from app.web.asking import node_of

MISSING = Text(
    "Cette action demande un jeton : envoyez-le dans l'en-tête « Authorization: Bearer … ».",
    "This needs a token: send it in the header 'Authorization: Bearer …'.",
)
ODD = Text("L'en-tête Authorization doit être « Bearer », puis le jeton.", "The Authorization header must be 'Bearer', then the token.")


def bearer(header: str | None) -> str | None:
    """Return the token of an Authorization header, None without a header; raises NotSignedIn for another scheme."""
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn(ODD)
    return token.strip()


Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False, description="A token with a role"))]
"""Says in the API's description that a route takes a token; what the header holds is read by `bearer`, which explains itself better."""


def visitor(request: Request, _described: Credentials = None) -> Token | None:
    """Return who asks, None for a stranger; raises NotSignedIn for a token that is not valid (any more)."""
    token = bearer(request.headers.get("authorization"))
    if token is None:
        return None
    with node_of(request).journal.read() as connection:
        return tokens.check(connection, token)


def at_least(role: Role) -> Callable[[Request, Credentials], Token]:
    """Return what lets in only tokens of `role` or above: strangers get NotSignedIn, others Forbidden."""

    def check(request: Request, _described: Credentials = None) -> Token:
        token = visitor(request)
        if token is None:
            raise NotSignedIn(MISSING)
        if token.role < role:
            needed = Text(
                f"Ce jeton a le rôle « {token.role} » ; il faut « {role} ».", f"This token has the role '{token.role}'; '{role}' is needed."
            )
            raise Forbidden(needed)
        return token

    return check


Visitor = Annotated[Token | None, Depends(visitor)]
Reader = Annotated[Token, Depends(at_least(Role.READER))]
Editor = Annotated[Token, Depends(at_least(Role.EDITOR))]
Admin = Annotated[Token, Depends(at_least(Role.ADMIN))]
