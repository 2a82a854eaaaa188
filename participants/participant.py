"""Trading participants (取引参加者), their keys and the generations of their sessions.

Purpose: who may ask. Core state: it changes only inside a journaled step, from commands.
Ordering: a request is checked for its generation first (``check_session``), then the answer memory
is asked, then the kill switch (``check_entitled``); see market/reasons.py.
Invariants: a session belongs to one firm for ever; it has at most one live generation, and
generations only grow; a revoked key never opens a session again; a key id is never used twice.
Known limits: limits are replaced whole; who may raise them is the operator's business.
Source of takeover and generation rules: the public error contract (STALE_GENERATION,
SESSION_ACTIVE), MiFID-style kill functionality for the kill switch.
"""

import re
from dataclasses import dataclass
from typing import Final

from market.commands import (
    AmendOrder,
    CancelOnDisconnect,
    CloseSession,
    DisconnectMode,
    NewOrder,
    OpenSession,
    ParticipantLimits,
    RegisterKey,
    RegisterParticipant,
    Request,
    RevokeKey,
    Unkill,
)
from market.errors import check
from market.events import (
    CommandRefused,
    Event,
    KeyRegistered,
    KeyRevoked,
    ParticipantKilled,
    ParticipantRegistered,
    ParticipantUnkilled,
    SessionClosed,
    SessionOpened,
    SessionRefused,
)
from market.ids import KeyId, ParticipantId, SessionId
from market.reasons import RejectReason

_PARTICIPANT_ID: Final = re.compile(r"[A-Z0-9-]{1,16}")
_NAME_OF_KEY_OR_SESSION: Final = re.compile(r"[A-Za-z0-9._-]{1,36}")
_PUBLIC_KEY_HEX: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(slots=True)
class Firm:
    """One admitted firm; ``killed`` refuses new orders and amendments, never cancels."""

    participant_id: ParticipantId
    name: str
    limits: ParticipantLimits
    killed: bool = False


@dataclass(slots=True)
class Key:
    """One public key (Ed25519, 64 lower-case hex digits), bound to one session."""

    key_id: KeyId
    participant_id: ParticipantId
    session_id: SessionId
    public_key_hex: str
    revoked: bool = False


@dataclass(slots=True)
class SessionRecord:
    """What the core knows of a session; ``generation`` 0 has never been opened.

    ``grace_pending`` stands from a loss in mode ``grace`` until the orders are canceled or a newer
    generation opens. It is core state, so a crash in between neither loses nor repeats the cancel.
    """

    session_id: SessionId
    participant_id: ParticipantId
    generation: int = 0
    live: bool = False
    disconnect_mode: DisconnectMode = DisconnectMode.OFF
    grace_ms: int = 0
    grace_pending: bool = False
    key_id: KeyId | None = None


