"""Addresses and error texts as they may be printed: this one place removes what gives access."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, unquote, urlencode

from bench import settings

_LONGEST = 300
# Up to the last "@" and from the first "?" of a word: a secret may itself hold "@", "/" and ":".
_USER = re.compile(r"(?<=://)(?!/)[^\s<>]*@")
_QUERY = re.compile(r"(\w[\w+.-]*://[^\s<>?]*)\?[^\s<>\"]*")
_NAMED = re.compile(
    r"(?i)\b(\w*(?:password|passwd|pwd|token|secret|signature)|sig)"
    r"=(?:'[^']*'|\"[^\"]*\"|[^\s&;,)]+)"
)
_ADDRESS = re.compile(r"[\w+.-]+://(?:(?!/)(?P<user>.*)@)?[^?]*\??(?P<query>.*)", re.DOTALL)


def redact(text: str, address: str = "") -> str:
    """``text`` without user names, passwords and tokens.

    Addresses in it lose their user part and their query. The secrets of the addresses that are
    known are replaced wherever they stand, because an error may quote only a part of an address.

    Args:
        text: an address, or any text for a reader.
        address: of the store that the text is about; those of the environment are known.
    """
    for secret in sorted(set(_known(text, address)), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", text)
    text = _QUERY.sub(r"\1", _USER.sub("", text))
    return _NAMED.sub(r"\1=***", text)


def reason(error: BaseException, address: str = "") -> str:
    """Why something failed: one line of at most 300 characters that may be printed."""
    said = " ".join(redact(str(error), address).split())
    return said[:_LONGEST] or type(error).__name__


def _known(text: str, address: str) -> Iterator[str]:
    """Every secret that is known, in each form that it may take."""
    plain = {settings.get(name) for name in settings.PASSWORDS}
    own = (settings.get(name) for name in (settings.TRACKING_URI, settings.REGISTRY_URI))
    for known in (text, address, *own):
        plain |= {unquote(secret) for secret in _of(known)}
        yield from filter(None, _of(known))
    for secret in filter(None, plain):
        yield from (secret, quote(secret, safe=""), quote(secret))


def _of(address: str) -> Iterator[str]:
    """The password of an address, and the values of its query that are named like a secret."""
    parts = _ADDRESS.match(address)
    if parts is None:
        return
    yield (parts["user"] or "").partition(":")[2]
    for name, value in parse_qsl(parts["query"]):
        if _NAMED.search(urlencode({name: "value"})):
            yield value
