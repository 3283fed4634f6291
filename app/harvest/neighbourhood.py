"""Whose subscriptions are whose: many names of one machine are one neighbour, so that a stranger with one machine cannot fill a list.

Names cost nothing, addresses of the network do: hosts are compared in one spelling, and counted by the network that answered.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from ipaddress import IPv6Address, ip_address, ip_network

from app.errors import AddressRefused, BadRequest
from app.harvest import fetch
from app.journal.subscribers import Subscriber

WIDTHS = {4: 24, 6: 48}
"""The bits of an address that tell networks apart, by its version."""


def host_of(url: str) -> str:
    """Return the host of an address in one spelling: lower case, IDNA, without final dot or port. Raises BadRequest."""
    return server_of(url)[0]


def server_of(url: str) -> tuple[str, int]:
    """Return the host of an address in one spelling, and its port. Raises BadRequest."""
    try:
        host, port = fetch.server_of(url)
    except AddressRefused as error:
        raise BadRequest(error.text) from error
    try:
        return str(ip_address(host.strip("[]"))), port
    except ValueError:
        return host, port


def network_of(address: str) -> str:
    """Return the network of a numeric address: 24 bits of it, or 48 of the longer kind; what is no such address stands for itself."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    return str(ip_network((found, WIDTHS[found.version]), strict=False))


def weakest(held: Iterable[Subscriber], networks: Mapping[str, str], network: str | None) -> Subscriber | None:
    """Return the subscriber that makes room for one of `network`: a failing one, else the least proven of a network that holds more.

    `networks` is by callback. None when all are as good as the newcomer: then it has to wait.
    """
    listed = list(held)
    crowds = Counter(networks.get(one.callback, one.callback) for one in listed)

    def crowd(one: Subscriber) -> int:
        return crowds[networks.get(one.callback, one.callback)]

    found = max(listed, key=lambda one: (one.failures, crowd(one), one.last_ping_at is None, one.id), default=None)
    if found is None or (not found.failures and crowd(found) <= (crowds[network] if network else 0) + 1):
        return None
    return found
