"""What OUCH sessions are told, as sequenced streams: one a session and business day.

The projection (participants/ouch_reports.py) makes the messages, this module numbers them
(feeds/soup.py). Folded from the journal at the start and from durable turns afterwards, so a day
that is read again is the same day, byte for byte. A stream ends with the day's close.
"""

from feeds.soup import SoupLog
from market.commands import Entry
from market.events import DayOpened, Event
from market.ids import SessionId
from participants.ouch_reports import OuchReports, sen_per_point
from venue.core import Core


class OuchStreams:
    """The projection and, of each session, the stream of the day that runs or was the last.

    Attributes:
        reports: What is told to whom.
        logs: The streams.
    """

    def __init__(self) -> None:
        self.reports = OuchReports()
        self.logs: dict[SessionId, SoupLog] = {}

    def apply(self, core: Core, entry: Entry, events: list[Event]) -> list[SessionId]:
        """Fold one durable step; the sessions that were told something."""
        reports = self.reports
        reports.market.sen_per_point = sen_per_point(core.rules.price_decimals.value)
        was_ended = reports.is_ended
        reports.apply(entry, events)
        if any(isinstance(event, DayOpened) for event in events):
            for log in self.logs.values():
                log.ended = True
            self.logs = {}
        told: dict[SessionId, None] = {}
        for session_id, message in reports.take():
            log_of = self.logs.get(session_id)
            if log_of is None:
                log_of = self.logs[session_id] = SoupLog(reports.day)
            log_of.append(message)
            told[session_id] = None
        if reports.is_ended and not was_ended:
            for log in self.logs.values():
                log.ended = True
        return list(told)

    def heard(self, core: Core, entry: Entry, events: list[Event]) -> None:
        """Fold one entry read from the journal."""
        self.apply(core, entry, events)
