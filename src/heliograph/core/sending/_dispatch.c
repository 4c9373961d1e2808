/* `Signal.send` through vectorcall: finds the snapshot for the sender and calls the receivers;
 * `_watching.c` notes what instruments see.
 *
 * Rule 1: there is no policy here. Python does all but the plain case: async receivers, muted
 * signals, overridden methods, proxies, old snapshots, every error, and instruments that send, or
 * that fail.
 * Rule 2: hold every object that Python code could drop while it is used. Python code may run in
 * each look into a dict, as keys may be str subclasses with methods, and in each allocation.
 * Rule 3: prepare nothing for instruments before it is known that one watches.
 */

#include "_calling.h"
#include "_lookup.h"

PyObject *
names_without(Send *self, PyObject *names, Py_ssize_t index)
{
    /* The names of one place in the code are always the same tuple. */
    if (names == self->seen_names && index == self->seen_at) {
        return Py_NewRef(self->seen_rest);
    }
    Py_ssize_t size = PyTuple_GET_SIZE(names) - 1;
    PyObject *rest = PyTuple_New(size);
    if (rest == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i < index ? i : i + 1);
        PyTuple_SET_ITEM(rest, i, Py_NewRef(name));
    }
    /* Both at once: dropping names may run code, as they may be str subclasses with __del__. */
    PyObject *old_names = self->seen_names, *old_rest = self->seen_rest;
    self->seen_names = Py_NewRef(names);
    self->seen_rest = Py_NewRef(rest);
    self->seen_at = index;
    Py_XDECREF(old_names);
    Py_XDECREF(old_rest);
    return rest;
}

/* Give the results so far as a list, or NULL with an error set. They are gone from here then. */
static inline PyObject *
listed(Dispatch *dispatch)
{
    PyObject *results = PyList_New(dispatch->done);
    if (results != NULL) {
        for (Py_ssize_t i = 0; i < dispatch->done; i++) {
            PyList_SET_ITEM(results, i, dispatch->pairs[i]);
        }
        dispatch->done = 0;
    }
    return results;
}

PyObject *
payload_from(PyObject *names, PyObject *const *values)
{
    PyObject *payload = PyDict_New();
    Py_ssize_t count = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    for (Py_ssize_t i = 0; payload != NULL && i < count; i++) {
        if (PyDict_SetItem(payload, PyTuple_GET_ITEM(names, i), values[i]) < 0) {
            Py_CLEAR(payload);
        }
    }
    return payload;
}

/* Give what Python needs to know of a send that has to go on, but for the error. */
static PyObject *
new_unfinished(Send *self, Dispatch *dispatch, Py_ssize_t position, PyObject *receiver)
{
    Watch *watch = dispatch->watch;
    PyObject *made = self->kinds[UNFINISHED]->tp_alloc(self->kinds[UNFINISHED], 0);
    PyObject *at = PyLong_FromSsize_t(position), *results = listed(dispatch);
    PyObject *clock = watch == NULL ? Py_NewRef(Py_None) : PyFloat_FromDouble(watch->now);
    PyObject *payload = NULL;
    if (watch == NULL) {
        payload = payload_from(dispatch->names, dispatch->values);
    }
    else if (leave_to_python(self, watch) == 0) {
        payload = Py_NewRef(read_slot(self, watch->emission, PAYLOAD));
    }
    if (made == NULL || at == NULL || results == NULL || clock == NULL || payload == NULL) {
        Py_XDECREF(made);
        Py_XDECREF(at);
        Py_XDECREF(results);
        Py_XDECREF(clock);
        Py_XDECREF(payload);
        return NULL;
    }
    PyObject *wrapper = dispatch->wrapper == NULL ? Py_None : dispatch->wrapper;
    write_slot(self, made, LEFT_SIGNAL, Py_NewRef(dispatch->signal));
    write_slot(self, made, LEFT_SENDER, Py_NewRef(dispatch->sender));
    write_slot(self, made, LEFT_PAYLOAD, payload);
    write_slot(self, made, LEFT_SNAPSHOT, Py_NewRef(dispatch->snapshot));
    write_slot(self, made, LEFT_VERSION, Py_NewRef(dispatch->version));
    write_slot(self, made, LEFT_POSITION, at);
    write_slot(self, made, LEFT_RESULTS, results);
    write_slot(self, made, LEFT_RECEIVER, Py_NewRef(receiver == NULL ? Py_None : receiver));
    write_slot(self, made, LEFT_WRAPPER, Py_NewRef(wrapper));
    write_slot(self, made, LEFT_PLACE, Py_NewRef(watch == NULL ? Py_None : watch->place));
    write_slot(self, made, LEFT_CLOCK, clock);
    return made;
}

