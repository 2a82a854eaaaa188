/* The least a matching engine can cost on this machine: a price ladder in C, trades only.
 *
 * One book of integer ticks below TICKS. An order is a 16-byte node found by its dense id,
 * linked through the queue of its price; a two-level bitmap a side finds the next price. Nothing is
 * checked, no event but a trade is written. That is the denominator of the peer table.
 *
 * Three doors over the same book: `batch` takes a bytes object of 24-byte records (flow_files.py),
 * `call` one message and gives its trades as a list of tuples or None, `empty` takes the same
 * message and does nothing, so that the price of a call can be told from the price of matching.
 * There is one book at a time, `reset` starts a new one. Ids above its bound and prices outside
 * 1 .. TICKS-1 end the call with a ValueError. Known limit: an id that enters twice while it rests,
 * or a quantity below 1, breaks the book; the files are made by us and hold neither.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TICKS = 32768, WORDS = TICKS / 64, SUMMARIES = WORDS / 64 };
enum { NEW, CANCEL, REPLACE };
enum { LIMIT, MARKET, IOC };
enum { BUY, SELL };

typedef struct {
    uint8_t op, kind, side, pad;
    uint32_t id;
    int32_t price, units, aux;
    uint32_t zero;
} Record;

typedef struct {
    uint32_t next, previous;
    int32_t price; /* negative for a buy, so that a node is 16 bytes */
    int32_t units;
} Node;

typedef struct {
    uint32_t first, last;
} Queue;

typedef struct {
    uint32_t maker, taker;
    int32_t price, units;
} Trade;

static Queue queues[2][TICKS];
static uint64_t words[2][WORDS], summaries[2][SUMMARIES];
static int32_t best[2]; /* highest buy or 0, lowest sell or TICKS */
static Node *nodes;
static uint32_t ids; /* nodes reach from 1 to here */
static Trade *trades;
static size_t trade_count, trade_room;

static inline int32_t highest_from(int32_t price) {
    int32_t w = price >> 6;
    uint64_t bits = words[BUY][w] & (~0ULL >> (63 - (price & 63)));
    if (bits) return (w << 6) + 63 - __builtin_clzll(bits);
    int32_t s = w >> 6;
    bits = summaries[BUY][s] & ((1ULL << (w & 63)) - 1);
    while (!bits) {
        if (--s < 0) return 0;
        bits = summaries[BUY][s];
    }
    w = (s << 6) + 63 - __builtin_clzll(bits);
    return (w << 6) + 63 - __builtin_clzll(words[BUY][w]);
}

static inline int32_t lowest_from(int32_t price) {
    int32_t w = price >> 6;
    uint64_t bits = words[SELL][w] & (~0ULL << (price & 63));
    if (bits) return (w << 6) + __builtin_ctzll(bits);
    int32_t s = w >> 6;
    bits = (w & 63) == 63 ? 0 : summaries[SELL][s] & (~0ULL << ((w & 63) + 1));
    while (!bits) {
        if (++s == SUMMARIES) return TICKS;
        bits = summaries[SELL][s];
    }
    w = (s << 6) + __builtin_ctzll(bits);
    return (w << 6) + __builtin_ctzll(words[SELL][w]);
}

static inline void clear_price(int side, int32_t price) {
    words[side][price >> 6] &= ~(1ULL << (price & 63));
    if (!words[side][price >> 6]) summaries[side][price >> 12] &= ~(1ULL << ((price >> 6) & 63));
    if (price == best[side]) best[side] = side == BUY ? highest_from(price) : lowest_from(price);
}

static inline void rest(int side, uint32_t id, int32_t price, int32_t units) {
    Queue *queue = &queues[side][price];
    Node *node = &nodes[id];
    node->next = 0;
    node->previous = queue->last;
    node->price = side == BUY ? -price : price;
    node->units = units;
    if (queue->last) {
        nodes[queue->last].next = id;
    } else {
        queue->first = id;
        words[side][price >> 6] |= 1ULL << (price & 63);
        summaries[side][price >> 12] |= 1ULL << ((price >> 6) & 63);
        if (side == BUY ? price > best[BUY] : price < best[SELL]) best[side] = price;
    }
    queue->last = id;
}

static inline void take_off(uint32_t id) {
    Node *node = &nodes[id];
    int side = node->price < 0 ? BUY : SELL;
    int32_t price = side == BUY ? -node->price : node->price;
    Queue *queue = &queues[side][price];
    if (node->previous) nodes[node->previous].next = node->next;
    else queue->first = node->next;
    if (node->next) nodes[node->next].previous = node->previous;
    else queue->last = node->previous;
    node->units = 0;
    if (!queue->first) clear_price(side, price);
}

static inline __attribute__((always_inline)) int32_t match(int side, uint32_t id, int32_t limit,
                                                           int32_t units) {
    const int other = 1 - side;
    while (units && (side == BUY ? best[SELL] <= limit : best[BUY] >= limit)) {
        const int32_t price = best[other];
        Queue *queue = &queues[other][price];
        uint32_t maker = queue->first;
        do {
            Node *node = &nodes[maker];
            const int32_t traded = units < node->units ? units : node->units;
            trades[trade_count++] = (Trade){maker, id, price, traded};
            units -= traded;
            node->units -= traded;
            if (node->units) break;
            maker = node->next;
        } while (maker && units);
        queue->first = maker;
        if (maker) {
            nodes[maker].previous = 0;
        } else {
            queue->last = 0;
            clear_price(other, price);
        }
    }
    return units;
}

static inline void enter(int kind, int side, uint32_t id, int32_t price, int32_t units) {
    if (side == BUY) units = match(BUY, id, kind == MARKET ? TICKS - 1 : price, units);
    else units = match(SELL, id, kind == MARKET ? 1 : price, units);
    if (units && kind == LIMIT) rest(side, id, price, units);
}

