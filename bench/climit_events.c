/* What checked matching with whole events can cost on this machine: the batch door's work, in C.
 *
 * Commands of 32 bytes in, events of 48 bytes out (matching/rows.py), many issues, call phases,
 * crosses and continuous trading. Every check of a new order, an amendment and a cancel is made in
 * the catalogue's order, and every event is written in full. The rules come in as numbers, made
 * from the preset by climit.py; no rule is chosen here but that an amendment keeps its place on a
 * decrease only, that market orders left over by a cross stay, that self-trades are allowed and
 * flagged, and that each issue has one tick within its limits.
 *
 * The book of an issue is two ladders over the prices within its limits (climit_ladder.h). A price
 * is named by its *rank*, counted from 1 away from the best possible price, so both sides are one
 * code; rank 0 is the queue of market orders and prices + 1 a sentinel that always looks occupied,
 * so a search ends. Two bitmap levels find the next occupied rank. Orders are 32-byte nodes from a
 * free list, found through an array by the caller's id, which is dense. During a call phase the
 * crossing point is kept from command to command and moved by what changed, level by level
 * (climit_clearing.h). The rules are in climit_rules.h; here are the run and the doors.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>
#include <sys/mman.h>

#include "climit_rules.h"

/* --- the run */

enum { AHEAD = 12, NEARER = 6 };

static const char *run(Engine *e, const Command *commands, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++) {
        const Command *c = &commands[i];
        if (LIKELY(i + AHEAD < count)) {
            const int64_t id = commands[i + AHEAD].id;
            if (LIKELY((uint64_t)id <= (uint64_t)e->last_id))
                __builtin_prefetch(&e->node_of[id], 1);
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

/* Zeroed memory in large pages, touched: a venue has its memory before the day begins. */
static void *take_region(size_t size) {
    void *region =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED) return NULL;
#ifdef MADV_HUGEPAGE
    madvise(region, size, MADV_HUGEPAGE);
#endif
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
    if (wrong)
        return PyErr_Format(PyExc_ValueError, "command %lld: %s", (long long)e->command, wrong);
    return PyLong_FromSsize_t(e->out - e->begin);
}

static PyObject *events(PyObject *self, PyObject *capsule) {
    (void)self;
    Engine *e = PyCapsule_GetPointer(capsule, NAME);
    if (!e) return NULL;
    const Py_ssize_t size = (e->out - e->begin) * (Py_ssize_t)sizeof(Event);
    return PyMemoryView_FromMemory((char *)e->begin, size, PyBUF_READ);
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
