/* Notes of a send that somebody watches: they become values of Python's when somebody looks.
 *
 * Most instruments look at little of what they are told, and making a dict of the payload and an
 * object of each delivery takes longer than the rest of a send.
 */

#include "_dispatch.h"

/* What came of one call. */
typedef struct {
    PyObject *outcome;     /* the pair of receiver and value, or the delivery that was made of it */
    PyObject *connection;  /* which the snapshot or `own` holds */
    double took;
} Note;

typedef struct {
    PyObject_VAR_HEAD
    Send *send;
    PyObject *names;           /* of the payload, or NULL */
    PyObject *snapshot, *own;  /* hold the connections; the latter may be NULL */
    Py_ssize_t values, done;   /* how many there are, of the payload and of notes */
    PyObject *items[1];        /* the values of the payload, then the notes */
} Notes;

#define WORDS ((Py_ssize_t)(sizeof(Note) / sizeof(PyObject *)))
#define SPARE 32  /* items: what has room for more is not kept */

static inline Note *
notes_of(Notes *self)
{
    return (Note *)(self->items + self->values);
}

/* Give notes with nothing in them, and room for so many items; not tracked by the collector. */
static Notes *
empty_notes(Send *send, Py_ssize_t room)
{
    Notes *made = (Notes *)send->spare_notes;
    if (made != NULL && room <= Py_SIZE(made)) {
        send->spare_notes = NULL;
        return made;
    }
    made = PyObject_GC_NewVar(Notes, send->kinds[NOTES], room < SPARE ? SPARE : room);
    if (made != NULL) {
        made->names = made->snapshot = made->own = NULL;
        made->send = NULL;
        made->values = made->done = 0;
    }
    return made;
}

PyObject *
new_notes(Send *send, Dispatch *dispatch)
{
    Py_ssize_t values = dispatch->names == NULL ? 0 : PyTuple_GET_SIZE(dispatch->names);
    Notes *made = empty_notes(send, values + WORDS * PyTuple_GET_SIZE(dispatch->refs));
    if (made != NULL) {
        made->send = (Send *)Py_NewRef((PyObject *)send);
        made->names = Py_XNewRef(dispatch->names);
        made->snapshot = Py_NewRef(dispatch->snapshot);
        made->own = Py_XNewRef(dispatch->watch->own);
        for (Py_ssize_t i = 0; i < values; i++) {
            made->items[i] = Py_NewRef(dispatch->values[i]);
        }
        made->values = values;
        PyObject_GC_Track(made);
    }
    return (PyObject *)made;
}

void
add_note(PyObject *notes, PyObject *pair, PyObject *connection, double took)
{
    Notes *self = (Notes *)notes;
    notes_of(self)[self->done++] = (Note){Py_NewRef(pair), connection, took};
}

Py_ssize_t
count_notes(PyObject *notes)
{
    return ((Notes *)notes)->done;
}

PyObject *
payload_in(PyObject *notes)
{
    Notes *self = (Notes *)notes;
    return payload_from(self->names, self->items);
}

/* Give the delivery of a note, borrowed, which is made at the first look. */
static PyObject *
delivery_of(Notes *self, Note *note)
{
    Send *send = self->send;
    PyTypeObject *type = send->kinds[DELIVERY];
    if (Py_TYPE(note->outcome) == type) {
        return note->outcome;
    }
    PyObject *took = PyFloat_FromDouble(note->took), *made = type->tp_alloc(type, 0);
    if (took == NULL || made == NULL) {
        Py_XDECREF(took);
        Py_XDECREF(made);
        return NULL;
    }
    PyObject *pair = note->outcome;
    write_slot(send, made, DURATION, took);
    if (Py_TYPE(pair) == type) {  /* Memory was asked for, and so somebody else may have looked. */
        Py_DECREF(made);
        return pair;
    }
    write_slot(send, made, RECEIVER, Py_NewRef(PyTuple_GET_ITEM(pair, 0)));
    write_slot(send, made, BY, Py_NewRef(note->connection));
    write_slot(send, made, VALUE, Py_NewRef(PyTuple_GET_ITEM(pair, 1)));
    write_slot(send, made, FAILED, Py_NewRef(Py_None));
    note->outcome = made;
    Py_DECREF(pair);
    return made;
}

