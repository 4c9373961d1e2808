/* `Signal.send` through vectorcall: finds the plan for the sender, calls the receivers, and notes
 * what came of it if somebody watches; and what begins spans, while nobody hears of them.
 *
 * Rule 1: there is no policy here. All but the plain case goes to Python: async receivers,
 * muted signals, overridden methods, proxies, plans that are old, every error; instruments that
 * want more than to be told in the end, that send, or that fail.
 * Rule 2: what Python code could drop meanwhile is held while it is used. It may run in every
 * look into a dict, as keys may be of a class of somebody's, and wherever memory is asked for.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <structmember.h>

/* The slots that are read: of Registry, Group, Connection, Plan and MethodRecord. */
enum slot {
    BUSY, UNUSUAL, STAMP, SENDERS, ANY_GROUP, WATCHERS,
    GROUP_PLAN, GROUP_STAMP,
    CONNECTION_PLAN, CONNECTION_RECORD, CONNECTION_TERMS,
    RECORD_ALONE, RECORD_TERMS,
    REFS, SLOW_IN_SEND, ANY_STAMP, OWN_STAMP, SHARED, CONNECTIONS,
    PART,
    ON_START,
    WORK, AROUND,
    SIGNAL, SENDER, PAYLOAD, PARENT, STARTED, CLOCK, TOOK, DELIVERIES, MUTED, TURN,
    RECEIVER, BY, DURATION, VALUE, FAILED,
    SLOTS
};

enum kind {
    REGISTRY, GROUP, CONNECTION, PLAN, RECORD, METHOD_RECORD, WATCHED_BY, PLACE, EMISSION, DELIVERY,
    KINDS
};

static const struct { enum kind kind; const char *name; } SLOT[SLOTS] = {
    [BUSY] = {REGISTRY, "anyone"},
    [UNUSUAL] = {REGISTRY, "needs_slow_path"},
    [STAMP] = {REGISTRY, "version"},
    [SENDERS] = {REGISTRY, "senders"},
    [ANY_GROUP] = {REGISTRY, "any"},
    [WATCHERS] = {REGISTRY, "watchers"},
    [GROUP_PLAN] = {GROUP, "_snapshot"},
    [GROUP_STAMP] = {GROUP, "_version"},
    [CONNECTION_PLAN] = {CONNECTION, "_snapshot"},
    [CONNECTION_RECORD] = {CONNECTION, "_record"},
    [CONNECTION_TERMS] = {CONNECTION, "_terms"},
    [RECORD_ALONE] = {RECORD, "shared_snapshot"},
    [RECORD_TERMS] = {RECORD, "terms"},
    [REFS] = {PLAN, "receiver_refs"},
    [SLOW_IN_SEND] = {PLAN, "slow_in_send"},
    [ANY_STAMP] = {PLAN, "any_version"},
    [OWN_STAMP] = {PLAN, "own_version"},
    [SHARED] = {PLAN, "shared"},
    [CONNECTIONS] = {PLAN, "connections"},
    [PART] = {METHOD_RECORD, "part"},
    [ON_START] = {WATCHED_BY, "on_start"},
    [WORK] = {PLACE, "work"},
    [AROUND] = {PLACE, "around"},
    [SIGNAL] = {EMISSION, "_signal"},
    [SENDER] = {EMISSION, "_sender"},
    [PAYLOAD] = {EMISSION, "_payload"},
    [PARENT] = {EMISSION, "_parent"},
    [STARTED] = {EMISSION, "_started"},
    [CLOCK] = {EMISSION, "_clock"},
    [TOOK] = {EMISSION, "_duration"},
    [DELIVERIES] = {EMISSION, "_deliveries"},
    [MUTED] = {EMISSION, "_muted"},
    [TURN] = {EMISSION, "_turn"},
    [RECEIVER] = {DELIVERY, "receiver"},
    [BY] = {DELIVERY, "connection"},
    [DURATION] = {DELIVERY, "duration"},
    [VALUE] = {DELIVERY, "value"},
    [FAILED] = {DELIVERY, "error"},
};

#define SEEN 64  /* senders whose keys are kept */
#define FEW 4    /* weak references that are looked at */

/* Whether every change of a dict gives it another version (PEP 509): not in Python 3.13. */
#define HAS_DICT_VERSIONS (PY_VERSION_HEX < 0x030D0000)

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *weakrefs;
    PyObject *dict;
    PyObject *in_python;    /* the whole of send, for what is not plain */
    PyObject *finish;       /* the rest of a send that was plain until now */
    PyObject *pending_changes;  /* a deque of changes that are still to be made */
    PyObject *at_once;      /* a tuple of errors that leave a send at once */
    PyObject *tellers;      /* a dict that is empty if no instrument is just being told */
    PyObject *inside;       /* the context variable for the place of the innermost send */
    PyObject *finish_watched, *end_watching, *outlive, *whoever_runs, *switch_off;
    PyObject *running_loop, *greenlet;  /* functions that say what runs, once they are loaded */
    PyObject *teller;       /* who has told last in C, as Python notes it: where no task runs, */
    unsigned long thread;   /* in this thread, and in this greenlet or None, which is not held */
    PyObject *switched;
    PyTypeObject *kinds[KINDS];
    Py_ssize_t offsets[SLOTS];
    PyObject *registry_name, *wrapper_name, *proxy_name, *call_name, *sender_name, *zero;
    PyObject *seen_names, *seen_rest;  /* a call's keyword names, and the same without the wrapper */
    unsigned int seen_type;  /* the version of a type whose objects are no proxies */
    struct { PyObject *sender, *key; } seen[SEEN];  /* the keys of senders; these are not held */
#if HAS_DICT_VERSIONS
    struct { uint64_t version; PyObject *registry; } signals[SEEN];  /* nothing of it is held */
    uint64_t modules;        /* the version of `sys.modules` in which those were looked for */
#endif
} Send;

/* One send under way. All that it points to is held by it or by the caller. */
typedef struct {
    PyObject *signal, *sender, *registry, *plan, *refs, *stamp;
    PyObject *names;           /* of the payload, or NULL */
    PyObject *wrapper;
    PyObject *const *values;   /* of the payload */
    /* The sender, then the values. A callee may put its `self` in front, as CPython's own do. */
    PyObject **arguments;
    PyObject **pairs;          /* of receivers and values, where no collector can find them */
    Py_ssize_t done;           /* how many of them there are */
    int watched;
    PyObject *own;             /* the sender's own connection, if others share the plan; or NULL */
    PyObject *place;           /* where it is watched, or NULL */
    PyObject *seen;            /* the emission that is to be told of, or NULL */
    double begun, now;         /* when it began, and when the last call ended */
} Sending;

