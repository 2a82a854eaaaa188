/* What checked matching with whole events can cost on this machine: the batch door's work, in C.
 *
 * Commands of 32 bytes in, events of 48 bytes out (matching/rows.py), many
 * issues, call phases, crosses and continuous trading. Every check of a new order, an amendment and a
 * cancel is made in the catalogue's order, and every event is written in full. The rules come in as
 * numbers (climit.py makes them from the preset); no rule is chosen here except that an amendment
 * keeps its place on a decrease only, that market orders left over by a cross stay, that self-trades
 * are allowed and flagged, and that each issue has one tick within its limits.
 *
 * The book of an issue is two ladders over the prices within its limits. A price is named by its
 * *rank*, counted from 1 away from the best possible price, so both sides are one code; rank 0 is the
 * queue of market orders and prices + 1 a sentinel that always looks occupied, so a search ends. Two
 * bitmap levels find the next occupied rank. Orders are 32-byte nodes from a free list, found through
 * an array by the caller's id, which is dense. During a call phase the crossing point is kept from
 * command to command and moved by what changed, level by level.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef struct {
    uint8_t op, side, kind, validity;
    int32_t instrument;
    int64_t id;
    int32_t price_sen, units, owner;
    uint8_t self_trade, pad[3];
} Command;

typedef struct {
    uint8_t what, reason, flags, side;
    int32_t instrument;
    int64_t command, id, contra_id;
    int32_t price_sen, units, leaves, contra_leaves;
} Event;

/* An event as it is written: six words, so that a store is never one byte wide. */
typedef struct {
    uint64_t word[6];
} __attribute__((may_alias)) Words;

_Static_assert(sizeof(Command) == 32 && sizeof(Event) == 48, "layouts have no holes");

enum { OP_NEW = 1, OP_CANCEL, OP_AMEND, OP_PHASE, OP_AUCTION };
enum { BUY = 1, SELL };
enum { LIMIT = 1, MARKET };
enum { DAY = 1, NEXT_AUCTION, IOC, FOK };
enum { ACCEPTED = 1, REJECTED, TRADE, CANCELED, AMENDED, REDUCED, EXPIRED, PHASED, AUCTION, INDICATED, REFUSED = 14 };
enum { IN_CROSS = 1, SELF_TRADE = 2, KEPT = 1 };
enum { PHASES = 16 };

/* Reasons by what they say; their numbers come from the caller, in this order. */
typedef enum {
    UNKNOWN_INSTRUMENT, UNKNOWN_ORDER, PHASE_CLOSED, INVALID_COMBINATION, OUT_OF_RANGE, BAD_TICK,
    BAD_LOT, OUTSIDE_PRICE_LIMIT, ORDER_QTY_LIMIT, SHARE_OF_ISSUE, OWNER, IOC_REST, FOK_UNFILLED,
    MARKET_REST, REASONS
} Reason;

/* What a phase lets through; a refusal is a number from the catalogue or 0. */
typedef struct {
    uint8_t new_refusal, amend_refusal, cancel_refusal, validities; /* bit 1 << validity */
    uint8_t trades_at_once, publishes, is_auction, is_closed;
} Permission;

typedef struct {
    int32_t lower_sen, upper_sen, tick_sen, lot_units, max_order_units, max_share_units, base_sen;
} Terms;

typedef struct {
    uint32_t next, previous;
    int32_t leaves, rank, owner;
    uint32_t id;
    int32_t instrument;
    uint8_t side, kind, validity, pad;
} Node;

typedef struct {
    uint32_t first, last;
    int64_t units;
} Level;

typedef struct {
    Level *levels;
    uint64_t *words, *summaries;
    int32_t best;
} Half;

typedef struct {
    Half half[2]; /* buys, sells */
    int32_t lower_sen, upper_sen, tick_sen, prices, most_units;
    uint32_t lot_units;
    uint64_t tick_magic;
    Permission may;
    int32_t last_sen, for_next_auction;
    Terms terms;
    int32_t phase, published_sen;
    int64_t published_units, published_surplus;
    int32_t crossing; /* highest price position, from 1, where buys are at least sells; 0: none */
    int32_t crossing_is_known;
    int64_t bought, sold; /* interest there */
} __attribute__((aligned(64))) Book;

typedef struct {
    Book *books;
    int32_t count;
    Permission phases[PHASES];
    uint8_t reasons[REASONS];
    Node *nodes;
    uint32_t node_used, free_node;
    uint32_t *node_of;
    int64_t last_id;
    Event *out, *begin, *end;
    int64_t command; /* of the whole run */
    size_t book_size, node_size, id_size, ladder_size;
    char *ladders;
    int failed;
} Engine;

#define INLINE static inline __attribute__((always_inline))
#define RARE static __attribute__((noinline, cold))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* --- events */

RARE void more_room(Engine *e) {
    size_t used = (size_t)(e->out - e->begin), room = used * 2 + 65536;
    Event *grown = realloc(e->begin, room * sizeof(Event));
    if (!grown) {
        e->failed = 1;
        e->out = e->begin; /* what follows is lost, and the run says so */
        return;
    }
    e->begin = grown;
    e->out = grown + used;
    e->end = grown + room;
}

