/* `Signal.send_async`: calls the receivers of a send one after another, and awaits what they return.
 *
 * The rules of `_dispatch.c` hold here. Around each send is a coroutine of Python's, which does
 * nothing but wait for it, and sees to errors: so it is one for whoever asks, has a frame, and warns
 * if nobody awaits it.
 */

#include "_callable.h"
#include "_calling.h"
#include "_lookup.h"

/* The method. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *weakrefs;
    PyObject *dict;
    PyObject *in_python;  /* the same for what is not plain */
    PyObject *around;     /* gives the coroutine around a send */
    PyObject *find;       /* gives the snapshot for a sender, new if need be */
    PyObject *rest;       /* gives a coroutine for the rest of a send that was plain until now */
    Send *engine;
    PyTypeObject *sending;
    PyObject *wrapper_name, *throw_name, *close_name, *state_name;
    PyObject *spare;      /* a send with nothing in it, which is not counted as alive; or NULL */
} AsyncSend;

enum state { NEW, CALLING, IN_PYTHON, OVER };

/* One send. */
typedef struct {
    PyObject_VAR_HEAD
    AsyncSend *method;
    PyObject *signal, *wrapper, *names;  /* the latter of the payload; both may be NULL */
    PyObject *registry, *snapshot, *refs, *version, *results;
    PyObject *receiver;  /* that is called or awaited, or has failed; or NULL */
    PyObject *awaited;   /* the iterator that is awaited, or NULL */
    PyObject *waited_for;  /* what `start` has found to wait for, until it is handed on; or NULL */
    Py_ssize_t at;       /* the position of the receiver, or of the next one */
    enum state state;
    int running;
    /* A place for callees, the sender, and the values of the payload. */
    PyObject *items[1];
} Sending;

#define FIRST 2   /* of the values */
#define SPARE 10  /* items: what has room for more is not kept */

static void
clear_fields(Sending *self)
{
    Py_ssize_t values = self->names == NULL ? 0 : PyTuple_GET_SIZE(self->names);
    Py_CLEAR(self->awaited);
    Py_CLEAR(self->waited_for);
    Py_CLEAR(self->receiver);
    Py_CLEAR(self->results);
    Py_CLEAR(self->version);
    Py_CLEAR(self->refs);
    Py_CLEAR(self->snapshot);
    Py_CLEAR(self->registry);
    Py_CLEAR(self->wrapper);
    Py_CLEAR(self->signal);
    for (Py_ssize_t i = 1; i < FIRST + values; i++) {
        Py_CLEAR(self->items[i]);
    }
    Py_CLEAR(self->names);
}

/* --- the receivers --------------------------------------------------------------------- */

static PyObject *
payload_of(Sending *self)
{
    return payload_from(self->names, self->items + FIRST);
}

/* Let Python's coroutine for the whole send be awaited; -1 with an error. */
static int
leave_all_to_python(Sending *self)
{
    PyObject *payload = payload_of(self), *arguments = NULL;
    self->state = IN_PYTHON;
    if (payload != NULL
        && (self->wrapper == NULL
            || PyDict_SetItem(payload, self->method->wrapper_name, self->wrapper) == 0)) {
        arguments = PyTuple_Pack(2, self->signal, self->items[1]);
    }
    if (arguments != NULL) {
        self->awaited = PyObject_Call(self->method->in_python, arguments, payload);
        Py_DECREF(arguments);
    }
    Py_XDECREF(payload);
    return self->awaited == NULL ? -1 : 0;
}

/* Give what Python needs to know to go on, from `at` on. */
static PyObject *
what_is_left(Sending *self)
{
    PyObject *payload = payload_of(self);
    if (payload == NULL) {
        return NULL;
    }
    PyObject *none = Py_None;
    return Py_BuildValue("(OONOOOOnO)", self->signal, self->items[1], payload, self->snapshot,
                         self->version, self->wrapper == NULL ? none : self->wrapper,
                         self->results, self->at,
                         self->receiver == NULL ? none : self->receiver);
}

