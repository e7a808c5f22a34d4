"""A second, independent writing of the crawl key (common/crawl_key.h) in its default form, and comparison by it."""
import re
import urllib.parse

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DEFAULT_PORT = {"http": 80, "https": 443}


def _normal_octets(text):
    """%XX in upper case, unreserved octets decoded once (RFC 3986 6.2.2.1, 6.2.2.2)."""
    def octet(match):
        value = int(match.group(1), 16)
        return chr(value) if value in _UNRESERVED else match.group(0).upper()
    return re.sub(r"%([0-9A-Fa-f]{2})", octet, text)


def crawl_key(url):
    """What two URLs of one resource have in common. `url` is absolute, http or https."""
    parts = urllib.parse.urlsplit(url)
    scheme = parts.scheme.lower()
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        host = f"[{host}]"
    if parts.port is not None and parts.port != _DEFAULT_PORT.get(scheme):
        host = f"{host}:{parts.port}"
    query = f"?{_normal_octets(parts.query)}" if parts.query else ""
    return f"{scheme}://{host}{_normal_octets(parts.path) or '/'}{query}"


def differences(ours, theirs):
    """(only in ours, only in theirs): URLs, sorted, one for each key that the other set has not."""
    ours = {crawl_key(url): url for url in sorted(ours, reverse=True)}
    theirs = {crawl_key(url): url for url in sorted(theirs, reverse=True)}
    return (sorted(ours[key] for key in ours.keys() - theirs.keys()),
            sorted(theirs[key] for key in theirs.keys() - ours.keys()))