INLINE void tell(Engine *e, int what, int reason, int flags, int side, int32_t instrument, int64_t id,
                 int64_t contra_id, int32_t price_sen, int32_t units, int32_t leaves,
                 int32_t contra_leaves) {
    if (UNLIKELY(e->out == e->end)) more_room(e);
    Words *out = (Words *)e->out++;
    out->word[0] = (uint64_t)what | (uint64_t)reason << 8 | (uint64_t)flags << 16 |
                   (uint64_t)side << 24 | (uint64_t)(uint32_t)instrument << 32;
    out->word[1] = (uint64_t)e->command;
    out->word[2] = (uint64_t)id;
    out->word[3] = (uint64_t)contra_id;
    out->word[4] = (uint32_t)price_sen | (uint64_t)(uint32_t)units << 32;
    out->word[5] = (uint32_t)leaves | (uint64_t)(uint32_t)contra_leaves << 32;
}

RARE void reject(Engine *e, const Command *c, int32_t instrument, int reason) {
    tell(e, REJECTED, reason, 0, 0, instrument, c->id, 0, 0, 0, 0, 0);
}

RARE void refuse(Engine *e, const Command *c, int reason) { /* an act of the venue */
    tell(e, REFUSED, reason, 0, 0, c->instrument, 0, 0, 0, 0, 0, 0);
}

/* --- ladders */

INLINE int32_t price_of(const Book *b, int side, int32_t rank) {
    if (!rank) return 0;
    return side == BUY ? b->upper_sen - (rank - 1) * b->tick_sen
                       : b->lower_sen + (rank - 1) * b->tick_sen;
}

/* The rank of a price within the limits, or 0 when it is not on the tick. One multiplication:
 * x * ceil(2^64 / d) has x / d above and a remainder below that is small exactly when d divides. */
INLINE int32_t rank_of(const Book *b, int side, int32_t price_sen) {
    const uint64_t from = (uint64_t)(uint32_t)(side == BUY ? b->upper_sen - price_sen
                                                           : price_sen - b->lower_sen);
    if (b->tick_sen == 1) return (int32_t)from + 1;
    const unsigned __int128 product = (unsigned __int128)b->tick_magic * from;
    return (uint64_t)product < b->tick_magic ? (int32_t)(product >> 64) + 1 : 0;
}

INLINE int32_t next_rank(const Half *h, int32_t rank) {
    int32_t w = rank >> 6;
    uint64_t bits = h->words[w] & (~0ULL << (rank & 63));
    if (LIKELY(bits != 0)) return (w << 6) + __builtin_ctzll(bits);
    int32_t s = ++w >> 6;
    bits = h->summaries[s] & (~0ULL << (w & 63));
    while (!bits) bits = h->summaries[++s]; /* the sentinel ends it */
    w = (s << 6) + __builtin_ctzll(bits);
    return (w << 6) + __builtin_ctzll(h->words[w]);
}

static int32_t previous_rank(const Half *h, int32_t rank) { /* at most rank, from 1; else 0 */
    int32_t w = rank >> 6;
    uint64_t bits = h->words[w] & (~0ULL >> (63 - (rank & 63)));
    if (bits) return (w << 6) + 63 - __builtin_clzll(bits);
    int32_t s = w >> 6;
    bits = h->summaries[s] & ((1ULL << (w & 63)) - 1);
    while (!bits) {
        if (--s < 0) return 0;
        bits = h->summaries[s];
    }
    w = (s << 6) + 63 - __builtin_clzll(bits);
    return (w << 6) + 63 - __builtin_clzll(h->words[w]);
}

INLINE void set_rank(Half *h, int32_t rank) {
    h->words[rank >> 6] |= 1ULL << (rank & 63);
    h->summaries[rank >> 12] |= 1ULL << ((rank >> 6) & 63);
    if (rank < h->best) h->best = rank;
}

INLINE void clear_rank(Half *h, int32_t rank) {
    const uint64_t left = h->words[rank >> 6] &= ~(1ULL << (rank & 63));
    if (!left) h->summaries[rank >> 12] &= ~(1ULL << ((rank >> 6) & 63));
    if (rank == h->best) h->best = next_rank(h, rank + 1);
}

/* --- nodes */

INLINE uint32_t take_node(Engine *e) {
    const uint32_t n = e->free_node;
    if (LIKELY(n != 0)) {
        e->free_node = e->nodes[n].next;
        return n;
    }
    return e->node_used++; /* there is a node for every id */
}

INLINE void give_node(Engine *e, uint32_t n) {
    Node *node = &e->nodes[n];
    e->node_of[node->id] = 0;
    node->next = e->free_node;
    e->free_node = n;
}

/* Put a node, filled in but for its links, at the back of its level. */
INLINE void append(Engine *e, Book *b, uint32_t n) {
    Node *node = &e->nodes[n];
    Half *h = &b->half[node->side - 1];
    Level *level = &h->levels[node->rank];
    const uint32_t last = level->last;
    node->next = 0;
    node->previous = last;
    level->units += node->leaves;
    level->last = n;
    if (last) {
        e->nodes[last].next = n;
    } else {
        level->first = n;
        set_rank(h, node->rank);
    }
}

