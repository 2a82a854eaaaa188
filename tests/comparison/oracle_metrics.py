"""Every figure of a run worked out again from its event log as plain dictionaries, slowly.

Nothing of the comparison is used: each figure follows the sentence of the report beside it, one loop
each, times in ns and amounts as the log has them. Slow and obvious on purpose.
"""

from collections.abc import Sequence
from typing import Any

Log = Sequence[dict[str, Any]]
HOUR = 3_600_000_000_000
ENDS = ("settled", "cancelled", "closed_comp", "split", "disputed")


class Oracle:
    """What a log shows, by obligation."""

    def __init__(self, log: Log, prices: Sequence[tuple[int, str, int]]) -> None:
        self.log = log
        self.prices = prices
        self.end = log[-1]["at_ns"]
        self.deals = {one["deal"]: one for one in log if one["is"] == "Obliged"}
        self.ended: dict[str, tuple[int, str]] = {}
        for one in log:
            if one["is"] == "StateChanged" and one["state"] in ENDS:
                self.ended[one["deal"]] = (one["at_ns"], one["state"])
        self.final = {name: at for name, (at, state) in self.ended.items() if state == "settled"}
        self.opened = min(deal["traded_ns"] for deal in self.deals.values())

    def of(self, kind: str, **fields: object) -> list[dict[str, Any]]:
        """Records of a kind."""
        return [
            one
            for one in self.log
            if one["is"] == kind and all(one[name] == value for name, value in fields.items())
        ]

    def end_of(self, name: str) -> int:
        """When an obligation ended, or the run did."""
        return self.ended[name][0] if name in self.ended else int(self.end)

    # --- principal

    def ahead(self, name: str, at: int) -> float:
        """Yen by which the units leg is ahead of the cash leg at a time; negative: cash is."""
        deal = self.deals[name]
        token = sum(
            o["amount"] for o in self.of("LegFinal", deal=name, leg="token") if o["at_ns"] <= at
        )
        cash = sum(
            o["amount"] for o in self.of("LegFinal", deal=name, leg="cash") if o["at_ns"] <= at
        )
        return float(token * deal["yen"] / deal["units"] - cash)

    def stretches(self) -> list[tuple[int, int, float, str]]:
        """From, until, yen, whose principal: one leg irrevocable, the other not."""
        found = []
        for name, deal in self.deals.items():
            if deal["seller"] == deal["buyer"]:
                continue
            moments = sorted({o["at_ns"] for o in self.of("LegFinal", deal=name)})
            split = self.ended.get(name, (0, ""))[1] == "split"
            last = self.end_of(name) if split else self.end
            for start, until in zip(moments, [*moments, last][1:], strict=True):
                gap = self.ahead(name, start)
                if abs(gap) >= 1 and until > start:
                    found.append((start, until, abs(gap), deal["seller" if gap > 0 else "buyer"]))
        return found

    @staticmethod
    def most(stretches: Sequence[tuple[int, int, float]]) -> float:
        """The largest sum at one time."""
        return max(
            (
                sum(yen for start, until, yen in stretches if start <= at < until)
                for at, _, _ in stretches
            ),
            default=0.0,
        )

    def principal(self) -> dict[str, float]:
        """Exposure and loss."""
        found = self.stretches()
        firms = {one[3] for one in found}
        split = {name for name, (_, state) in self.ended.items() if state == "split"}
        return {
            "principal_peak_yen": self.most([one[:3] for one in found]),
            "principal_peak_of_one_firm_yen": max(
                (self.most([one[:3] for one in found if one[3] == firm]) for firm in firms),
                default=0.0,
            ),
            "principal_integral_yen_h": sum((b - a) * yen for a, b, yen, _ in found) / HOUR,
            "principal_intervals": len(found),
            "principal_loss_yen": sum(abs(self.ahead(name, self.end)) for name in split),
            "splits": len(split),
        }

    # --- replacement

    def replacement_peak(self) -> float:
        """At every cross: all open trades at the last prices."""
        most = 0.0
        for at in sorted({at for at, _, _ in self.prices}):
            last = {issue: sen for when, issue, sen in self.prices if when <= at}
            cost = 0.0
            for name, deal in self.deals.items():
                between = deal["seller"] != deal["buyer"]
                is_open = deal["traded_ns"] < at <= self.end_of(name)
                if between and is_open and deal["issue"] in last:
                    cost += abs(deal["units"] * last[deal["issue"]] / 100 - deal["yen"])
            most = max(most, cost)
        return most

    # --- liquidity

    def liquidity(self) -> dict[str, float | None]:
        """Bounds, and what was drawn."""
        firms = sorted({deal[side] for deal in self.deals.values() for side in ("seller", "buyer")})
        lower = upper = used = 0
        for firm in firms:
            level = deepest = 0
            for deal in self.deals.values():
                if deal["seller"] != deal["buyer"]:
                    level += deal["yen"] * ((deal["seller"] == firm) - (deal["buyer"] == firm))
                    deepest = min(deepest, level)
            lower, upper = lower + max(0, -level), upper - deepest
            used += self._drawn(firm)
        gross = sum(deal["yen"] for deal in self.deals.values())
        committed = sum(one["amount"] for one in self.of("Opened", asset="yen"))
        settled = sum(self.deals[name]["yen"] for name in self.final)
        return {
            "liquidity_lower_yen": lower,
            "liquidity_upper_yen": upper,
            "liquidity_used_yen": used,
            "liquidity_saving": (upper - used) / (upper - lower) if upper > lower else None,
            "netting_efficiency": 1 - lower / gross if gross else None,
            "committed_yen": committed,
            "turnover_ratio": settled / committed if committed else None,
            "collected_yen": sum(one["yen"] for one in self.of("FundCharged")),
        }

    def _drawn(self, firm: str) -> int:
        """The deepest that one firm's own yen went: all moments one by one, what comes in first."""
        locks = {one["lock"]: one for one in self.of("LockMade", owner=firm, asset="yen")}
        changes: dict[int, list[int]] = {}
        for one in self.log:
            at = changes.setdefault(one["at_ns"], [])
            if one["is"] == "Posted" and one["asset"] == "yen" and one["giver"] != one["taker"]:
                at.append(one["amount"] * ((one["taker"] == firm) - (one["giver"] == firm)))
            elif one["is"] == "LockMade" and one["lock"] in locks:
                at.append(-one["amount"])
            elif one["is"] == "LockEnded" and one["lock"] in locks:
                at.append(locks[one["lock"]]["amount"])
        level = deepest = 0
        for moment in sorted(changes):
            level += sum(changes[moment])
            deepest = min(deepest, level)
        return -deepest

    # --- locks

    def locks(self) -> dict[str, float]:
        """Amount times time, and the cost of it."""
        ended = {one["lock"]: one for one in self.of("LockEnded")}
        cash = token = wasted = griefed = option = 0.0
        peak: list[tuple[int, int, float]] = []
        for lock in self.of("LockMade"):
            end, issue = ended[lock["lock"]], lock["asset"]
            deal = self.deals.get(lock["deal"])
            price = 1.0
            if issue != "yen":
                same = [one for one in self.deals.values() if one["issue"] == issue]
                chosen = [deal] if deal else same
                price = sum(one["yen"] for one in chosen) / sum(one["units"] for one in chosen)
            hours = (end["at_ns"] - lock["at_ns"]) / HOUR
            worth = lock["amount"] * price
            cash, token = (
                cash + worth * hours * (issue == "yen"),
                token + worth * hours * (issue != "yen"),
            )
            wasted += worth * hours * (not end["delivered"])
            if issue == "yen":
                peak.append((lock["at_ns"], end["at_ns"], worth))
            if lock["option_until_ns"]:
                assert deal is not None
                days = (lock["option_until_ns"] - lock["at_ns"]) / HOUR / 24
                option += (
                    deal["yen"] * 0.003 * max(0.0, days) ** 0.5 / (2 * 3.141592653589793) ** 0.5
                )
                griefed += deal["yen"] * hours * (not end["delivered"])
        return {
            "lock_cash_yen_h": cash,
            "lock_token_yen_h": token,
            "lock_wasted_yen_h": wasted,
            "griefing_yen_h": griefed,
            "option_yen": option,
            "in_flight_peak_yen": self.most(peak),
            "funding_cost_yen": cash * 0.01 / 8_760 + token * 0.005 / 8_760,
        }

    # --- time

    def waits(self, name: str) -> list[tuple[int, int]]:
        """Stretches of one obligation in the queue."""
        found, since = [], None
        for one in self.of("Waited", deal=name):
            if one["entered"]:
                since = one["at_ns"]
            elif since is not None:
                found.append((since, one["at_ns"]))
                since = None
        return found if since is None else [*found, (since, self.end_of(name))]

    def ready(self, name: str) -> int | None:
        """When both sides could give."""
        first = [
            [o["at_ns"] for o in self.of("Could", deal=name, leg=leg)] for leg in ("token", "cash")
        ]
        return max(min(one) for one in first) if all(first) else None

    def time(self) -> dict[str, float | None]:
        """Finality, queues, fails."""
        hours = sorted(
            (at - self.deals[name]["traded_ns"]) / HOUR for name, at in self.final.items()
        )
        delays = sorted(
            (at - ready) / HOUR * 60
            for name, at in self.final.items()
            if (ready := self.ready(name)) is not None
        )
        count = len(self.deals)
        on_time = [
            n
            for n, deal in self.deals.items()
            if self.final.get(n, deal["due_ns"] + 1) <= deal["due_ns"]
        ]
        value = sum(deal["yen"] for deal in self.deals.values())
        waits = {name: self.waits(name) for name in self.deals}
        every = [(start, end, 1.0) for one in waits.values() for start, end in one]
        queued = possible = 0.0
        for name, deal in self.deals.items():
            moments = [start for start, _ in waits[name]]
            ready = self.ready(name)
            moments += [] if ready is None else [ready]
            if moments:
                possible += deal["yen"] * max(0, deal["due_ns"] - min(moments))
                queued += deal["yen"] * sum(
                    max(0, min(end, deal["due_ns"]) - start) for start, end in waits[name]
                )
        late = [name for name in self.deals if name not in on_time]
        ages = sorted(
            max(0, self.end_of(name) - self.deals[name]["due_ns"]) / HOUR for name in late
        )
        return {
            "finality_p50_h": between(hours, 0.5),
            "finality_p95_h": between(hours, 0.95),
            "finality_p99_h": between(hours, 0.99),
            "mechanism_p50_min": between(delays, 0.5),
            "late_share": 1 - len(on_time) / count,
            "settled_share": len(on_time) / count,
            "settled_value_share": sum(self.deals[name]["yen"] for name in on_time) / value,
            "fail_rate": len(late) / count,
            "fail_age_p50_h": between(ages, 0.5),
            "fail_age_max_h": max(ages, default=None),
            "queue_peak": self.most(every),
            "queue_wait_h": sum(
                self.deals[n]["yen"] * (end - start) for n, one in waits.items() for start, end in one
            ) / value / HOUR,
            "settlement_delay": queued / possible if possible else None,
            "stuck_yen": sum(deal["yen"] for name, deal in self.deals.items() if name not in self.ended),
        }  # fmt: skip

    # --- counts

    def counts(self) -> dict[str, float | None]:
        """What only has to be added up."""
        late = [
            n
            for n, deal in self.deals.items()
            if self.final.get(n, deal["due_ns"] + 1) > deal["due_ns"]
        ]
        gone = [name for name, (_, state) in self.ended.items() if state == "cancelled"]
        sent = self.of("Sent")
        runs = self.of("OffsetRun")

        def each(names: Sequence[str]) -> float | None:
            return sum(one["deal"] in names for one in sent) / len(names) if names else None

        return {
            "penalties_yen": sum(one["yen"] for one in self.of("PenaltyCharged")),
            "buy_in_yen": sum(one["yen"] for one in self.of("BoughtIn"))
            + sum(one["seller_yen"] for one in self.of("UnitsBought")),
            "house_loss_yen": sum(one["yen"] for one in self.of("LossShared")),
            "breaks": len(self.of("BookBreak")),
            "messages_a_trade": each(list(self.deals)),
            "messages_a_fail": each(late),
            "messages_a_cancel": each(gone),
            "signatures_a_trade": sum(one["signed"] for one in sent) / len(self.deals),
            "offset_rounds": len(runs),
            "offset_released": sum(one["released"] for one in runs),
            "gridlocks": sum(one["released"] > 0 for one in runs),
            "deadlocks": sum(one["released"] == 0 for one in runs),
            "faults_applied": len(self.of("Struck")),
            "fault_delay_h": sum(one["ns"] for one in self.of("Delayed")) / HOUR,
            "cured_by_buy_in": sum(state == "closed_comp" for _, state in self.ended.values()),
        }

    def figures(self) -> dict[str, float | None]:
        """All of them."""
        return {
            **self.principal(), **self.liquidity(), **self.locks(), **self.time(), **self.counts(),
            "replacement_peak_yen": self.replacement_peak(),
        }  # fmt: skip


def between(ranked: Sequence[float], share: float) -> float | None:
    """A quantile of ranked values, between neighbours in proportion."""
    if not ranked:
        return None
    place = share * (len(ranked) - 1)
    low = int(place)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (place - low)