/* Let Python's coroutine for the rest be awaited; -1 with an error. */
static int
leave_the_rest_to_python(Sending *self)
{
    PyObject *left = what_is_left(self);
    self->state = IN_PYTHON;
    if (left != NULL) {
        self->awaited = PyObject_Call(self->method->rest, left, NULL);
        Py_DECREF(left);
    }
    return self->awaited == NULL ? -1 : 0;
}

/* Tell whether the wrapper is for nobody: all are async, or called in place in spite of it. */
static int
spares_all(Sending *self)
{
    if (self->wrapper == NULL || self->wrapper == Py_None) {
        return 1;
    }
    PyObject *calls = read_slot(self->method->engine, self->snapshot, CALLS);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(calls); i++) {
        if (PyTuple_GET_ITEM(PyTuple_GET_ITEM(calls, i), 2) != Py_True) {
            return 0;
        }
    }
    return PyTuple_GET_SIZE(calls) == PyTuple_GET_SIZE(self->refs);
}

/* Let Python find the version, the real sender, and the snapshot; -1 with an error. */
static int
find_in_python(Sending *self)
{
    PyObject *arguments[] = {self->registry, self->items[1]};
    PyObject *found = PyObject_Vectorcall(self->method->find, arguments, 2, NULL);
    if (found == NULL) {
        return -1;
    }
    Py_XSETREF(self->version, Py_NewRef(PyTuple_GET_ITEM(found, 0)));
    Py_XSETREF(self->items[1], Py_NewRef(PyTuple_GET_ITEM(found, 1)));
    self->snapshot = Py_NewRef(PyTuple_GET_ITEM(found, 2));
    Py_DECREF(found);
    return 0;
}

/* Find the snapshot; 0 if it is not plain, -1 with an error. */
static int
find(Sending *self)
{
    Send *engine = self->method->engine;
    if (PyList_GET_SIZE(read_slot(engine, self->registry, WATCHERS)) != 0
        || read_slot(engine, self->registry, NEEDS_SLOW_PATH) != Py_False
        || read_slot(engine, self->registry, EXPECTED) != Py_None) {
        return 0;
    }
    self->snapshot = find_snapshot(engine, self->registry, self->items[1], NULL, 1);
    if (self->snapshot == NULL && (PyErr_Occurred() || find_in_python(self) < 0)) {
        return -1;
    }
    if (read_slot(engine, self->snapshot, SLOW_IN_SEND_ASYNC) != Py_False
        || (self->items[1] == Py_None && is_sent_by_name(engine, self->names))) {
        return 0;
    }
    self->refs = Py_NewRef(read_slot(engine, self->snapshot, RECEIVER_REFS));
    return spares_all(self);
}

