"""What a run starts from: a strict settings file, and the first commands it turns into.

pydantic reads what people write (settings, order files); msgspec reads what machines send. A
settings file is TOML; unknown keys are errors. Environment variables ``KITAHAMA_*`` override the
server part (``KITAHAMA_SERVER__ORDERS_PORT=9000``).
"""

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Self, get_args, get_type_hints

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from market.commands import (
    Command,
    DepositUnits,
    DepositYen,
    ListInstrument,
    OpenVenue,
    ParticipantLimits,
    RegisterKey,
    RegisterParticipant,
)
from market.errors import BadInput
from market.events import CommandRefused, Event
from market.ids import InstrumentId, KeyId, ParticipantId, SessionId
from market.instrument import LIMIT_TABLES, TICK_TABLES, Instrument, TokenPlatform
from market.quantities import (
    MAX_PRICE_SEN,
    MAX_QUANTITY_UNITS,
    MAX_YEN,
    SEN_PER_YEN,
    Sen,
    Units,
    Yen,
)
from market.rulebooks import preset
from market.rulebooks.times import NCP_SECONDS_MAX, retimed
from market.rules import Rules
from market.token_acts import OperatingMode
from participants.carried import DAYS_MAX
from venue.schedule import first_business_day

_STRICT: Final = ConfigDict(extra="forbid", frozen=True)

FirmId = Annotated[str, Field(pattern=r"^[A-Z0-9-]{1,16}$")]
ClockText = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
IssueId = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")]


TickTableName = Annotated[str, Field(pattern=f"^({'|'.join(TICK_TABLES)})$")]
LimitTableName = Annotated[str, Field(pattern=f"^({'|'.join(LIMIT_TABLES)})$")]

OUCH_PRESET: Final = "odx-equities"
"""The market whose own order entry OUCH is."""

ITCH_PORT: Final = 8083
SNAPSHOT_PORT: Final = 8084


FixPort = Annotated[int | None, Field(ge=-1, le=65535)]
"""A port; -1 switches the door off; left out it is the usual one, or the system's choice where
``orders_port`` is."""

OUCH_PORT: Final = 9046
FIX42_PORT: Final = 9042
FIX44_PORT: Final = 9044
DROP_COPY_PORT: Final = 9045


class KeySettings(BaseModel):
    """One session key of a firm.

    ``fix_password_sha256`` is the SHA-256, in hex, of the password its FIX logon must carry; left
    out, the comp id is enough on a loopback address and FIX is closed to it on any other.
    ``ouch_username`` and ``ouch_password_sha256`` are those of its OUCH login, by the same rule; left
    out, the username is the session's name without its punctuation where that fits six characters.
    """

    model_config = _STRICT

    key_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
    session_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
    public_key_hex: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    fix_password_sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    ouch_username: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{0,6}$")] = ""
    ouch_password_sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""


class LaterDeposit(BaseModel):
    """Cash a firm pays in at the opening of a later day, counted from 1."""

    model_config = _STRICT

    day: Annotated[int, Field(ge=1)]
    amount_yen: Annotated[int, Field(gt=0, le=MAX_YEN)]


class FirmSettings(BaseModel):
    """One securities firm: cash and units it starts with, limits, keys."""

    model_config = _STRICT

    participant_id: FirmId
    name: str
    cash_yen: Annotated[int, Field(ge=0, le=MAX_YEN)] = 0
    credit_yen: Annotated[int, Field(ge=0, le=MAX_YEN)] = 0
    short_units_allowed: bool = False
    units: dict[IssueId, Annotated[int, Field(gt=0)]] = {}
    later_deposits: list[LaterDeposit] = []
    keys: list[KeySettings] = []


