/* Spans of which somebody hears, as `span.py`: makes, enters and leaves them in the plain case.
 *
 * Python does the rest: what is checked or may be a proxy, async receivers, work that has failed,
 * receivers that raise, and spans that are used out of turn. Until something has changed, Python
 * starts again; after that, a method of the span goes on.
 */

#include "../sending/_callable.h"
#include "../sending/_lookup.h"

/* The slots of `Span`, then those of `SpanKind`. */
enum { KIND, NAME, OF, GIVEN, LASTED, SPAN_INSIDE, AT, ADDED, SINCE, OF_SPANS };
enum { KIND_NAME = OF_SPANS, FINISHES, REGISTRIES, ALL };

static const char *const SLOTS_OF[ALL] = {
    "_kind", "name", "sender", "_payload", "duration", "_parent", "_place", "_attributes", "_clock",
    "name", "finished", "registries",
};

#define MOST 12  /* values of a payload */
#define CARRIED 3  /* values that an end carries besides */

/* A callable that begins spans of one kind, or the method that enters them, or leaves them. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *weakrefs;
    PyObject *dict;
    Send *engine;
    PyObject *in_python;
    PyTypeObject *span, *span_kind;
    PyObject *place;     /* the context variable for the place of the innermost span */
    PyObject *nothing;   /* the attributes of a span without any */
    PyObject *kind;      /* of the spans that it begins; or None */
    PyObject *names;     /* of the values that were sent last, with those that are carried; or NULL */
    PyObject *word[CARRIED], *send, *go_on, *outlive;  /* names */
    Py_ssize_t offsets[ALL], checked;
} SpanCall;

static inline PyObject **
slot_of(SpanCall *self, PyObject *object, int slot)
{
    return (PyObject **)((char *)object + self->offsets[slot]);
}

static inline void
fill(SpanCall *self, PyObject *object, int slot, PyObject *value)
{
    PyObject **place = slot_of(self, object, slot), *old = *place;
    *place = value;
    Py_XDECREF(old);
}

static inline int
is_heard(SpanCall *self, PyObject *registry)
{
    /* The list of instruments, or a tuple if somebody is connected. */
    return Py_SIZE(read_slot(self->engine, registry, ANYONE)) != 0;
}