/* Make all deliveries that there are by now; returns how many, or -1 with an error. */
static Py_ssize_t
make_deliveries(Notes *self)
{
    Py_ssize_t done = self->done;
    for (Py_ssize_t i = 0; i < done; i++) {
        if (delivery_of(self, notes_of(self) + i) == NULL) {
            return -1;
        }
    }
    return done;
}

PyObject *
deliveries_in(PyObject *notes)
{
    Notes *self = (Notes *)notes;
    Py_ssize_t done = make_deliveries(self);
    PyObject *made = done < 0 ? NULL : PyList_New(done);
    for (Py_ssize_t i = 0; made != NULL && i < done; i++) {
        PyList_SET_ITEM(made, i, Py_NewRef(notes_of(self)[i].outcome));
    }
    return made;
}

static PyObject *
Notes_payload(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return payload_in(self);
}

/* Give the deliveries so far as a tuple. */
static PyObject *
deliveries_told(Notes *self)
{
    Py_ssize_t done = make_deliveries(self);
    PyObject *made = done < 0 ? NULL : PyTuple_New(done);
    for (Py_ssize_t i = 0; made != NULL && i < done; i++) {
        PyTuple_SET_ITEM(made, i, Py_NewRef(notes_of(self)[i].outcome));
    }
    return made;
}

PyObject *
deliveries_of(PyObject *send, PyObject *emission)
{
    Send *self = (Send *)send;
    PyObject *noted = NULL;
    if (self->tellers == NULL) {
        PyErr_SetString(PyExc_TypeError, "Nothing watches yet");
        return NULL;
    }
    if (PyObject_TypeCheck(emission, self->kinds[EMISSION])) {
        noted = read_slot(self, emission, DELIVERIES);
    }
    if (noted == NULL || Py_TYPE(noted) != self->kinds[NOTES]) {
        return PyObject_CallOneArg(self->deliveries, emission);
    }
    Py_INCREF(noted);
    PyObject *told = deliveries_told((Notes *)noted);
    Py_DECREF(noted);
    return told;
}

static int
Notes_traverse(PyObject *notes, visitproc visit, void *arg)
{
    Notes *self = (Notes *)notes;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->send);
    Py_VISIT(self->names);
    Py_VISIT(self->snapshot);
    Py_VISIT(self->own);
    for (Py_ssize_t i = 0; i < self->values; i++) {
        Py_VISIT(self->items[i]);
    }
    for (Py_ssize_t i = 0; i < self->done; i++) {
        Py_VISIT(notes_of(self)[i].outcome);
    }
    return 0;
}

/* Let go of everything. Nobody can find these notes any more, or the collector breaks a cycle. */
static int
Notes_clear(PyObject *notes)
{
    Notes *self = (Notes *)notes;
    Note *each = notes_of(self);
    while (self->done > 0) {
        Py_DECREF(each[--self->done].outcome);
    }
    Py_CLEAR(self->names);
    while (self->values > 0) {
        Py_DECREF(self->items[--self->values]);
    }
    Py_CLEAR(self->snapshot);
    Py_CLEAR(self->own);
    Py_CLEAR(self->send);
    return 0;
}

static void
Notes_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    (void)Notes_clear(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

void
release_notes(Send *send, PyObject *notes)
{
    if (Py_REFCNT(notes) != 1 || Py_SIZE(notes) != SPARE) {
        Py_DECREF(notes);
        return;
    }
    PyObject_GC_UnTrack(notes);
    (void)Notes_clear(notes);  /* Runs code of others, who may leave some here, too. */
    if (send->spare_notes == NULL) {
        send->spare_notes = notes;
    }
    else {
        Py_DECREF(notes);
    }
}

static PyMethodDef Notes_methods[] = {
    {"payload", Notes_payload, METH_NOARGS, "Gives the payload, as a new dict."},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(Notes_doc, "What C has noted of a send that is watched.");

static PyType_Slot Notes_slots[] = {
    {Py_tp_doc, (void *)Notes_doc},
    {Py_tp_traverse, Notes_traverse},
    {Py_tp_clear, Notes_clear},
    {Py_tp_dealloc, Notes_dealloc},
    {Py_tp_methods, Notes_methods},
    {Py_sq_length, count_notes},
    {0, NULL},
};

PyType_Spec Notes_spec = {
    .name = "heliograph.core.sending._dispatch.Notes",
    .basicsize = offsetof(Notes, items),
    .itemsize = sizeof(PyObject *),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE
             | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = Notes_slots,
};
