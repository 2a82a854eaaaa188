"""The operator's door of a served venue: one act of the operator at a time, over REST.

Purpose: halts, prices set by hand, the transfer control of an issue and error trades while the
market runs. ``POST /v1/operator/acts`` takes a JSON object of texts: the cells of one line of an
operator's file (venue/actfile.py) without day and time. The act becomes a command of the journal
like any other, and the answer leaves after the sync that covers it, so what was acknowledged
is found again after a restart.

Who may: whoever shows the key whose SHA-256 is ``server.operator_key_sha256``, as
``Authorization: Bearer KEY``; without that setting the route does not exist. The key is compared
before anything else is read, in time that does not depend on it.
Answers: 200 with the command's number and its events, in the journal's own words (prices in sen);
else a problem: 401 AUTH_FAILED, 413 FRAME_TOO_LARGE, 400 MALFORMED, 422 SCHEMA (nothing journaled),
503 with the venue's reason (nothing journaled), 409 with the core's reason (journaled, nothing moved).
Known limits: no id makes a repeat harmless; after a lost answer read the state first. One key, no
roles. Loopback only, as REST is not encrypted.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer

from market.commands import Command, Entry
from market.errors import BadInput
from market.events import CommandRefused, Event
from market.reasons import CATALOGUE, RejectReason
from venue.actfile import COLUMNS, read_act
from venue.resources import ActAnswer, Problem
from venue.sequencer import Sequencer

PROBLEM: Final = "application/problem+json"
BODY_BYTES_MAX: Final = 16_384

_BEARER: Final = HTTPBearer(auto_error=False, scheme_name="operator")
"""The document's word on the key; the comparing is :func:`_is_key`'s."""

_CELLS: Final = tuple(column for column in COLUMNS if column not in ("day", "time"))
_BODY: Final = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {column: {"type": "string", "minLength": 1} for column in _CELLS},
                "required": ["act"],
                "additionalProperties": False,
            }
        }
    },
}
_REFUSALS: Final = {
    400: "no JSON object of texts",
    401: "not the operator's key",
    409: "the market refuses; nothing moved",
    413: "too long",
    422: "no such act, or a cell is wrong",
    503: "the venue takes no commands now",
}


def problem(reason: RejectReason, status: int, detail: str | None = None) -> JSONResponse:
    """A refusal as ``application/problem+json``."""
    entry = CATALOGUE[reason]
    told = Problem(code=reason.value, detail=detail or entry.text_en, retryable=entry.retryable)
    return JSONResponse(told.model_dump(), status_code=status, media_type=PROBLEM)


def operator_routes(
    sequencer: Sequencer, ready: Callable[[], bool], operator_key_sha256: str
) -> APIRouter:
    """The operator's route over a running sequencer."""
    routes = APIRouter(prefix="/v1/operator", tags=["operator"])
    content = {PROBLEM: {"schema": Problem.model_json_schema()}}
    may_refuse: dict[int | str, dict[str, Any]] = {
        status: {"description": text, "content": content} for status, text in _REFUSALS.items()
    }

    @routes.post(
        "/acts",
        response_model=ActAnswer,
        responses=may_refuse,
        dependencies=[Depends(_BEARER)],
        openapi_extra={"requestBody": _BODY},
    )
    async def act(request: Request) -> JSONResponse:
        """Do one act; answered once it is durable."""
        shown = request.headers.get("authorization", "")
        if not _is_key(shown, operator_key_sha256):
            refusal = problem(RejectReason.AUTH_FAILED, 401)
            refusal.headers["www-authenticate"] = "Bearer"
            return refusal
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > BODY_BYTES_MAX:
                return problem(RejectReason.FRAME_TOO_LARGE, 413)
        try:
            command = _command(body)
        except msgspec.MsgspecError as wrong:
            return problem(RejectReason.MALFORMED, 400, str(wrong))
        except BadInput as wrong:
            return problem(RejectReason.SCHEMA, 422, str(wrong))
        if not ready():
            return problem(RejectReason.NOT_READY, 503)
        return await _perform(sequencer, command)

    return routes


def _is_key(shown: str, operator_key_sha256: str) -> bool:
    scheme, _, key = shown.partition(" ")
    digest = hashlib.sha256(key.encode()).hexdigest()
    return hmac.compare_digest(digest, operator_key_sha256) and scheme.lower() == "bearer"


def _command(body: bytes) -> Command:
    cells = msgspec.json.decode(body, type=dict[str, str])
    return read_act({column: text for column, text in cells.items() if text}, "act")


async def _perform(sequencer: Sequencer, command: Command) -> JSONResponse:
    """Queue the command and wait for the sync; who no longer waits does not stop the venue."""
    durable: asyncio.Future[tuple[Entry, list[Event]]]
    durable = asyncio.get_running_loop().create_future()

    def done(entry: Entry, events: list[Event]) -> None:
        if not durable.done():
            durable.set_result((entry, events))

    if not sequencer.submit(command, done):
        return problem(sequencer.refusal, 503)
    entry, events = await durable
    if events and isinstance(events[0], CommandRefused):
        return problem(events[0].reason, 409, events[0].detail)
    told = [msgspec.to_builtins(event) for event in events]
    return JSONResponse(ActAnswer(sequence=entry.sequence, events=told).model_dump())
