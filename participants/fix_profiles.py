"""The two FIX profiles as data: every field, every message, what it must and may carry.

``START_42`` is START's order entry (FIX 4.2 subset), ``HOUSE_44`` our own FIX 4.4 door, on which the
read-only drop copy stands too. Messages are judged by these tables (participants/fix_rules.py) and
the published QuickFIX dictionaries are written from them (participants/fix_dictionary.py), so what
is said and what is done cannot differ.

Ordering: a message's fields stand in the order in which they are sent.
Source: START FIX 1.1 (2nd-hand) for the START messages, their required and their optional fields;
FIX 4.2 and 4.4 for names, types and the session messages; FIX 5.0 for the fields from 969 on and
MDEntryType Q, which 4.4 does not have. Fields 5001 to 5004 are ours.
"""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One field: its tag, its name, its FIX type and, where it is an enumeration, its values."""

    tag: int
    name: str
    type: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """The fields of one entry of a repeating group, in order; the first begins each entry."""

    required: tuple[int, ...]
    optional: tuple[int, ...] = ()

    @property
    def members(self) -> tuple[int, ...]:
        """All of them, as sent."""
        return (*self.required, *self.optional)


@dataclass(frozen=True, slots=True)
class MessageRule:
    """One message.

    Attributes:
        kind: MsgType (35).
        is_admin: Whether it belongs to the session layer: never sent again, a gap fill instead.
        inbound: Whether a client may send it.
        groups: Counter tag of a repeating group to what is in it; no group holds another.
    """

    kind: str
    name: str
    required: tuple[int, ...]
    optional: tuple[int, ...] = ()
    is_admin: bool = False
    inbound: bool = False
    groups: dict[int, Group] = field(default_factory=dict)

    def allows(self, tag: int) -> bool:
        """Whether the tag belongs to the message's body."""
        return tag in self.required or tag in self.optional


@dataclass(frozen=True, slots=True)
class Profile:
    """One door's dictionary."""

    name: str
    begin: str
    fields: dict[int, FieldRule]
    messages: dict[str, MessageRule]

    @property
    def is_44(self) -> bool:
        """Whether executions are written as FIX 4.4 has them."""
        return self.begin == "FIX.4.4"


HEADER_REQUIRED: Final = (8, 9, 35, 49, 56, 34, 52)
HEADER_OPTIONAL: Final = (43, 97, 50, 57, 122)
TRAILER: Final = (10,)

_YES_NO: Final = {"Y": "YES", "N": "NO"}


def _fields(*rules: FieldRule) -> dict[int, FieldRule]:
    return {rule.tag: rule for rule in rules}


