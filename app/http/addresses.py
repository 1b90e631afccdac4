"""Addresses of clients: what counts as one client where a limit counts by address."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

MAX_ADDRESSES: Final = 10_000
"""Addresses whose block is remembered: reading one takes several µs."""


@lru_cache(MAX_ADDRESSES)
def block_of(address: str) -> str:
    """Return an IPv4 address itself, and of an IPv6 address the first 64 bits: a site has all the others (RFC 6177).

    Return any other text, such as that of a Unix socket, as it is.
    """
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed), 64), strict=False))
