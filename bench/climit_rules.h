/* The rules of climit_events.c: continuous trading, checks in the catalogue's order, crosses. */
#ifndef CLIMIT_RULES_H
#define CLIMIT_RULES_H
#include "climit_clearing.h"

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
                tell(e, TRADE, 0, flags, BUY, instrument, id, node->id, price_sen, units, leaves,
                     left);
            else
                tell(e, TRADE, 0, flags, SELL, instrument, node->id, id, price_sen, units, left,
                     leaves);
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
INLINE int32_t reach(const Book *b, int32_t rank) {
    return rank ? b->prices + 1 - rank : b->prices;
}

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

static int refuse_values(const Engine *e, const Book *b, int64_t price_sen, int32_t units) {
    const Terms *t = &b->terms;
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
    return refuse_values(e, b, c->price_sen, c->units);
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
                   (uint32_t)(units - 1) < (uint32_t)b->most_units &&
                   divides(b->lot_units, units)))) {
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
    if (!reason) reason = refuse_values(e, b, price_sen, leaves);
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
    tell(e, AMENDED, 0, keeps ? KEPT : 0, side, node->instrument, c->id, 0, price_sen, leaves,
         leaves, 0);
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
        const uint32_t buy = buys->levels[buys->best].first;
        const uint32_t sell = sells->levels[sells->best].first;
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
    tell(e, AUCTION, 0, 0, 0, c->instrument, 0, 0, found.price_sen, (int32_t)found.units, trades,
         0);
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

#endif