_COMMON: Final = (
    FieldRule(1, "Account", "STRING"),
    FieldRule(6, "AvgPx", "PRICE"),
    FieldRule(7, "BeginSeqNo", "INT"),
    FieldRule(8, "BeginString", "STRING"),
    FieldRule(9, "BodyLength", "INT"),
    FieldRule(10, "CheckSum", "STRING"),
    FieldRule(11, "ClOrdID", "STRING"),
    FieldRule(14, "CumQty", "QTY"),
    FieldRule(16, "EndSeqNo", "INT"),
    FieldRule(17, "ExecID", "STRING"),
    FieldRule(31, "LastPx", "PRICE"),
    FieldRule(34, "MsgSeqNum", "INT"),
    FieldRule(35, "MsgType", "STRING"),
    FieldRule(36, "NewSeqNo", "INT"),
    FieldRule(37, "OrderID", "STRING"),
    FieldRule(38, "OrderQty", "QTY"),
    FieldRule(40, "OrdType", "CHAR", {"1": "MARKET", "2": "LIMIT"}),
    FieldRule(41, "OrigClOrdID", "STRING"),
    FieldRule(43, "PossDupFlag", "BOOLEAN", _YES_NO),
    FieldRule(44, "Price", "PRICE"),
    FieldRule(45, "RefSeqNum", "INT"),
    FieldRule(49, "SenderCompID", "STRING"),
    FieldRule(50, "SenderSubID", "STRING"),
    FieldRule(52, "SendingTime", "UTCTIMESTAMP"),
    FieldRule(
        54, "Side", "CHAR", {"1": "BUY", "2": "SELL", "5": "SELL_SHORT", "6": "SELL_SHORT_EXEMPT"}
    ),
    FieldRule(55, "Symbol", "STRING"),
    FieldRule(56, "TargetCompID", "STRING"),
    FieldRule(57, "TargetSubID", "STRING"),
    FieldRule(58, "Text", "STRING"),
    FieldRule(60, "TransactTime", "UTCTIMESTAMP"),
    FieldRule(95, "RawDataLength", "LENGTH"),
    FieldRule(96, "RawData", "DATA"),
    FieldRule(97, "PossResend", "BOOLEAN", _YES_NO),
    FieldRule(98, "EncryptMethod", "INT", {"0": "NONE"}),
    FieldRule(102, "CxlRejReason", "INT", {
        "0": "TOO_LATE_TO_CANCEL", "1": "UNKNOWN_ORDER", "2": "BROKER_OPTION",
        "3": "ALREADY_PENDING", "6": "DUPLICATE_CLORDID", "99": "OTHER",
    }),
    FieldRule(103, "OrdRejReason", "INT", {
        "0": "BROKER_OPTION", "1": "UNKNOWN_SYMBOL", "2": "EXCHANGE_CLOSED",
        "3": "ORDER_EXCEEDS_LIMIT", "4": "TOO_LATE_TO_ENTER", "5": "UNKNOWN_ORDER",
        "6": "DUPLICATE_ORDER", "8": "STALE_ORDER", "11": "UNSUPPORTED_CHARACTERISTIC",
        "13": "INCORRECT_QUANTITY", "99": "OTHER",
    }),
    FieldRule(108, "HeartBtInt", "INT"),
    FieldRule(112, "TestReqID", "STRING"),
    FieldRule(122, "OrigSendingTime", "UTCTIMESTAMP"),
    FieldRule(123, "GapFillFlag", "BOOLEAN", _YES_NO),
    FieldRule(141, "ResetSeqNumFlag", "BOOLEAN", _YES_NO),
    FieldRule(151, "LeavesQty", "QTY"),
    FieldRule(336, "TradingSessionID", "STRING"),
    FieldRule(339, "TradSesMode", "INT", {"1": "TESTING", "2": "SIMULATED", "3": "PRODUCTION"}),
    FieldRule(340, "TradSesStatus", "INT", {
        "1": "HALTED", "2": "OPEN", "3": "CLOSED", "4": "PRE_OPEN", "5": "PRE_CLOSE",
    }),
    FieldRule(371, "RefTagID", "INT"),
    FieldRule(372, "RefMsgType", "STRING"),
    FieldRule(373, "SessionRejectReason", "INT", {
        "0": "INVALID_TAG_NUMBER", "1": "REQUIRED_TAG_MISSING",
        "2": "TAG_NOT_DEFINED_FOR_THIS_MESSAGE_TYPE", "3": "UNDEFINED_TAG",
        "4": "TAG_SPECIFIED_WITHOUT_A_VALUE", "5": "VALUE_IS_INCORRECT",
        "6": "INCORRECT_DATA_FORMAT_FOR_VALUE", "9": "COMPID_PROBLEM",
        "10": "SENDINGTIME_ACCURACY_PROBLEM", "11": "INVALID_MSGTYPE",
        "13": "TAG_APPEARS_MORE_THAN_ONCE",
    }),
    FieldRule(375, "ContraBroker", "STRING"),
    FieldRule(378, "ExecRestatementReason", "INT", {
        "4": "BROKER_OPTION", "5": "PARTIAL_DECLINE_OF_ORDERQTY", "6": "CANCEL_ON_TRADING_HALT",
        "7": "CANCEL_ON_SYSTEM_FAILURE", "8": "MARKET_OPTION",
    }),
    FieldRule(379, "BusinessRejectRefID", "STRING"),
    FieldRule(380, "BusinessRejectReason", "INT", {
        "0": "OTHER", "1": "UNKNOWN_ID", "2": "UNKNOWN_SECURITY", "3": "UNSUPPORTED_MESSAGE_TYPE",
        "4": "APPLICATION_NOT_AVAILABLE", "5": "CONDITIONALLY_REQUIRED_FIELD_MISSING",
        "6": "NOT_AUTHORIZED",
    }),
    FieldRule(434, "CxlRejResponseTo", "CHAR", {
        "1": "ORDER_CANCEL_REQUEST", "2": "ORDER_CANCEL_REPLACE_REQUEST",
    }),
    FieldRule(880, "TrdMatchID", "STRING"),
)  # fmt: skip