static inline PyObject *
read_slot(Send *self, PyObject *object, enum slot slot)
{
    return *(PyObject **)((char *)object + self->offsets[slot]);
}

/* Put something into a slot, which takes over the reference. */
static inline void
write_slot(Send *self, PyObject *object, enum slot slot, PyObject *value)
{
    PyObject **place = (PyObject **)((char *)object + self->offsets[slot]), *old = *place;
    *place = value;
    Py_XDECREF(old);
}

/* Give what a weak reference refers to, a new reference, or NULL if it is dead. */
static inline PyObject *
referent(PyObject *reference)
{
    PyObject *object = ((PyWeakReference *)reference)->wr_object;
    return object == Py_None || Py_REFCNT(object) == 0 ? NULL : Py_NewRef(object);
}

/* Look whether objects of a type are senders that are compared by identity. */
static int
look_at(Send *self, PyTypeObject *type, unsigned int version)
{
    if (PyType_FastSubclass(type, Py_TPFLAGS_UNICODE_SUBCLASS | Py_TPFLAGS_LONG_SUBCLASS)
        || type == &PyMethod_Type) {
        return 0;
    }
    Py_INCREF(type);
#if PY_VERSION_HEX >= 0x030D0000
    PyObject *proxied = _PyType_LookupRef(type, self->proxy_name);
    Py_XDECREF(proxied);
#else
    PyObject *proxied = _PyType_Lookup(type, self->proxy_name);
#endif
    Py_DECREF(type);
    if (proxied != NULL) {
        return 0;
    }
    self->seen_type = version;
    return 1;
}

/* Tell whether objects of a type are senders that are compared by identity. */
static inline int
is_itself(Send *self, PyTypeObject *type)
{
    /* Every change of a type gives it another version, and no two types have the same. */
    unsigned int version = type->tp_version_tag;
#if PY_VERSION_HEX < 0x030C0000
    if (!PyType_HasFeature(type, Py_TPFLAGS_VALID_VERSION_TAG)) {
        version = 0;
    }
#endif
    return (version != 0 && version == self->seen_type) || look_at(self, type, version);
}

/* Give the registry of a signal, a new reference, or NULL without an error if Python has to look
 * for it. */
static inline PyObject *
registry_of(Send *self, PyObject *signal)
{
    /* In its dict at once: asking the type first, as attributes do, takes longer than the rest. */
    PyObject **dict = _PyObject_GetDictPtr(signal);
    if (dict == NULL || *dict == NULL) {
        return NULL;
    }
#if HAS_DICT_VERSIONS
    /* The dict in this state is what holds what was found in it. */
    _Py_COMP_DIAG_PUSH
    _Py_COMP_DIAG_IGNORE_DEPR_DECLS
    uint64_t version = ((PyDictObject *)*dict)->ma_version_tag;
    _Py_COMP_DIAG_POP
    size_t place = ((size_t)signal >> 4) % SEEN;
    if (self->signals[place].version == version) {
        return Py_NewRef(self->signals[place].registry);
    }
#endif
    PyObject *names = Py_NewRef(*dict);
    PyObject *found = Py_XNewRef(PyDict_GetItemWithError(names, self->registry_name));
    Py_DECREF(names);
    if (found == NULL || Py_TYPE(found) != self->kinds[REGISTRY]) {
        Py_XDECREF(found);
        return NULL;
    }
#if HAS_DICT_VERSIONS
    self->signals[place].version = version;
    self->signals[place].registry = found;
#endif
    return found;
}

/* Tell whether anybody may be connected for the sender in particular, to any signal. */
static inline int
may_be_connected_for(Send *self, PyObject *sender)
{
    /* A connection is a weak reference to its sender, where there can be one. */
    Py_ssize_t offset = Py_TYPE(sender)->tp_weaklistoffset;
    if (offset == 0 || PyType_Check(sender)) {
        return 1;
    }
    PyWeakReference *reference = *(PyWeakReference **)((char *)sender + offset);
    for (int looks = 0; reference != NULL; reference = reference->wr_next) {
        if (Py_TYPE(reference) == self->kinds[CONNECTION] || ++looks == FEW) {
            return 1;
        }
    }
    return 0;
}

/* Give the key of a sender that is compared by identity, borrowed. */
static inline PyObject *
key_of(Send *self, PyObject *sender)
{
    size_t place = ((size_t)sender >> 4) % SEEN;
    if (self->seen[place].sender != sender) {
        PyObject *key = PyLong_FromVoidPtr(sender);
        if (key == NULL) {
            return NULL;
        }
        self->seen[place].sender = sender;
        Py_XSETREF(self->seen[place].key, key);
    }
    return self->seen[place].key;
}

/* Give the plan of a group, or of a connection that is alone, borrowed, or None if it is old. */
static inline PyObject *
plan_of(Send *self, PyObject *group)
{
    if (Py_TYPE(group) == self->kinds[GROUP]) {
        PyObject *plan = read_slot(self, group, GROUP_PLAN);
        if (plan != Py_None
            && read_slot(self, plan, OWN_STAMP) != read_slot(self, group, GROUP_STAMP)) {
            return Py_None;
        }
        return plan;
    }
    PyObject *plan = read_slot(self, group, CONNECTION_PLAN);
    PyObject *record = read_slot(self, group, CONNECTION_RECORD);
    if (plan == Py_None
        && read_slot(self, group, CONNECTION_TERMS) == read_slot(self, record, RECORD_TERMS)) {
        /* That of all senders for whom this receiver alone is connected, on such terms. */
        return read_slot(self, record, RECORD_ALONE);
    }
    return plan;
}

/* Give the plan of a group, a new reference, or NULL without an error if Python has to make it. */
static inline PyObject *
good_plan(Send *self, PyObject *registry, PyObject *group)
{
    PyObject *plan = plan_of(self, group), *any = read_slot(self, registry, ANY_GROUP);
    if (read_slot(self, registry, UNUSUAL) != Py_False || plan == Py_None
        || read_slot(self, plan, ANY_STAMP) != read_slot(self, any, GROUP_STAMP)
        || read_slot(self, plan, SLOW_IN_SEND) != Py_False) {
        return NULL;
    }
    return Py_NewRef(plan);
}

