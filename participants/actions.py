"""What a session wants done: it touches no socket and no sequencer, it returns these in order.

Ordering: a gateway carries out one list from left to right and does not mix two lists.
Invariants: nothing follows a ``Close``, and there is at most one in the life of a connection.
"""

from market.commands import CloseSession, OpenSession
from market.message import Message
from market.reasons import RejectReason
from participants.wire import Identity, OrderCommand, QueryRequest


class Send(Message, frozen=True, kw_only=True):
    """Write one text frame."""

    frame: bytes


class Submit(Message, frozen=True, kw_only=True):
    """Put a command into the sequencer's inbox; when it is full call ``Session.not_submitted``."""

    command: OrderCommand | OpenSession | CloseSession


class Resend(Message, frozen=True, kw_only=True):
    """Answer, then write the reports ``from_seq`` to ``to_seq`` again, as far as they exist.

    Whether they are still kept is core state, so the gateway answers: the range, or OUT_OF_RANGE.
    """

    from_seq: int
    to_seq: int
    req_id: str


class Query(Message, frozen=True, kw_only=True):
    """Answer from core state with ``wire.encode_result``, for this firm only."""

    request: QueryRequest
    identity: Identity


class Close(Message, frozen=True, kw_only=True):
    """Close the websocket.

    Attributes:
        code: Websocket close code.
        reason: Why; None for a clean logout.
    """

    code: int
    reason: RejectReason | None


Action = Send | Submit | Resend | Query | Close
