"""One request as the handlers and the variants see it: the node that answers, what was asked, and in which language."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from app.node import RunningNode
from app.web import negotiation

COOKIE = "lang"
"""The cookie and the parameter that choose the language of pages."""

HEAD = "maillage.head"
"""The key in the scope of a request that wants headers only."""


@dataclass(frozen=True)
class Asking:
    """What a handler hands to the function that writes one variant of its answer; what few need is found out when it is needed."""

    node: RunningNode
    request: Request

    @cached_property
    def language(self) -> str:
        """The language: the address says it, or the cookie, or the browser; else the node's first."""
        offered = self.node.settings.languages
        for chosen in (self.request.query_params.get(COOKIE), self.request.cookies.get(COOKIE)):
            if chosen in offered:
                return chosen
        return negotiation.language(self.request.headers.get("accept-language"), offered)

    @cached_property
    def accept(self) -> str | None:
        """The Accept headers as one."""
        return ", ".join(self.request.headers.getlist("accept")) or None

    @property
    def chosen(self) -> str | None:
        """The language that the address itself chooses, if it does."""
        asked = self.request.query_params.get(COOKIE)
        return asked if asked in self.node.settings.languages else None

    @property
    def client(self) -> str:
        """Who asks, to share things out fairly: the address, of a machine or of an IPv6 network, that a proxy beside us says."""
        host = self.request.client.host if self.request.client else ""
        forwarded = (self.header("x-forwarded-for") or "").rpartition(",")[2].strip()
        return _network(forwarded) or host if _is_near(host) else _network(host) or host

    def header(self, name: str) -> str | None:
        """Return one header."""
        return self.request.headers.get(name)


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    """Return an IPv4 address, or the /64 that an IPv6 address is in, since a house has all of it; empty when it is no address."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    return str(found) if isinstance(found, IPv4Address) else str(ip_network((int(found) >> 64 << 64, 64)))


@lru_cache(maxsize=4096)
def _is_near(address: str) -> bool:
    """Tell whether a proxy of ours may speak from this address: this machine, or a private network."""
    try:
        return ip_address(address).is_private
    except ValueError:
        return True


def node_of(request: Request) -> RunningNode:
    """Return the node that the application was made for."""
    return cast("RunningNode", request.app.state.node)


async def asking(request: Request) -> Asking:
    """Put the request's parts together; `async` only to save a thread, nothing waits here."""
    return Asking(node_of(request), request)


Here = Annotated[Asking, Depends(asking)]


class Direct(APIRoute):
    """A route without parameters whose handler takes an `Asking` and nothing else: the front door calls it.

    The way through FastAPI's middleware, router and search for arguments takes longer than a look-up.
    """