_ORD_STATUS: Final = {
    "0": "NEW", "1": "PARTIALLY_FILLED", "2": "FILLED", "4": "CANCELED", "5": "REPLACED",
    "8": "REJECTED", "C": "EXPIRED",
}  # fmt: skip

_ONLY_42: Final = (
    FieldRule(20, "ExecTransType", "CHAR", {"0": "NEW", "1": "CANCEL", "3": "STATUS"}),
    FieldRule(21, "HandlInst", "CHAR", {"1": "AUTOMATED_NO_INTERVENTION"}),
    FieldRule(22, "IDSource", "STRING", {"4": "ISIN_NUMBER"}),
    FieldRule(32, "LastShares", "QTY"),
    FieldRule(39, "OrdStatus", "CHAR", _ORD_STATUS),
    FieldRule(47, "Rule80A", "CHAR", {"A": "AGENCY", "P": "PRINCIPAL"}),
    FieldRule(48, "SecurityID", "STRING"),
    FieldRule(59, "TimeInForce", "CHAR", {"3": "IMMEDIATE_OR_CANCEL", "4": "FILL_OR_KILL"}),
    FieldRule(150, "ExecType", "CHAR", {
        "0": "NEW", "1": "PARTIAL_FILL", "2": "FILL", "4": "CANCELED", "5": "REPLACED",
        "8": "REJECTED", "C": "EXPIRED", "D": "RESTATED",
    }),
    FieldRule(382, "NoContraBrokers", "INT"),
)  # fmt: skip

