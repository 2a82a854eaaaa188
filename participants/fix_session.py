"""One FIX connection as a state machine without I/O: messages in, actions out.

Purpose: the whole session layer of FIX 4.2 and 4.4 (logon, heartbeat, test request, resend and gap
fill, sequence reset, reject, logout), for all doors: START's, our own 4.4, and the drop copy.
States, and what moves a session on::

    CONNECTED    --Logon in order-->          LOGGING_ON  (OpenSession submitted)
    LOGGING_ON   --SessionOpened-->           LIVE
    LIVE         --the business day ends-->   LOGGING_OUT --Logout or time-->  CLOSED
    any          --refusal, timeout, lost, Logout-->  CLOSED

Ordering, of a live session's message: rate, begin string and comp ids, sending time, sequence
number, the profile's tables, meaning. Sequence: too low without PossDup ends the session with the
reason; too high asks once for what is missing and lets the message go, since it comes again.
Invariants: an answer of the market is a record and leaves by ``flush`` only, after its sync; no
number stands for two things; a generation that was opened is closed once; a request that the
journal holds already is not made again when it comes again (PossDup, PossResend).
Known limits: a message that was numbered and asked for again is sent as it was, never left out for
being stale. TCP keeps order, so what comes behind a gap is not kept: it is part of what is resent.
Source: FIX 4.2 and 4.4, session protocol; QuickFIX's acceptance scenarios; START FIX 1.1 (2nd-hand)
for the logon's fields.
"""

from collections import deque
from hashlib import sha256
from typing import Final

from market.commands import CloseSession, DisconnectMode, OpenSession
from market.errors import check
from market.events import SessionOpened, SessionRefused
from market.reasons import RejectReason
from participants.actions import Action, Close, Send, Submit
from participants.fix_codec import FixMessage, body
from participants.fix_house import (
    FirmOutbox,
    FixClient,
    FixHouse,
    FixState,
    SessionOutbox,
)
from participants.fix_numbers import FixNumbers
from participants.fix_orders import Unfit, to_command
from participants.fix_questions import KINDS
from participants.fix_records import reason_text, utc_ns, utc_text
from participants.fix_rules import (
    COMP_ID,
    EMPTY,
    INCORRECT,
    MISSING,
    SENDING_TIME,
    Breach,
)
from participants.fix_speech import NOT_AUTHORIZED, FixSpeaker
from participants.throttle import FLOOD, Throttle
from participants.wire import Identity, OrderCommand

_NS_PER_S: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000
_NOT_AVAILABLE: Final = 4
_UNKNOWN_ID: Final = 1
_DIGITS_MAX: Final = 9


