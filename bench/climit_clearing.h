/* The price of a cross, and the indicative one (matching/auction.py, indicative.py).
 *
 * The crossing point is the highest price position (from 1, lowest price first) where buy interest
 * is at least sell interest; 0 when there is none. It is kept with the interest there, and moved.
 */
#ifndef CLIMIT_CLEARING_H
#define CLIMIT_CLEARING_H
#include "climit_ladder.h"

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
    const int64_t market_buys = b->half[0].levels[0].units;
    const int64_t market_sells = b->half[1].levels[0].units;
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

#endif