_INFORMATION: Final = (
    FieldRule(107, "SecurityDesc", "STRING"),
    FieldRule(146, "NoRelatedSym", "NUMINGROUP"),
    FieldRule(262, "MDReqID", "STRING"),
    FieldRule(263, "SubscriptionRequestType", "CHAR", {
        "0": "SNAPSHOT", "1": "SNAPSHOT_PLUS_UPDATES",
        "2": "DISABLE_PREVIOUS_SNAPSHOT_PLUS_UPDATE_REQUEST",
    }),
    FieldRule(264, "MarketDepth", "INT"),
    FieldRule(265, "MDUpdateType", "INT", {"0": "FULL_REFRESH", "1": "INCREMENTAL_REFRESH"}),
    FieldRule(266, "AggregatedBook", "BOOLEAN", _YES_NO),
    FieldRule(267, "NoMDEntryTypes", "NUMINGROUP"),
    FieldRule(268, "NoMDEntries", "NUMINGROUP"),
    FieldRule(269, "MDEntryType", "CHAR", {
        "0": "BID", "1": "OFFER", "2": "TRADE", "3": "INDEX_VALUE", "4": "OPENING_PRICE",
        "5": "CLOSING_PRICE", "6": "SETTLEMENT_PRICE", "7": "TRADING_SESSION_HIGH_PRICE",
        "8": "TRADING_SESSION_LOW_PRICE", "9": "TRADING_SESSION_VWAP_PRICE", "A": "IMBALANCE",
        "B": "TRADE_VOLUME", "C": "OPEN_INTEREST", "Q": "AUCTION_CLEARING_PRICE",
    }),
    FieldRule(270, "MDEntryPx", "PRICE"),
    FieldRule(271, "MDEntrySize", "QTY"),
    FieldRule(272, "MDEntryDate", "UTCDATEONLY"),
    FieldRule(273, "MDEntryTime", "UTCTIMEONLY"),
    FieldRule(278, "MDEntryID", "STRING"),
    FieldRule(279, "MDUpdateAction", "CHAR", {"0": "NEW", "1": "CHANGE", "2": "DELETE"}),
    FieldRule(281, "MDReqRejReason", "CHAR", {
        "0": "UNKNOWN_SYMBOL", "1": "DUPLICATE_MDREQID", "2": "INSUFFICIENT_BANDWIDTH",
        "3": "INSUFFICIENT_PERMISSIONS", "4": "UNSUPPORTED_SUBSCRIPTIONREQUESTTYPE",
        "5": "UNSUPPORTED_MARKETDEPTH", "6": "UNSUPPORTED_MDUPDATETYPE",
        "7": "UNSUPPORTED_AGGREGATEDBOOK", "8": "UNSUPPORTED_MDENTRYTYPE",
    }),
    FieldRule(320, "SecurityReqID", "STRING"),
    FieldRule(322, "SecurityResponseID", "STRING"),
    FieldRule(325, "UnsolicitedIndicator", "BOOLEAN", _YES_NO),
    FieldRule(335, "TradSesReqID", "STRING"),
    FieldRule(346, "NumberOfOrders", "INT"),
    FieldRule(393, "TotNoRelatedSym", "INT"),
    FieldRule(559, "SecurityListRequestType", "INT", {
        "0": "SYMBOL", "1": "SECURITYTYPE_AND_OR_CFICODE", "2": "PRODUCT",
        "3": "TRADINGSESSIONID", "4": "ALL_SECURITIES",
    }),
    FieldRule(560, "SecurityRequestResult", "INT", {
        "0": "VALID_REQUEST", "1": "INVALID_OR_UNSUPPORTED_REQUEST",
        "2": "NO_INSTRUMENTS_FOUND",
    }),
    FieldRule(561, "RoundLot", "QTY"),
    FieldRule(567, "TradSesStatusRejReason", "INT", {
        "1": "UNKNOWN_OR_INVALID_TRADINGSESSIONID", "99": "OTHER",
    }),
    FieldRule(893, "LastFragment", "BOOLEAN", _YES_NO),
    FieldRule(969, "MinPriceIncrement", "PRICE"),
    FieldRule(1148, "LowLimitPrice", "PRICE"),
    FieldRule(1149, "HighLimitPrice", "PRICE"),
    FieldRule(1150, "TradingReferencePrice", "PRICE"),
)  # fmt: skip
"""What only the questions about the market have: security list, session status, market data."""