/* Let Python do the rest, from a position on. Takes over an error that is set. */
static PyObject *
finish(Send *self, Dispatch *dispatch, Py_ssize_t position, PyObject *receiver)
{
    PyObject *error = taken_error(), *result = NULL;
    PyObject *send = new_unfinished(self, dispatch, position, receiver);
    if (send == NULL) {
        Py_XDECREF(error);
    }
    else {
        write_slot(self, send, LEFT_ERROR, error == NULL ? Py_NewRef(Py_None) : error);
        result = PyObject_CallOneArg(self->finish, send);
        Py_DECREF(send);
    }
    if (dispatch->watch != NULL) {
        /* There may have been no memory, or no room on the stack, to end it. */
        write_slot(self, dispatch->watch->place, WORK, Py_NewRef(Py_None));
    }
    return result;
}

/* Give an async receiver as a plain function. */
static PyObject *
wrap(Send *self, Dispatch *dispatch, PyObject *receiver)
{
    PyObject *given = is_coroutine_function(receiver) ? Py_NewRef(receiver)
                                                      : PyObject_CallOneArg(self->dress, receiver);
    if (given == NULL) {
        return NULL;
    }
    PyObject *made = PyObject_CallOneArg(dispatch->wrapper, given), *error = NULL;
    if (made == NULL ? PyErr_ExceptionMatches(PyExc_Exception) : !PyCallable_Check(made)) {
        PyObject *raised = made == NULL ? taken_error() : Py_NewRef(Py_None);
        error = PyObject_CallFunctionObjArgs(self->explain, raised == NULL ? Py_None : raised,
                                             made == NULL ? Py_None : made, given, NULL);
        Py_XDECREF(raised);
        Py_CLEAR(made);
        if (error != NULL) {
            set_error(error);
        }
    }
    Py_DECREF(given);
    return made;
}

/* Tell whether the receiver at a position is async. */
static inline int
is_async(Send *self, Dispatch *dispatch, Py_ssize_t at)
{
    PyObject *connection = PyTuple_GET_ITEM(read_slot(self, dispatch->snapshot, CONNECTIONS), at);
    return read_slot(self, read_slot(self, connection, CONNECTION_RECEIVER), IS_ASYNC) == Py_True;
}

/* Call a receiver; through the wrapper, if it is async. */
static PyObject *
call_wrapped(Send *self, Dispatch *dispatch, Py_ssize_t at, PyObject *receiver)
{
    if (!is_async(self, dispatch, at)) {
        return call(self, receiver, dispatch);
    }
    PyObject *plain = wrap(self, dispatch, receiver), *value = NULL;
    if (plain != NULL) {
        value = call(self, plain, dispatch);
        Py_DECREF(plain);
    }
    return value;
}

/* Tell whether what was raised leaves a send at once. Each class is asked for alone: since Python
 * 3.14 matching a tuple takes room on the stack, and where there is none, nothing matches. */
static int
leaves_at_once(Send *self)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self->at_once); i++) {
        if (PyErr_ExceptionMatches(PyTuple_GET_ITEM(self->at_once, i))) {
            return 1;
        }
    }
    return !PyErr_ExceptionMatches(PyExc_Exception);
}

/* Tell whether the error that is set is to be raised as it is, as its receiver is the last one to
 * be called. Python decides; if it cannot, its own error is set. */
static int
is_raised(Send *self, Dispatch *dispatch, Py_ssize_t at, PyObject *receiver)
{
    if (at + 1 != PyTuple_GET_SIZE(dispatch->refs)) {
        return 0;
    }
    PyObject *error = taken_error(), *answer = NULL;
    PyObject *payload = payload_from(dispatch->names, dispatch->values);
    PyObject *position = PyLong_FromSsize_t(at);
    if (error != NULL && payload != NULL && position != NULL) {
        PyObject *arguments[] = {dispatch->signal, dispatch->sender, payload, dispatch->snapshot,
                                 position, receiver, error};
        answer = PyObject_Vectorcall(self->is_raised, arguments, 7, NULL);
    }
    Py_XDECREF(payload);
    Py_XDECREF(position);
    if (answer == NULL) {
        Py_XDECREF(error);
        return 1;
    }
    int is = answer == Py_True;
    Py_DECREF(answer);
    set_error(error);
    return is;
}