/* Give the plan for the sender, a new reference, or NULL; without an error if Python has to
 * find it, or to make it. Where senders share it, and that is asked for, also the connection. */
static inline PyObject *
find_plan(Send *self, PyObject *registry, PyObject *sender, PyObject **own)
{
    int itself = is_itself(self, Py_TYPE(sender));
    if (!itself && !PyUnicode_CheckExact(sender)) {
        return NULL;
    }
    PyObject *senders = read_slot(self, registry, SENDERS);
    if (itself && (PyDict_GET_SIZE(senders) == 0 || !may_be_connected_for(self, sender))) {
        return good_plan(self, registry, read_slot(self, registry, ANY_GROUP));
    }
    Py_INCREF(senders);
    PyObject *key = itself ? key_of(self, sender) : sender, *plan = NULL;
    PyObject *group = key == NULL ? NULL : PyDict_GetItemWithError(senders, key);
    if (group == NULL && !PyErr_Occurred()) {
        plan = good_plan(self, registry, read_slot(self, registry, ANY_GROUP));
    }
    /* With changes to come, it may be that of a dead sender with the same address. */
    else if (group != NULL && Py_SIZE(self->pending_changes) == 0) {
        plan = good_plan(self, registry, group);
        if (own != NULL && plan != NULL && read_slot(self, plan, SHARED) == Py_True) {
            *own = Py_NewRef(group);
        }
    }
    Py_DECREF(senders);
    return plan;
}

/* Give the keyword names without that of the wrapper; a new reference. */
static PyObject *
names_without(Send *self, PyObject *names, Py_ssize_t index)
{
    /* The names of one place in the code are always the same tuple. */
    if (names == self->seen_names) {
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
    /* Both at once: letting go of names may run code, as they may be of a class of somebody's. */
    PyObject *old_names = self->seen_names, *old_rest = self->seen_rest;
    self->seen_names = Py_NewRef(names);
    self->seen_rest = Py_NewRef(rest);
    Py_XDECREF(old_names);
    Py_XDECREF(old_rest);
    return rest;
}

/* Give the results so far as a list, or NULL with an error set. They are gone from here then. */
static inline PyObject *
listed(Sending *sending)
{
    PyObject *results = PyList_New(sending->done);
    if (results != NULL) {
        for (Py_ssize_t i = 0; i < sending->done; i++) {
            PyList_SET_ITEM(results, i, sending->pairs[i]);
        }
        sending->done = 0;
    }
    return results;
}

/* Take over the error that is set; a new reference, or NULL if there is none. */
static PyObject *
taken_error(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    if (type == NULL) {
        return NULL;
    }
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(error, traceback);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return error;
#endif
}

/* Set an error that was taken over, which takes over the reference. */
static void
set_error(PyObject *error)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(error);
#else
    PyErr_Restore(Py_NewRef(Py_TYPE(error)), error, PyException_GetTraceback(error));
#endif
}

/* Give the payload as a dict. */
static PyObject *
payload_of(Sending *sending)
{
    PyObject *payload = PyDict_New();
    Py_ssize_t count = sending->names == NULL ? 0 : PyTuple_GET_SIZE(sending->names);
    for (Py_ssize_t i = 0; payload != NULL && i < count; i++) {
        PyObject *name = PyTuple_GET_ITEM(sending->names, i);
        if (PyDict_SetItem(payload, name, sending->values[i]) < 0) {
            Py_CLEAR(payload);
        }
    }
    return payload;
}

/* Let Python do the rest, from a position on. Takes over an error that is set. */
static PyObject *
finish(Send *self, Sending *sending, Py_ssize_t position, PyObject *receiver)
{
    PyObject *error = taken_error(), *result = NULL, *payload = NULL, *at = NULL, *results = NULL;
    PyObject *clock = NULL;
    at = PyLong_FromSsize_t(position);
    results = listed(sending);
    if (at == NULL || results == NULL) {
        goto done;
    }
    PyObject *failure = error == NULL ? Py_None : error;
    PyObject *called = receiver == NULL ? Py_None : receiver;
    PyObject *wrapper = sending->wrapper == NULL ? Py_None : sending->wrapper;
    if (sending->place != NULL) {
        clock = PyFloat_FromDouble(sending->now);
        if (clock != NULL) {
            result = PyObject_CallFunctionObjArgs(
                self->finish_watched, sending->signal, sending->place, sending->plan, at, results,
                sending->stamp, failure, called, wrapper, clock, NULL);
        }
        goto done;
    }
    payload = payload_of(sending);
    if (payload != NULL) {
        result = PyObject_CallFunctionObjArgs(self->finish, sending->signal, sending->sender,
                                              payload, sending->plan, at, results, sending->stamp,
                                              failure, called, wrapper, NULL);
    }
done:
    if (sending->place != NULL) {
        /* There may have been no memory, or no room on the stack, to end it. */
        write_slot(self, sending->place, WORK, Py_NewRef(Py_None));
    }
    Py_XDECREF(clock);
    Py_XDECREF(error);
    Py_XDECREF(payload);
    Py_XDECREF(at);
    Py_XDECREF(results);
    return result;
}

/* Give a bound method of which the record holds both halves weakly, or NULL. */
static PyObject *
bound_method(Send *self, PyObject *record)
{
    PyObject *part = read_slot(self, record, PART);
    if (part == NULL || !PyWeakref_CheckRefExact(part)) {
        return NULL;
    }
    PyObject *owner = referent(record);
    if (owner == NULL) {
        return NULL;
    }
    PyObject *function = referent(part);
    PyObject *method = function == NULL ? NULL : PyMethod_New(function, owner);
    Py_XDECREF(function);
    Py_DECREF(owner);
    return method;
}

/* Give a receiver, or NULL if it is dead; with an error set if looking failed. */
static inline PyObject *
look_up(Send *self, PyObject *reference)
{
    if (PyWeakref_CheckRefExact(reference)) {
        return referent(reference);
    }
    if (Py_TYPE(reference) == self->kinds[METHOD_RECORD]) {
        PyObject *method = bound_method(self, reference);
        if (method != NULL || PyErr_Occurred()) {
            return method;
        }
    }
    PyObject *receiver = PyObject_CallNoArgs(reference);
    if (receiver == Py_None) {
        Py_CLEAR(receiver);
    }
    return receiver;
}

