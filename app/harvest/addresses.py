"""Which addresses of the network may be contacted: a peer must not be able to make this node talk to its own neighbourhood.

Every check is made on numbers, after the name was resolved, so that no spelling of an address matters.
"""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from queue import Empty, SimpleQueue
from threading import Thread

from app.errors import AddressRefused, FetchFailed, Text

Address = IPv4Address | IPv6Address

LookUp = Callable[[str, int], list[str]]
"""How a host name becomes numeric addresses, for a port; raises OSError or UnicodeError."""

PORTS = frozenset({80, 443})

_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_UNICAST = IPv6Network("2000::/3")
_NOT_PUBLIC = tuple(  # beyond what `is_global` of every supported Python knows: translation, tunnels, documentation, relays, the reserved
    ip_network(text)
    for text in (
        *(
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
        ),
        *("192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)


def is_public(address: Address) -> bool:
    """Say whether `address` is an ordinary address of the public network, also when it is wrapped in another one."""
    if isinstance(address, IPv6Address):
        if address in _MAPPED or address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in _UNICAST:  # loopback, link- and site-local, unique local, multicast, IPv4-compatible, private NAT64
            return False
    return address.is_global and not any(address in network for network in _NOT_PUBLIC if network.version == address.version)


def ask_system(host: str, port: int) -> list[str]:
    """Ask the system's resolver."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def resolve(host: str, port: int, seconds: float, look_up: LookUp = ask_system) -> list[Address]:
    """Return every address of `host`, in the resolver's order. Raises FetchFailed when there is none, or none within `seconds`."""
    answers: SimpleQueue[list[Address] | OSError | ValueError] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put([ip_address(address.partition("%")[0]) for address in look_up(host, port)])
        except (OSError, ValueError) as error:
            answers.put(error)

    Thread(target=ask, name=f"resolve {host}", daemon=True).start()  # the system's resolver cannot be interrupted, only left behind
    try:
        answer = answers.get(timeout=max(seconds, 0.001))
    except Empty:
        raise FetchFailed(Text(f"Le nom {host} n'a pas pu être trouvé à temps.", f"The name {host} could not be looked up in time.")) from None
    if isinstance(answer, Exception) or not answer:
        raise FetchFailed(
            Text(f"Le nom {host} n'existe pas : vérifiez l'adresse du pair.", f"The name {host} does not exist: check the peer's address.")
        )
    return list(dict.fromkeys(answer))


def checked(host: str, port: int, seconds: float, allow_private: frozenset[str], look_up: LookUp = ask_system) -> list[Address]:
    """Return the addresses of `host` that may be contacted on `port`: all of them, or none.

    Raises AddressRefused when a single one is not public and ``host:port`` is not among those the operator allowed.
    """
    allowed = f"{host}:{port}" in allow_private or f"[{host}]:{port}" in allow_private
    if port not in PORTS and not allowed:
        raise AddressRefused(
            Text(
                f"Le port {port} de {host} n'est pas contacté : seuls 80 et 443 le sont, ou ceux que l'exploitant de ce nœud autorise.",
                f"Port {port} of {host} is not contacted: only 80 and 443 are, or those this node's operator allows.",
            )
        )
    addresses = resolve(host, port, seconds, look_up)
    if not allowed and not all(is_public(address) for address in addresses):
        raise AddressRefused(
            Text(
                f"{host} mène à une adresse privée, qui n'est pas contactée sans l'accord de l'exploitant de ce nœud.",
                f"{host} leads to a private address, which is not contacted unless this node's operator allows it.",
            )
        )
    return addresses