/* Call everybody in the snapshot; steals nothing, returns the results. */
static inline Py_ALWAYS_INLINE PyObject *
call_all(Send *self, Dispatch *dispatch, int wrapping)
{
    Watch *watch = dispatch->watch;
    Py_ssize_t size = PyTuple_GET_SIZE(dispatch->refs);
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *receiver = look_up(self, PyTuple_GET_ITEM(dispatch->refs, i));
        if (receiver == NULL) {
            if (PyErr_Occurred()) {
                return NULL;
            }
            continue;
        }
        PyObject *value = wrapping ? call_wrapped(self, dispatch, i, receiver)
                          : PyTuple_GET_SIZE(dispatch->sparing) == 0
                              ? call(self, receiver, dispatch)
                              : call_sparing(self, dispatch, receiver, i);
        if (value == NULL) {
            PyObject *result = NULL;
            /* Instruments see every error. */
            if (watch != NULL || !(leaves_at_once(self) || is_raised(self, dispatch, i, receiver))) {
                result = finish(self, dispatch, i, receiver);
            }
            Py_DECREF(receiver);
            return result;
        }
        PyObject *pair = PyTuple_New(2);
        if (pair == NULL) {
            Py_DECREF(receiver);
            Py_DECREF(value);
            return NULL;
        }
        PyTuple_SET_ITEM(pair, 0, receiver);
        PyTuple_SET_ITEM(pair, 1, value);
        if (watch != NULL) {
            note_delivery(self, dispatch, i, pair);
        }
        dispatch->pairs[dispatch->done++] = pair;
        if (read_slot(self, dispatch->registry, VERSION) != dispatch->version && i + 1 < size) {
            return finish(self, dispatch, i + 1, NULL);
        }
    }
    return watch != NULL && end_watching(self, dispatch) < 0 ? NULL : listed(dispatch);
}


/* Pass the arguments on: the sender, then the payload's values. */
static inline Py_ALWAYS_INLINE PyObject *
pass_on(Send *self, Dispatch *dispatch, int wrapping, PyObject *const *args, Py_ssize_t nargs,
        PyObject *kwnames)
{
    PyObject *small[SMALL], **copy = small, *rest = NULL, *result;
    Py_ssize_t count = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames), wrapper_at = -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (is_name(PyTuple_GET_ITEM(kwnames, i), self->wrapper_name)) {
            wrapper_at = i;
        }
    }
    dispatch->names = kwnames;
    if (wrapper_at >= 0) {
        dispatch->wrapper = args[nargs + wrapper_at];
        rest = names_without(self, kwnames, wrapper_at);
        if (rest == NULL) {
            return NULL;
        }
        dispatch->names = rest;
    }
    Py_ssize_t room = count + 2 + PyTuple_GET_SIZE(dispatch->refs);
    if (room > SMALL) {
        copy = PyMem_New(PyObject *, room);
        if (copy == NULL) {
            Py_XDECREF(rest);
            return PyErr_NoMemory();
        }
    }
    /* Not the caller's own array, whose first place is no callee's: it may be that of a tuple. */
    copy[0] = NULL;
    copy[1] = dispatch->sender;
    for (Py_ssize_t i = 0, to = 2; i < count; i++) {
        if (i != wrapper_at) {
            copy[to++] = args[nargs + i];
        }
    }
    dispatch->arguments = copy + 1;
    dispatch->values = copy + 2;
    dispatch->pairs = copy + 2 + count;
    int failed = dispatch->watch != NULL && begin_watching(self, dispatch) < 0;
    result = failed ? NULL : call_all(self, dispatch, wrapping);
    while (dispatch->done > 0) {  /* It has failed. */
        Py_DECREF(dispatch->pairs[--dispatch->done]);
    }
    if (copy != small) {
        PyMem_Free(copy);
    }
    Py_XDECREF(rest);
    return result;
}