/* Call a receiver with the caller's own arguments. */
static inline PyObject *
call(PyObject *receiver, Sending *sending)
{
    PyObject **arguments = sending->arguments, *names = sending->names, *value;
    /* What is checked in other callables, that they return or raise, is sure of functions. */
    if (PyFunction_Check(receiver)) {
        return ((PyFunctionObject *)receiver)->vectorcall(receiver, arguments, 1, names);
    }
    if (Py_IS_TYPE(receiver, &PyMethod_Type)) {
        PyObject *function = PyMethod_GET_FUNCTION(receiver), *before = arguments[-1];
        if (PyFunction_Check(function)) {
            arguments[-1] = PyMethod_GET_SELF(receiver);
            value = ((PyFunctionObject *)function)->vectorcall(function, arguments - 1, 2, names);
            arguments[-1] = before;
            return value;
        }
    }
    /* It may be the `send` of a signal, and then no Python code counts the depth. */
    if (Py_EnterRecursiveCall(" while sending a signal")) {
        return NULL;
    }
    value = PyObject_Vectorcall(receiver, arguments, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, names);
    Py_LeaveRecursiveCall();
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

/* --- watching: what `begin_watching` and `end_watching` do in Python ----------------------- */

#if PY_VERSION_HEX >= 0x030D0000
static inline double
clock_now(void)
{
    PyTime_t now;
    (void)PyTime_PerfCounterRaw(&now);
    return PyTime_AsSecondsDouble(now);
}
#else
static inline double
clock_now(void)
{
    return _PyTime_AsSecondsDouble(_PyTime_GetPerfCounter());
}
#endif

/* Give the nearest place where something is under way, a new reference, or NULL. */
static PyObject *
innermost(Send *self, PyObject *place)
{
    while (place != Py_None && read_slot(self, place, WORK) == Py_None) {
        place = read_slot(self, place, AROUND);
    }
    return place == Py_None ? NULL : Py_NewRef(place);
}

/* Give an emission that begins now. */
static PyObject *
new_emission(Send *self, Sending *sending, PyObject *parent)
{
    PyObject *payload = payload_of(sending);
    PyObject *deliveries = PyTuple_GET_SIZE(sending->refs) == 0 ? PyTuple_New(0) : PyList_New(0);
    PyObject *seen = self->kinds[EMISSION]->tp_alloc(self->kinds[EMISSION], 0);
    Py_ssize_t turn = parent == NULL ? 0 : PyList_GET_SIZE(read_slot(self, parent, DELIVERIES));
    PyObject *turns = PyLong_FromSsize_t(turn);
    PyObject *clock = PyFloat_FromDouble(sending->begun = clock_now());
    if (payload == NULL || deliveries == NULL || seen == NULL || turns == NULL || clock == NULL) {
        Py_XDECREF(payload);
        Py_XDECREF(deliveries);
        Py_XDECREF(seen);
        Py_XDECREF(turns);
        Py_XDECREF(clock);
        return NULL;
    }
    sending->now = sending->begun;
    write_slot(self, seen, SIGNAL, Py_NewRef(sending->signal));
    write_slot(self, seen, SENDER, Py_NewRef(sending->sender));
    write_slot(self, seen, PAYLOAD, payload);
    write_slot(self, seen, PARENT, Py_NewRef(parent == NULL ? Py_None : parent));
    write_slot(self, seen, STARTED, Py_NewRef(Py_None));
    write_slot(self, seen, CLOCK, clock);
    write_slot(self, seen, TOOK, Py_NewRef(self->zero));
    write_slot(self, seen, DELIVERIES, deliveries);
    write_slot(self, seen, MUTED, Py_NewRef(Py_False));
    write_slot(self, seen, TURN, turns);
    return seen;
}

/* Give a place for a piece of work. */
static PyObject *
new_place(Send *self, PyObject *work, PyObject *around)
{
    PyObject *place = self->kinds[PLACE]->tp_alloc(self->kinds[PLACE], 0);
    if (place != NULL) {
        write_slot(self, place, WORK, Py_NewRef(work));
        write_slot(self, place, AROUND, Py_NewRef(around == NULL ? Py_None : around));
    }
    return place;
}

/* Tell whether C can watch: no instrument wants to see sends begin, nor is just being told. */
static inline int
can_watch(Send *self, PyObject *watchers)
{
    return PyList_GET_SIZE(read_slot(self, watchers, ON_START)) == 0
           && PyDict_GET_SIZE(self->tellers) == 0;
}

/* Let the context be inside of the send, around which is another one, or NULL; -1 with an error. */
static int
enter_place(Send *self, Sending *sending, PyObject *around)
{
    PyObject *place = new_place(self, sending->seen, around);
    PyObject *token = place == NULL ? NULL : PyContextVar_Set(self->inside, place);
    if (token == NULL) {
        if (place != NULL) {  /* The context may be there all the same, but for the token. */
            write_slot(self, place, WORK, Py_NewRef(Py_None));
            Py_DECREF(place);
        }
        return -1;
    }
    Py_DECREF(token);
    sending->place = place;
    return 0;
}

/* Begin to watch a send; -1 with an error. */
static int
begin_watching(Send *self, Sending *sending)
{
    PyObject *here;
    if (PyContextVar_Get(self->inside, Py_None, &here) < 0) {
        return -1;
    }
    PyObject *around = innermost(self, here);
    Py_DECREF(here);
    PyObject *parent = around == NULL ? NULL : Py_NewRef(read_slot(self, around, WORK));
    sending->seen = new_emission(self, sending, parent);
    Py_XDECREF(parent);
    int failed = sending->seen == NULL;
    /* Where nobody is called, nothing can be inside of it. */
    if (!failed && PyTuple_GET_SIZE(sending->refs) != 0) {
        failed = enter_place(self, sending, around);
    }
    Py_XDECREF(around);
    return failed ? -1 : 0;
}

/* Note what a receiver returned; 0, or -1 with an error. */
static int
note_delivery(Send *self, Sending *sending, Py_ssize_t at, PyObject *receiver, PyObject *value)
{
    double begun = sending->now;
    sending->now = clock_now();
    PyObject *took = PyFloat_FromDouble(sending->now - begun);
    PyObject *it = self->kinds[DELIVERY]->tp_alloc(self->kinds[DELIVERY], 0);
    if (took == NULL || it == NULL) {
        Py_XDECREF(took);
        Py_XDECREF(it);
        return -1;
    }
    PyObject *connection = sending->own;
    if (connection == NULL) {
        connection = PyTuple_GET_ITEM(read_slot(self, sending->plan, CONNECTIONS), at);
    }
    write_slot(self, it, RECEIVER, Py_NewRef(receiver));
    write_slot(self, it, BY, Py_NewRef(connection));
    write_slot(self, it, DURATION, took);
    write_slot(self, it, VALUE, Py_NewRef(value));
    write_slot(self, it, FAILED, Py_NewRef(Py_None));
    int failed = PyList_Append(read_slot(self, sending->seen, DELIVERIES), it);
    Py_DECREF(it);
    return failed;
}

/* Give a function of a module, or NULL if there is none yet; never with an error. */
static PyObject *
loaded_function(const char *module_name, const char *name)
{
    PyObject *text = PyUnicode_FromString(module_name), *function = NULL;
    PyObject *module = text == NULL ? NULL : PyImport_GetModule(text);
    if (module != NULL) {
        function = PyObject_GetAttrString(module, name);
        Py_DECREF(module);
    }
    Py_XDECREF(text);
    PyErr_Clear();
    return function;
}

/* Look for what could run something else than the thread: tasks of asyncio, and greenlets. */
static void
look_for_others(Send *self)
{
#if HAS_DICT_VERSIONS
    _Py_COMP_DIAG_PUSH
    _Py_COMP_DIAG_IGNORE_DEPR_DECLS
    uint64_t version = ((PyDictObject *)PyImport_GetModuleDict())->ma_version_tag;
    _Py_COMP_DIAG_POP
    if (version == self->modules) {
        return;
    }
    self->modules = version;
#endif
    if (self->running_loop == NULL) {
        self->running_loop = loaded_function("asyncio.events", "_get_running_loop");
    }
    if (self->greenlet == NULL) {
        self->greenlet = loaded_function("greenlet", "getcurrent");
    }
}

/* Give what Python's function of that name gives. */
static PyObject *
whoever_runs(Send *self)
{
    PyObject *switched = Py_NewRef(Py_None);
    look_for_others(self);
    if (self->running_loop != NULL) {
        PyObject *loop = PyObject_CallNoArgs(self->running_loop);
        if (loop != Py_None) {
            Py_DECREF(switched);
            Py_XDECREF(loop);
            return loop == NULL ? NULL : PyObject_CallNoArgs(self->whoever_runs);
        }
        Py_DECREF(loop);
    }
    if (self->greenlet != NULL) {
        Py_SETREF(switched, PyObject_CallNoArgs(self->greenlet));
        if (switched == NULL) {
            return NULL;
        }
    }
    Py_DECREF(switched);  /* It runs, and so it lives. */
    unsigned long thread = PyThread_get_thread_ident();
    if (self->teller == NULL || self->thread != thread || self->switched != switched) {
        PyObject *teller = Py_BuildValue("(kNN)", thread, PyLong_FromVoidPtr(Py_None),
                                         PyLong_FromVoidPtr(switched));
        if (teller == NULL) {
            return NULL;
        }
        self->thread = thread;
        self->switched = switched;
        Py_XSETREF(self->teller, teller);
    }
    return Py_NewRef(self->teller);
}

/* Call an instrument. The most usual kind is an object whose class has a `__call__` in Python,
 * which can be called as a method is: the slot of the class would make a tuple first. */
static inline PyObject *
call_instrument(Send *self, PyObject *instrument, PyObject *seen)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyObject *method = _PyType_LookupRef(Py_TYPE(instrument), self->call_name);
#else
    PyObject *method = Py_XNewRef(_PyType_Lookup(Py_TYPE(instrument), self->call_name));
#endif
    PyObject *done;
    if (method != NULL && PyFunction_Check(method)) {
        PyObject *arguments[] = {instrument, seen};
        done = PyObject_Vectorcall(method, arguments, 2, NULL);
    }
    else {
        done = PyObject_CallOneArg(instrument, seen);
    }
    Py_XDECREF(method);
    return done;
}

