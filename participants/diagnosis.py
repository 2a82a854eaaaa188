"""Why a frame could not be understood: the slow, careful second look of order entry.

Purpose: name one reason, and the field where possible, for a frame the typed decoder refused.
Runs only after a failure, so its cost (several times a good decode) falls on who caused it, and
the throttle counts it.
Ordering: size, text, one JSON object, duplicate keys, method, fields; the order of the catalogue,
except that size comes before text, so that nothing is read that is too large to read.
Invariants: never raises, whatever the bytes; echoes nothing of the sender's but short plain names.
Known limits: one reason for one frame, even when several hold.
"""

import json
import re
from collections.abc import Collection
from typing import Any, Final

from market.message import Message
from market.reasons import RejectReason

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,36}")
_PLAIN_TEXT: Final = re.compile(r"[A-Za-z0-9._-]*")
_UNKNOWN_OR_MISSING_FIELD: Final = re.compile(r"field `([A-Za-z0-9._-]{1,36})`")
_PATH: Final = re.compile(r" - at `\$\.([A-Za-z0-9._-]{1,73})`")


class Refusal(Message, frozen=True, kw_only=True):
    """A refusal made at the door: nothing is journaled.

    Attributes:
        field: Where it is, as a dotted path from the envelope, if it has a place.
        method: The method asked for, if it could be read.
        req_id: The client's label, if it could be read.
        retry_after_ms: When the same request may succeed, where that is known.
        at_ns: The server's wall clock, where the client's is in doubt.
    """

    reason: RejectReason
    field: str | None = None
    method: str | None = None
    req_id: str | None = None
    retry_after_ms: int | None = None
    at_ns: int | None = None


def diagnose(
    frame: bytes | str, cause: Exception | None, methods: Collection[str], bytes_max: int
) -> Refusal:
    """The refusal for a frame that was not understood.

    Args:
        frame: What arrived.
        cause: What the typed decoder raised, or None when the frame fits the schema but its
            letters or its count of keys do not.
        methods: Every method there is.
        bytes_max: The longest message, bytes of UTF-8.
    """
    try:
        return _diagnose(frame, cause, methods, bytes_max)
    except Exception:  # noqa: BLE001  the one exception boundary: decoders raise beyond their docs
        return Refusal(reason=RejectReason.MALFORMED)


def _diagnose(
    frame: bytes | str, cause: Exception | None, methods: Collection[str], bytes_max: int
) -> Refusal:
    if len(frame) > bytes_max:
        return Refusal(reason=RejectReason.FRAME_TOO_LARGE)
    try:
        raw = frame.encode() if isinstance(frame, str) else frame
        text = raw.decode()
    except UnicodeError:
        return Refusal(reason=RejectReason.INVALID_TEXT)
    if len(raw) > bytes_max:
        return Refusal(reason=RejectReason.FRAME_TOO_LARGE)

    repeated: list[str] = []
    whole = _one_object(text, repeated)
    if whole is None:
        return Refusal(reason=RejectReason.MALFORMED)

    method, req_id = _plain_name(whole.get("method")), _plain_name(whole.get("req_id"))
    reason, field = _field_reason(whole, repeated, cause, methods)
    return Refusal(reason=reason, field=field, method=method, req_id=req_id)


def _one_object(text: str, repeated: list[str]) -> dict[str, Any] | None:
    """Read one JSON object, noting keys that occur twice at any depth; None when it is not one."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        whole = dict(found)
        if len(whole) != len(found):
            names = [name for name, _ in found]
            repeated.extend(name for name in whole if names.count(name) > 1)
        return whole

    def constant(name: str) -> Any:
        raise ValueError(name)  # NaN and Infinity are not JSON

    try:
        whole = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except (ValueError, RecursionError):
        return None
    return whole if isinstance(whole, dict) else None


def _field_reason(
    whole: dict[str, Any], repeated: list[str], cause: Exception | None, methods: Collection[str]
) -> tuple[RejectReason, str | None]:
    """Reason and field of one JSON object that is not a request."""
    if repeated:
        return RejectReason.DUPLICATE_KEY, _plain_name(repeated[0])
    method = whole.get("method")
    if isinstance(method, str) and method not in methods:
        return RejectReason.UNKNOWN_TYPE, "method"
    if cause is None:  # an escape, or letters outside the alphabet
        return RejectReason.SCHEMA, _odd_text(whole, "")
    return RejectReason.SCHEMA, _field_named_in(str(cause))


def _field_named_in(message: str) -> str | None:
    """The field a decoder's message names, as a dotted path; None when it names none."""
    path = _PATH.search(message)
    last = _UNKNOWN_OR_MISSING_FIELD.search(message)
    parts = [found.group(1) for found in (path, last) if found is not None]
    return ".".join(parts) or None


def _odd_text(whole: dict[str, Any], above: str) -> str | None:
    """Path of the first text that is not made of plain letters; None when there is none."""
    for name, value in whole.items():
        if isinstance(value, str) and _PLAIN_TEXT.fullmatch(value) is None:
            return above + name
        if isinstance(value, dict):
            below = _odd_text(value, f"{above}{name}.")
            if below is not None:
                return below
    return None


def _plain_name(value: Any) -> str | None:
    """A name that may be echoed: short and of the wire's own alphabet."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None
