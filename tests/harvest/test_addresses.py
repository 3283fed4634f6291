"""The network's own neighbourhood cannot be reached through any spelling, wrapping or name."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import AddressRefused, FetchFailed
from app.harvest.addresses import checked, is_public

PRIVATE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1",
    "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a00:1",
    "64:ff9b:1::808:808", "100::1", "2001::1", "2001:0:53aa:64c:0:0:80ff:fffe", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1",
    "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip


@pytest.mark.parametrize("text", PRIVATE)
def test_every_kind_of_private_address_is_known(text):
    """Loopback, private, link- and site-local, carrier-grade, relay, tunnel, documentation and multicast addresses are not public."""
    assert not is_public(ip_address(text))


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "193.0.6.139", "2001:67c:2e8:22::c100:68b", "2a00:1450:4007:80e::200e", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_ordinary_addresses_are_public(text):
    """An ordinary address is public, also when it is mapped into IPv6 or translated by a network's own NAT64."""
    assert is_public(ip_address(text))


@given(st.integers(0, 2**32 - 1))
def test_wrapping_never_opens_a_door(number):
    """An IPv4 address is never public in a wrapping when it is not public by itself."""
    plain = IPv4Address(number)
    wrapped = [
        IPv6Address(number),
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address((0x64FF9B << 96) | number),
        IPv6Address(0x2002 << 112 | number << 80),
    ]
    assert is_public(plain) or not any(is_public(address) for address in wrapped)


SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "0",
    "0.0.0.0",
    "localhost",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
]


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_loopback_gets_through(host):
    """However the address of this machine is written, it is refused, or is no name at all."""
    with pytest.raises((AddressRefused, FetchFailed)):
        checked(host, 80, 5, frozenset())


def test_only_the_web_s_ports_are_contacted():
    """A port that is neither 80, 443 nor allowed is refused before any name is looked up."""
    with pytest.raises(AddressRefused, match="Port 25"):
        checked("no-such-host.invalid", 25, 5, frozenset())


def test_the_operator_s_word_opens_one_door_only():
    """`host:port` that the operator allowed may be private; the same host on another port may not."""
    assert checked("127.0.0.1", 8001, 5, frozenset({"127.0.0.1:8001"})) == [IPv4Address("127.0.0.1")]
    with pytest.raises(AddressRefused):
        checked("127.0.0.1", 80, 5, frozenset({"127.0.0.1:8001"}))