class IssueSettings(BaseModel):
    """One token issue; tables left out are the rulebook's, ``nav_yen`` 0 says there is none."""

    model_config = _STRICT

    instrument_id: IssueId
    isin: Annotated[str, Field(pattern=r"^[A-Z0-9]{12}$")]
    name: str
    issued_units: Annotated[int, Field(gt=0, le=MAX_QUANTITY_UNITS)]
    issue_price_yen: Annotated[int, Field(gt=0, le=MAX_PRICE_SEN // SEN_PER_YEN)] = 100_000
    trading_unit_units: Annotated[int, Field(gt=0, le=MAX_QUANTITY_UNITS)] = 1
    nav_yen: Annotated[int, Field(ge=0, le=MAX_PRICE_SEN // SEN_PER_YEN)] = 0
    tick_table: TickTableName | None = None
    limit_table: LimitTableName | None = None
    newly_listed: bool = False
    market_orders_barred: bool = False
    under_supervision: bool = False
    to_be_removed: bool = False
    platform: TokenPlatform = TokenPlatform.PLAIN


class ServerSettings(BaseSettings):
    """Ports, bounds and waits of the running venue; 0 lets the system choose a port.

    ``itch_port`` and ``snapshot_port`` are SoupBinTCP; -1 switches the door off; left out, they
    are the usual ones, or the system's choice where ``orders_port`` is. With a username set, a
    login must carry it and the password; ``itch_password_sha256``, in hex, stands for a password that
    is not to be read here, and goes before it. A certificate puts TLS in front of both.
    """

    model_config = SettingsConfigDict(env_prefix="KITAHAMA_SERVER__", extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    rest_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    orders_port: Annotated[int, Field(ge=0, le=65535)] = 8081
    feed_port: Annotated[int, Field(ge=0, le=65535)] = 8082
    itch_port: Annotated[int | None, Field(ge=-1, le=65535)] = None
    snapshot_port: Annotated[int | None, Field(ge=-1, le=65535)] = None
    itch_username: Annotated[str, Field(pattern=r"^[!-~]{0,6}$")] = ""
    itch_password: Annotated[str, Field(pattern=r"^[!-~]{0,10}$")] = ""
    itch_password_sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    itch_certificate_file: Path | None = None
    itch_key_file: Path | None = None
    requests_per_second: Annotated[int, Field(gt=0)] = 100
    requests_burst: Annotated[int, Field(gt=0)] = 200
    inbox_commands_max: Annotated[int, Field(gt=0)] = 100_000
    group_commands_max: Annotated[int, Field(gt=0)] = 512
    heartbeat_s: Annotated[float, Field(gt=0)] = 1.0
    idle_s: Annotated[float, Field(gt=0)] = 30.0
    allowed_origins: list[str] = []
    kraken_port: Annotated[int, Field(ge=-1, le=65535)] = -1
    """The Kraken-shaped feed (feeds/kraken.py); -1, as it is left out, keeps it shut."""

    ouch_port: Annotated[int | None, Field(ge=-1, le=65535)] = None
    ouch_mirror_port: Annotated[int, Field(ge=-1, le=65535)] = -1
    ouch_cancel_on_disconnect: bool = True
    """OUCH (venue/ouch_door.py); -1 keeps a port shut. Left out, ``ouch_port`` is the usual one or
    the system's choice with the preset ``odx-equities``, and shut with any other."""

    operator_key_sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    """SHA-256, in hex, of the operator's key (venue/operator_door.py); left out, no such door."""

    fix42_port: FixPort = None
    fix44_port: FixPort = None
    drop_copy_port: FixPort = None
    fix_comp_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,32}$")] = "KITAHAMA"
    fix_certificate_file: Path | None = None
    fix_key_file: Path | None = None

    def fix_ports(self) -> dict[str, int]:
        """Each FIX door with its port; those switched off are left out."""
        usual = {"fix42": FIX42_PORT, "fix44": FIX44_PORT, "drop_copy": DROP_COPY_PORT}
        asked = {
            "fix42": self.fix42_port,
            "fix44": self.fix44_port,
            "drop_copy": self.drop_copy_port,
        }
        chosen = 0 if self.orders_port == 0 else None
        ports = {
            door: port if port is not None else (usual[door] if chosen is None else chosen)
            for door, port in asked.items()
        }
        return {door: port for door, port in ports.items() if port >= 0}

    @model_validator(mode="after")
    def _operator_stays_here(self) -> Self:
        """REST is not encrypted, so a key that may stop the market never leaves the machine."""
        if self.operator_key_sha256 and not self.is_loopback:
            raise ValueError("operator_key_sha256 needs a loopback host: REST is not encrypted")
        return self

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches the doors."""
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")

    def soup_ports(self) -> dict[str, int]:
        """Each SoupBinTCP door with its port; those switched off are left out."""
        asked = {"itch": self.itch_port, "snapshot": self.snapshot_port}
        usual = {"itch": ITCH_PORT, "snapshot": SNAPSHOT_PORT} if self.orders_port else {}
        ports = {
            name: port if port is not None else usual.get(name, 0) for name, port in asked.items()
        }
        return {name: port for name, port in ports.items() if port >= 0}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file, and nothing else is read."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


class TimesSettings(BaseModel):
    """Clock times of the day that replace the rulebook's, ``HH:MM``; ``ncp_seconds`` 0 to 600."""

    model_config = _STRICT

    preopen_start: ClockText | None = None
    opening_auction: ClockText | None = None
    preclose_start: ClockText | None = None
    closing_auction: ClockText | None = None
    ncp_seconds: Annotated[int, Field(ge=0, le=NCP_SECONDS_MAX)] | None = None


class TokensSettings(BaseModel):
    """How the token platform is run.

    ``signed`` is off by default: the firms' requests were signed at the door, and three signatures
    for each transfer are the largest part of its cost. ``mode`` says who runs the nodes: one
    operator for all ("4.0") or each role its own ("5.0"); the ledger is the same.
    """

    model_config = _STRICT

    signed: bool = False
    mode: OperatingMode = OperatingMode.NODE_OPENING


class VenueSettings(BaseModel):
    """A whole venue, as written in ``venue.toml``.

    ``good_till_days`` is no rule of the market: so many days simulated brokers enter again what
    expired at the close (participants/carried.py).
    """

    model_config = _STRICT

    run_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")] = "kitahama"
    environment: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,20}$")] = "simulation"
    preset: str = "start"
    rules: dict[str, Any] = {}
    times: TimesSettings | None = None
    first_day: date = date(2026, 11, 24)
    days: Annotated[int, Field(gt=0)] = 1
    settle_days_max: Annotated[int, Field(ge=0)] = 5
    good_till_days: Annotated[int, Field(ge=0, le=DAYS_MAX)] = 0
    speed: Annotated[float, Field(gt=0)] = 1.0
    wait_for_sessions: Annotated[int, Field(ge=0)] = 0
    firms: list[FirmSettings] = []
    issues: list[IssueSettings] = []
    tokens: TokensSettings = Field(default_factory=TokensSettings)
    server: ServerSettings = Field(default_factory=ServerSettings)

    def ouch_ports(self) -> dict[str, int]:
        """The OUCH port and its mirror; those that stay shut are left out."""
        server, port = self.server, self.server.ouch_port
        if port is None:
            usual = OUCH_PORT if server.orders_port else 0
            port = usual if self.preset == OUCH_PRESET else -1
        ports = {"ouch": port, "ouch_mirror": server.ouch_mirror_port if port >= 0 else -1}
        return {name: port for name, port in ports.items() if port >= 0}

    @field_validator("firms")
    @classmethod
    def _each_firm_once(cls, firms: list[FirmSettings]) -> list[FirmSettings]:
        names = [firm.participant_id for firm in firms]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"listed twice: {', '.join(twice)}")
        return firms


def read_settings(path: Path) -> VenueSettings:
    """Read a settings file, TOML or (named ``.json``) JSON.

    Raises:
        BadInput: Naming the file and every field that is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
        fields = msgspec.json.decode(text) if path.suffix == ".json" else tomllib.loads(text)
    except FileNotFoundError as missing:
        raise BadInput(f"{path}: no such file") from missing
    except OSError as unreadable:
        raise BadInput(f"{path}: cannot be read: {unreadable}") from unreadable
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise BadInput(f"{path}: not TOML: {broken}") from broken
    except msgspec.DecodeError as broken:
        raise BadInput(f"{path}: not JSON: {broken}") from broken
    _read_calendar(fields, path)
    return make_settings(fields, str(path))


def _read_calendar(fields: Any, path: Path) -> None:
    """Turn ``calendar_file`` into the rules that say the same, so that the journal holds them.

    The file has one date a line, ``YYYY-MM-DD``; what follows a ``#`` is for people. Its name is
    taken from where the settings file is.
    """
    if not isinstance(fields, dict) or "calendar_file" not in fields:
        return
    source = path.parent / str(fields.pop("calendar_file"))
    try:
        lines = source.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as unreadable:
        raise BadInput(f"{path}: calendar_file: {source.name} cannot be read") from unreadable
    closed: list[str] = []
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        try:
            closed += [date.fromisoformat(text).isoformat()] if text else []
        except ValueError as wrong:
            raise BadInput(f"{source.name}, line {number}: {text!r} is no date") from wrong
    rules = fields.setdefault("rules", {})
    if isinstance(rules, dict):
        rules |= {"calendar": "custom", "closed_days": sorted(closed)}


def make_settings(fields: object, source: str) -> VenueSettings:
    """Settings from plain values; what the environment says of the server comes in here.

    Raises:
        BadInput: Naming the source and every field that is wrong.
    """
    try:
        return VenueSettings.model_validate(fields)
    except ValidationError as wrong:
        lines = []
        for error in wrong.errors():
            place = [str(part) for part in error["loc"]]
            if wrong.title == ServerSettings.__name__:  # its values come from KITAHAMA_SERVER__*
                place.insert(0, "server")
            lines.append(f"{source}: {'.'.join(place)}: {error['msg']}")
        raise BadInput("\n".join(lines)) from wrong


def deposits_on(settings: VenueSettings, day: int) -> list[Command]:
    """Cash the firms pay in when day number ``day`` opens."""
    return [
        DepositYen(
            participant_id=ParticipantId(firm.participant_id),
            amount_yen=Yen(deposit.amount_yen),
            reference=f"day-{day}-{place}",
        )
        for firm in settings.firms
        for place, deposit in enumerate(firm.later_deposits)
        if deposit.day == day
    ]


_NAMED: Final[dict[str, Mapping[str, Any]]] = {
    "tick_table": TICK_TABLES,
    "limit_table": LIMIT_TABLES,
}
"""Rules whose value may be given by a name."""


def rules_of(command: OpenVenue) -> Rules:
    """The rulebook a run plays: its preset with the values the user chose.

    Raises:
        BadInput: When the preset, a rule or a value is unknown.
    """
    rules = preset(command.preset)
    hints = get_type_hints(Rules)
    chosen: dict[str, Any] = {}
    for name, text in command.chosen:
        if name not in hints or name == "name":
            raise BadInput(f"no rule is called {name!r}")
        (kind,) = get_args(hints[name])
        chosen[name] = _chosen_value(name, kind, text)
    return rules.replace(**chosen)


def _chosen_value(name: str, kind: Any, text: str) -> Any:
    try:
        value = msgspec.json.decode(text)
        named = _NAMED.get(name, {})
        if isinstance(value, str) and named:
            if value not in named:
                raise BadInput(f"rule {name}: {value!r} is none of {', '.join(named)}")
            return named[value]
        return msgspec.convert(value, kind)
    except msgspec.MsgspecError as wrong:
        raise BadInput(f"rule {name}: {wrong}") from wrong


def first_day_of(settings: VenueSettings) -> date:
    """The run's first business day, by its own calendar.

    Raises:
        BadInput: When the rules make no rulebook.
    """
    return first_business_day(settings.first_day, chosen_rules(settings).business_days)


def chosen_rules(settings: VenueSettings) -> Rules:
    """The rulebook the settings make.

    Raises:
        BadInput: When they make none.
    """
    return rules_of(_open_venue(settings))


def _open_venue(settings: VenueSettings) -> OpenVenue:
    """Everything the user chose, as the journal will hold it."""
    chosen = {name: msgspec.json.encode(value).decode() for name, value in settings.rules.items()}

    def opening() -> OpenVenue:
        return OpenVenue(
            run_id=settings.run_id,
            preset=settings.preset,
            chosen=tuple(chosen.items()),
            tokens_signed=settings.tokens.signed,
            tokens_mode=settings.tokens.mode,
        )

    if settings.times is not None:
        moved = retimed(rules_of(opening()).schedule.value, **settings.times.model_dump())
        chosen["schedule"] = msgspec.json.encode(moved).decode()
    return opening()


def opening_commands(settings: VenueSettings) -> list[Command]:
    """The first commands of a run: venue, issues, firms, keys, and what the firms start with."""
    opening = _open_venue(settings)
    rules = rules_of(opening)
    commands: list[Command] = [opening]
    commands += [ListInstrument(instrument=_instrument(issue, rules)) for issue in settings.issues]
    for firm in settings.firms:
        commands += _firm_commands(firm)
    return commands


def fix_passwords(settings: VenueSettings) -> dict[KeyId, str]:
    """SHA-256 of the FIX password of each key that has one."""
    return {
        KeyId(key.key_id): key.fix_password_sha256
        for firm in settings.firms
        for key in firm.keys
        if key.fix_password_sha256
    }


def ouch_usernames(settings: VenueSettings) -> dict[KeyId, str]:
    """The OUCH username of each key that has one of its own."""
    keys = [key for firm in settings.firms for key in firm.keys]
    return {KeyId(key.key_id): key.ouch_username for key in keys if key.ouch_username}


def ouch_passwords(settings: VenueSettings) -> dict[KeyId, str]:
    """SHA-256 of the OUCH password of each key that has one."""
    keys = [key for firm in settings.firms for key in firm.keys]
    return {KeyId(key.key_id): key.ouch_password_sha256 for key in keys if key.ouch_password_sha256}


def _instrument(issue: IssueSettings, rules: Rules) -> Instrument:
    return Instrument(
        instrument_id=InstrumentId(issue.instrument_id),
        isin=issue.isin,
        name=issue.name,
        issued_units=Units(issue.issued_units),
        issue_price_sen=Sen(issue.issue_price_yen * SEN_PER_YEN),
        ticks=TICK_TABLES[issue.tick_table] if issue.tick_table else rules.tick_table.value,
        limits=LIMIT_TABLES[issue.limit_table] if issue.limit_table else rules.limit_table.value,
        trading_unit_units=Units(issue.trading_unit_units),
        nav_sen=Sen(issue.nav_yen * SEN_PER_YEN),
        newly_listed=issue.newly_listed,
        market_orders_barred=issue.market_orders_barred,
        under_supervision=issue.under_supervision,
        to_be_removed=issue.to_be_removed,
        platform=issue.platform,
    )


def _firm_commands(firm: FirmSettings) -> list[Command]:
    participant_id = ParticipantId(firm.participant_id)
    limits = ParticipantLimits(
        credit_yen=Yen(firm.credit_yen), short_units_allowed=firm.short_units_allowed
    )
    commands: list[Command] = [
        RegisterParticipant(participant_id=participant_id, name=firm.name, limits=limits)
    ]
    commands += [
        RegisterKey(
            key_id=KeyId(key.key_id),
            participant_id=participant_id,
            session_id=SessionId(key.session_id),
            public_key_hex=key.public_key_hex,
        )
        for key in firm.keys
    ]
    if firm.cash_yen:
        commands.append(
            DepositYen(
                participant_id=participant_id,
                amount_yen=Yen(firm.cash_yen),
                reference="opening-yen",
            )
        )
    commands += [
        DepositUnits(
            participant_id=participant_id,
            instrument_id=InstrumentId(instrument_id),
            quantity_units=Units(quantity),
            reference=f"opening-{instrument_id}",
        )
        for instrument_id, quantity in firm.units.items()
    ]
    return commands


def check_key_names(participant_id: str, key_id: str, session_id: str, public_key_hex: str) -> None:
    """Refuse names a settings file could not hold.

    Raises:
        BadInput: Naming the field.
    """
    try:
        key = KeySettings(key_id=key_id, session_id=session_id, public_key_hex=public_key_hex)
        FirmSettings(participant_id=participant_id, name=participant_id, keys=[key])
    except ValidationError as wrong:
        field = ".".join(str(part) for part in wrong.errors()[0]["loc"])
        raise BadInput(f"{field}: {wrong.errors()[0]['msg']}") from wrong


def check_opening(command: Command, events: list[Event]) -> None:
    """Refuse settings the market itself refuses: units beyond the issue, a key bound twice.

    Raises:
        BadInput: With the command and the reason.
    """
    for event in events:
        if isinstance(event, CommandRefused):
            raise BadInput(f"settings: {type(command).__name__}: {event.reason}: {event.detail}")
