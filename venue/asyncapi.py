"""The websocket doors as one AsyncAPI document, made from the very types that read and write them.

Purpose: `kitahama schema` prints it; a client's author generates types from it. Requests come from the types that decode
them (participants/wire.py, feeds/wire.py), answers and news from those that encode them, so that the document cannot
fall behind; tests hold real traffic against it.
Ordering: doors, then messages in the order of their rooms' tables. Cost: milliseconds, once.
Source of the form: AsyncAPI 3.0; schemas are JSON Schema 2020-12 as msgspec writes them.
Known limits: what a message means and when it comes is told in PROTOCOLS.md and the README, not here.
"""

from collections.abc import Iterable, Mapping
from inspect import getdoc
from typing import Any, Final, get_args

import msgspec

import feeds.wire as feed
import participants.report_schemas as reports
import participants.wire as orders
from venue.broadcast import FEED_PATH
from venue.gateway import ORDERS_PATH

Json = dict[str, Any]
Types = Mapping[str, type]


def _by_method(union: Any) -> dict[str, type]:
    """Request types by the method that tags them."""
    return {str(one.__struct_config__.tag or one.__name__.lower()): one for one in get_args(union)}


_FEED_DATA: Final = (
    feed.StatusData, feed.InstrumentData, list[feed.InstrumentData], feed.PhaseData, feed.OrdersData,
    feed.OrderAdd, feed.OrderReduce, feed.OrderDelete, feed.OrderReplace, feed.DepthData,
    feed.AuctionData, feed.Indicative, feed.CrossResult, feed.QuoteNews, feed.TradesData,
    feed.TradeReport, feed.TradeBust, feed.NewDay, feed.ClosingPrice,
)  # fmt: skip
"""What stands in the data of a feed's update or snapshot, by channel."""

_UNTAGGED: Final[Mapping[type, tuple[str, tuple[type, ...]]]] = {
    reports.Answer: ("result", (
        reports.AcceptedResult, reports.AmendedResult, reports.CanceledResult,
        reports.MassCanceledResult, reports.DeliveryActResult,
    )),
    reports.Push: ("data", (
        reports.TradeData, reports.BustData, reports.OrderData, reports.SettlementData, reports.DeliveryData,
        reports.TokenData, reports.FirmData,
    )),
}  # fmt: skip
"""Types with a field of several shapes that carry no tag: told apart by method, channel and type."""

DOORS: Final[Mapping[str, tuple[str, str, Types, Types]]] = {
    "orders": (
        ORDERS_PATH,
        "Order entry: one request, one answer; news in one numbered stream a session.",
        _by_method(orders.Inbound),
        {
            "hello": orders._Hello,  # noqa: SLF001  this module is their document
            "heartbeat": orders._Heartbeat,  # noqa: SLF001
            "answer": reports.Answer,
            "result": orders._Answered,  # noqa: SLF001
            "refusal": orders._Refused,  # noqa: SLF001
            "news": reports.Push,
        },
    ),
    "feed": (
        FEED_PATH,
        "Market data: snapshots and numbered updates by channel and issue.",
        _by_method(feed.Request),
        {
            "hello": feed.Hello,
            "heartbeat": feed.Heartbeat,
            "snapshot": feed.Snapshot,
            "update": feed.Update,
            "answer": feed.Answer,
        },
    ),
}
"""For each door: path, what it is for, what a client sends by method, what it receives by name."""


def document(version: str) -> Json:
    """The AsyncAPI document of both doors.

    Args:
        version: Version of the package.
    """
    channels: Json = {}
    operations: Json = {}
    messages: Json = {}
    schemas: Json = {}
    for door, (path, summary, sent, received) in DOORS.items():
        schemas |= _schemas(door, [*sent.values(), *received.values()])
        names = []
        for action, types in (("receive", sent), ("send", received)):
            keys = [f"{door}.{action}.{name}" for name in types]
            names += keys
            for key, (name, kind) in zip(keys, types.items(), strict=True):
                messages[key] = {
                    "name": name,
                    "summary": (getdoc(kind) or "").partition("\n")[0],
                    "contentType": "application/json",
                    "payload": {"$ref": f"#/components/schemas/{door}.{_name(kind)}"},
                }
            operations[f"{door}.{action}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{door}"},
                "messages": [{"$ref": f"#/channels/{door}/messages/{key}"} for key in keys],
            }
        channels[door] = {
            "address": path,
            "summary": summary,
            "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in names},
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kitahama's websocket doors",
            "version": version,
            "description": "As the venue speaks: receive is what a client sends, send what it gets.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def catalogue() -> list[tuple[str, str, str, str]]:
    """Every message as (door, who sends it, name, what it is), in the document's order."""
    return [
        (door, who, name, (getdoc(kind) or "").partition("\n")[0])
        for door, (_, _, sent, received) in DOORS.items()
        for who, types in (("client", sent), ("venue", received))
        for name, kind in types.items()
    ]


def _name(kind: type) -> str:
    return kind.__name__.lstrip("_")


def _schemas(door: str, kinds: Iterable[type]) -> Json:
    """The schemas of one door's types, named ``door.Type``."""
    wanted: list[Any] = []
    shapes: dict[str, tuple[str, list[Any]]] = {}
    for kind in kinds:
        field, several = _UNTAGGED.get(kind, ("", ()))
        wanted += [_with_any(kind, field) if field else kind, *several]
        if field:
            shapes[kind.__name__] = field, list(several)
    if door == "feed":
        shapes["Snapshot"] = shapes["Update"] = "data", list(_FEED_DATA)
        wanted += _FEED_DATA
    template = f"#/components/schemas/{door}.{{name}}"
    _, found = msgspec.json.schema_components(wanted, ref_template=template)
    for name, (field, variants) in shapes.items():
        told, _ = msgspec.json.schema_components(variants, ref_template=template)
        found[name]["properties"][field] = {"anyOf": list(told)}
    return {f"{door}.{name.lstrip('_')}": _plain(schema) for name, schema in found.items()}


def _with_any(kind: type, field: str) -> type:
    """The same struct with one field of any shape: msgspec describes no untagged union."""
    fields = [
        (one.encode_name, Any if one.name == field else one.type, *_default(one))
        for one in msgspec.structs.fields(kind)
    ]
    made = msgspec.defstruct(kind.__name__, fields, kw_only=True)
    made.__doc__ = getdoc(kind)
    return made


def _default(field: Any) -> tuple[Any, ...]:
    return () if field.required else (field.default,)


def _plain(schema: Any) -> Any:
    """References and titles without the underscore of names that only their module uses."""
    if isinstance(schema, dict):
        return {
            key: value.replace("._", ".").lstrip("_") if key in {"$ref", "title"} else _plain(value)
            for key, value in schema.items()
        }
    return [_plain(one) for one in schema] if isinstance(schema, list) else schema