/* Tell an instrument; -1 with an error that is not its own alone. */
static int
tell_one(Send *self, PyObject *instrument, PyObject *seen)
{
    PyObject *done = call_instrument(self, instrument, seen);
    if (done == NULL && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyObject *error = taken_error();
        done = PyObject_CallFunctionObjArgs(self->switch_off, instrument, instrument, error,
                                            read_slot(self, seen, SIGNAL), NULL);
        Py_DECREF(error);
    }
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* Note that nobody is told here any more; an error that is set stays. */
static void
forget_teller(Send *self, PyObject *teller)
{
    PyObject *error = taken_error();
    if (PyDict_DelItem(self->tellers, teller) < 0) {
        PyErr_Clear();
    }
    if (error != NULL) {
        set_error(error);
    }
}

/* Tell all who watch of an emission; -1 with an error that is not an instrument's alone. */
static int
tell_all(Send *self, Sending *sending)
{
    PyObject *watchers = PyList_AsTuple(read_slot(self, sending->registry, WATCHERS));
    PyObject *teller = watchers == NULL ? NULL : whoever_runs(self);
    int failed = teller == NULL || PyDict_SetItem(self->tellers, teller, Py_None) < 0;
    if (!failed) {
        for (Py_ssize_t i = 0; !failed && i < PyTuple_GET_SIZE(watchers); i++) {
            failed = tell_one(self, PyTuple_GET_ITEM(watchers, i), sending->seen);
        }
        forget_teller(self, teller);
    }
    Py_XDECREF(teller);
    Py_XDECREF(watchers);
    return failed ? -1 : 0;
}

/* Let an emission that has ended after its parent not keep that; -1 with an error. */
static int
outlive(Send *self, Sending *sending)
{
    PyObject *parent = read_slot(self, sending->seen, PARENT);
    PyObject *around = read_slot(self, sending->place, AROUND);
    if (parent == Py_None || (around != Py_None && read_slot(self, around, WORK) == parent)) {
        return 0;
    }
    PyObject *error = taken_error(), *done = PyObject_CallOneArg(self->outlive, sending->seen);
    Py_XDECREF(done);
    if (error != NULL) {
        PyErr_Clear();
        set_error(error);
    }
    return done == NULL ? -1 : 0;
}

/* End a send that was watched, and tell of it; -1 with an error. */
static int
end_watching(Send *self, Sending *sending)
{
    PyObject *place = sending->place;
    if (place == NULL) {
        return tell_all(self, sending);
    }
    PyObject *took = PyFloat_FromDouble(sending->now - sending->begun);
    if (took == NULL) {
        return -1;
    }
    write_slot(self, sending->seen, TOOK, took);
    write_slot(self, place, WORK, Py_NewRef(Py_None));
    PyObject *around = innermost(self, read_slot(self, place, AROUND));
    write_slot(self, place, AROUND, around == NULL ? Py_NewRef(Py_None) : around);
    int failed = tell_all(self, sending);
    return outlive(self, sending) | failed;
}

/* End it with the error that is set, which stays. */
static void
end_with_error(Send *self, Sending *sending)
{
    PyObject *error = taken_error();
    write_slot(self, sending->place, WORK, Py_NewRef(Py_None));
    PyObject *done = PyObject_CallFunctionObjArgs(self->end_watching, sending->place,
                                                  sending->seen, NULL);
    Py_XDECREF(done);
    PyErr_Clear();
    set_error(error);
}

/* Give NULL for an error that is not a receiver's. */
static PyObject *
failed_to_send(Send *self, Sending *sending)
{
    if (sending->place != NULL && read_slot(self, sending->place, WORK) != Py_None) {
        end_with_error(self, sending);
    }
    return NULL;
}

/* Call everybody in the plan; steals nothing, returns the results. */
static PyObject *
call_all(Send *self, Sending *sending)
{
    Py_ssize_t size = PyTuple_GET_SIZE(sending->refs);
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *receiver = look_up(self, PyTuple_GET_ITEM(sending->refs, i));
        if (receiver == NULL) {
            if (PyErr_Occurred()) {
                return failed_to_send(self, sending);
            }
            continue;
        }
        PyObject *value = call(receiver, sending);
        if (value == NULL) {
            PyObject *result = NULL;
            /* If it is watched, all errors are told of. */
            if (sending->place != NULL || !leaves_at_once(self)) {
                result = finish(self, sending, i, receiver);
            }
            Py_DECREF(receiver);
            return result;
        }
        PyObject *pair = PyTuple_New(2);
        if (pair == NULL
            || (sending->place != NULL
                && note_delivery(self, sending, i, receiver, value) < 0)) {
            Py_XDECREF(pair);
            Py_DECREF(receiver);
            Py_DECREF(value);
            return failed_to_send(self, sending);
        }
        PyTuple_SET_ITEM(pair, 0, receiver);
        PyTuple_SET_ITEM(pair, 1, value);
        sending->pairs[sending->done++] = pair;
        if (read_slot(self, sending->registry, STAMP) != sending->stamp && i + 1 < size) {
            return finish(self, sending, i + 1, NULL);
        }
    }
    if (sending->seen != NULL && end_watching(self, sending) < 0) {
        return failed_to_send(self, sending);
    }
    return listed(sending);
}

