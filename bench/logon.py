"""A client's logon and requests as text, for the load client and for sessions without a socket."""

import json
from typing import Any

import msgspec
from venue_flow import SECRET, firm_of, key_of, request_fields

from market.commands import Request
from market.ids import SessionId
from participants.keys import Transcript, sign

_encode = msgspec.json.Encoder().encode


def logon_text(hello: dict[str, Any], session_id: SessionId) -> bytes:
    """The signed logon that answers a hello."""
    client_nonce = "ab" * 32
    key_id = key_of(session_id)
    transcript = Transcript(
        environment=hello["environment"],
        run_id=hello["run_id"],
        server_nonce_hex=hello["nonce"],
        client_nonce_hex=client_nonce,
        participant_id=firm_of(session_id),
        session_id=session_id,
        key_id=key_id,
        at_ns=hello["at_ns"],
        last_seen_report_seq=0,
        next_seq=1,
        takeover=False,
        disconnect="off:0",
    )
    params = {
        "version": 1,
        "key_id": key_id,
        "session_id": session_id,
        "client_nonce": client_nonce,
        "at_ns": hello["at_ns"],
        "last_seen_report_seq": 0,
        "next_seq": 1,
        "takeover": False,
        "cancel_on_disconnect": {"mode": "off"},
        "signature": sign(SECRET, transcript.to_bytes()),
    }
    return json.dumps({"method": "logon", "req_id": "logon", "params": params}).encode()


def request_text(request: Request, seq: int) -> bytes:
    """A request with its number in its session."""
    method, params = request_fields(request)
    return _encode({"method": method, "req_id": request.req_id, "seq": seq, "params": params})