/* Find whom to call; 0 if Python has to, -1 with an error. */
static int
begin(Sending *self)
{
    Send *engine = self->method->engine;
    self->registry = registry_of(engine, self->signal);
    if (self->registry == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    self->state = CALLING;
    self->version = Py_NewRef(read_slot(engine, self->registry, VERSION));
    if (Py_SIZE(read_slot(engine, self->registry, ANYONE)) == 0) {
        self->refs = PyTuple_New(0);
    }
    else {
        int found = find(self);
        if (found <= 0) {
            return found;
        }
    }
    self->results = self->refs == NULL ? NULL : PyList_New(PyTuple_GET_SIZE(self->refs));
    if (self->results == NULL) {
        return -1;
    }
    Py_SET_SIZE(self->results, 0);  /* Room alone. */
    return 1;
}

/* Tell whether a coroutine is being awaited elsewhere; then with an error, as in Python. */
static int
is_awaited_elsewhere(Sending *self, PyObject *coroutine)
{
    /* What a coroutine function has just made is not. */
    if (is_coroutine_function(self->receiver)) {
        return 0;
    }
    PyObject *by = PyObject_GetAttr(coroutine, self->method->state_name);
    if (by == NULL) {
        return 1;
    }
    Py_DECREF(by);
    if (by == Py_None) {
        return 0;
    }
    PyErr_SetString(PyExc_RuntimeError, "coroutine is being awaited already");
    return 1;
}

/* Tell whether Python takes something for a coroutine: generators that `types.coroutine` has
 * decorated are such, too. */
static int
is_coroutine(PyObject *it)
{
    if (!PyGen_CheckExact(it)) {
        return PyCoro_CheckExact(it);
    }
#if PY_VERSION_HEX >= 0x030C0000
    PyCodeObject *code = PyGen_GetCode((PyGenObject *)it);
#else
    PyCodeObject *code = (PyCodeObject *)Py_NewRef((PyObject *)((PyGenObject *)it)->gi_code);
#endif
    int is = (code->co_flags & CO_ITERABLE_COROUTINE) != 0;
    Py_DECREF(code);
    return is;
}

/* Await what a receiver has returned, if it can be awaited; -1 with an error. Lets go of it then. */
static int
await(Sending *self, PyObject *value)
{
    if (PyCoro_CheckExact(value)) {
        if (is_awaited_elsewhere(self, value)) {
            Py_DECREF(value);
            return -1;
        }
        self->awaited = value;
        return 1;
    }
    PyAsyncMethods *methods = Py_TYPE(value)->tp_as_async;
    if (methods == NULL || methods->am_await == NULL) {
        return 0;
    }
    PyObject *iterator = methods->am_await(value);
    if (iterator != NULL && is_coroutine(iterator)) {  /* Python's own words. */
        PyErr_SetString(PyExc_TypeError, "__await__() returned a coroutine");
        Py_CLEAR(iterator);
    }
    else if (iterator != NULL && !PyIter_Check(iterator)) {
        PyErr_Format(PyExc_TypeError, "__await__() returned non-iterator of type '%.100s'",
                     Py_TYPE(iterator)->tp_name);
        Py_CLEAR(iterator);
    }
    Py_DECREF(value);
    self->awaited = iterator;
    return iterator == NULL ? -1 : 1;
}

/* Keep what a receiver has returned, which is let go of; -1 with an error. */
static int
keep(Sending *self, PyObject *value)
{
    PyObject *pair = PyTuple_New(2);
    if (pair == NULL) {
        Py_DECREF(value);
        return -1;
    }
    PyTuple_SET_ITEM(pair, 0, self->receiver);
    PyTuple_SET_ITEM(pair, 1, value);
    self->receiver = NULL;
    self->at++;
    /* There is room for it, unless somebody has found the list by way of the collector. */
    PyListObject *results = (PyListObject *)self->results;
    if (Py_SIZE(results) < results->allocated) {
        results->ob_item[Py_SIZE(results)] = pair;
        Py_SET_SIZE(results, Py_SIZE(results) + 1);
        return 0;
    }
    int failed = PyList_Append(self->results, pair);
    Py_DECREF(pair);
    return failed;
}

/* Call the next receiver, whose value is kept unless it has to be awaited; -1 with an error. */
static int
call_next(Sending *self)
{
    Send *engine = self->method->engine;
    PyObject *receiver = look_up(engine, PyTuple_GET_ITEM(self->refs, self->at));
    if (receiver == NULL) {
        self->at++;
        return PyErr_Occurred() ? -1 : 0;
    }
    self->receiver = receiver;
    Dispatch dispatch = {.arguments = self->items + 1, .names = self->names};
    PyObject *value = call(engine, receiver, &dispatch);
    if (value == NULL) {
        return -1;
    }
    int awaiting = value == Py_None ? 0 : await(self, value);
    return awaiting == 0 ? keep(self, value) : awaiting < 0 ? -1 : 0;
}

/* Tell whether connections have changed, and somebody is still to be called. */
static inline int
has_changed(Sending *self)
{
    return read_slot(self->method->engine, self->registry, VERSION) != self->version
           && self->at < PyTuple_GET_SIZE(self->refs);
}

/* Take the value of what was awaited, which is let go of. 1 if it is that of the whole send, which
 * is over; -1 with an error. */
static int
take(Sending *self, PyObject *value)
{
    Py_CLEAR(self->awaited);
    if (self->state == IN_PYTHON) {
        Py_XSETREF(self->results, value);
        return 1;
    }
    return keep(self, value);
}

/* Call and await until something has to be waited for, or all is done. */
static PySendResult
go_on(Sending *self, PyObject *given, PyObject **result)
{
    int done = 0;
    while (done == 0) {
        if (self->awaited != NULL) {
            PySendResult outcome = PyIter_Send(self->awaited, given, result);
            given = Py_None;
            if (outcome == PYGEN_NEXT) {
                return PYGEN_NEXT;
            }
            if (outcome == PYGEN_ERROR) {
                Py_CLEAR(self->awaited);
                return PYGEN_ERROR;
            }
            done = take(self, *result);
        }
        else if (has_changed(self)) {
            done = leave_the_rest_to_python(self);
        }
        else {
            done = self->at == PyTuple_GET_SIZE(self->refs) ? 1 : call_next(self);
        }
    }
    *result = done < 0 ? NULL : Py_NewRef(self->results);
    return done < 0 ? PYGEN_ERROR : PYGEN_RETURN;
}

/* --- the send as something that is awaited ------------------------------------------------ */

/* Tell whether it can go on; if not, with an error. */
static int
can_go_on(Sending *self)
{
    if (self->running) {
        PyErr_SetString(PyExc_ValueError, "coroutine already executing");
        return 0;
    }
    if (self->state == OVER) {
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
        return 0;
    }
    return 1;
}

static PySendResult
resume(Sending *self, PyObject *given, PyObject **result)
{
    *result = NULL;
    if (!can_go_on(self)) {
        return PYGEN_ERROR;
    }
    if (self->waited_for != NULL) {
        *result = self->waited_for;
        self->waited_for = NULL;
        return PYGEN_NEXT;
    }
    self->running = 1;
    int begun = 1;
    if (self->state == NEW) {
        begun = begin(self);
        if (begun == 0) {
            begun = leave_all_to_python(self) < 0 ? -1 : 1;
        }
    }
    PySendResult outcome = begun < 0 ? PYGEN_ERROR : go_on(self, given, result);
    self->running = 0;
    if (outcome != PYGEN_NEXT) {
        self->state = OVER;
    }
    return outcome;
}

/* Raise the error that ends iterators, with the results, which are let go of. */
static void
stop_with(PyObject *results)
{
    /* They are a list: an error, or a tuple, would be taken for something else. */
    PyErr_SetObject(PyExc_StopIteration, results);
    Py_DECREF(results);
}

/* Resume, as methods do that are called. */
static PyObject *
Sending_send(Sending *self, PyObject *given)
{
    PyObject *result;
    if (resume(self, given, &result) == PYGEN_RETURN) {
        stop_with(result);
        result = NULL;
    }
    return result;
}

/* Go on until something has to be waited for, and give None then; otherwise the results. Where
 * nobody waits, this takes less time than awaiting, which ends with an error since Python 3.12. */
static PyObject *
Sending_start(Sending *self, PyObject *Py_UNUSED(ignored))
{
    PyObject *result;
    if (resume(self, Py_None, &result) == PYGEN_NEXT) {
        self->waited_for = result;
        result = Py_NewRef(Py_None);
    }
    return result;
}

static PyObject *
Sending_next(Sending *self)
{
    return Sending_send(self, Py_None);
}

/* If an iterator has stopped, give its value, a new reference; otherwise NULL with its error. */
static PyObject *
value_at_the_stop(void)
{
    if (!PyErr_ExceptionMatches(PyExc_StopIteration)) {
        return NULL;
    }
    PyObject *stop = taken_error();
    PyObject *value = stop == NULL ? NULL : Py_XNewRef(((PyStopIterationObject *)stop)->value);
    Py_XDECREF(stop);
    return value == NULL && !PyErr_Occurred() ? Py_NewRef(Py_None) : value;
}

/* Raise what `throw` was given; always gives NULL. */
static PyObject *
raise_given(PyObject *const *args, Py_ssize_t count)
{
    PyObject *value = count > 1 && args[1] != Py_None ? args[1] : NULL;
    if (PyExceptionInstance_Check(args[0])) {
        PyErr_SetObject((PyObject *)Py_TYPE(args[0]), args[0]);
    }
    else {
        PyErr_SetObject(args[0], value == NULL ? Py_None : value);
    }
    return NULL;
}

/* Throw an error into what is awaited. */
static PyObject *
Sending_throw(Sending *self, PyObject *const *args, Py_ssize_t count)
{
    if (count < 1 || count > 3) {
        PyErr_SetString(PyExc_TypeError, "throw() takes an exception, or its class and value");
        return NULL;
    }
    if (!can_go_on(self)) {
        return NULL;
    }
    PyObject *throw = NULL, *result = NULL;
    self->running = 1;
    if (self->awaited != NULL) {
        throw = PyObject_GetAttr(self->awaited, self->method->throw_name);
        if (throw == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
            PyErr_Clear();
        }
    }
    if (throw != NULL) {
        result = PyObject_Vectorcall(throw, args, count, NULL);
        Py_DECREF(throw);
    }
    else if (!PyErr_Occurred()) {
        raise_given(args, count);
    }
    self->running = 0;
    if (result != NULL) {
        return result;
    }
    PyObject *value = self->awaited == NULL ? NULL : value_at_the_stop();
    int done = value == NULL ? -1 : take(self, value);
    Py_CLEAR(self->awaited);
    if (done == 0) {
        return Sending_send(self, Py_None);
    }
    self->state = OVER;
    if (done == 1) {
        stop_with(Py_NewRef(self->results));
    }
    return NULL;
}

/* Close what is awaited: its error, if there is one, is that of its receiver. */
static PyObject *
Sending_close(Sending *self, PyObject *Py_UNUSED(ignored))
{
    if (self->running) {
        PyErr_SetString(PyExc_ValueError, "coroutine already executing");
        return NULL;
    }
    PyObject *awaited = self->awaited, *close = NULL, *closed = Py_None;
    self->awaited = NULL;
    self->state = OVER;
    if (awaited != NULL) {
        close = PyObject_GetAttr(awaited, self->method->close_name);
        if (close == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
            PyErr_Clear();
        }
        closed = close != NULL ? PyObject_CallNoArgs(close)
                               : PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
        Py_XDECREF(close);
        Py_DECREF(awaited);
        Py_XDECREF(closed);
    }
    return closed == NULL ? NULL : Py_NewRef(Py_None);
}

/* Give what Python needs to know if a receiver has failed, or None if the error is not one's. */
static PyObject *
Sending_left(Sending *self, PyObject *Py_UNUSED(ignored))
{
    return self->receiver == NULL ? Py_NewRef(Py_None) : what_is_left(self);
}

static PyObject *
get_awaited(Sending *self, void *Py_UNUSED(closure))
{
    return Py_NewRef(self->awaited == NULL ? Py_None : self->awaited);
}

static int
Sending_traverse(Sending *self, visitproc visit, void *arg)
{
    Py_ssize_t values = self->names == NULL ? 0 : PyTuple_GET_SIZE(self->names);
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->method);
    Py_VISIT(self->signal);
    Py_VISIT(self->wrapper);
    Py_VISIT(self->names);
    Py_VISIT(self->registry);
    Py_VISIT(self->snapshot);
    Py_VISIT(self->refs);
    Py_VISIT(self->version);
    Py_VISIT(self->results);
    Py_VISIT(self->receiver);
    Py_VISIT(self->awaited);
    Py_VISIT(self->waited_for);
    for (Py_ssize_t i = 1; i < FIRST + values; i++) {
        Py_VISIT(self->items[i]);
    }
    return 0;
}