INLINE void unlink_node(Engine *e, Book *b, uint32_t n) {
    Node *node = &e->nodes[n];
    Half *h = &b->half[node->side - 1];
    Level *level = &h->levels[node->rank];
    const uint32_t next = node->next, previous = node->previous;
    level->units -= node->leaves;
    if (previous) e->nodes[previous].next = next;
    else level->first = next;
    if (next) e->nodes[next].previous = previous;
    else level->last = previous;
    if (!(next | previous)) clear_rank(h, node->rank);
}

/* Lower the first order of a level by a trade; it leaves when nothing is left. */
static int32_t execute_first(Engine *e, Book *b, Half *h, uint32_t n, int32_t units) {
    Node *node = &e->nodes[n];
    const int32_t leaves = node->leaves - units;
    if (leaves) {
        node->leaves = leaves;
        h->levels[node->rank].units -= units;
    } else {
        b->for_next_auction -= node->validity == NEXT_AUCTION;
        unlink_node(e, b, n);
        give_node(e, n);
    }
    return leaves;
}

/* --- the price of a cross (matching/auction.py and indicative.py say the rule) */

#define SELLS_AT(b, position) ((b)->half[1].levels[position].units)
#define BUYS_AT(b, position) ((b)->half[0].levels[(b)->prices + 1 - (position)].units)

static int32_t sell_position_from(const Book *b, int32_t position) { /* prices + 1: none */
    return next_rank(&b->half[1], position);
}
static int32_t sell_position_down_from(const Book *b, int32_t position) { /* 0: none */
    return position < 1 ? 0 : previous_rank(&b->half[1], position);
}
static int32_t buy_position_down_from(const Book *b, int32_t position) { /* 0: none */
    return position < 1 ? 0 : b->prices + 1 - next_rank(&b->half[0], b->prices + 1 - position);
}
static int32_t buy_position_from(const Book *b, int32_t position) { /* prices + 1: none */
    if (position > b->prices) return b->prices + 1;
    const int32_t rank = previous_rank(&b->half[0], b->prices + 1 - position);
    return rank ? b->prices + 1 - rank : b->prices + 1;
}

/* Move the crossing point to where the interest kept there belongs. O(levels passed). */
static void settle_crossing(Book *b) {
    const int32_t n = b->prices;
    int32_t p = b->crossing;
    int64_t bought = b->bought, sold = b->sold;
    while (bought < sold && p > 0) {
        const int32_t buy = buy_position_down_from(b, p - 1), sell = sell_position_down_from(b, p);
        const int32_t q = buy + 1 > sell ? buy + 1 : sell; /* as here down to q */
        p = (q > 1 ? q : 1) - 1;
        if (p + 1 == sell) sold -= SELLS_AT(b, sell);
        if (p == buy && buy) bought += BUYS_AT(b, buy);
    }
    while (bought >= sold && p < n) {
        const int32_t buy = buy_position_from(b, p ? p : 1);
        const int32_t sell = sell_position_from(b, p + 1);
        const int32_t q = buy + 1 < sell ? buy + 1 : sell; /* as here up to q - 1 */
        if (q > n) {
            p = n;
            break;
        }
        const int64_t bought_there = bought - (q == buy + 1 ? BUYS_AT(b, buy) : 0);
        const int64_t sold_there = sold + (q == sell ? SELLS_AT(b, sell) : 0);
        if (bought_there < sold_there) {
            p = q - 1;
            break;
        }
        p = q;
        bought = bought_there;
        sold = sold_there;
    }
    b->crossing = p;
    b->bought = bought;
    b->sold = sold;
}

static void find_crossing(Book *b) {
    const int32_t n = b->prices;
    const Half *buys = &b->half[0], *sells = &b->half[1];
    const int32_t best_buy = next_rank(buys, 1), best_sell = next_rank(sells, 1);
    int32_t p = best_buy <= n ? n + 1 - best_buy : (best_sell <= n ? best_sell : n);
    b->bought = buys->levels[0].units + (best_buy <= n ? buys->levels[best_buy].units : 0);
    b->sold = sells->levels[0].units;
    for (int32_t rank = best_sell; rank <= p && rank <= n; rank = next_rank(sells, rank + 1))
        b->sold += sells->levels[rank].units;
    b->crossing = p;
    b->crossing_is_known = 1;
    settle_crossing(b);
}

/* Interest changed by an order that joined (units above 0) or left. */
INLINE void note_change(Book *b, int side, int32_t rank, int64_t units) {
    if (!b->crossing_is_known) return;
    const int32_t position = side == BUY ? b->prices + 1 - rank : rank;
    if (side == BUY ? (!rank || position >= b->crossing) : position <= b->crossing) {
        if (side == BUY) b->bought += units;
        else b->sold += units;
    }
    settle_crossing(b);
}

typedef struct {
    int32_t price_sen; /* 0: no price */
    int64_t units, surplus;
} Clearing;

static int32_t nearest(const Book *b, int32_t lowest, int32_t highest) {
    const int32_t centre = b->last_sen ? b->last_sen : b->terms.base_sen;
    const int32_t tick = b->tick_sen;
    const int32_t position = centre < b->lower_sen ? 0 : (centre - b->lower_sen) / tick + 1;
    if (position < lowest) return lowest;
    if (position >= highest) return highest;
    const int32_t below = centre - (b->lower_sen + (position - 1) * tick);
    return tick - below <= below ? position + 1 : position;
}