class FixSession(FixSpeaker):
    """One connection, from its first byte to its last; owned by the acceptor."""

    def __init__(self, house: FixHouse, *, opened_at_ns: int) -> None:
        """Begin a connection.

        Args:
            house: What the door's connections share.
            opened_at_ns: Monotonic nanoseconds, as every ``now_ns`` here.
        """
        super().__init__(house, opened_at_ns=opened_at_ns)
        settings = house.settings
        self._house = house
        self._client: FixClient | None = None
        self._identity: Identity | None = None
        self._heartbeat_ns = 0
        self._tested = False
        self._asked_from = 0
        self._asked_at_ns = 0
        self._logon: FixMessage | None = None
        self._waiting: deque[FixMessage] = deque()
        self._asked: deque[tuple[FixMessage, int]] = deque()
        self._resends: deque[tuple[int, int]] = deque()
        self._resend_from_ns = 0
        self._garbled = 0
        self._throttle = Throttle(
            rate_per_s=settings.rate_per_s,
            burst=settings.burst,
            flood_factor=settings.flood_factor,
            at_ns=opened_at_ns,
        )

    # --- what the acceptor may ask

    @property
    def status(self) -> FixState:
        """Where the connection stands."""
        return self._state

    @property
    def client(self) -> FixClient | None:
        """Who it says it is, from a good logon on."""
        return self._client

    @property
    def identity(self) -> Identity | None:
        """Who it is, from SessionOpened on; also after the close."""
        return self._identity

    @property
    def numbers(self) -> FixNumbers | None:
        """The session's numbers, from a good logon on."""
        return self._numbers

    # --- messages

    def garbled(self, *, now_ns: int, wall_ns: int) -> list[Action]:
        """A message could not be read: it is passed over and uses up no number, as FIX says."""
        self._garbled += 1
        self._wall_ns = wall_ns
        if self._state is FixState.CONNECTED:
            return self._hang_up()
        if self._throttle.take(now_ns) == FLOOD or self._garbled >= self._settings.garbled_max:
            return self._end("MALFORMED: too many garbled messages")
        return []

    def oversize(self, *, wall_ns: int) -> list[Action]:
        """A message longer than any allowed: the stream cannot be read on."""
        self._wall_ns = wall_ns
        if self._state is FixState.CONNECTED:
            return self._hang_up()
        return self._end(reason_text(RejectReason.FRAME_TOO_LARGE))

    def receive(self, message: FixMessage, *, now_ns: int, wall_ns: int) -> list[Action]:
        """Take one message.

        Args:
            message: Framed, with right length and checksum.
            now_ns: Monotonic nanoseconds.
            wall_ns: UTC nanoseconds.
        """
        state = self._state
        if state is FixState.CLOSED:
            return []
        self._heard_at_ns, self._wall_ns, self._tested = now_ns, wall_ns, False
        if state is FixState.CONNECTED:
            return self._first(message)
        if state is FixState.LOGGING_ON:
            if len(self._waiting) >= self._settings.waiting_max:
                return self._hang_up()
            self._waiting.append(message)
            return []
        wait_ms = self._throttle.take(now_ns)
        if wait_ms == FLOOD:
            return self._end(reason_text(RejectReason.THROTTLED))
        return self._in_session(message, now_ns, is_throttled=wait_ms > 0)

    def _in_session(
        self, message: FixMessage, now_ns: int, *, is_throttled: bool = False
    ) -> list[Action]:
        numbers = self._live_numbers()
        fields = message.fields
        if message.begin != self._profile.begin:
            return self._end(f"BeginString is {self._profile.begin}")
        digits = fields.get("34", "")
        if not digits.isdecimal() or len(digits) > _DIGITS_MAX:
            return self._end("MsgSeqNum (34) is missing or no number")
        seq = int(digits)
        if fields.get("49") != self._comp_id or fields.get("56") != self._settings.comp_id:
            return self._reject_and_end(seq, Breach(COMP_ID, "49", "CompID problem"), message)
        wrong_time = self._wrong_time(message)
        if wrong_time is not None:
            if wrong_time.reason == SENDING_TIME:
                return self._reject_and_end(seq, wrong_time, message)
            if seq == numbers.next_in:
                numbers.next_in += 1
            return self._reject(seq, wrong_time, message)
        if message.kind == "A":
            return self._logon_again(message, seq)
        if message.kind == "4" and fields.get("123") != "Y":
            return self._sequence_reset(message, seq)
        if seq < numbers.next_in:
            if fields.get("43") == "Y":
                return []
            expected = numbers.next_in
            return self._end(f"MsgSeqNum too low, expecting {expected} but received {seq}")
        if seq > numbers.next_in:
            return self._too_high(message, seq, now_ns)
        numbers.next_in = seq + 1
        if seq >= self._asked_from:
            self._asked_from = 0
        return self._in_order(message, seq, is_throttled=is_throttled)

    def _in_order(self, message: FixMessage, seq: int, *, is_throttled: bool) -> list[Action]:
        """Judge a message that carries the number due by the profile's tables."""
        breach = self._house.rules.breach(message)
        if breach is None:
            return self._act(message, seq, is_throttled=is_throttled)
        if breach.is_unsupported:
            return self._business_reject(
                seq, message.kind, breach.reason, breach.text, message.fields
            )
        return self._reject(seq, breach, message)

    def _act(self, message: FixMessage, seq: int, *, is_throttled: bool) -> list[Action]:
        """Carry out a message that is in order and well formed."""
        kind = message.kind
        if kind in {"D", "F", "G", "q", "H"} or kind in KINDS:
            return self._application(message, seq, is_throttled=is_throttled)
        if kind == "1":
            return [self._admin("0", body((112, message.get(112))))]
        if kind == "2":
            return self._resend(message, seq)
        if kind == "4":
            return self._gap_filled(message, seq)
        if kind == "5":
            return self._logged_out()
        return []  # a heartbeat, or a reject of what we sent

    def _application(self, message: FixMessage, seq: int, *, is_throttled: bool) -> list[Action]:
        fields, kind = message.fields, message.kind
        identity, numbers = self._identity, self._live_numbers()
        if identity is None or self._house.is_drop_copy:
            return self._business_reject(
                seq, kind, NOT_AUTHORIZED, "NOT_ENTITLED: this session only reads", fields
            )
        if self._state is FixState.LOGGING_OUT:
            text = reason_text(RejectReason.NOT_READY)
            return self._business_reject(seq, kind, _NOT_AVAILABLE, text, fields)
        if is_throttled:
            text = reason_text(RejectReason.THROTTLED)
            return self._business_reject(seq, kind, _NOT_AVAILABLE, text, fields)
        if kind in KINDS:
            return self._question(message, seq)
        reports = self._house.reports
        if kind == "H":
            return self._order_status(message, seq, identity)
        again = fields.get("43") == "Y" or fields.get("97") == "Y"
        if again and reports.has_seen(identity.session_id, fields["11"]):
            return []
        command = to_command(message, identity, reports, self._house.market)
        if isinstance(command, Breach):
            return self._reject(seq, command, message)
        if isinstance(command, Unfit):
            return self._business_reject(seq, kind, command.reason, command.text, fields)
        numbers.submitted(seq, command.req_id)
        return [Submit(command=command)]

    def _question(self, message: FixMessage, seq: int) -> list[Action]:
        """About the market, not about orders: answered at once, from what is public."""
        questions = self._house.questions
        check(questions is not None, "a profile with questions has answers", kind=message.kind)
        told = questions.answer(self, message)  # type: ignore[union-attr]  # check() has spoken
        if isinstance(told, Unfit):
            return self._business_reject(seq, message.kind, told.reason, told.text, message.fields)
        return self._passing(told)

    def _order_status(self, message: FixMessage, seq: int, identity: Identity) -> list[Action]:
        """The order's state; asked behind commands still on their way, it waits for them."""
        if not self._live_numbers().is_settled(seq):
            self._asked.append((message, seq))
            return []
        name = message.fields["11"]
        told = self._house.reports.status_of(identity.participant_id, name)
        if told is None:
            text = reason_text(RejectReason.UNKNOWN_ORDER)
            return self._business_reject(seq, message.kind, _UNKNOWN_ID, text, message.fields)
        return [self._message(told.msg_type, told.body_44())]

    # --- logon

    def _first(self, message: FixMessage) -> list[Action]:
        """Only a Logon may come first; anything else ends the connection without a word."""
        fields = message.fields
        settings = self._settings
        if (
            message.kind != "A"
            or message.begin != self._profile.begin
            or fields.get("56") != settings.comp_id
        ):
            return self._hang_up()
        client = self._house.find(fields.get("49", ""))
        if client is None or not _knows_password(client, fields):
            return self._hang_up()
        self._comp_id = fields["49"]
        breach = self._house.rules.breach(message) or self._wrong_time(message)
        digits = fields.get("34", "")
        if not digits.isdecimal() or not 0 < int(digits[:10]) < 10**_DIGITS_MAX:
            return self._hang_up()
        heartbeat = fields.get("108", "")
        seconds = int(heartbeat) if heartbeat.isdecimal() and len(heartbeat) < _DIGITS_MAX else 0
        if breach is None and not 0 < seconds <= settings.heartbeat_s_max:
            words = f"HeartBtInt (108) is 1 to {settings.heartbeat_s_max}"
            breach = Breach(INCORRECT, "108", words)
        self._client, self._logon = client, message
        self._heartbeat_ns = seconds * _NS_PER_S
        if self._house.is_drop_copy:
            return self._begin_drop_copy(client, message, breach)
        self._numbers = self._house.numbers(client.session_id)
        self._outbox = SessionOutbox(self._house.reports, client.session_id, self._profile)
        if breach is not None:
            self._logon = None
            return self._refuse_logon(f"{breach.text} ({breach.tag})")
        mode = {"Y": DisconnectMode.ON, "N": DisconnectMode.OFF}.get(fields.get("5001", ""))
        self._state = FixState.LOGGING_ON
        command = OpenSession(
            session_id=client.session_id,
            key_id=client.key_id,
            takeover=False,
            disconnect_mode=mode,
        )
        return [Submit(command=command)]

    def _begin_drop_copy(
        self, client: FixClient, message: FixMessage, breach: Breach | None
    ) -> list[Action]:
        """A drop copy begins at 1 on each connection; 5002 says from which record of the day."""
        self._numbers = numbers = FixNumbers(client.session_id)
        self._outbox = outbox = FirmOutbox(self._house.reports, client.participant_id)
        if breach is not None:
            return self._refuse_logon(f"{breach.text} ({breach.tag})")
        if message.get(141) != "Y" or message.get(34) != "1" or message.get(9406) != "Y":
            return self._refuse_logon("a drop copy logs on with 34=1, 141=Y and 9406=Y")
        if self._house.copies(client.participant_id) >= self._house.settings.drop_copies_max:
            return self._refuse_logon("BUSY: too many drop copies of the firm")
        digits = message.get(5002)
        first = int(digits) if digits.isdecimal() and len(digits) <= _DIGITS_MAX else 0
        if digits and not 0 < first <= outbox.count() + 1:
            return self._refuse_logon(f"DropCopyFrom (5002) is 1 to {outbox.count() + 1}")
        numbers.told = first - 1 if digits else outbox.count()
        numbers.next_in = 2
        self._state = FixState.LIVE
        return [self._logon_answer(message), *self.flush(wall_ns=self._wall_ns)]

    def opened(self, event: SessionOpened, *, now_ns: int, wall_ns: int) -> list[Action]:
        """The core opened the session; the logon is answered, and what it missed follows.

        Call it even when the connection is gone by now: the generation must then be closed.
        """
        check(self._identity is None, "a logon is answered once", session=event.session_id)
        self._wall_ns = wall_ns
        self._identity = Identity(
            participant_id=event.participant_id,
            session_id=event.session_id,
            generation=event.generation,
        )
        if self._state is FixState.CLOSED:
            return [self._close_session(orderly=False)]
        logon, numbers = self._logon, self._live_numbers()
        check(logon is not None, "only a session that logged on is opened", key=event.key_id)
        if logon is None:  # for the type checker; check() has spoken
            return []
        self._state = FixState.LIVE
        seq = int(logon.fields["34"])
        if logon.get(141) == "Y":
            numbers.reset()
        if seq < numbers.next_in and logon.get(43) != "Y":
            expected = numbers.next_in
            return self._end(f"MsgSeqNum too low, expecting {expected} but received {seq}")
        actions: list[Action] = [self._logon_answer(logon)]
        if seq > numbers.next_in:
            actions += self._ask_again(seq, now_ns)
        elif seq == numbers.next_in:
            numbers.next_in = seq + 1
        actions += self.flush(wall_ns=wall_ns)
        while self._waiting and self.status is FixState.LIVE:
            actions += self._in_session(self._waiting.popleft(), now_ns)
        return actions

    def _logon_answer(self, logon: FixMessage) -> Send:
        reset = "Y" if logon.get(141) == "Y" else None
        return self._admin("A", body((98, "0"), (108, logon.get(108)), (141, reset)))

    def refused(self, event: SessionRefused, *, wall_ns: int) -> list[Action]:
        """The core refused the logon.

        A session that is live elsewhere keeps its numbers to itself: the second connection is
        closed without a word, as FIX engines do.
        """
        self._wall_ns = wall_ns
        if self._state is FixState.CLOSED:
            return []
        if event.reason is RejectReason.SESSION_ACTIVE:
            return self._hang_up()
        return self._refuse_logon(reason_text(event.reason))

    def _refuse_logon(self, text: str) -> list[Action]:
        """Say why and close; the refused Logon uses up no number of the client."""
        actions: list[Action] = [self._admin("5", body((58, text)))]
        self._state = FixState.CLOSED
        return [*actions, Close(code=0, reason=None)]

    def _logon_again(self, message: FixMessage, seq: int) -> list[Action]:
        """In a live session a Logon may only begin the numbers anew."""
        if message.get(43) == "Y" and seq < self._live_numbers().next_in:
            return []
        if message.get(141) != "Y" or seq != 1 or self._house.rules.breach(message) is not None:
            return self._end("a session logs on once")
        numbers = self._live_numbers()
        numbers.reset()
        numbers.next_in = 2
        self._asked_from = 0
        self._resends.clear()
        return [self._logon_answer(message)]

    # --- sequence numbers

    def _too_high(self, message: FixMessage, seq: int, now_ns: int) -> list[Action]:
        """Ask for what is missing; a ResendRequest or Logout is answered all the same."""
        actions: list[Action] = []
        if message.kind == "2" and self._house.rules.breach(message) is None:
            actions += self._resend(message, seq)
        elif message.kind == "5":
            return self._logged_out()
        if not self._asked_from:
            actions += self._ask_again(seq, now_ns)
        return actions

    def _ask_again(self, seq: int, now_ns: int) -> list[Action]:
        self._asked_from, self._asked_at_ns = seq, now_ns
        return [self._admin("2", body((7, self._live_numbers().next_in), (16, 0)))]

    def _resend(self, message: FixMessage, seq: int) -> list[Action]:
        """Give again what was sent: records and business messages, gap fills between them."""
        numbers = self._live_numbers()
        first, last = int(message.fields["7"]), int(message.fields["16"])
        newest = numbers.next_out - 1
        if first < 1 or first > newest or (last != 0 and last < first):
            breach = Breach(INCORRECT, "7", f"a resend begins at 1 to {newest}")
            return self._reject(seq, breach, message)
        last = newest if last == 0 else min(last, newest)
        settings = self._settings
        if last - first >= settings.resend_short_max:
            if self._heard_at_ns < self._resend_from_ns:
                self._resends.append((first, last))
                if len(self._resends) > settings.resends_waiting_max:
                    return self._end("THROTTLED: too many resend requests")
                return []
            self._resend_from_ns = self._heard_at_ns + settings.resend_interval_ms * _NS_PER_MS
        return self._give_again(first, last)

    def _gap_filled(self, message: FixMessage, seq: int) -> list[Action]:
        to = int(message.fields["36"])
        if to <= seq:
            return self._reject(seq, Breach(INCORRECT, "36", "a gap fill goes forward"), message)
        self._live_numbers().next_in = to
        if to > self._asked_from:
            self._asked_from = 0
        return []

    def _sequence_reset(self, message: FixMessage, seq: int) -> list[Action]:
        """SequenceReset in reset mode: its own number does not count, it only goes forward."""
        numbers = self._live_numbers()
        breach = self._house.rules.breach(message)
        if breach is None:
            to = int(message.fields["36"])
            if to >= numbers.next_in:
                numbers.next_in = to
                self._asked_from = 0
                return []
            breach = Breach(INCORRECT, "36", "a sequence reset goes forward")
        return self._reject(seq, breach, message)

    # --- what goes out by itself

    def flush(self, *, wall_ns: int) -> list[Action]:
        """Send the records that are there and were not sent yet; call it after their sync."""
        actions = self._flush_records(wall_ns)
        while self._asked and self._identity is not None and self._state is FixState.LIVE:
            message, seq = self._asked[0]
            if not self._live_numbers().is_settled(seq):
                break
            self._asked.popleft()
            self._wall_ns = wall_ns
            actions += self._order_status(message, seq, self._identity)
        return actions

    def _flush_records(self, wall_ns: int) -> list[Action]:
        numbers, outbox = self._numbers, self._outbox
        if self._state not in {FixState.LIVE, FixState.LOGGING_OUT}:
            return []
        if numbers is None or outbox is None:
            return []
        start, end = numbers.told, outbox.count()
        if start >= end:
            return []
        self._wall_ns = wall_ns
        number = numbers.use_for_records(end - start, utc_text(wall_ns))
        parts = []
        for place in range(start, end):
            kind, sub, content = outbox.message(place)
            doubtful = place in numbers.doubtful
            parts.append(self._frame(kind, number, content, sub=sub, doubtful=doubtful))
            number += 1
        self._sent_now()
        return [Send(frame=b"".join(parts))]

    def tell(self, msg_type: str, content: bytes, *, wall_ns: int) -> list[Action]:
        """Send a message of the market that is no record, as TradingSessionStatus."""
        if self._state is not FixState.LIVE:
            return []
        self._wall_ns = wall_ns
        return [self._message(msg_type, content)]

    def tell_passing(self, told: list[tuple[str, bytes]], *, wall_ns: int) -> list[Action]:
        """Send market data: MsgType and body of each message, nothing of it kept."""
        if self._state is not FixState.LIVE:
            return []
        self._wall_ns = wall_ns
        return self._passing(told)

    def tick(self, *, now_ns: int, wall_ns: int) -> list[Action]:
        """Let time pass; call it about once a second. O(1)."""
        self._wall_ns = wall_ns
        handshake_ns = self._settings.handshake_ms * _NS_PER_MS
        state = self._state
        if state is FixState.CONNECTED:
            return self._hang_up() if now_ns - self._opened_at_ns >= handshake_ns else []
        if state is FixState.LOGGING_OUT:
            return self._hang_up() if now_ns - self._opened_at_ns >= handshake_ns else []
        if state is not FixState.LIVE:
            return []
        silent_ns = now_ns - self._heard_at_ns
        actions: list[Action] = []
        if silent_ns >= self._heartbeat_ns * 12 // 5:
            return self._hang_up()
        if silent_ns >= self._heartbeat_ns * 6 // 5 and not self._tested:
            self._tested = True
            actions.append(self._admin("1", body((112, utc_text(wall_ns)))))
        if self._resends and now_ns >= self._resend_from_ns:
            self._resend_from_ns = now_ns + self._settings.resend_interval_ms * _NS_PER_MS
            actions += self._give_again(*self._resends.popleft())
        if self._asked_from and now_ns - self._asked_at_ns >= self._heartbeat_ns:
            actions += self._ask_again(self._asked_from, now_ns)
        if now_ns - self._sent_at_ns >= self._heartbeat_ns and not actions:
            actions.append(self._admin("0", b""))
        if actions:
            self._sent_at_ns = now_ns
        return actions

    # --- endings

    def end_of_day(self, *, now_ns: int, wall_ns: int) -> list[Action]:
        """The business day is over: say so, and wait a little for the client's own Logout."""
        if self._state is FixState.LOGGING_ON:
            return self._hang_up()
        if self._state is not FixState.LIVE:
            return []
        self._wall_ns = wall_ns
        self._opened_at_ns = now_ns
        logout = self._admin("5", body((58, "the business day is over; numbers begin at 1 again")))
        self._state = FixState.LOGGING_OUT
        if self._identity is None:
            return [logout]
        return [logout, self._close_session(orderly=True)]

    def end(self, reason: RejectReason, *, wall_ns: int) -> list[Action]:
        """The acceptor cannot go on with this connection: SLOW_CONSUMER, NOT_READY and the like."""
        self._wall_ns = wall_ns
        if self._state is FixState.CONNECTED:
            return self._hang_up()
        return self._end(reason_text(reason))

    def ended_by_core(self, reason: RejectReason, *, wall_ns: int) -> list[Action]:
        """The core has ended this generation already, so the journal needs no command."""
        if self._state in {FixState.CLOSED, FixState.LOGGING_OUT}:
            return []
        self._wall_ns = wall_ns
        logout = self._admin("5", body((58, reason_text(reason))))
        self._state = FixState.CLOSED
        return [logout, Close(code=0, reason=reason)]

    def disconnected(self) -> list[Action]:
        """The socket is gone, from either side. May be called after any close, and twice."""
        was, self._state = self._state, FixState.CLOSED
        if was is FixState.LIVE and self._identity is not None:
            return [self._close_session(orderly=False)]
        return []

    def not_submitted(
        self, command: OrderCommand | OpenSession, reason: RejectReason
    ) -> list[Action]:
        """The sequencer took no command: BUSY, NOT_READY or STORAGE_FAILED."""
        if isinstance(command, OpenSession):
            return self._refuse_logon(reason_text(reason))
        self._live_numbers().not_submitted()
        if self._state is FixState.CLOSED:
            return []
        seq = self._live_numbers().next_in - 1
        fields = {"11": command.req_id}
        return self._business_reject(seq, "D", _NOT_AVAILABLE, reason_text(reason), fields)

    def finish(self) -> list[Action]:
        """The venue ends in order: no more requests, but the answers still due are sent."""
        if self._state is not FixState.LIVE:
            return self._hang_up() if self._state is not FixState.LOGGING_OUT else []
        self._state = FixState.LOGGING_OUT
        return [] if self._identity is None else [self._close_session(orderly=False)]

    def _logged_out(self) -> list[Action]:
        if self._state is FixState.LOGGING_OUT:
            self._state = FixState.CLOSED
            return [Close(code=0, reason=None)]
        logout = self._admin("5", b"")
        self._state = FixState.CLOSED
        ended: list[Action] = [logout]
        if self._identity is not None:
            ended.append(self._close_session(orderly=True))
        return [*ended, Close(code=0, reason=None)]

    def _end(self, text: str) -> list[Action]:
        """Say why in a Logout and close; a live generation ends with it."""
        was = self._state
        if was in {FixState.CLOSED, FixState.CONNECTED} or self._numbers is None:
            return self._hang_up()
        actions: list[Action] = [self._admin("5", body((58, text)))]
        if was is FixState.LIVE and self._identity is not None:
            actions.append(self._close_session(orderly=False))
        self._state = FixState.CLOSED
        return [*actions, Close(code=0, reason=None)]

    def _hang_up(self) -> list[Action]:
        """Close without a word."""
        if self._state is FixState.CLOSED:
            return []
        return [*self.disconnected(), Close(code=0, reason=None)]

    def _close_session(self, *, orderly: bool) -> Submit:
        identity = self._identity
        check(identity is not None, "a live session has an identity", state=self._state)
        return Submit(
            command=CloseSession(
                session_id=identity.session_id,  # type: ignore[union-attr]  # check() has spoken
                generation=identity.generation,  # type: ignore[union-attr]
                orderly=orderly,
            )
        )

    # --- refusals

    def _wrong_time(self, message: FixMessage) -> Breach | None:
        """SendingTime near our clock; OrigSendingTime there and not later when sent again."""
        text = message.get(52)
        at_ns = utc_ns(text) if len(text) in {17, 21} else None
        if at_ns is None:
            if not text:
                return Breach(MISSING if "52" not in message.fields else EMPTY, "52", "SendingTime")
            return Breach(SENDING_TIME, "52", "SendingTime accuracy problem")
        if abs(at_ns - self._wall_ns) > self._settings.clock_skew_ms * _NS_PER_MS:
            return Breach(SENDING_TIME, "52", "SendingTime accuracy problem")
        if message.get(43) == "Y" and message.kind != "4":
            first = message.get(122)
            first_ns = utc_ns(first) if len(first) in {17, 21} else None
            if first_ns is None:
                return Breach(MISSING, "122", "required tag missing")
            if first_ns > at_ns:
                return Breach(SENDING_TIME, "122", "SendingTime accuracy problem")
        return None

    def _reject_and_end(self, seq: int, breach: Breach, message: FixMessage) -> list[Action]:
        numbers = self._live_numbers()
        if seq == numbers.next_in:
            numbers.next_in += 1
        return [*self._reject(seq, breach, message), *self._end(breach.text)]


def _knows_password(client: FixClient, fields: dict[str, str]) -> bool:
    """RawData (96) in either profile, or Password (554) in FIX 4.4."""
    if not client.password_sha256:
        return True
    said = fields.get("554") or fields.get("96") or ""
    return sha256(said.encode()).hexdigest() == client.password_sha256
