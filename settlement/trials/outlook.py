"""The world of an obligation as it is now: who is out, who is gone, what is stopped, which tick it is.

Purpose: a table's guards read a World; the weather and the clock of a trial say what it is outside of the
obligation itself. Units: ns; ticks of the table, placed in time by the conduct.
Cost: O(1) while nothing that the obligation needs is out. Errors: none.
"""

from collections.abc import Iterable

from settlement.designs.conduct import Conduct
from settlement.designs.rules import Protocol, World
from settlement.designs.states import ObligationState
from settlement.trials.desk import Deal, Desk
from settlement.trials.strikes import FOREVER_NS
from settlement.trials.weather import Out, latest_end

Troubles = tuple[tuple[tuple[str, tuple[Out, ...]], ...], tuple[Out, ...]]
"""Actors with their outages, and the stops, of one obligation."""


class Outlook:
    """What is true outside of every obligation of a trial."""

    def __init__(self, desk: Desk, protocol: Protocol, conduct: Conduct) -> None:
        """Nothing is worked out yet."""
        self._desk = desk
        self._protocol = protocol
        self._conduct = conduct
        self._needs: dict[tuple[str, str], tuple[str, ...]] = {}
        self._outages: dict[str, Troubles] = {}

    def seen_world(self, deal: Deal) -> World:
        """Where an obligation stands, with what is true outside of it now.

        The same object as before while nothing changed.
        """
        now, weather = self._desk.at_ns, self._desk.weather
        world = deal.run.world
        ticks, skew = self._ticks(deal, world, now), 0
        troubled, stops = self._outages.get(deal.name) or self._troubles(deal)
        down: tuple[str, ...] = ()
        gone: tuple[str, ...] = ()
        stopped = False
        if (troubled or stops or weather.skew) and not weather.is_calm(now):
            if weather.skew and self._conduct.tick_ns and deal.began_ns:
                ahead = (now + weather.ahead_ns(now) - deal.began_ns) // self._conduct.tick_ns
                skew = ahead - ticks
            if troubled:
                down, gone = self._out(troubled, now)
            stopped = bool(stops) and latest_end(stops, now) > now
        if (skew, down, gone, stopped) == (
            world.skew_ticks, world.down, world.gone, world.stopped,
        ):  # fmt: skip
            return world if world.now_ticks == ticks else world.at(ticks)
        return world._replace(
            now_ticks=ticks, skew_ticks=skew, down=down, gone=gone, stopped=stopped
        )

    def _out(
        self, troubled: Iterable[tuple[str, tuple[Out, ...]]], now: int
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Who is out now, and who has defaulted."""
        down: list[str] = []
        gone: list[str] = []
        for actor, outages in troubled:
            until = latest_end(outages, now)
            if until > now:
                is_gone = until >= FOREVER_NS and actor in self._protocol.parties
                (gone if is_gone else down).append(actor)
        return tuple(sorted(down)), tuple(sorted(gone))

    def _troubles(self, deal: Deal) -> Troubles:
        """Actors who are out at some time, with when; and when the issue or an account is stopped."""
        weather, actors = self._desk.weather, self._protocol.actors
        pairs = ((actor, weather.outages(self.names(deal, actor))) for actor in actors)
        troubled = tuple((actor, outages) for actor, outages in pairs if outages)
        known = self._outages[deal.name] = (troubled, weather.outages(self.stops(deal)))
        return known

    def _ticks(self, deal: Deal, world: World, now: int) -> int:
        conduct = self._conduct
        if conduct.tick_ns and world.state is not ObligationState.READY:
            return (now - deal.began_ns) // conduct.tick_ns
        if conduct.own_clock and self._desk.weather.skew:
            now += self._desk.weather.ahead_ns(now)
        if now >= deal.cut_off_ns:
            return conduct.cut_off_ticks
        if conduct.agent_ns and deal.decided_ns and now >= deal.decided_ns + conduct.agent_ns:
            return conduct.agent_ticks
        return 0

    def names(self, deal: Deal, actor: str) -> tuple[str, ...]:
        """Everyone whom an actor of the table needs, by name."""
        key = (deal.name, actor)
        if (known := self._needs.get(key)) is None:
            found: list[str] = []
            for need in self._conduct.needs.get(actor, ()):
                if need in {"seller", "buyer"}:
                    found += (deal.firm(need), f"{deal.name}:{need}")
                    found += (f"{deal.name}:message", f"{deal.name}:match")
                elif need.startswith(":"):
                    found.append(deal.name + need)
                else:
                    found.append(need)
            known = self._needs[key] = tuple(found)
        return known

    @staticmethod
    def stops(deal: Deal) -> tuple[str, ...]:
        """What can stop an obligation's units, by name."""
        trade = deal.trade
        return (
            "station", "money", f"issue:{trade.issue}", f"frozen:{trade.seller}", f"frozen:{trade.buyer}",
        )  # fmt: skip