static int
Sending_clear(Sending *self)
{
    self->state = OVER;
    clear_fields(self);
    return 0;
}

static void
Sending_dealloc(Sending *self)
{
    PyTypeObject *type = Py_TYPE(self);
    AsyncSend *method = self->method;
    PyObject_GC_UnTrack(self);
    clear_fields(self);
    self->method = NULL;
    if (method->spare == NULL && Py_SIZE(self) <= SPARE) {
        method->spare = (PyObject *)self;
        Py_DECREF(method);
        return;
    }
    Py_DECREF(method);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyMethodDef Sending_methods[] = {
    {"start", (PyCFunction)Sending_start, METH_NOARGS,
     "Gives the results, or None if something has to be waited for: then await it."},
    {"send", (PyCFunction)Sending_send, METH_O, "Goes on, with what was waited for."},
    {"throw", (PyCFunction)(void (*)(void))Sending_throw, METH_FASTCALL,
     "Goes on with an error instead."},
    {"close", (PyCFunction)Sending_close, METH_NOARGS, "Ends at once."},
    {"left", (PyCFunction)Sending_left, METH_NOARGS,
     "Gives what is left to do once a receiver has failed, or None."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef Sending_getset[] = {
    {"cr_await", (getter)get_awaited, NULL, "What is being awaited, or None.", NULL},
    {NULL},
};

PyDoc_STRVAR(Sending_doc, "A send under way, whose receivers are awaited.");

static PyType_Slot Sending_slots[] = {
    {Py_tp_doc, (void *)Sending_doc},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, Sending_next},
    {Py_am_await, PyObject_SelfIter},
    {Py_am_send, resume},
    {Py_tp_traverse, Sending_traverse},
    {Py_tp_clear, Sending_clear},
    {Py_tp_dealloc, Sending_dealloc},
    {Py_tp_methods, Sending_methods},
    {Py_tp_getset, Sending_getset},
    {0, NULL},
};

PyType_Spec Sending_spec = {
    .name = "heliograph.core.sending._dispatch.Sending",
    .basicsize = offsetof(Sending, items),
    .itemsize = sizeof(PyObject *),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE
             | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = Sending_slots,
};

/* --- the method ---------------------------------------------------------------------------- */

/* Give a send of which nothing is known, with room for so many items; not tracked by the
 * collector. */
static Sending *
empty_sending(AsyncSend *method, Py_ssize_t room)
{
    Sending *made = (Sending *)method->spare;
    if (made != NULL && room <= Py_SIZE(made)) {
        method->spare = NULL;
        _Py_NewReference((PyObject *)made);
    }
    else {
        made = PyObject_GC_NewVar(Sending, method->sending, room < SPARE ? SPARE : room);
        if (made == NULL) {
            return NULL;
        }
        memset((char *)made + offsetof(Sending, method), 0,
               offsetof(Sending, items) - offsetof(Sending, method));
    }
    made->method = (AsyncSend *)Py_NewRef((PyObject *)method);
    made->at = 0;
    made->state = NEW;
    return made;
}

/* Give a send that has not begun. */
static Sending *
new_sending(AsyncSend *method, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    Py_ssize_t count = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames), wrapper_at = -1;
    Sending *made = empty_sending(method, FIRST + count);
    if (made == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (is_name(PyTuple_GET_ITEM(kwnames, i), method->wrapper_name)) {
            wrapper_at = i;
        }
    }
    made->items[0] = NULL;
    made->items[1] = Py_NewRef(nargs == 2 ? args[1] : Py_None);
    Py_ssize_t to = FIRST;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (i != wrapper_at) {
            made->items[to++] = Py_NewRef(args[nargs + i]);
        }
    }
    made->signal = Py_NewRef(args[0]);
    made->wrapper = wrapper_at < 0 ? NULL : Py_NewRef(args[nargs + wrapper_at]);
    made->names = wrapper_at < 0 ? Py_XNewRef(kwnames)
                                 : names_without(method->engine, kwnames, wrapper_at);
    if (wrapper_at >= 0 && made->names == NULL) {
        while (to > FIRST) {  /* Without the names, nobody would know how many there are. */
            Py_CLEAR(made->items[--to]);
        }
        Py_DECREF(made);
        return NULL;
    }
    PyObject_GC_Track(made);
    return made;
}