/* Send by a snapshot, which is held here together with the registry. */
static inline Py_ALWAYS_INLINE PyObject *
send_by(Send *self, PyObject *registry, PyObject *snapshot, Watch *watch, int wrapping,
        PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    PyObject *refs = read_slot(self, snapshot, RECEIVER_REFS), *result;
    if (watch == NULL && PyTuple_GET_SIZE(refs) == 0) {
        result = PyList_New(0);
    }
    else {
        /* Nothing has run since the snapshot was found: the version is the one it goes with. */
        Dispatch dispatch = {
            .signal = args[0],
            .sender = nargs == 2 ? args[1] : Py_None,
            .registry = registry,
            .snapshot = snapshot,
            .refs = Py_NewRef(refs),
            .sparing = read_slot(self, snapshot, SPARING),
            .version = Py_NewRef(read_slot(self, registry, VERSION)),
            .watch = watch,
        };
        result = pass_on(self, &dispatch, wrapping, args, nargs, kwnames);
        Py_DECREF(dispatch.version);
        Py_DECREF(refs);
    }
    Py_DECREF(snapshot);
    Py_DECREF(registry);
    return result;
}

/* Tell whether a wrapper is given. */
static int
has_wrapper(Send *self, PyObject *const *values, PyObject *kwnames)
{
    Py_ssize_t count = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (is_name(PyTuple_GET_ITEM(kwnames, i), self->wrapper_name)) {
            return values[i] != Py_None;
        }
    }
    return 0;
}

/* Send to receivers of whom some are async, if a wrapper is given; NULL without an error if Python
 * has to. */
static PyObject *
send_wrapping(Send *self, PyObject *registry, Watch *watch, PyObject *const *args,
              Py_ssize_t nargs, PyObject *kwnames)
{
    PyObject *snapshot = NULL, *sender = nargs == 2 ? args[1] : Py_None;
    if (has_wrapper(self, args + nargs, kwnames)) {
        snapshot = find_snapshot(self, registry, sender, watch == NULL ? NULL : &watch->own, 1);
    }
    if (snapshot == NULL || read_slot(self, snapshot, SLOW_IN_SEND_ASYNC) != Py_False) {
        Py_XDECREF(snapshot);
        return NULL;
    }
    return send_by(self, Py_NewRef(registry), snapshot, watch, 1, args, nargs, kwnames);
}

/* Send while somebody watches; NULL without an error if Python has to. */
static PyObject *
send_watched(Send *self, PyObject *registry, PyObject *const *args, Py_ssize_t nargs,
             PyObject *kwnames)
{
    if (!can_watch(self)) {
        return NULL;
    }
    Watch watch = {NULL};
    PyObject *sender = nargs == 2 ? args[1] : Py_None, *result = NULL;
    PyObject *snapshot = find_snapshot(self, registry, sender, &watch.own, 0);
    if (snapshot != NULL) {
        result = send_by(self, Py_NewRef(registry), snapshot, &watch, 0, args, nargs, kwnames);
    }
    else if (!PyErr_Occurred()) {
        result = send_wrapping(self, registry, &watch, args, nargs, kwnames);
    }
    stop_watching(self, &watch);
    return result;
}

/* Give what Python gives, unless there is an error. */
static PyObject *
send_in_python(Send *self, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    return PyErr_Occurred() ? NULL : PyObject_Vectorcall(self->in_python, args, nargsf, kwnames);
}

PyObject *
send_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Send *self = (Send *)callable;
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    PyObject *registry = nargs == 1 || nargs == 2 ? registry_of(self, args[0]) : NULL;
    if (registry == NULL) {
        return send_in_python(self, args, nargsf, kwnames);
    }
    PyObject *watchers = read_slot(self, registry, WATCHERS);
    PyObject *sender = nargs == 2 ? args[1] : Py_None, *result = NULL;
    int watched = PyList_GET_SIZE(watchers) != 0;
    if (!watched && read_slot(self, registry, ANYONE) == watchers) {
        Py_DECREF(registry);
        return PyList_New(0);
    }
    PyObject *expected = read_slot(self, registry, EXPECTED);
    if ((sender == Py_None && is_sent_by_name(self, kwnames))
        || (expected != Py_None
            && !is_as_expected(self, expected, sender, kwnames, args + nargs))) {
        /* Python warns of that, or refuses it. */
    }
    else if (watched) {
        result = send_watched(self, registry, args, nargs, kwnames);
    }
    else {
        PyObject *snapshot = find_snapshot(self, registry, sender, NULL, 0);
        if (snapshot != NULL) {
            return send_by(self, registry, snapshot, NULL, 0, args, nargs, kwnames);
        }
        if (!PyErr_Occurred()) {
            result = send_wrapping(self, registry, NULL, args, nargs, kwnames);
        }
    }
    Py_DECREF(registry);
    return result != NULL ? result : send_in_python(self, args, nargsf, kwnames);
}