static Clearing at(const Book *b, int32_t position, int64_t units, int64_t surplus) {
    if (!units) return (Clearing){0, 0, 0};
    return (Clearing){b->lower_sen + (position - 1) * b->tick_sen, units, surplus};
}

INLINE int64_t least(int64_t one, int64_t other) { return one < other ? one : other; }

static Clearing clearing_of(Book *b) {
    const int32_t n = b->prices;
    const int64_t market_buys = b->half[0].levels[0].units, market_sells = b->half[1].levels[0].units;
    int32_t first = 1, last = n;
    if (market_buys || market_sells) {
        const int32_t lowest_sell = next_rank(&b->half[1], 1), lowest_buy = buy_position_from(b, 1);
        const int32_t highest_buy = n + 1 - next_rank(&b->half[0], 1);
        const int32_t highest_sell = sell_position_down_from(b, n);
        const int32_t low = lowest_sell < lowest_buy ? lowest_sell : lowest_buy;
        const int32_t high = highest_sell > highest_buy ? highest_sell : highest_buy;
        if (low > n) { /* market orders alone: at the centre */
            const int64_t units = least(market_buys, market_sells);
            return at(b, nearest(b, 1, n), units, market_buys - market_sells);
        }
        first = low > 1 ? low - 1 : 1;
        last = high < n ? high + 1 : n;
    }
    if (!b->crossing_is_known) find_crossing(b);
    const int32_t below = b->crossing < last ? b->crossing : last;
    const int32_t above = below + 1 > first ? below + 1 : first;
    const int64_t bought = below >= first ? b->bought : 0, sold = below >= first ? b->sold : 0;
    const int64_t units = least(bought, sold), surplus = bought - sold;
    if (units && !surplus) {
        const int32_t buy = buy_position_down_from(b, below - 1) + 1;
        const int32_t sell = sell_position_down_from(b, below);
        int32_t lowest = buy > sell ? buy : sell;
        if (lowest < first) lowest = first;
        return at(b, nearest(b, lowest, below), units, 0);
    }
    if (above > last) return at(b, below, units, surplus);
    const int32_t p = b->crossing; /* above is p + 1, or a price with the same interest */
    const int64_t bought_above = b->bought - (p ? BUYS_AT(b, p) : 0);
    const int64_t sold_above = b->sold + (p < n ? SELLS_AT(b, p + 1) : 0);
    const int64_t units_above = least(bought_above, sold_above);
    const int64_t surplus_above = bought_above - sold_above;
    const int64_t size = surplus < 0 ? -surplus : surplus;
    const int64_t size_above = surplus_above < 0 ? -surplus_above : surplus_above;
    if (units > units_above || (units == units_above && size < size_above))
        return at(b, below, units, surplus);
    if (units == units_above && surplus == -surplus_above && nearest(b, below, above) == below)
        return at(b, below, units, surplus);
    return at(b, above, units_above, surplus_above);
}

static void tell_indicative(Engine *e, Book *b, Clearing c) {
    b->published_sen = c.price_sen;
    b->published_units = c.units;
    b->published_surplus = c.surplus;
    tell(e, INDICATED, 0, 0, 0, (int32_t)(b - e->books), 0, 0, c.price_sen, (int32_t)c.units,
         (int32_t)c.surplus, 0);
}

static void publish(Engine *e, Book *b) {
    const Clearing c = clearing_of(b);
    if (c.price_sen != b->published_sen || c.units != b->published_units ||
        c.surplus != b->published_surplus)
        tell_indicative(e, b, c);
}

/* --- continuous trading */

INLINE int32_t match(Engine *e, Book *b, int side, int64_t id, int32_t owner, int32_t limit,
                     int32_t leaves) {
    Half *h = &b->half[2 - side];
    int32_t best = h->best;
    if (best > limit) return leaves;
    const int32_t instrument = (int32_t)(b - e->books);
    int32_t price_sen = 0;
    do {
        Level *level = &h->levels[best];
        price_sen = price_of(b, 3 - side, best);
        uint32_t n = level->first;
        int64_t taken = 0;
        do {
            Node *node = &e->nodes[n];
            const uint32_t next = node->next;
            __builtin_prefetch(&e->nodes[next]);
            const int32_t units = node->leaves < leaves ? node->leaves : leaves;
            const int32_t left = node->leaves - units;
            leaves -= units;
            taken += units;
            const int flags = node->owner == owner ? SELF_TRADE : 0;
            if (side == BUY)
                tell(e, TRADE, 0, flags, BUY, instrument, id, node->id, price_sen, units, leaves, left);
            else
                tell(e, TRADE, 0, flags, SELL, instrument, node->id, id, price_sen, units, left, leaves);
            if (left) {
                node->leaves = left;
                break;
            }
            give_node(e, n);
            n = next;
        } while (n && leaves);
        level->units -= taken;
        level->first = n;
        if (n) {
            e->nodes[n].previous = 0;
        } else {
            level->last = 0;
            clear_rank(h, best);
            best = h->best;
        }
    } while (leaves && best <= limit);
    b->last_sen = price_sen;
    return leaves;
}