_ONLY_44: Final = (
    FieldRule(15, "Currency", "STRING"),
    FieldRule(19, "ExecRefID", "STRING"),
    FieldRule(22, "SecurityIDSource", "STRING", {"4": "ISIN_NUMBER"}),
    FieldRule(32, "LastQty", "QTY"),
    FieldRule(39, "OrdStatus", "CHAR", _ORD_STATUS),
    FieldRule(59, "TimeInForce", "CHAR", {
        "0": "DAY", "2": "AT_THE_OPENING", "3": "IMMEDIATE_OR_CANCEL", "4": "FILL_OR_KILL",
        "7": "AT_THE_CLOSE",
    }),
    FieldRule(48, "SecurityID", "STRING"),
    FieldRule(64, "SettlDate", "LOCALMKTDATE"),
    FieldRule(150, "ExecType", "CHAR", {
        "0": "NEW", "4": "CANCELED", "5": "REPLACED", "8": "REJECTED", "C": "EXPIRED",
        "D": "RESTATED", "F": "TRADE", "H": "TRADE_CANCEL", "I": "ORDER_STATUS",
    }),
    FieldRule(340, "TradSesStatus", "INT", {
        "0": "UNKNOWN", "1": "HALTED", "2": "OPEN", "3": "CLOSED", "4": "PRE_OPEN",
        "5": "PRE_CLOSE", "6": "REQUEST_REJECTED",
    }),
    FieldRule(373, "SessionRejectReason", "INT", {
        "0": "INVALID_TAG_NUMBER", "1": "REQUIRED_TAG_MISSING",
        "2": "TAG_NOT_DEFINED_FOR_THIS_MESSAGE_TYPE", "3": "UNDEFINED_TAG",
        "4": "TAG_SPECIFIED_WITHOUT_A_VALUE", "5": "VALUE_IS_INCORRECT",
        "6": "INCORRECT_DATA_FORMAT_FOR_VALUE", "9": "COMPID_PROBLEM",
        "10": "SENDINGTIME_ACCURACY_PROBLEM", "11": "INVALID_MSGTYPE",
        "13": "TAG_APPEARS_MORE_THAN_ONCE", "15": "REPEATING_GROUP_FIELDS_OUT_OF_ORDER",
        "16": "INCORRECT_NUMINGROUP_COUNT",
    }),
    FieldRule(381, "GrossTradeAmt", "AMT"),
    FieldRule(382, "NoContraBrokers", "NUMINGROUP"),
    FieldRule(528, "OrderCapacity", "CHAR", {"A": "AGENCY", "P": "PRINCIPAL"}),
    FieldRule(530, "MassCancelRequestType", "CHAR", {
        "1": "CANCEL_ORDERS_FOR_A_SECURITY", "7": "CANCEL_ALL_ORDERS",
    }),
    FieldRule(531, "MassCancelResponse", "CHAR", {
        "0": "REJECTED", "1": "CANCELED_FOR_A_SECURITY", "7": "CANCELED_ALL",
    }),
    FieldRule(532, "MassCancelRejectReason", "INT", {"99": "OTHER"}),
    FieldRule(533, "TotalAffectedOrders", "INT"),
    FieldRule(553, "Username", "STRING"),
    FieldRule(554, "Password", "STRING"),
    *_INFORMATION,
    FieldRule(5001, "CancelOnDisconnect", "BOOLEAN", _YES_NO),
    FieldRule(5002, "DropCopyFrom", "INT"),
    FieldRule(5003, "DropCopySeq", "INT"),
    FieldRule(5004, "DeliveryID", "STRING"),
    FieldRule(9406, "DropCopyFlag", "BOOLEAN", _YES_NO),
)  # fmt: skip


def _admin(kind: str, name: str, required: tuple[int, ...], *optional: int) -> MessageRule:
    return MessageRule(kind, name, required, optional, is_admin=True, inbound=True)


def _session(*logon: int) -> tuple[MessageRule, ...]:
    return (
        _admin("0", "Heartbeat", (), 112),
        _admin("1", "TestRequest", (112,)),
        _admin("2", "ResendRequest", (7, 16)),
        _admin("3", "Reject", (45,), 371, 372, 373, 58),
        _admin("4", "SequenceReset", (36,), 123),
        _admin("5", "Logout", (), 58),
        _admin("A", "Logon", (98, 108), 141, 95, 96, *logon),
    )


def _messages(*rules: MessageRule) -> dict[str, MessageRule]:
    return {rule.kind: rule for rule in rules}


_CONTRA: Final[dict[int, Group]] = {382: Group((375,))}
_BUSINESS_REJECT: Final = MessageRule("j", "BusinessMessageReject", (372, 380), (45, 379, 58))
_SESSION_STATUS: Final = MessageRule("h", "TradingSessionStatus", (336, 340), (339,))