#define SMALL 16

static inline int
is_name(PyObject *name, PyObject *interned)
{
    /* Names of keywords are interned, unless somebody made them up in a dict. */
    return name == interned
        || (!PyUnicode_CHECK_INTERNED(name) && PyUnicode_Compare(name, interned) == 0);
}

/* Tell whether the sender is in the payload, which Python warns of. */
static int
is_sent_by_name(Send *self, PyObject *sender, PyObject *kwnames)
{
    Py_ssize_t count = sender != Py_None || kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (is_name(PyTuple_GET_ITEM(kwnames, i), self->sender_name)) {
            return 1;
        }
    }
    return 0;
}

/* Pass the arguments on: the sender, then the payload's values. */
static PyObject *
pass_on(Send *self, Sending *sending, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    PyObject *small[SMALL], **copy = small, *rest = NULL, *result;
    Py_ssize_t count = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames), wrapper_at = -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (is_name(PyTuple_GET_ITEM(kwnames, i), self->wrapper_name)) {
            wrapper_at = i;
        }
    }
    sending->names = kwnames;
    if (wrapper_at >= 0) {
        sending->wrapper = args[nargs + wrapper_at];
        rest = names_without(self, kwnames, wrapper_at);
        if (rest == NULL) {
            return NULL;
        }
        sending->names = rest;
    }
    Py_ssize_t room = count + 2 + PyTuple_GET_SIZE(sending->refs);
    if (room > SMALL) {
        copy = PyMem_New(PyObject *, room);
        if (copy == NULL) {
            Py_XDECREF(rest);
            return PyErr_NoMemory();
        }
    }
    /* Not the caller's own array, whose first place is no callee's: it may be that of a tuple. */
    copy[0] = NULL;
    copy[1] = sending->sender;
    for (Py_ssize_t i = 0, to = 2; i < count; i++) {
        if (i != wrapper_at) {
            copy[to++] = args[nargs + i];
        }
    }
    sending->arguments = copy + 1;
    sending->values = copy + 2;
    sending->pairs = copy + 2 + count;
    result = sending->watched && begin_watching(self, sending) < 0 ? NULL : call_all(self, sending);
    while (sending->done > 0) {  /* It has failed. */
        Py_DECREF(sending->pairs[--sending->done]);
    }
    if (copy != small) {
        PyMem_Free(copy);
    }
    Py_XDECREF(rest);
    return result;
}

static PyObject *
Send_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Send *self = (Send *)callable;
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    PyObject *registry = NULL, *sender = nargs == 2 ? args[1] : Py_None, *plan = NULL, *own = NULL;
    int watched = 0;
    if (nargs == 1 || nargs == 2) {
        registry = registry_of(self, args[0]);
    }
    if (registry != NULL) {
        PyObject *watchers = read_slot(self, registry, WATCHERS);
        watched = PyList_GET_SIZE(watchers) != 0;
        if (!watched && read_slot(self, registry, BUSY) == watchers) {
            Py_DECREF(registry);
            return PyList_New(0);
        }
        if ((!watched || can_watch(self, watchers)) && !is_sent_by_name(self, sender, kwnames)) {
            plan = find_plan(self, registry, sender, watched ? &own : NULL);
        }
    }
    if (plan == NULL) {
        Py_XDECREF(registry);
        return PyErr_Occurred() ? NULL
                                : PyObject_Vectorcall(self->in_python, args, nargsf, kwnames);
    }
    PyObject *refs = read_slot(self, plan, REFS);
    if (!watched && PyTuple_GET_SIZE(refs) == 0) {
        Py_DECREF(plan);
        Py_DECREF(registry);
        return PyList_New(0);
    }
    /* Nothing has run since the plan was found: the stamp is the one that it goes with. */
    Sending sending = {
        .signal = args[0],
        .sender = sender,
        .registry = registry,
        .plan = plan,
        .refs = Py_NewRef(refs),
        .stamp = Py_NewRef(read_slot(self, registry, STAMP)),
        .watched = watched,
        .own = own,
    };
    PyObject *result = pass_on(self, &sending, args, nargs, kwnames);
    Py_XDECREF(own);
    Py_XDECREF(sending.place);
    Py_XDECREF(sending.seen);
    Py_DECREF(sending.stamp);
    Py_DECREF(refs);
    Py_DECREF(plan);
    Py_DECREF(registry);
    return result;
}