static int64_t within_reach(const Book *b, int side, int32_t limit, int64_t wanted) {
    const Half *h = &b->half[2 - side];
    int64_t found = 0;
    for (int32_t rank = h->best; rank <= limit && found < wanted; rank = next_rank(h, rank + 1))
        found += h->levels[rank].units;
    return found;
}

INLINE void rest(Engine *e, Book *b, int64_t id, int side, int kind, int validity, int32_t owner,
                 int32_t rank, int32_t leaves) {
    const uint32_t n = take_node(e);
    Node *node = &e->nodes[n];
    node->leaves = leaves;
    node->rank = rank;
    node->owner = owner;
    node->id = (uint32_t)id;
    node->instrument = (int32_t)(b - e->books);
    node->side = (uint8_t)side;
    node->kind = (uint8_t)kind;
    node->validity = (uint8_t)validity;
    e->node_of[id] = n;
    append(e, b, n);
}

/* The best rank of the other side an order reaches; a market order reaches all. */
INLINE int32_t reach(const Book *b, int32_t rank) { return rank ? b->prices + 1 - rank : b->prices; }

INLINE void enter(Engine *e, Book *b, int64_t id, int side, int kind, int validity, int32_t owner,
                  int32_t rank, int32_t units) {
    if (UNLIKELY(!b->may.trades_at_once)) {
        b->for_next_auction += validity == NEXT_AUCTION;
        rest(e, b, id, side, kind, validity, owner, rank, units);
        if (b->may.publishes) {
            note_change(b, side, rank, units);
            publish(e, b);
        }
        return;
    }
    const int32_t limit = reach(b, rank);
    int32_t leaves = units;
    int reason = 0;
    if (UNLIKELY(validity == FOK) && within_reach(b, side, limit, units) < units) {
        reason = FOK_UNFILLED;
    } else {
        leaves = side == BUY ? match(e, b, BUY, id, owner, limit, units)
                             : match(e, b, SELL, id, owner, limit, units);
        if (!leaves) return;
        if (LIKELY(validity == DAY && kind == LIMIT)) {
            rest(e, b, id, side, kind, validity, owner, rank, leaves);
            return;
        }
        reason = validity == DAY ? MARKET_REST : IOC_REST;
    }
    tell(e, CANCELED, e->reasons[reason], 0, 0, (int32_t)(b - e->books), id, 0, 0, leaves, 0, 0);
}

/* --- checks, in the catalogue's order */

INLINE int divides(uint32_t lot, int32_t units) { return lot == 1 || !((uint32_t)units % lot); }

static int refuse_values(const Engine *e, const Book *b, int kind, int64_t price_sen, int32_t units) {
    const Terms *t = &b->terms;
    (void)kind;
    if (price_sen < 0 || price_sen > 2147483646 || units <= 0) return e->reasons[OUT_OF_RANGE];
    if (price_sen && price_sen % t->tick_sen) return e->reasons[BAD_TICK];
    if (!divides(b->lot_units, units)) return e->reasons[BAD_LOT];
    if (price_sen && (price_sen < b->lower_sen || price_sen > b->upper_sen))
        return e->reasons[OUTSIDE_PRICE_LIMIT];
    if (units > t->max_order_units) return e->reasons[ORDER_QTY_LIMIT];
    if (units > t->max_share_units) return e->reasons[SHARE_OF_ISSUE];
    return 0;
}

RARE int refuse_new(const Engine *e, const Book *b, const Command *c) {
    if (b->may.new_refusal) return b->may.new_refusal;
    if ((c->kind != LIMIT && c->kind != MARKET) || !(b->may.validities >> (c->validity & 7) & 1) ||
        (c->kind == LIMIT) == (c->price_sen == 0))
        return e->reasons[INVALID_COMBINATION];
    return refuse_values(e, b, c->kind, c->price_sen, c->units);
}

INLINE void apply_new(Engine *e, const Command *c) {
    if (UNLIKELY((uint32_t)c->instrument >= (uint32_t)e->count)) {
        reject(e, c, c->instrument, e->reasons[UNKNOWN_INSTRUMENT]);
        return;
    }
    Book *b = &e->books[c->instrument];
    const int side = c->side == SELL ? SELL : BUY, kind = c->kind, validity = c->validity;
    const int32_t price_sen = c->price_sen, units = c->units;
    int32_t rank = 0;
    const int in_band = price_sen >= b->lower_sen && price_sen <= b->upper_sen;
    if (LIKELY(in_band)) rank = rank_of(b, side, price_sen);
    if (UNLIKELY(!(rank && kind == LIMIT && validity == DAY && !b->may.new_refusal &&
                   (uint32_t)(units - 1) < (uint32_t)b->most_units && divides(b->lot_units, units)))) {
        const int reason = refuse_new(e, b, c);
        if (reason) {
            reject(e, c, c->instrument, reason);
            return;
        }
    }
    tell(e, ACCEPTED, 0, 0, side, c->instrument, c->id, 0, price_sen, units, units, 0);
    enter(e, b, c->id, side, kind, validity, c->owner, rank, units);
}