START_42: Final = Profile(
    "start42",
    "FIX.4.2",
    _fields(*_COMMON, *_ONLY_42),
    _messages(
        *_session(),
        MessageRule(
            "D", "NewOrderSingle", (11, 21, 38, 40, 54, 55, 60), (1, 22, 44, 47, 48, 59),
            inbound=True,
        ),
        MessageRule("F", "OrderCancelRequest", (11, 38, 41, 54, 55, 60), inbound=True),
        MessageRule(
            "8",
            "ExecutionReport",
            (37, 11, 17, 20, 150, 39, 55, 54, 38, 151, 14, 6),
            (1, 31, 32, 40, 41, 44, 47, 58, 59, 60, 103, 378, 382, 880),
            groups=_CONTRA,
        ),
        MessageRule("9", "OrderCancelReject", (37, 11, 41, 39, 434), (102, 58)),
        _BUSINESS_REJECT,
        _SESSION_STATUS,
    ),
)  # fmt: skip
"""START's order entry; no replace, no status request, no mass cancel."""

HOUSE_44: Final = Profile(
    "house44",
    "FIX.4.4",
    _fields(*_COMMON, *_ONLY_44),
    _messages(
        *_session(553, 554, 5001, 5002, 9406),
        MessageRule(
            "D", "NewOrderSingle", (11, 55, 54, 60, 38, 40), (1, 44, 59, 528), inbound=True
        ),
        MessageRule("F", "OrderCancelRequest", (41, 11, 55, 54, 60), (38,), inbound=True),
        MessageRule(
            "G", "OrderCancelReplaceRequest", (41, 11, 55, 54, 60, 40), (38, 44, 1), inbound=True
        ),
        MessageRule("H", "OrderStatusRequest", (11, 55, 54), (37,), inbound=True),
        MessageRule("q", "OrderMassCancelRequest", (11, 530, 60), (55, 54), inbound=True),
        MessageRule(
            "r", "OrderMassCancelReport", (37, 530, 531), (11, 532, 533, 55, 54, 60, 58, 5003)
        ),
        MessageRule(
            "8",
            "ExecutionReport",
            (37, 17, 150, 39, 55, 54, 151, 14, 6),
            (11, 41, 19, 1, 64, 38, 40, 44, 59, 528, 32, 31, 60, 103, 378, 381, 382, 880, 5004, 5003,
             58),
            groups=_CONTRA,
        ),
        MessageRule("9", "OrderCancelReject", (37, 11, 41, 39, 434), (102, 58, 5003)),
        _BUSINESS_REJECT,
        MessageRule("g", "TradingSessionStatusRequest", (335, 263), (336,), inbound=True),
        MessageRule("h", "TradingSessionStatus", (336, 340), (335, 325, 567, 339, 58)),
        MessageRule("x", "SecurityListRequest", (320, 559), (55, 336, 263), inbound=True),
        MessageRule(
            "y",
            "SecurityList",
            (320, 322, 560),
            (393, 893, 146),
            groups={146: Group((55,), (48, 22, 107, 15, 561, 969, 1148, 1149, 1150))},
        ),
        MessageRule(
            "V",
            "MarketDataRequest",
            (262, 263, 264, 267, 146),
            (265, 266),
            inbound=True,
            groups={267: Group((269,)), 146: Group((55,))},
        ),
        MessageRule(
            "W",
            "MarketDataSnapshotFullRefresh",
            (262, 55, 268),
            groups={268: Group((269,), (278, 270, 271, 272, 273, 346))},
        ),
        MessageRule(
            "X",
            "MarketDataIncrementalRefresh",
            (262, 268),
            groups={268: Group((279, 269, 278, 55), (270, 271, 272, 273, 346))},
        ),
        MessageRule("Y", "MarketDataRequestReject", (262,), (281, 58)),
    ),
)  # fmt: skip
"""Our own door in FIX 4.4, and the drop copy's."""

PROFILES: Final = {profile.name: profile for profile in (START_42, HOUSE_44)}