/* Tell whether all that a sender would reach now is plain; -1 with an error. */
static int
reaches_plain_ones(SpanCall *self, PyObject *registry, PyObject *sender)
{
    PyObject *snapshot = find_snapshot(self->engine, registry, sender, NULL, 0);
    if (snapshot == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    Py_DECREF(snapshot);
    return 1;
}

static PyObject *
registry_at(SpanCall *self, PyObject *kind, Py_ssize_t at)
{
    return PyTuple_GET_ITEM(*slot_of(self, kind, REGISTRIES), at);
}

/* Begin ------------------------------------------------------------------------------- */

static PyObject *
begin(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *names)
{
    SpanCall *self = (SpanCall *)callable;
    Py_ssize_t given = PyVectorcall_NARGS(nargsf);
    PyObject *sender = given == 1 ? args[0] : Py_None;
    PyObject *started = registry_at(self, self->kind, 0);
    int plain = given <= 1 && (names != NULL || !PyFunction_Check(sender))
                && *(PyObject **)((char *)started + self->checked) == Py_False
                && (PyUnicode_CheckExact(sender) || is_itself(self->engine, Py_TYPE(sender)));
    if (!plain) {
        return PyErr_Occurred() ? NULL
                                : PyObject_Vectorcall(self->in_python, args, nargsf, names);
    }
    PyObject *payload = payload_from(names, args + given);
    PyObject *span = payload == NULL ? NULL : self->span->tp_alloc(self->span, 0);
    if (span == NULL) {
        Py_XDECREF(payload);
        return NULL;
    }
    for (int slot = LASTED; slot < OF_SPANS; slot++) {
        *slot_of(self, span, slot) = Py_NewRef(Py_None);
    }
    *slot_of(self, span, KIND) = Py_NewRef(self->kind);
    *slot_of(self, span, NAME) = Py_NewRef(*slot_of(self, self->kind, KIND_NAME));
    *slot_of(self, span, OF) = Py_NewRef(sender);
    *slot_of(self, span, GIVEN) = payload;
    return span;
}

/* Enter ------------------------------------------------------------------------------- */

/* Tell whether a span can be entered here: nobody who would hear of it is async; -1 with an error.
 */
static int
can_enter(SpanCall *self, PyObject *span, PyObject *kind)
{
    int plain = *slot_of(self, span, SINCE) == Py_None && *slot_of(self, span, OF) != NULL;
    for (Py_ssize_t i = 0; plain == 1 && i < 3; i++) {
        PyObject *registry = registry_at(self, kind, i);
        if (is_heard(self, registry)) {
            plain = reaches_plain_ones(self, registry, *slot_of(self, span, OF));
        }
    }
    return plain;
}

/* Put the context inside a span; -1 with an error. */
static int
put_inside(SpanCall *self, PyObject *span)
{
    Send *engine = self->engine;
    PyObject *here, *clock = PyFloat_FromDouble(clock_now()), *place = empty_place(engine);
    if (clock == NULL || place == NULL || PyContextVar_Get(self->place, Py_None, &here) < 0) {
        Py_XDECREF(clock);
        Py_XDECREF(place);
        return -1;
    }
    PyObject *around = innermost(engine, here);
    PyObject *parent = around == Py_None ? Py_None : read_slot(engine, around, WORK);
    write_slot(engine, place, WORK, Py_NewRef(span));
    write_slot(engine, place, AROUND, Py_NewRef(around));
    fill(self, span, SPAN_INSIDE, Py_NewRef(parent));
    fill(self, span, SINCE, clock);
    fill(self, span, AT, place);
    PyObject *token = PyContextVar_Set(self->place, place);
    if (token == NULL) {
        /* The context may be there all the same, but for the token. */
        write_slot(engine, place, WORK, Py_NewRef(Py_None));
    }
    Py_XDECREF(token);
    release_place(engine, here);
    return token == NULL ? -1 : 0;
}

/* End a span; -1 with an error, and nothing was done. */
static int
end(SpanCall *self, PyObject *span)
{
    Send *engine = self->engine;
    double begun = PyFloat_AS_DOUBLE(*slot_of(self, span, SINCE));
    PyObject *lasted = PyFloat_FromDouble(clock_now() - begun);
    if (lasted == NULL) {
        return -1;
    }
    PyObject *place = *slot_of(self, span, AT), *around = read_slot(engine, place, AROUND);
    *slot_of(self, span, AT) = Py_NewRef(Py_None);
    write_slot(engine, place, WORK, Py_NewRef(Py_None));
    fill(self, span, LASTED, lasted);
    if (around != Py_None) {
        write_slot(engine, place, AROUND, Py_NewRef(innermost(engine, around)));
    }
    Py_DECREF(place);
    return 0;
}

static PyObject *
enter(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *names)
{
    SpanCall *self = (SpanCall *)callable;
    int plain = PyVectorcall_NARGS(nargsf) == 1 && names == NULL
                && PyObject_TypeCheck(args[0], self->span);
    PyObject *span = plain ? args[0] : NULL;
    PyObject *kind = plain ? *slot_of(self, span, KIND) : NULL;
    if (plain) {
        plain = can_enter(self, span, kind);
    }
    if (plain != 1) {
        return plain < 0 ? NULL : PyObject_Vectorcall(self->in_python, args, nargsf, names);
    }
    if (put_inside(self, span) < 0) {
        return NULL;
    }
    if (!is_heard(self, registry_at(self, kind, 0))) {
        return Py_NewRef(span);
    }
    PyObject *entered = PyObject_CallMethodNoArgs(span, self->go_on);
    /* A signal handler may raise before its first line, and the block is not left then. */
    if (entered == NULL && *slot_of(self, span, AT) != Py_None) {
        PyObject *error = taken_error();
        (void)end(self, span);
        set_error(error);
    }
    return entered;
}

/* Leave ------------------------------------------------------------------------------- */

/* Give the names of a payload with those that an end carries besides, a new reference. */
static PyObject *
names_with(SpanCall *self, PyObject *const *keys, Py_ssize_t count)
{
    PyObject *known = self->names;
    int same = known != NULL && PyTuple_GET_SIZE(known) == count + CARRIED;
    for (Py_ssize_t i = 0; same && i < count; i++) {
        same = PyTuple_GET_ITEM(known, i) == keys[i];
    }
    if (same) {
        return Py_NewRef(known);
    }
    PyObject *made = PyTuple_New(count + CARRIED);
    if (made == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count + CARRIED; i++) {
        PyTuple_SET_ITEM(made, i, Py_NewRef(i < count ? keys[i] : self->word[i - count]));
    }
    /* Another one may be known by now, and dropping names may run code: that of str subclasses. */
    known = self->names;
    self->names = Py_NewRef(made);
    Py_XDECREF(known);
    return made;
}

/* Send `finished` with what the end carries, if that is plain; 1 if it was sent, 0 if Python has
 * to do it, -1 with an error of the send. */
static int
send_end(SpanCall *self, PyObject *kind, PyObject *sender, PyObject *payload,
         PyObject *const *carried)
{
    PyObject *arguments[2 + MOST + CARRIED], *keys[MOST];
    Py_ssize_t count = 0, at = 0;
    if (!PyDict_CheckExact(payload) || PyDict_GET_SIZE(payload) > MOST) {
        return 0;
    }
    /* Nobody changes the payload, and it holds its values. */
    while (PyDict_Next(payload, &at, &keys[count], &arguments[2 + count])) {
        count++;
    }
    PyObject *names = names_with(self, keys, count);
    if (names == NULL) {
        return -1;
    }
    arguments[0] = *slot_of(self, kind, FINISHES);
    arguments[1] = sender;
    for (Py_ssize_t i = 0; i < CARRIED; i++) {
        arguments[2 + count + i] = carried[i];
    }
    /* Asked last, as somebody async may have connected meanwhile: no wrapper is passed. */
    int sent = reaches_plain_ones(self, registry_at(self, kind, 1), sender);
    if (sent == 1) {
        PyObject *done = PyObject_VectorcallMethod(self->send, arguments, 2, names);
        sent = done == NULL ? -1 : 1;
        Py_XDECREF(done);
    }
    Py_DECREF(names);
    return sent;
}

/* Tell of the end of a span; 1, 0 and -1 as `send_end`. */
static int
tell_of_end(SpanCall *self, PyObject *span, PyObject *kind)
{
    if (!is_heard(self, registry_at(self, kind, 1))) {
        return 1;
    }
    /* Anybody may assign to these attributes, or delete them, while receivers are called: the span
     * alone may hold what they are told. */
    if (*slot_of(self, span, OF) == NULL || *slot_of(self, span, LASTED) == NULL) {
        return 0;
    }
    PyObject *sender = Py_NewRef(*slot_of(self, span, OF));
    PyObject *lasted = Py_NewRef(*slot_of(self, span, LASTED));
    PyObject *payload = Py_NewRef(*slot_of(self, span, GIVEN)), *added = *slot_of(self, span, ADDED);
    /* Making it may run code, if the collector runs. */
    PyObject *attributes = added == Py_None ? Py_NewRef(self->nothing) : PyDictProxy_New(added);
    PyObject *carried[CARRIED] = {span, lasted, attributes};
    int told = attributes == NULL ? -1 : send_end(self, kind, sender, payload, carried);
    Py_DECREF(sender);
    Py_DECREF(payload);
    Py_DECREF(lasted);
    Py_XDECREF(attributes);
    return told;
}

/* Tell whether a span was entered here and is not left yet. One that nobody has filled in, as
 * `Span()` gives it, has nothing in its slots. */
static int
is_under_way(SpanCall *self, PyObject *span)
{
    PyObject *place = *slot_of(self, span, AT), *since = *slot_of(self, span, SINCE);
    return place != NULL && place != Py_None && since != NULL && PyFloat_CheckExact(since);
}

static PyObject *
leave(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *names)
{
    SpanCall *self = (SpanCall *)callable;
    int plain = PyVectorcall_NARGS(nargsf) == 4 && names == NULL && args[2] == Py_None
                && PyObject_TypeCheck(args[0], self->span);
    PyObject *span = plain ? args[0] : NULL;
    if (!plain || !is_under_way(self, span)) {
        return PyObject_Vectorcall(self->in_python, args, nargsf, names);
    }
    if (end(self, span) < 0) {
        return NULL;
    }
    int told = tell_of_end(self, span, *slot_of(self, span, KIND));
    if (told == 0) {
        return PyObject_CallMethodNoArgs(span, self->go_on);
    }
    if (*slot_of(self, span, SPAN_INSIDE) != Py_None) {
        PyObject *error = taken_error();
        PyObject *done = PyObject_CallMethodNoArgs(span, self->outlive);
        Py_XDECREF(done);
        if (error != NULL) {
            PyErr_Clear();
            set_error(error);
        }
        told = done == NULL ? -1 : told;
    }
    return told < 0 ? NULL : Py_NewRef(Py_None);
}

/* The type ------------------------------------------------------------------------------ */

/* Find out where the classes have their slots, and make names; -1 with an error. */
static int
prepare(SpanCall *self, const char *go_on)
{
    static const char *const words[CARRIED] = {"span", "duration", "attributes"};
    for (int slot = 0; slot < ALL; slot++) {
        self->offsets[slot] = offset_of(slot < OF_SPANS ? self->span : self->span_kind,
                                        SLOTS_OF[slot]);
        if (self->offsets[slot] < 0) {
            return -1;
        }
    }
    self->checked = offset_of(self->engine->kinds[REGISTRY], "checked");
    for (int i = 0; i < CARRIED; i++) {
        self->word[i] = PyUnicode_InternFromString(words[i]);
    }
    self->send = PyUnicode_InternFromString("send");
    self->go_on = PyUnicode_InternFromString(go_on);
    self->outlive = PyUnicode_InternFromString("_outlive");
    return self->checked < 0 || self->word[0] == NULL || self->word[1] == NULL
           || self->word[2] == NULL || self->send == NULL || self->go_on == NULL
           || self->outlive == NULL ? -1 : 0;
}

static PyObject *
SpanCall_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"what", "engine", "in_python", "span", "span_kind", "place", "nothing",
                            "kind", NULL};
    const char *what;
    PyObject *engine, *in_python, *place, *nothing, *kind = Py_None;
    PyTypeObject *span, *span_kind;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sOOO!O!O!O|O:SpanCall", names, &what, &engine,
                                     &in_python, &PyType_Type, &span, &PyType_Type, &span_kind,
                                     &PyContextVar_Type, &place, &nothing, &kind)
        || !is_engine(engine)) {
        return NULL;
    }
    SpanCall *self = (SpanCall *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = what[0] == 'b' ? begin : what[0] == 'e' ? enter : leave;
    self->engine = (Send *)Py_NewRef(engine);
    self->in_python = Py_NewRef(in_python);
    self->span = (PyTypeObject *)Py_NewRef(span);
    self->span_kind = (PyTypeObject *)Py_NewRef(span_kind);
    self->place = Py_NewRef(place);
    self->nothing = Py_NewRef(nothing);
    self->kind = Py_NewRef(kind);
    if (prepare(self, what[0] == 'e' ? "_tell_start" : "_tell_end") < 0) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int
SpanCall_traverse(SpanCall *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->dict);
    Py_VISIT(self->engine);
    Py_VISIT(self->in_python);
    Py_VISIT(self->span);
    Py_VISIT(self->span_kind);
    Py_VISIT(self->place);
    Py_VISIT(self->nothing);
    Py_VISIT(self->kind);
    Py_VISIT(self->names);
    return 0;
}