INLINE uint32_t find(const Engine *e, const Command *c) {
    const uint32_t n = e->node_of[c->id];
    return n && e->nodes[n].owner == c->owner ? n : 0;
}

INLINE void apply_cancel(Engine *e, const Command *c) {
    const uint32_t n = find(e, c);
    if (UNLIKELY(!n)) {
        reject(e, c, c->instrument, e->reasons[UNKNOWN_ORDER]);
        return;
    }
    const Node node = e->nodes[n];
    Book *b = &e->books[node.instrument];
    if (UNLIKELY(b->may.cancel_refusal)) {
        reject(e, c, node.instrument, b->may.cancel_refusal);
        return;
    }
    unlink_node(e, b, n);
    give_node(e, n);
    tell(e, CANCELED, e->reasons[OWNER], 0, 0, node.instrument, c->id, 0, 0, node.leaves, 0, 0);
    if (UNLIKELY(!b->may.trades_at_once)) {
        b->for_next_auction -= node.validity == NEXT_AUCTION;
        if (b->may.publishes) {
            note_change(b, node.side, node.rank, -(int64_t)node.leaves);
            publish(e, b);
        }
    }
}

INLINE void apply_amend(Engine *e, const Command *c) {
    const uint32_t n = find(e, c);
    if (UNLIKELY(!n)) {
        reject(e, c, c->instrument, e->reasons[UNKNOWN_ORDER]);
        return;
    }
    Node *node = &e->nodes[n];
    Book *b = &e->books[node->instrument];
    const int side = node->side, kind = node->kind, validity = node->validity;
    const int32_t old_rank = node->rank, old_leaves = node->leaves;
    const int32_t old_price = price_of(b, side, old_rank);
    int reason = b->may.amend_refusal;
    if (!reason && ((!c->price_sen && !c->units) || (c->price_sen && kind != LIMIT)))
        reason = e->reasons[INVALID_COMBINATION];
    const int32_t price_sen = c->price_sen ? c->price_sen : old_price;
    const int32_t leaves = c->units ? c->units : old_leaves;
    if (!reason) reason = refuse_values(e, b, kind, price_sen, leaves);
    if (UNLIKELY(reason)) {
        reject(e, c, node->instrument, reason);
        return;
    }
    const int keeps = price_sen == old_price && leaves <= old_leaves;
    if (keeps) {
        node->leaves = leaves;
        b->half[side - 1].levels[old_rank].units -= old_leaves - leaves;
    } else {
        unlink_node(e, b, n);
    }
    tell(e, AMENDED, 0, keeps ? KEPT : 0, side, node->instrument, c->id, 0, price_sen, leaves, leaves,
         0);
    if (keeps) {
        if (UNLIKELY(b->may.publishes)) {
            note_change(b, side, old_rank, (int64_t)leaves - old_leaves);
            publish(e, b);
        }
        return;
    }
    b->for_next_auction -= validity == NEXT_AUCTION;
    if (UNLIKELY(b->may.publishes)) note_change(b, side, old_rank, -(int64_t)old_leaves);
    give_node(e, n);
    enter(e, b, c->id, side, kind, validity, c->owner, price_sen ? rank_of(b, side, price_sen) : 0,
          leaves);
}

/* --- crosses and phases */

static int32_t pair(Engine *e, Book *b, int32_t price_sen, int64_t remaining) {
    Half *buys = &b->half[0], *sells = &b->half[1];
    const int32_t instrument = (int32_t)(b - e->books);
    int32_t trades = 0;
    while (remaining) {
        const uint32_t buy = buys->levels[buys->best].first, sell = sells->levels[sells->best].first;
        const Node bought = e->nodes[buy], sold = e->nodes[sell];
        int64_t units = least(least(bought.leaves, sold.leaves), remaining);
        remaining -= units;
        const int32_t left = execute_first(e, b, buys, buy, (int32_t)units);
        const int32_t contra_left = execute_first(e, b, sells, sell, (int32_t)units);
        const int flags = IN_CROSS | (bought.owner == sold.owner ? SELF_TRADE : 0);
        tell(e, TRADE, 0, flags, 0, instrument, bought.id, sold.id, price_sen, (int32_t)units, left,
             contra_left);
        trades++;
    }
    b->last_sen = price_sen;
    return trades;
}

enum { ALL_ORDERS, MARKET_ORDERS, FOR_NEXT_AUCTION };

static void end_orders(Engine *e, Book *b, int which, int what, int reason) {
    for (int side = BUY; side <= SELL; side++) {
        Half *h = &b->half[side - 1];
        const int32_t last = which == MARKET_ORDERS ? 0 : b->prices;
        for (int32_t rank = h->best; rank <= last; rank = next_rank(h, rank + 1)) {
            uint32_t next;
            for (uint32_t n = h->levels[rank].first; n; n = next) {
                const Node node = e->nodes[n];
                next = node.next;
                if (which == FOR_NEXT_AUCTION && node.validity != NEXT_AUCTION) continue;
                b->for_next_auction -= node.validity == NEXT_AUCTION;
                unlink_node(e, b, n);
                give_node(e, n);
                tell(e, what, reason, 0, 0, node.instrument, node.id, 0, 0, node.leaves, 0, 0);
            }
        }
    }
    b->crossing_is_known = 0;
}