class Participants:
    """Firms, keys and sessions. Every method returns what happened; refusals are events too."""

    def __init__(self) -> None:
        self.firms: dict[ParticipantId, Firm] = {}
        self.keys: dict[KeyId, Key] = {}
        self.sessions: dict[SessionId, SessionRecord] = {}

    # --- admission

    def register(self, cmd: RegisterParticipant) -> list[Event]:
        """Admit a firm or replace its name and limits; a kill stays in force."""
        if _PARTICIPANT_ID.fullmatch(cmd.participant_id) is None:
            return _refused(RejectReason.SCHEMA, "a participant id is 1 to 16 of A-Z 0-9 -")
        limits = cmd.limits
        lowest = min(
            limits.credit_yen,
            limits.max_order_value_yen,
            limits.max_order_units,
            limits.max_open_orders,
        )
        if lowest < 0:
            return _refused(RejectReason.OUT_OF_RANGE, "a limit is not negative")

        firm = self.firms.get(cmd.participant_id)
        if firm is None:
            self.firms[cmd.participant_id] = Firm(cmd.participant_id, cmd.name, limits)
        else:
            firm.name, firm.limits = cmd.name, limits
        return [
            ParticipantRegistered(participant_id=cmd.participant_id, name=cmd.name, limits=limits)
        ]

    def register_key(self, cmd: RegisterKey) -> list[Event]:
        """Bind a key to a session. The same registration twice is refused as DUPLICATE."""
        if cmd.participant_id not in self.firms:
            return _refused(RejectReason.NOT_ENTITLED, "no such participant")
        if _NAME_OF_KEY_OR_SESSION.fullmatch(cmd.key_id) is None:
            return _refused(RejectReason.SCHEMA, "a key id is 1 to 36 of A-Z a-z 0-9 . _ -")
        if _NAME_OF_KEY_OR_SESSION.fullmatch(cmd.session_id) is None:
            return _refused(RejectReason.SCHEMA, "a session id is 1 to 36 of A-Z a-z 0-9 . _ -")
        if _PUBLIC_KEY_HEX.fullmatch(cmd.public_key_hex) is None:
            return _refused(RejectReason.SCHEMA, "a public key is 64 lower-case hex digits")
        session = self.sessions.get(cmd.session_id)
        if session is not None and session.participant_id != cmd.participant_id:
            return _refused(RejectReason.ID_CONFLICT, "the session belongs to another participant")
        known = self.keys.get(cmd.key_id)
        if known is not None:
            same = (known.session_id, known.public_key_hex) == (cmd.session_id, cmd.public_key_hex)
            if same and not known.revoked:
                return _refused(RejectReason.DUPLICATE, "the key is registered already")
            return _refused(RejectReason.ID_CONFLICT, "the key id was used before")

        self.keys[cmd.key_id] = Key(
            cmd.key_id, cmd.participant_id, cmd.session_id, cmd.public_key_hex
        )
        if session is None:
            self.sessions[cmd.session_id] = SessionRecord(cmd.session_id, cmd.participant_id)
        return [
            KeyRegistered(
                key_id=cmd.key_id,
                participant_id=cmd.participant_id,
                session_id=cmd.session_id,
                public_key_hex=cmd.public_key_hex,
            )
        ]

    def revoke_key(self, cmd: RevokeKey) -> list[Event]:
        """Refuse a key from now on; the generation it opened, if live, is closed as well."""
        key = self.keys.get(cmd.key_id)
        if key is None:
            return _refused(RejectReason.NOT_ENTITLED, "no such key")
        if key.revoked:
            return _refused(RejectReason.DUPLICATE, "the key is revoked already")

        key.revoked = True
        events: list[Event] = [KeyRevoked(key_id=cmd.key_id)]
        session = self.sessions[key.session_id]
        if session.live and session.key_id == cmd.key_id:
            session.live = False
            session.grace_pending = session.disconnect_mode is DisconnectMode.GRACE
            events.append(
                SessionClosed(session_id=session.session_id, generation=session.generation)
            )
        return events

    # --- sessions

    def open_session(
        self, cmd: OpenSession, default_mode: DisconnectMode, next_report_seq: int
    ) -> list[Event]:
        """Raise the session's generation after a verified logon.

        Args:
            cmd: The logon.
            default_mode: What a lost connection does when the logon does not say.
            next_report_seq: The number the session's next report will carry.
        """
        key = self.keys.get(cmd.key_id)
        session = self.sessions.get(cmd.session_id)
        if key is None or session is None or key.revoked or key.session_id != cmd.session_id:
            return [SessionRefused(session_id=cmd.session_id, reason=RejectReason.AUTH_FAILED)]
        if session.live and not cmd.takeover:
            return [SessionRefused(session_id=cmd.session_id, reason=RejectReason.SESSION_ACTIVE)]

        took_over = session.live
        session.generation += 1
        session.live = True
        session.key_id = cmd.key_id
        session.disconnect_mode = cmd.disconnect_mode or default_mode
        session.grace_ms = cmd.grace_ms
        session.grace_pending = False
        return [
            SessionOpened(
                session_id=session.session_id,
                participant_id=session.participant_id,
                key_id=cmd.key_id,
                generation=session.generation,
                next_report_seq=next_report_seq,
                disconnect_mode=session.disconnect_mode,
                grace_ms=session.grace_ms,
                took_over=took_over,
            )
        ]

    def close_session(self, cmd: CloseSession) -> list[Event]:
        """End a generation; nothing happens when it is not the live one."""
        session = self.sessions.get(cmd.session_id)
        if session is None or not session.live or session.generation != cmd.generation:
            return []

        session.live = False
        session.grace_pending = not cmd.orderly and session.disconnect_mode is DisconnectMode.GRACE
        return [SessionClosed(session_id=cmd.session_id, generation=cmd.generation)]

    def end_grace(self, cmd: CancelOnDisconnect) -> bool:
        """Whether that generation's grace time was running; it is over now."""
        session = self.sessions.get(cmd.session_id)
        if session is None or not session.grace_pending or session.generation != cmd.generation:
            return False

        session.grace_pending = False
        return True

    # --- requests

    def check_session(self, cmd: Request) -> RejectReason | None:
        """Whether the request comes from the live generation of a session of its firm."""
        session = self.sessions.get(cmd.session_id)
        if session is None or session.generation != cmd.generation or not session.live:
            return RejectReason.STALE_GENERATION
        if session.participant_id != cmd.participant_id:
            return RejectReason.NOT_ENTITLED
        return None

    def check_entitled(self, cmd: Request) -> RejectReason | None:
        """Whether the firm may do this now; a killed firm may only take orders off."""
        if self.firms[cmd.participant_id].killed and isinstance(cmd, NewOrder | AmendOrder):
            return RejectReason.KILLED
        return None

    def check(self, cmd: Request) -> RejectReason | None:
        """Both checks at once, for requests that carry no client order id of their own."""
        return self.check_session(cmd) or self.check_entitled(cmd)

    def kill(self, participant_id: ParticipantId) -> list[Event]:
        """Stop a firm's order entry; nothing more happens when it is stopped already."""
        firm = self.firms[participant_id]
        if firm.killed:
            return []

        firm.killed = True
        return [ParticipantKilled(participant_id=participant_id)]

    def unkill(self, cmd: Unkill) -> list[Event]:
        """Let a killed firm enter orders again."""
        firm = self.firms.get(cmd.participant_id)
        if firm is None:
            return _refused(RejectReason.NOT_ENTITLED, "no such participant")
        if not firm.killed:
            return _refused(RejectReason.DUPLICATE, "the participant is not stopped")

        firm.killed = False
        return [ParticipantUnkilled(participant_id=cmd.participant_id)]

    # --- evidence

    def check_invariants(self) -> None:
        """Check what must hold between commands. O(keys + sessions)."""
        for key in self.keys.values():
            session = self.sessions.get(key.session_id)
            check(session is not None, "a key's session exists", key=key.key_id)
            check(key.participant_id in self.firms, "a key's firm exists", key=key.key_id)
        for session in self.sessions.values():
            if not session.live:
                continue
            check(not session.grace_pending, "grace is of the lost", session=session.session_id)
            opener = self.keys.get(session.key_id) if session.key_id is not None else None
            check(opener is not None, "a live session has a key", session=session.session_id)
            check(session.generation > 0, "a live session was opened", session=session.session_id)
            if opener is not None:
                check(not opener.revoked, "a live session's key is valid", key=opener.key_id)
                check(
                    opener.participant_id == session.participant_id,
                    "a session and its key belong to one firm",
                    session=session.session_id,
                )

    def state(self) -> dict[str, object]:
        """Everything here as plain values, in sorted order."""
        return {
            "firms": [
                [
                    firm.participant_id,
                    firm.name,
                    firm.limits.credit_yen,
                    int(firm.limits.short_units_allowed),
                    firm.limits.max_order_value_yen,
                    firm.limits.max_order_units,
                    firm.limits.max_open_orders,
                    int(firm.killed),
                ]
                for _, firm in sorted(self.firms.items())
            ],
            "keys": [
                [
                    key.key_id,
                    key.participant_id,
                    key.session_id,
                    key.public_key_hex,
                    int(key.revoked),
                ]
                for _, key in sorted(self.keys.items())
            ],
            "sessions": [
                [
                    session.session_id,
                    session.participant_id,
                    session.generation,
                    int(session.live),
                    session.disconnect_mode.value,
                    session.grace_ms,
                    int(session.grace_pending),
                    session.key_id or "",
                ]
                for _, session in sorted(self.sessions.items())
            ],
        }


def _refused(reason: RejectReason, detail: str) -> list[Event]:
    return [CommandRefused(reason=reason, detail=detail)]