static PyObject *
bind(PyObject *self, PyObject *owner, PyObject *Py_UNUSED(type))
{
    return owner == NULL || owner == Py_None ? Py_NewRef(self) : PyMethod_New(self, owner);
}

/* As with functions, copies and pickles are the callable itself, found again by its name. */
static PyObject *
reduce(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyObject_GetAttrString(self, "__qualname__");
}

static PyObject *
repr(PyObject *self)
{
    PyObject *name = PyObject_GetAttrString(self, "__qualname__");
    if (name == NULL) {
        return NULL;
    }
    PyObject *text = PyUnicode_FromFormat("<function %S in C at %p>", name, self);
    Py_DECREF(name);
    return text;
}

static PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL},
};

/* Give the offset of a slot of a class, or -1 with an error. */
static Py_ssize_t
offset_of(PyTypeObject *type, const char *name)
{
    Py_ssize_t offset = -1;
    PyObject *descriptor = PyObject_GetAttrString((PyObject *)type, name);
    if (descriptor == NULL) {
        return -1;
    }
    if (Py_IS_TYPE(descriptor, &PyMemberDescr_Type)) {
        offset = ((PyMemberDescrObject *)descriptor)->d_member->offset;
    }
    else {
        PyErr_Format(PyExc_TypeError, "%R has no slot %s", type, name);
    }
    Py_DECREF(descriptor);
    return offset;
}

static PyObject *
Send_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"in_python", "finish", "pending_changes", "at_once", "tellers",
                            "inside", "finish_watched", "end_watching", "outlive", "whoever_runs",
                            "switch_off", "registry", "group", "connection", "snapshot", "record",
                            "method_record", "watchers", "place", "emission", "delivery", NULL};
    PyObject *in_python, *finish_, *pending_changes, *at_once, *tellers, *inside;
    PyObject *finish_watched, *end_watching_, *outlive_, *whoever_runs_, *switch_off;
    PyTypeObject *kinds[KINDS];
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "OOOO!O!O!OOOOOO!O!O!O!O!O!O!O!O!O!:Send", names, &in_python, &finish_,
            &pending_changes, &PyTuple_Type, &at_once, &PyDict_Type, &tellers, &PyContextVar_Type,
            &inside, &finish_watched, &end_watching_, &outlive_, &whoever_runs_, &switch_off,
            &PyType_Type, &kinds[REGISTRY], &PyType_Type, &kinds[GROUP], &PyType_Type,
            &kinds[CONNECTION], &PyType_Type, &kinds[PLAN], &PyType_Type, &kinds[RECORD],
            &PyType_Type, &kinds[METHOD_RECORD], &PyType_Type, &kinds[WATCHED_BY], &PyType_Type,
            &kinds[PLACE], &PyType_Type, &kinds[EMISSION], &PyType_Type, &kinds[DELIVERY])) {
        return NULL;
    }
    Send *self = (Send *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = Send_vectorcall;
    self->in_python = Py_NewRef(in_python);
    self->finish = Py_NewRef(finish_);
    self->pending_changes = Py_NewRef(pending_changes);
    self->at_once = Py_NewRef(at_once);
    self->tellers = Py_NewRef(tellers);
    self->inside = Py_NewRef(inside);
    self->finish_watched = Py_NewRef(finish_watched);
    self->end_watching = Py_NewRef(end_watching_);
    self->outlive = Py_NewRef(outlive_);
    self->whoever_runs = Py_NewRef(whoever_runs_);
    self->switch_off = Py_NewRef(switch_off);
    for (int kind = 0; kind < KINDS; kind++) {
        self->kinds[kind] = (PyTypeObject *)Py_NewRef((PyObject *)kinds[kind]);
    }
    self->registry_name = PyUnicode_InternFromString("_registry");
    self->wrapper_name = PyUnicode_InternFromString("_async_wrapper");
    self->sender_name = PyUnicode_InternFromString("sender");
    self->proxy_name = PyUnicode_InternFromString("_get_current_object");
    self->call_name = PyUnicode_InternFromString("__call__");
    self->zero = PyFloat_FromDouble(0.0);
    if (self->registry_name == NULL || self->wrapper_name == NULL || self->proxy_name == NULL
        || self->call_name == NULL || self->sender_name == NULL || self->zero == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    for (int slot = 0; slot < SLOTS; slot++) {
        self->offsets[slot] = offset_of(self->kinds[SLOT[slot].kind], SLOT[slot].name);
        if (self->offsets[slot] < 0) {
            Py_DECREF(self);
            return NULL;
        }
    }
    return (PyObject *)self;
}

static int
Send_traverse(Send *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->dict);
    Py_VISIT(self->in_python);
    Py_VISIT(self->finish);
    Py_VISIT(self->pending_changes);
    Py_VISIT(self->at_once);
    Py_VISIT(self->tellers);
    Py_VISIT(self->inside);
    Py_VISIT(self->finish_watched);
    Py_VISIT(self->end_watching);
    Py_VISIT(self->outlive);
    Py_VISIT(self->whoever_runs);
    Py_VISIT(self->switch_off);
    Py_VISIT(self->teller);
    Py_VISIT(self->running_loop);
    Py_VISIT(self->greenlet);
    Py_VISIT(self->seen_names);
    Py_VISIT(self->seen_rest);
    for (int kind = 0; kind < KINDS; kind++) {
        Py_VISIT(self->kinds[kind]);
    }
    return 0;
}