static int32_t cross(Engine *e, Book *b, Clearing c) {
    const int32_t trades = c.price_sen ? pair(e, b, c.price_sen, c.units) : 0;
    b->crossing_is_known = 0;
    return trades;
}

RARE void apply_auction(Engine *e, const Command *c) {
    Book *b = (uint32_t)c->instrument < (uint32_t)e->count ? &e->books[c->instrument] : NULL;
    if (!b || !b->may.is_auction) {
        refuse(e, c, e->reasons[b ? PHASE_CLOSED : UNKNOWN_INSTRUMENT]);
        return;
    }
    b->crossing_is_known = 0;
    const Clearing found = clearing_of(b);
    const int32_t trades = cross(e, b, found);
    if (b->for_next_auction) end_orders(e, b, FOR_NEXT_AUCTION, EXPIRED, 0);
    tell(e, AUCTION, 0, 0, 0, c->instrument, 0, 0, found.price_sen, (int32_t)found.units, trades, 0);
    tell_indicative(e, b, (Clearing){0, 0, 0});
}

static void begin_continuous(Engine *e, Book *b) {
    b->crossing_is_known = 0;
    const Clearing found = clearing_of(b);
    if (found.price_sen) {
        const int32_t trades = cross(e, b, found);
        tell(e, AUCTION, 0, 0, 0, (int32_t)(b - e->books), 0, 0, found.price_sen,
             (int32_t)found.units, trades, 0);
    }
    end_orders(e, b, MARKET_ORDERS, CANCELED, e->reasons[MARKET_REST]);
    if (b->for_next_auction) end_orders(e, b, FOR_NEXT_AUCTION, EXPIRED, 0);
}

RARE void apply_phase(Engine *e, const Command *c) {
    if ((uint32_t)c->instrument >= (uint32_t)e->count) {
        refuse(e, c, e->reasons[UNKNOWN_INSTRUMENT]);
        return;
    }
    Book *b = &e->books[c->instrument];
    const int32_t phase = c->units & (PHASES - 1);
    b->phase = phase;
    b->may = e->phases[phase];
    b->crossing_is_known = 0;
    tell(e, PHASED, 0, 0, 0, c->instrument, 0, 0, 0, phase, 0, 0);
    if (b->may.trades_at_once) begin_continuous(e, b);
    else if (b->may.is_closed) end_orders(e, b, ALL_ORDERS, EXPIRED, 0);
    b->crossing_is_known = 0;
    if (b->may.publishes) {
        find_crossing(b);
        publish(e, b);
    } else if (!b->may.is_auction && (b->published_sen || b->published_units)) {
        tell_indicative(e, b, (Clearing){0, 0, 0});
    }
}

/* --- the run */

enum { AHEAD = 12, NEARER = 6 };

static const char *run(Engine *e, const Command *commands, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++) {
        const Command *c = &commands[i];
        if (LIKELY(i + AHEAD < count)) {
            const int64_t id = commands[i + AHEAD].id;
            if (LIKELY((uint64_t)id <= (uint64_t)e->last_id)) __builtin_prefetch(&e->node_of[id], 1);
            const int64_t nearer = commands[i + NEARER].id;
            if (LIKELY((uint64_t)nearer <= (uint64_t)e->last_id))
                __builtin_prefetch(&e->nodes[e->node_of[nearer]], 1);
        }
        if (UNLIKELY((uint64_t)c->id > (uint64_t)e->last_id)) return "an order id is out of range";
        if (UNLIKELY(c->self_trade > 1)) return "only allow-and-flag is known here";
        switch (c->op) {
        case OP_NEW: apply_new(e, c); break;
        case OP_CANCEL: apply_cancel(e, c); break;
        case OP_AMEND: apply_amend(e, c); break;
        case OP_PHASE: apply_phase(e, c); break;
        case OP_AUCTION: apply_auction(e, c); break;
        default: return "an act of the venue is not known here";
        }
        e->command++;
    }
    return e->failed ? "out of memory" : NULL;
}

/* --- doors */

static const char NAME[] = "climit_events.Engine";

/* Zeroed memory in large pages, touched already: a venue's memory is there before the day begins. */
static void *take_region(size_t size) {
    void *region =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED) return NULL;
    madvise(region, size, MADV_HUGEPAGE);
    memset(region, 0, size);
    return region;
}

static void give_region(void *region, size_t size) {
    if (region) munmap(region, size);
}

static void destroy(PyObject *capsule) {
    Engine *e = PyCapsule_GetPointer(capsule, NAME);
    give_region(e->books, e->book_size);
    give_region(e->nodes, e->node_size);
    give_region(e->node_of, e->id_size);
    give_region(e->ladders, e->ladder_size);
    free(e->begin);
    free(e);
}

static size_t half_size(int32_t prices, size_t *words, size_t *summaries) {
    *words = (size_t)(prices + 1) / 64 + 2;
    *summaries = *words / 64 + 2;
    return ((size_t)(prices + 2) * sizeof(Level) + (*words + *summaries) * 8 + 63) & ~(size_t)63;
}

