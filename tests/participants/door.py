"""A connection for the tests of the door: one registered key, one signed logon, real sessions."""

import json
from typing import Any

from market.commands import Command, DisconnectMode, OpenSession
from market.events import SessionOpened
from market.ids import KeyId, ParticipantId, SessionId
from market.reasons import RejectReason
from participants.actions import Action, Close, Send, Submit
from participants.keys import Transcript, public_key_hex, sign
from participants.session import Session, SessionSettings, SessionState
from participants.throttle import TakeoverGuard

SEED = b"\1" * 32
NONCE = b"\2" * 32
WALL_NS = 1_795_305_600_000_000_000
MS = 1_000_000
SECOND = 1_000_000_000
CLIENT_NONCE = "ab" * 32


class Key:
    """One registered key."""

    def __init__(self, *, revoked: bool = False, session_id: str = "FIRM-A-1") -> None:
        self.participant_id = ParticipantId("FIRM-A")
        self.session_id = SessionId(session_id)
        self.public_key_hex = public_key_hex(SEED)
        self.revoked = revoked


class Keys:
    """A directory: ``K1`` is good, ``K2`` is revoked, there are no others."""

    def __init__(self) -> None:
        self.known = {"K1": Key(), "K2": Key(revoked=True)}

    def key(self, key_id: KeyId) -> Key | None:
        """The key of that id."""
        return self.known.get(key_id)


class Door:
    """A session with its actions sorted into what was sent, submitted and closed."""

    def __init__(
        self,
        settings: SessionSettings | None = None,
        guard: TakeoverGuard | None = None,
        *,
        environment: str = "test",
        run_id: str = "run-1",
        nonce: bytes = NONCE,
    ) -> None:
        self.session = Session(
            Keys(),
            environment=environment,
            run_id=run_id,
            nonce=nonce,
            opened_at_ns=0,
            settings=settings or SessionSettings(),
            takeovers=guard or TakeoverGuard(),
        )
        self.now_ns = 0
        self.actions: list[Action] = []

    def frame(self, frame: bytes | str, *, binary: bool | None = None) -> "Door":
        """Send one frame as it is."""
        return self.did(
            self.session.receive(frame, now_ns=self.now_ns, wall_ns=WALL_NS, binary=binary)
        )

    def ask(self, method: str, seq: int | None = None, **params: Any) -> "Door":
        """Send one message."""
        message: dict[str, Any] = {"method": method, "req_id": "7"}
        if seq is not None:
            message["seq"] = seq
        if params:
            message["params"] = params
        return self.frame(json.dumps(message))

    def order(self, seq: int, **changes: Any) -> "Door":
        """Send one good order, or a changed one."""
        return self.ask("order.new", seq, **{**GOOD_ORDER, **changes})

    def logon(self, **changes: Any) -> "Door":
        """Send a signed logon."""
        return self.frame(logon_frame(**changes))

    def live(self, *, generation: int = 3, took_over: bool = False, **changes: Any) -> "Door":
        """Log on and let the core open the session."""
        self.logon(**changes)
        return self.did(self.session.opened(opened(generation=generation, took_over=took_over)))

    def did(self, actions: list[Action]) -> "Door":
        """Keep what the session wanted, for the next look."""
        self.session.check_invariants()
        self.actions = actions
        return self

    @property
    def sent(self) -> list[dict[str, Any]]:
        """Frames of the last step, read back."""
        return [json.loads(action.frame) for action in self.actions if isinstance(action, Send)]

    @property
    def submitted(self) -> list[Command]:
        """Commands of the last step."""
        return [action.command for action in self.actions if isinstance(action, Submit)]

    @property
    def close_code(self) -> int | None:
        """Websocket close code of the last step, or None when it stayed open."""
        codes = [action.code for action in self.actions if isinstance(action, Close)]
        return codes[0] if codes else None

    @property
    def error(self) -> dict[str, Any]:
        """The one refusal of the last step."""
        (answer,) = self.sent
        assert answer["ok"] is False
        error: dict[str, Any] = answer["error"]
        return error

    def refused(self, reason: RejectReason, close_code: int | None = None) -> None:
        """The last step said no for this reason, with this policy, and submitted no request."""
        assert self.error["code"] == reason
        assert self.close_code == close_code
        assert all(command.__class__.__name__ == "CloseSession" for command in self.submitted)
        closed = self.session.status is SessionState.CLOSED
        assert closed is (close_code is not None)


GOOD_ORDER = {
    "client_order_id": "A-1001",
    "instrument_id": "ST0001",
    "side": "buy",
    "kind": "limit",
    "price": "101250",
    "quantity_units": 10,
}


def opened(*, generation: int = 3, took_over: bool = False) -> SessionOpened:
    """What the core says when the logon took effect."""
    return SessionOpened(
        session_id=SessionId("FIRM-A-1"),
        participant_id=ParticipantId("FIRM-A"),
        key_id=KeyId("K1"),
        generation=generation,
        next_report_seq=17,
        disconnect_mode=DisconnectMode.ON,
        grace_ms=0,
        took_over=took_over,
    )


def open_session(*, takeover: bool = False) -> OpenSession:
    """The command of a plain logon."""
    return OpenSession(session_id=SessionId("FIRM-A-1"), key_id=KeyId("K1"), takeover=takeover)


def logon_frame(
    *,
    seed: bytes = SEED,
    signed: dict[str, Any] | None = None,
    left_out: tuple[str, ...] = (),
    **changes: Any,
) -> str:
    """A logon; ``changes`` are sent and signed, ``signed`` is signed but not sent."""
    params: dict[str, Any] = {
        "version": 1,
        "key_id": "K1",
        "session_id": "FIRM-A-1",
        "client_nonce": CLIENT_NONCE,
        "at_ns": WALL_NS,
        "last_seen_report_seq": 0,
        "next_seq": 1,
        **changes,
    }
    wish = params.get("cancel_on_disconnect")
    facts: dict[str, Any] = {
        "environment": "test",
        "run_id": "run-1",
        "server_nonce_hex": NONCE.hex(),
        "client_nonce_hex": params["client_nonce"],
        "participant_id": "FIRM-A",
        "session_id": params["session_id"],
        "key_id": params["key_id"],
        "at_ns": params["at_ns"],
        "last_seen_report_seq": params["last_seen_report_seq"],
        "next_seq": params["next_seq"],
        "takeover": params.get("takeover", False),
        "disconnect": f"{wish['mode']}:{wish.get('grace_ms', 0)}" if wish else "",
        **(signed or {}),
    }
    params["signature"] = sign(seed, Transcript(**facts).to_bytes())
    for name in left_out:
        del params[name]
    return json.dumps({"method": "logon", "req_id": "7", "params": params})