static int
Send_clear(Send *self)
{
    Py_CLEAR(self->dict);
    Py_CLEAR(self->in_python);
    Py_CLEAR(self->finish);
    Py_CLEAR(self->pending_changes);
    Py_CLEAR(self->at_once);
    Py_CLEAR(self->tellers);
    Py_CLEAR(self->inside);
    Py_CLEAR(self->finish_watched);
    Py_CLEAR(self->end_watching);
    Py_CLEAR(self->outlive);
    Py_CLEAR(self->whoever_runs);
    Py_CLEAR(self->switch_off);
    Py_CLEAR(self->teller);
    Py_CLEAR(self->running_loop);
    Py_CLEAR(self->greenlet);
    Py_CLEAR(self->seen_names);
    Py_CLEAR(self->seen_rest);
    for (int kind = 0; kind < KINDS; kind++) {
        Py_CLEAR(self->kinds[kind]);
    }
    return 0;
}

static void
Send_dealloc(Send *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    (void)Send_clear(self);
    Py_CLEAR(self->registry_name);
    Py_CLEAR(self->wrapper_name);
    Py_CLEAR(self->sender_name);
    Py_CLEAR(self->proxy_name);
    Py_CLEAR(self->call_name);
    Py_CLEAR(self->zero);
    for (int place = 0; place < SEEN; place++) {
        Py_CLEAR(self->seen[place].key);
    }
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyMemberDef Send_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Send, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Send, weakrefs), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(Send, dict), READONLY, NULL},
    {NULL},
};

PyDoc_STRVAR(Send_doc, "The method `Signal.send`, for objects with a Registry as `_registry`.");

static PyType_Slot Send_slots[] = {
    {Py_tp_doc, (void *)Send_doc},
    {Py_tp_new, Send_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, bind},
    {Py_tp_traverse, Send_traverse},
    {Py_tp_clear, Send_clear},
    {Py_tp_dealloc, Send_dealloc},
    {Py_tp_repr, repr},
    {Py_tp_methods, methods},
    {Py_tp_members, Send_members},
    {Py_tp_getset, getset},
    {0, NULL},
};

static PyType_Spec Send_spec = {
    .name = "heliograph.core.sending._dispatch.Send",
    .basicsize = sizeof(Send),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
             | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = Send_slots,
};

/* A callable that gives a value while nobody is connected, and otherwise calls another one. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *weakrefs;
    PyObject *dict;
    PyObject *value;
    PyObject *heard;       /* what is called; None if there are no registries */
    PyObject *registries;  /* a tuple */
    Py_ssize_t busy;       /* the offset of their slot of that name */
} UnlessHeard;

static PyObject *
UnlessHeard_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    UnlessHeard *self = (UnlessHeard *)callable;
    Py_ssize_t given = PyVectorcall_NARGS(nargsf);
    if (given > 0 && (given > 1 || (kwnames == NULL && PyFunction_Check(args[0])))
        && self->heard != Py_None) {
        /* One sender at most: the error is that of a function. And a function alone may be
           decorated. */
        return PyObject_Vectorcall(self->heard, args, nargsf, kwnames);
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self->registries); i++) {
        char *registry = (char *)PyTuple_GET_ITEM(self->registries, i);
        /* The list of instruments, or a tuple if somebody is connected. */
        if (Py_SIZE(*(PyObject **)(registry + self->busy)) != 0) {
            return PyObject_Vectorcall(self->heard, args, nargsf, kwnames);
        }
    }
    return Py_NewRef(self->value);
}

static PyObject *
UnlessHeard_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"value", "registry", "registries", "heard", NULL};
    PyObject *value, *registries, *heard = Py_None;
    PyTypeObject *registry;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!O!|O:UnlessHeard", names, &value,
                                     &PyType_Type, &registry, &PyTuple_Type, &registries,
                                     &heard)) {
        return NULL;
    }
    Py_ssize_t busy = offset_of(registry, "anyone");
    if (busy < 0) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(registries); i++) {
        if (!PyObject_TypeCheck(PyTuple_GET_ITEM(registries, i), registry)) {
            PyErr_Format(PyExc_TypeError, "%R is no %R", PyTuple_GET_ITEM(registries, i), registry);
            return NULL;
        }
    }
    UnlessHeard *self = (UnlessHeard *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = UnlessHeard_vectorcall;
    self->value = Py_NewRef(value);
    self->heard = Py_NewRef(heard);
    self->registries = Py_NewRef(registries);
    self->busy = busy;
    return (PyObject *)self;
}

static int
UnlessHeard_traverse(UnlessHeard *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->dict);
    Py_VISIT(self->value);
    Py_VISIT(self->heard);
    Py_VISIT(self->registries);
    return 0;
}

static int
UnlessHeard_clear(UnlessHeard *self)
{
    /* Nothing that a call reads: cycles through these are broken elsewhere. */
    Py_CLEAR(self->dict);
    return 0;
}

static void
UnlessHeard_dealloc(UnlessHeard *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    (void)UnlessHeard_clear(self);
    Py_CLEAR(self->value);
    Py_CLEAR(self->heard);
    Py_CLEAR(self->registries);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyMemberDef UnlessHeard_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(UnlessHeard, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(UnlessHeard, weakrefs), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(UnlessHeard, dict), READONLY, NULL},
    {NULL},
};

PyDoc_STRVAR(UnlessHeard_doc, "Gives *value* while *registries* have nobody to tell; else calls.");

static PyType_Slot UnlessHeard_slots[] = {
    {Py_tp_doc, (void *)UnlessHeard_doc},
    {Py_tp_new, UnlessHeard_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, bind},
    {Py_tp_traverse, UnlessHeard_traverse},
    {Py_tp_clear, UnlessHeard_clear},
    {Py_tp_dealloc, UnlessHeard_dealloc},
    {Py_tp_repr, repr},
    {Py_tp_methods, methods},
    {Py_tp_members, UnlessHeard_members},
    {Py_tp_getset, getset},
    {0, NULL},
};

static PyType_Spec UnlessHeard_spec = {
    .name = "heliograph.core.sending._dispatch.UnlessHeard",
    .basicsize = sizeof(UnlessHeard),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
             | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = UnlessHeard_slots,
};

static int
add_type(PyObject *module, const char *name, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (type == NULL) {
        return -1;
    }
    int failed = PyModule_AddObjectRef(module, name, type);
    Py_DECREF(type);
    return failed;
}

static int
fill_module(PyObject *module)
{
    return add_type(module, "Send", &Send_spec) < 0
           || add_type(module, "UnlessHeard", &UnlessHeard_spec) < 0 ? -1 : 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, fill_module},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, NULL},
};

static PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "heliograph.core.sending._dispatch",
    .m_doc = "The hot path of the engine, in C.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit__dispatch(void)
{
    return PyModuleDef_Init(&module_def);
}
