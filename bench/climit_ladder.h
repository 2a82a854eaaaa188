/* Rows, ladders and nodes: the mechanics of climit_events.c, where the design is told. */
#ifndef CLIMIT_LADDER_H
#define CLIMIT_LADDER_H
#include <stdint.h>
#include <stdlib.h>

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
enum {
    ACCEPTED = 1, REJECTED, TRADE, CANCELED, AMENDED, REDUCED, EXPIRED, PHASED, AUCTION, INDICATED,
    REFUSED = 14
};
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
    size_t used = (size_t)(e->out - e->begin), room = used * 2 + 200000;
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

INLINE void tell(Engine *e, int what, int reason, int flags, int side, int32_t instrument,
                 int64_t id, int64_t contra_id, int32_t price_sen, int32_t units, int32_t leaves,
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

#endif