static int
SpanCall_clear(SpanCall *self)
{
    /* Nothing that a call reads: cycles through these are broken elsewhere. */
    Py_CLEAR(self->dict);
    return 0;
}

static void
SpanCall_dealloc(SpanCall *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    (void)SpanCall_clear(self);
    Py_CLEAR(self->engine);
    Py_CLEAR(self->in_python);
    Py_CLEAR(self->span);
    Py_CLEAR(self->span_kind);
    Py_CLEAR(self->place);
    Py_CLEAR(self->nothing);
    Py_CLEAR(self->kind);
    Py_CLEAR(self->names);
    for (int i = 0; i < CARRIED; i++) {
        Py_CLEAR(self->word[i]);
    }
    Py_CLEAR(self->send);
    Py_CLEAR(self->go_on);
    Py_CLEAR(self->outlive);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyMemberDef SpanCall_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(SpanCall, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(SpanCall, weakrefs), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(SpanCall, dict), READONLY, NULL},
    {NULL},
};

PyDoc_STRVAR(SpanCall_doc, "Begins spans, or enters or leaves them, in the plain case.");

static PyMethodDef SpanCall_methods[] = {
    REDUCE,
    {NULL, NULL, 0, NULL},
};

static PyType_Slot SpanCall_slots[] = {
    {Py_tp_doc, (void *)SpanCall_doc},
    {Py_tp_new, SpanCall_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, bind},
    {Py_tp_traverse, SpanCall_traverse},
    {Py_tp_clear, SpanCall_clear},
    {Py_tp_dealloc, SpanCall_dealloc},
    {Py_tp_repr, repr},
    {Py_tp_methods, SpanCall_methods},
    {Py_tp_members, SpanCall_members},
    {Py_tp_getset, getset},
    {0, NULL},
};

PyType_Spec SpanCall_spec = {
    .name = "heliograph.core.sending._dispatch.SpanCall",
    .basicsize = sizeof(SpanCall),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
             | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = SpanCall_slots,
};