static inline void apply(int op, int kind, int side, uint32_t id, int32_t price, int32_t units) {
    if (op == NEW) {
        enter(kind, side, id, price, units);
    } else if (op == CANCEL) {
        if (nodes[id].units) take_off(id);
    } else {
        Node *node = &nodes[id];
        if (!node->units) return;
        if (units <= node->units && price == abs(node->price)) {
            node->units = units;
        } else {
            take_off(id);
            enter(LIMIT, side, id, price, units);
        }
    }
}

static int room_for(size_t more) {
    if (trade_count + more <= trade_room) return 0;
    size_t room = (trade_count + more) * 2;
    Trade *grown = realloc(trades, room * sizeof(Trade));
    if (!grown) return -1;
    trades = grown;
    trade_room = room;
    return 0;
}

static PyObject *reset(PyObject *self, PyObject *bound) {
    (void)self;
    unsigned long last = PyLong_AsUnsignedLong(bound);
    if (PyErr_Occurred()) return NULL;
    free(nodes);
    nodes = calloc(last + 1, sizeof(Node));
    if (!nodes) return PyErr_NoMemory();
    ids = (uint32_t)last;
    memset(queues, 0, sizeof queues);
    memset(words, 0, sizeof words);
    memset(summaries, 0, sizeof summaries);
    best[BUY] = 0;
    best[SELL] = TICKS;
    trade_count = 0;
    Py_RETURN_NONE;
}

static inline int fits(uint32_t id, int op, int kind, int32_t price) {
    return id && id <= ids &&
           (op == CANCEL || (op == NEW && kind == MARKET) || (price > 0 && price < TICKS));
}

static PyObject *batch(PyObject *self, PyObject *data) {
    (void)self;
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)) return NULL;
    const Record *record = view.buf, *end = record + view.len / sizeof(Record);
    const size_t before = trade_count;
    /* A trade ends its maker or its taker: at most one taker a record, and the makers are those
     * that rest now or come to rest. */
    if (room_for(2 * (size_t)(end - record) + ids)) {
        PyBuffer_Release(&view);
        return PyErr_NoMemory();
    }
    for (const Record *one = record; one < end; one++) {
        if (!fits(one->id, one->op, one->kind, one->price)) {
            PyErr_Format(PyExc_ValueError, "record %zd is outside the ladder", one - record);
            break;
        }
        apply(one->op, one->kind, one->side, one->id, one->price, one->units);
    }
    PyBuffer_Release(&view);
    return PyErr_Occurred() ? NULL : PyLong_FromSize_t(trade_count - before);
}

static PyObject *call(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    (void)self;
    if (count != 6) return PyErr_Format(PyExc_TypeError, "op, kind, side, id, price, units");
    const long op = PyLong_AsLong(args[0]), kind = PyLong_AsLong(args[1]);
    const long side = PyLong_AsLong(args[2]), id = PyLong_AsLong(args[3]);
    const long price = PyLong_AsLong(args[4]), units = PyLong_AsLong(args[5]);
    if (PyErr_Occurred()) return NULL;
    if (!fits((uint32_t)id, (int)op, (int)kind, (int32_t)price))
        return PyErr_Format(PyExc_ValueError, "outside the ladder");
    const size_t before = trade_count;
    if (room_for((size_t)ids + 1)) return PyErr_NoMemory();
    apply((int)op, (int)kind, (int)side, (uint32_t)id, (int32_t)price, (int32_t)units);
    const Py_ssize_t made = (Py_ssize_t)(trade_count - before);
    if (!made) Py_RETURN_NONE;
    PyObject *list = PyList_New(made);
    for (Py_ssize_t i = 0; list && i < made; i++) {
        const Trade *one = &trades[before + (size_t)i];
        PyObject *row = PyTuple_New(4);
        if (!row) {
            Py_DECREF(list);
            return NULL;
        }
        PyTuple_SET_ITEM(row, 0, PyLong_FromLong(one->maker));
        PyTuple_SET_ITEM(row, 1, PyLong_FromLong(one->taker));
        PyTuple_SET_ITEM(row, 2, PyLong_FromLong(one->price));
        PyTuple_SET_ITEM(row, 3, PyLong_FromLong(one->units));
        PyList_SET_ITEM(list, i, row);
    }
    trade_count = before; /* handed over */
    return list;
}

static PyObject *empty(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    (void)self, (void)args, (void)count;
    Py_RETURN_NONE;
}

static PyObject *trade_bytes(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
    return PyBytes_FromStringAndSize((char *)trades, (Py_ssize_t)(trade_count * sizeof(Trade)));
}

static PyObject *resting(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
    long long orders = 0, units = 0;
    for (uint32_t id = 1; id <= ids; id++) {
        orders += nodes[id].units > 0;
        units += nodes[id].units;
    }
    return Py_BuildValue("LL", orders, units);
}

static PyMethodDef methods[] = {
    {"reset", reset, METH_O, "Start a new book for ids up to a bound."},
    {"batch", batch, METH_O, "Apply 24-byte records; returns the number of trades made."},
    {"call", (PyCFunction)(void (*)(void))call, METH_FASTCALL, "Apply one message."},
    {"empty", (PyCFunction)(void (*)(void))empty, METH_FASTCALL, "Do nothing with one message."},
    {"trades", trade_bytes, METH_NOARGS, "16 bytes a trade: maker, taker, price, units."},
    {"resting", resting, METH_NOARGS, "Orders and units on the book."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "climit_trades", NULL, -1, methods,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_climit_trades(void) { return PyModule_Create(&module); }
