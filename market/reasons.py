"""Every way to say no, in the order the checks run: the first that fails names the reason.

One closed catalogue for all doors (``kitahama errors`` prints it). Codes are stable: a client may
switch on them. A new reason goes where its check runs, not at the end.

Every request gets exactly one terminal answer. ``close_code`` in the catalogue says whether the
connection then stays open (None) or closes, and with which websocket code.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class RejectReason(StrEnum):
    """Reasons a request is refused (受付不可), in the order they are checked."""

    # transport and syntax: decided at the door, nothing is journaled
    PROTOCOL_ERROR = "PROTOCOL_ERROR"
    UNSUPPORTED_TYPE = "UNSUPPORTED_TYPE"
    INVALID_TEXT = "INVALID_TEXT"
    FRAME_TOO_LARGE = "FRAME_TOO_LARGE"
    MALFORMED = "MALFORMED"
    DUPLICATE_KEY = "DUPLICATE_KEY"
    UNKNOWN_TYPE = "UNKNOWN_TYPE"
    SCHEMA = "SCHEMA"
    UNSUPPORTED_VERSION = "UNSUPPORTED_VERSION"
    # logon and session: decided by the session before the sequencer
    NOT_LOGGED_ON = "NOT_LOGGED_ON"
    CLOCK_SKEW = "CLOCK_SKEW"
    AUTH_FAILED = "AUTH_FAILED"
    SESSION_LOCKED = "SESSION_LOCKED"
    SESSION_ACTIVE = "SESSION_ACTIVE"
    SESSION_TAKEN_OVER = "SESSION_TAKEN_OVER"
    HEARTBEAT_TIMEOUT = "HEARTBEAT_TIMEOUT"
    SEQ_TOO_LOW = "SEQ_TOO_LOW"
    SEQ_GAP = "SEQ_GAP"
    # capacity
    THROTTLED = "THROTTLED"
    SLOW_CONSUMER = "SLOW_CONSUMER"
    BUSY = "BUSY"
    NOT_READY = "NOT_READY"
    STORAGE_FAILED = "STORAGE_FAILED"
    # from here on: decided by the core, so journaled and replayed
    STALE_GENERATION = "STALE_GENERATION"
    DUPLICATE = "DUPLICATE"
    ID_CONFLICT = "ID_CONFLICT"
    NOT_ENTITLED = "NOT_ENTITLED"
    KILLED = "KILLED"
    UNKNOWN_INSTRUMENT = "UNKNOWN_INSTRUMENT"  # 銘柄なし
    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    ALREADY_TERMINAL = "ALREADY_TERMINAL"
    VENUE_HALTED = "VENUE_HALTED"
    NOT_TRADABLE = "NOT_TRADABLE"  # 売買停止
    PHASE_CLOSED = "PHASE_CLOSED"  # 立会時間外
    NON_CANCEL_PERIOD = "NON_CANCEL_PERIOD"
    AMEND_UNSUPPORTED = "AMEND_UNSUPPORTED"
    INVALID_COMBINATION = "INVALID_COMBINATION"
    MARKET_ORDER_BARRED = "MARKET_ORDER_BARRED"  # 成行禁止
    SHORT_SALE_BARRED = "SHORT_SALE_BARRED"  # 空売り
    OUT_OF_RANGE = "OUT_OF_RANGE"
    BAD_TICK = "BAD_TICK"  # 呼値の単位
    BAD_LOT = "BAD_LOT"  # 売買単位
    OUTSIDE_PRICE_LIMIT = "OUTSIDE_PRICE_LIMIT"  # 制限値幅
    ORDER_QTY_LIMIT = "ORDER_QTY_LIMIT"
    SHARE_OF_ISSUE = "SHARE_OF_ISSUE"
    ABNORMAL_SIZE_QUERY = "ABNORMAL_SIZE_QUERY"  # 異常数量の照会
    FIRM_QTY_LIMIT = "FIRM_QTY_LIMIT"
    ORDER_VALUE_LIMIT = "ORDER_VALUE_LIMIT"
    OPEN_ORDER_LIMIT = "OPEN_ORDER_LIMIT"
    INSUFFICIENT_CASH = "INSUFFICIENT_CASH"  # 買付余力
    INSUFFICIENT_HOLDING = "INSUFFICIENT_HOLDING"
    SELF_MATCH = "SELF_MATCH"  # 仮装売買
    # settlement, error trades and acts on tokens
    ACT_UNSUPPORTED = "ACT_UNSUPPORTED"
    UNKNOWN_TRADE = "UNKNOWN_TRADE"
    UNKNOWN_INSTRUCTION = "UNKNOWN_INSTRUCTION"
    NOT_OWN_SIDE = "NOT_OWN_SIDE"
    ALREADY_FINAL = "ALREADY_FINAL"
    NOT_SETTLED = "NOT_SETTLED"
    ALREADY_REVERSED = "ALREADY_REVERSED"
    BUY_IN_NOT_DUE = "BUY_IN_NOT_DUE"
    BUST_NOT_ALLOWED = "BUST_NOT_ALLOWED"
    CUTOFF_PASSED = "CUTOFF_PASSED"
    ISSUER_DEFAULTED = "ISSUER_DEFAULTED"
    LEG_MISMATCH = "LEG_MISMATCH"
    STATION_CLOSED = "STATION_CLOSED"  # 閉局中
    TRANSFER_RESTRICTED = "TRANSFER_RESTRICTED"
    NOT_REGISTERED = "NOT_REGISTERED"
    ACCOUNT_FROZEN = "ACCOUNT_FROZEN"
    RECEIVER_REFUSED = "RECEIVER_REFUSED"
    SIGNATURE_REFUSED = "SIGNATURE_REFUSED"
    # a defect of ours; any occurrence fails the test run
    INTERNAL = "INTERNAL"


class CancelReason(StrEnum):
    """Why an order left the book without trading its remainder."""

    OWNER = "owner"
    MASS = "mass"
    DISCONNECT = "disconnect"
    KILL = "kill"
    AMENDED = "amended"
    AMEND_INVALID = "amend_invalid"
    SELF_TRADE = "self_trade"
    IOC_REST = "ioc_rest"
    FOK_UNFILLED = "fok_unfilled"
    MARKET_REST = "market_rest"
    LIMIT_REST = "limit_rest"
    HALT = "halt"
    OPERATOR = "operator"


class FailReason(StrEnum):
    """Why a delivery did not finish on its date (フェイル), with ISO 20022's word beside it.

    Two words are to the side it concerns and to the other; OTHR is "other, see the narrative".
    """

    SELLER_SHORT_OF_UNITS = "seller_short_of_units"  # LACK, CLAC
    BUYER_SHORT_OF_CASH = "buyer_short_of_cash"  # MONY, CMON
    ON_HOLD = "on_hold"  # PREA, PRCY; BOTH when both do
    TRANSFER_RESTRICTED = "transfer_restricted"  # SBLO
    MONEY_CLOSED = "money_closed"
    ISSUER_DEFAULTED = "issuer_defaulted"
    PAYMENT_PENDING = "payment_pending"  # ordered; nobody knows yet
    PAYMENT_REFUSED = "payment_refused"  # MONY, CMON
    CUTOFF_PASSED = "cutoff_passed"  # LATE
    CANCELED = "canceled"
    BUSTED = "busted"  # its trade was voided
    STATION_CLOSED = "station_closed"  # 閉局中; OTHR
    NOT_REGISTERED = "not_registered"  # OTHR
    ACCOUNT_FROZEN = "account_frozen"  # BLOC, to whose account it is
    RECEIVER_REFUSED = "receiver_refused"  # OTHR
    SIGNATURE_REFUSED = "signature_refused"  # OTHR
    REDEEMED = "redeemed"  # its units are no more
    NOT_AFFIRMED = "not_affirmed"  # a side has yet to affirm it (unmatched)
    AGREED = "agreed"  # both sides consented to its end
    BOUGHT_IN = "bought_in"  # the buyer was delivered by another, at the seller's cost
    COMPENSATED = "compensated"  # the buyer was paid instead
    PURGED = "purged"  # late for longer than the rule allows


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """What a client may rely on for one code.

    Attributes:
        group: The class of the code, by who decides.
        close_code: Websocket close code, or None when the connection stays open.
        retryable: Whether the same content may succeed later without a change.
        text_en: Short fixed text; never carries another firm's data.
        text_ja: The same in Japanese.
    """

    group: str
    close_code: int | None
    retryable: bool
    text_en: str
    text_ja: str


def _entry(
    group: str, text_en: str, text_ja: str, *, close: int | None = None, retryable: bool = False
) -> CatalogueEntry:
    return CatalogueEntry(group, close, retryable, text_en, text_ja)


_R = RejectReason
CATALOGUE: Final[dict[RejectReason, CatalogueEntry]] = {
    _R.PROTOCOL_ERROR: _entry("transport", "websocket protocol broken", "通信規約違反", close=1002),
    _R.UNSUPPORTED_TYPE: _entry("transport", "text frames only", "テキストのみ可", close=1003),
    _R.INVALID_TEXT: _entry("transport", "text is not UTF-8", "UTF-8でない", close=1007),
    _R.FRAME_TOO_LARGE: _entry("transport", "message too large", "電文が大きすぎる", close=1009),
    _R.MALFORMED: _entry("syntax", "not one JSON object", "JSONとして読めない"),
    _R.DUPLICATE_KEY: _entry("syntax", "a key occurs twice", "キーの重複"),
    _R.UNKNOWN_TYPE: _entry("syntax", "unknown method", "未知の電文種別"),
    _R.SCHEMA: _entry("syntax", "a field is missing, unknown or out of bounds", "項目の誤り"),
    _R.UNSUPPORTED_VERSION: _entry("syntax", "unsupported version", "未対応の版", close=1008),
    _R.NOT_LOGGED_ON: _entry("session", "log on first", "未ログオン", close=1008),
    _R.CLOCK_SKEW: _entry("session", "client clock too far off", "時刻差が大きい", close=4005),
    _R.AUTH_FAILED: _entry("session", "logon refused", "認証失敗", close=1008),
    _R.SESSION_LOCKED: _entry(
        "session", "too many takeovers", "セッション停止中", close=4003, retryable=True
    ),
    _R.SESSION_ACTIVE: _entry(
        "session", "session is live elsewhere", "セッション使用中", close=4001, retryable=True
    ),
    _R.SESSION_TAKEN_OVER: _entry(
        "session", "a newer logon took over", "別接続に引継ぎ", close=4002
    ),
    _R.HEARTBEAT_TIMEOUT: _entry(
        "session", "no message in time", "無通信", close=4006, retryable=True
    ),
    _R.SEQ_TOO_LOW: _entry("session", "sequence number already used", "通番が古い", close=4004),
    _R.SEQ_GAP: _entry("session", "sequence number skipped", "通番の飛び", retryable=True),
    _R.THROTTLED: _entry("capacity", "rate limit reached", "流量制限", retryable=True),
    _R.SLOW_CONSUMER: _entry("capacity", "reader too slow", "受信遅延", close=4010, retryable=True),
    _R.BUSY: _entry("capacity", "inbox full", "混雑", retryable=True),
    _R.NOT_READY: _entry("capacity", "venue is recovering", "復旧中", retryable=True),
    _R.STORAGE_FAILED: _entry("capacity", "journal failed", "記録障害", close=1012, retryable=True),
    _R.STALE_GENERATION: _entry("session", "session generation is old", "旧世代", close=4002),
    _R.DUPLICATE: _entry("identity", "already answered; original attached", "二重送信"),
    _R.ID_CONFLICT: _entry("identity", "id used with other content", "注文番号の再使用"),
    _R.NOT_ENTITLED: _entry("entitlement", "not permitted", "権限なし"),
    _R.KILLED: _entry("risk", "entry stopped by kill switch", "発注停止中"),
    _R.UNKNOWN_INSTRUMENT: _entry("values", "unknown instrument", "銘柄なし"),
    _R.UNKNOWN_ORDER: _entry("identity", "no such order", "該当注文なし"),
    _R.ALREADY_TERMINAL: _entry("identity", "order already ended", "注文終了済み"),
    _R.VENUE_HALTED: _entry("market state", "venue halted", "全銘柄停止中", retryable=True),
    _R.NOT_TRADABLE: _entry("market state", "instrument suspended", "売買停止中", retryable=True),
    _R.PHASE_CLOSED: _entry(
        "market state", "not accepted in this phase", "受付時間外", retryable=True
    ),
    _R.NON_CANCEL_PERIOD: _entry(
        "market state", "orders may not leave in this phase", "取消不可時間", retryable=True
    ),
    _R.AMEND_UNSUPPORTED: _entry("market state", "this market has no amend", "訂正不可"),
    _R.INVALID_COMBINATION: _entry("values", "fields do not fit together", "項目の組合せ誤り"),
    _R.MARKET_ORDER_BARRED: _entry("market state", "market orders barred today", "成行注文不可"),
    _R.SHORT_SALE_BARRED: _entry("market state", "this market has no short sales", "空売り不可"),
    _R.OUT_OF_RANGE: _entry("values", "number out of range", "値の範囲外"),
    _R.BAD_TICK: _entry("values", "price not on the tick", "呼値の単位の誤り"),
    _R.BAD_LOT: _entry("values", "quantity not in trading units", "売買単位の誤り"),
    _R.OUTSIDE_PRICE_LIMIT: _entry("values", "price beyond the daily limit", "制限値幅外"),
    _R.ORDER_QTY_LIMIT: _entry("risk", "quantity above the market's limit", "数量上限超過"),
    _R.SHARE_OF_ISSUE: _entry("risk", "share of the issue too large", "発行数量比率超過"),
    _R.ABNORMAL_SIZE_QUERY: _entry(
        "risk", "unusually large; confirm the size", "数量確認要", retryable=True
    ),
    _R.FIRM_QTY_LIMIT: _entry("risk", "quantity above the firm's limit", "会員別数量上限超過"),
    _R.ORDER_VALUE_LIMIT: _entry("risk", "order value above the limit", "金額上限超過"),
    _R.OPEN_ORDER_LIMIT: _entry("risk", "too many open orders", "注文件数上限超過", retryable=True),
    _R.INSUFFICIENT_CASH: _entry("risk", "buying power exceeded", "買付余力不足", retryable=True),
    _R.INSUFFICIENT_HOLDING: _entry("risk", "not enough units", "売付可能数量不足", retryable=True),
    _R.SELF_MATCH: _entry("risk", "would trade with itself", "自己対当"),
    _R.ACT_UNSUPPORTED: _entry(
        "settlement", "neither market nor platform knows the act", "対応外の操作"
    ),
    _R.UNKNOWN_TRADE: _entry("settlement", "no such trade", "該当約定なし"),
    _R.UNKNOWN_INSTRUCTION: _entry("settlement", "no such delivery", "該当指図なし"),
    _R.NOT_OWN_SIDE: _entry(
        "settlement", "the firm is not on that side of the delivery", "自社側でない"
    ),
    _R.ALREADY_FINAL: _entry("settlement", "delivery already ended", "決済終了済み"),
    _R.NOT_SETTLED: _entry("settlement", "delivery is not settled", "未決済"),
    _R.ALREADY_REVERSED: _entry(
        "settlement", "delivery is reversed, or a reversal itself", "取消取引済み"
    ),
    _R.BUY_IN_NOT_DUE: _entry(
        "settlement", "no buy-in is due for the delivery", "買入れ対象外", retryable=True
    ),
    _R.BUST_NOT_ALLOWED: _entry(
        "settlement", "the trade is not to be voided by the rule", "約定取消の要件外"
    ),
    _R.CUTOFF_PASSED: _entry("settlement", "after the cut-off", "締切後", retryable=True),
    _R.ISSUER_DEFAULTED: _entry("settlement", "the money's issuer has failed", "発行者の破綻"),
    _R.LEG_MISMATCH: _entry("settlement", "legs do not agree", "内容不一致"),
    _R.STATION_CLOSED: _entry("settlement", "the ledger is closed", "閉局中", retryable=True),
    _R.TRANSFER_RESTRICTED: _entry(
        "settlement", "transfer stopped by control", "移転制限中", retryable=True
    ),
    _R.NOT_REGISTERED: _entry(
        "settlement", "the receiver is not registered with the issuer", "個人情報未登録"
    ),
    _R.ACCOUNT_FROZEN: _entry("settlement", "account frozen", "口座凍結中", retryable=True),
    _R.RECEIVER_REFUSED: _entry("settlement", "the receiver refuses it", "受取拒否"),
    _R.SIGNATURE_REFUSED: _entry("settlement", "no valid signature", "署名無効"),
    _R.INTERNAL: _entry("defect", "internal error", "内部エラー", close=1011, retryable=True),
}