/* Tell whether C may be able to send; 0 if certainly not. */
static int
may_be_plain(AsyncSend *self, PyObject *const *args, Py_ssize_t nargs)
{
    PyObject *registry = nargs == 1 || nargs == 2 ? registry_of(self->engine, args[0]) : NULL;
    if (registry == NULL) {
        return 0;
    }
    int plain = PyList_GET_SIZE(read_slot(self->engine, registry, WATCHERS)) == 0
                && read_slot(self->engine, registry, NEEDS_SLOW_PATH) == Py_False;
    Py_DECREF(registry);
    return plain;
}

static PyObject *
AsyncSend_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    AsyncSend *self = (AsyncSend *)callable;
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    if (!may_be_plain(self, args, nargs)) {
        return PyErr_Occurred() ? NULL
                                : PyObject_Vectorcall(self->in_python, args, nargsf, kwnames);
    }
    Sending *send = new_sending(self, args, nargs, kwnames);
    if (send == NULL) {
        return NULL;
    }
    PyObject *coroutine = PyObject_CallOneArg(self->around, (PyObject *)send);
    Py_DECREF(send);
    return coroutine;
}

static PyObject *
AsyncSend_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"engine", "in_python", "around", "find", "rest", NULL};
    PyObject *engine, *in_python, *around, *find_, *rest;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOOO:AsyncSend", names, &engine, &in_python,
                                     &around, &find_, &rest)
        || !is_engine(engine)) {
        return NULL;
    }
    AsyncSend *self = (AsyncSend *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = AsyncSend_vectorcall;
    self->engine = (Send *)Py_NewRef(engine);
    self->in_python = Py_NewRef(in_python);
    self->around = Py_NewRef(around);
    self->find = Py_NewRef(find_);
    self->rest = Py_NewRef(rest);
    self->wrapper_name = PyUnicode_InternFromString("_sync_wrapper");
    self->throw_name = PyUnicode_InternFromString("throw");
    self->close_name = PyUnicode_InternFromString("close");
    self->state_name = PyUnicode_InternFromString("cr_await");
    self->sending = (PyTypeObject *)PyObject_GetAttrString(PyType_GetModule(type), "Sending");
    if (self->wrapper_name == NULL || self->throw_name == NULL || self->close_name == NULL
        || self->state_name == NULL || self->sending == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int
AsyncSend_traverse(AsyncSend *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->dict);
    Py_VISIT(self->in_python);
    Py_VISIT(self->around);
    Py_VISIT(self->find);
    Py_VISIT(self->rest);
    Py_VISIT(self->engine);
    Py_VISIT(self->sending);
    return 0;
}

static int
AsyncSend_clear(AsyncSend *self)
{
    /* Nothing that a call reads: cycles through these are broken elsewhere. */
    Py_CLEAR(self->dict);
    return 0;
}

static void
AsyncSend_dealloc(AsyncSend *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    (void)AsyncSend_clear(self);
    if (self->spare != NULL) {
        PyObject_GC_Del(self->spare);
        Py_DECREF(self->sending);
    }
    Py_CLEAR(self->in_python);
    Py_CLEAR(self->around);
    Py_CLEAR(self->find);
    Py_CLEAR(self->rest);
    Py_CLEAR(self->engine);
    Py_CLEAR(self->sending);
    Py_CLEAR(self->wrapper_name);
    Py_CLEAR(self->throw_name);
    Py_CLEAR(self->close_name);
    Py_CLEAR(self->state_name);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyMemberDef AsyncSend_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(AsyncSend, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(AsyncSend, weakrefs), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(AsyncSend, dict), READONLY, NULL},
    {NULL},
};

static PyMethodDef AsyncSend_methods[] = {
    REDUCE,
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(AsyncSend_doc, "The method `Signal.send_async`.");

static PyType_Slot AsyncSend_slots[] = {
    {Py_tp_doc, (void *)AsyncSend_doc},
    {Py_tp_new, AsyncSend_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, bind},
    {Py_tp_traverse, AsyncSend_traverse},
    {Py_tp_clear, AsyncSend_clear},
    {Py_tp_dealloc, AsyncSend_dealloc},
    {Py_tp_repr, repr},
    {Py_tp_methods, AsyncSend_methods},
    {Py_tp_members, AsyncSend_members},
    {Py_tp_getset, getset},
    {0, NULL},
};

PyType_Spec AsyncSend_spec = {
    .name = "heliograph.core.sending._dispatch.AsyncSend",
    .basicsize = sizeof(AsyncSend),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
             | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = AsyncSend_slots,
};