static void lay_out(Half *h, char *place, int32_t prices) {
    size_t words, summaries;
    half_size(prices, &words, &summaries);
    h->words = (uint64_t *)place; /* bitmaps first: they are small and asked most */
    h->summaries = h->words + words;
    h->levels = (Level *)(h->summaries + summaries);
    h->best = prices + 1;
    set_rank(h, prices + 1);
}

static PyObject *make(PyObject *self, PyObject *args) {
    (void)self;
    Py_buffer terms, phases, reasons;
    long long last_id;
    if (!PyArg_ParseTuple(args, "y*y*y*L", &terms, &phases, &reasons, &last_id)) return NULL;
    const int32_t count = (int32_t)(terms.len / (Py_ssize_t)sizeof(Terms));
    const Terms *all = terms.buf;
    Engine *e = calloc(1, sizeof(Engine));
    PyObject *made = NULL;
    if (!e || phases.len != sizeof e->phases || reasons.len != REASONS) {
        free(e);
        PyErr_SetString(PyExc_ValueError, "phases or reasons have another length");
        goto done;
    }
    made = PyCapsule_New(e, NAME, destroy);
    memcpy(e->phases, phases.buf, sizeof e->phases);
    memcpy(e->reasons, reasons.buf, REASONS);
    e->count = count;
    e->last_id = last_id;
    e->node_used = 1;
    size_t words, summaries;
    for (int32_t i = 0; i < count; i++)
        e->ladder_size += 2 * half_size((all[i].upper_sen - all[i].lower_sen) / all[i].tick_sen + 1,
                                        &words, &summaries);
    e->book_size = (size_t)count * sizeof(Book);
    e->node_size = ((size_t)last_id + 1) * sizeof(Node);
    e->id_size = ((size_t)last_id + 1) * sizeof(uint32_t);
    e->ladders = take_region(e->ladder_size);
    e->books = take_region(e->book_size);
    e->nodes = take_region(e->node_size);
    e->node_of = take_region(e->id_size);
    more_room(e);
    if (!e->ladders || !e->books || !e->nodes || !e->node_of || e->failed) {
        Py_CLEAR(made);
        PyErr_NoMemory();
        goto done;
    }
    memset(e->begin, 0, (size_t)((char *)e->end - (char *)e->begin));
    char *place = e->ladders;
    for (int32_t i = 0; i < count; i++) {
        Book *b = &e->books[i];
        b->terms = all[i];
        b->lower_sen = all[i].lower_sen;
        b->upper_sen = all[i].upper_sen;
        b->tick_sen = all[i].tick_sen;
        b->prices = (b->upper_sen - b->lower_sen) / b->tick_sen + 1;
        b->lot_units = (uint32_t)all[i].lot_units;
        b->most_units = all[i].max_order_units < all[i].max_share_units ? all[i].max_order_units
                                                                        : all[i].max_share_units;
        b->tick_magic = ~0ULL / (uint64_t)b->tick_sen + 1;
        for (int side = 0; side < 2; side++) {
            lay_out(&b->half[side], place, b->prices);
            place += half_size(b->prices, &words, &summaries);
        }
    }
done:
    PyBuffer_Release(&terms);
    PyBuffer_Release(&phases);
    PyBuffer_Release(&reasons);
    return made;
}

static PyObject *py_run(PyObject *self, PyObject *args) {
    (void)self;
    PyObject *capsule;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "Oy*", &capsule, &view)) return NULL;
    Engine *e = PyCapsule_GetPointer(capsule, NAME);
    const char *wrong = NULL;
    if (e) {
        e->out = e->begin;
        wrong = run(e, view.buf, view.len / (Py_ssize_t)sizeof(Command));
    }
    PyBuffer_Release(&view);
    if (!e) return NULL;
    if (wrong) return PyErr_Format(PyExc_ValueError, "command %lld: %s", (long long)e->command, wrong);
    return PyLong_FromSsize_t(e->out - e->begin);
}

static PyObject *events(PyObject *self, PyObject *capsule) {
    (void)self;
    Engine *e = PyCapsule_GetPointer(capsule, NAME);
    if (!e) return NULL;
    return PyMemoryView_FromMemory((char *)e->begin, (e->out - e->begin) * (Py_ssize_t)sizeof(Event),
                                   PyBUF_READ);
}

static PyObject *resting(PyObject *self, PyObject *capsule) {
    (void)self;
    const Engine *e = PyCapsule_GetPointer(capsule, NAME);
    if (!e) return NULL;
    long long orders = 0, units = 0;
    for (int64_t id = 1; id <= e->last_id; id++) {
        const uint32_t n = e->node_of[id];
        orders += n != 0;
        units += n ? e->nodes[n].leaves : 0;
    }
    return Py_BuildValue("LL", orders, units);
}

static PyMethodDef methods[] = {
    {"make", make, METH_VARARGS, "An engine from terms, phases, reasons and the largest order id."},
    {"run", py_run, METH_VARARGS, "Apply command rows; returns how many events they made."},
    {"events", events, METH_O, "The last run's events; valid until the next run."},
    {"resting", resting, METH_O, "Orders and units on all books."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "climit_events", NULL, -1, methods,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_climit_events(void) { return PyModule_Create(&module); }
