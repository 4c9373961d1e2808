/* What the files in C share: the object that sends, a send under way, and the slots that are read.
 *
 * Rule 2 of `_dispatch.c` holds in all of them.
 */

#ifndef HELIOGRAPH_DISPATCH_H
#define HELIOGRAPH_DISPATCH_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <structmember.h>

/* The slots that are read: of `Registry`, `Group`, `Connection`, `Snapshot` and so on. */
enum slot {
    ANYONE, NEEDS_SLOW_PATH, EXPECTED, VERSION, LAST_OWN, SENDERS, ANY_GROUP, WATCHERS, LOCAL_MUTES,
    RECEIVERS, IDLE, DECLARATION, FITTED, SILENCE_CHANGES, SILENT, SELF_REF, LINES,
    LOCAL_CONNECTIONS, OVERRIDDEN, IS_CHECKED, MUTES,
    GROUP_SNAPSHOT, GROUP_VERSION, GROUP_CONNECTIONS,
    CONNECTION_SNAPSHOT, CONNECTION_RECEIVER, CONNECTION_OPTIONS, CONNECTION_KEY,
    CONNECTION_SENDER, SORT_KEY,
    SHARED_SNAPSHOT, RECEIVER_OPTIONS, RECEIVER_KEY, SENDER_COUNTS, STRONG_COUNT, STRONG_REF,
    REGISTRY_REF, FATE, FAILURES, IS_ASYNC, MAKER, NAMED, OMITTED, SILENCE_SEEN,
    RECEIVER_REFS, SLOW_IN_SEND, ANY_VERSION, OWN_VERSION, SHARED, NEWEST,
    CONNECTIONS, SCOPES, OUTSIDE, CALLS, INSIDE, SNAPSHOT_MUTED, ONLY_REF, POSTPONES,
    SLOW_IN_SEND_ASYNC, SPARING, LAST_FAILED,
    OUTER, EVERYWHERE, SCOPE_BLOCK, SCOPE_MADE,
    BLOCK_EVERYWHERE, BLOCK_LEAVING, BLOCK_MADE, BLOCK_OPEN, BLOCK_USED,
    CONNECTED_OPTIONS, CONNECTED_RECEIVER, CONNECTED_SENDER, CONNECTED_SIGNAL,
    MUTED_KEYS, MUTED_REGISTRY, MUTED_SIGNAL, MUTED_SPARED,
    FUNCTION_REF,
    ON_START, ON_CONNECT, ON_DISCONNECT, TOLD,
    WORK, AROUND,
    SIGNAL, SENDER, PAYLOAD, PARENT, STARTED, CLOCK, TOOK, DELIVERIES, MUTED, TURN,
    RECEIVER, BY, DURATION, VALUE, FAILED,
    LEFT_SIGNAL, LEFT_SENDER, LEFT_PAYLOAD, LEFT_SNAPSHOT, LEFT_VERSION, LEFT_POSITION,
    LEFT_RESULTS, LEFT_RECEIVER, LEFT_ERROR, LEFT_WRAPPER, LEFT_PLACE, LEFT_CLOCK,
    CHANGING, BROKEN,
    SLOTS
};

enum kind {
    REGISTRY, GROUP, CONNECTION, SNAPSHOT, RECEIVER_REF, METHOD_REF, WATCHED_BY, PLACE, EMISSION,
    DELIVERY, SCOPE, UNFINISHED, LOCK_STATE, CONNECTED_BLOCK, MUTED_BLOCK,
    NOTES, KINDS
};

#define SEEN 64  /* senders whose keys are kept */
#define SPARED 16  /* keyword names, with what a receiver is spared, that are kept */
#define CHECKED 64  /* keyword names, with what a declaration expects, that are kept */
#define SMALL 16  /* arguments and results that need no memory of their own */

/* Whether every change of a dict gives it another version (PEP 509): not in Python 3.13. */
#define HAS_DICT_VERSIONS (PY_VERSION_HEX < 0x030D0000)

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *weakrefs;
    PyObject *dict;
    PyObject *in_python;    /* the whole of send, for what is not plain */
    PyObject *finish;       /* the rest of a send that was plain until now */
    PyObject *dress, *explain;  /* what a wrapper is given; what becomes of one that fails */
    PyObject *is_raised;    /* tells whether an error of the last receiver is raised right away */
    PyObject *pending_changes;  /* a deque of changes that are still to be made */
    PyObject *at_once;      /* a tuple of errors that leave a send at once */
    PyObject *innermost_block;  /* the context variable for the innermost block */
    PyObject *known, *os_names;  /* why programs are being developed, and the names of `os` */
    /* What watches, or NULL while there is no instrument, as are the classes of its values: */
    PyObject *tellers;      /* a dict that is empty if no instrument is just being told */
    PyObject *inside;       /* the context variable for the place of the innermost send */
    PyObject *deliveries;   /* what gives those of an emission that Python has filled in */
    PyObject *end_watching, *outlive, *whoever_runs, *switch_off;
    PyObject *running_loop, *greenlet;  /* functions that say what runs, once they are loaded */
    PyObject *teller;       /* who has told last in C, as Python notes it: where no task runs, */
    unsigned long thread;   /* in this thread, and in this greenlet or NULL, which is not held */
    PyObject *switched;
    PyObject *spare_emission, *spare_notes, *spare_place;  /* with nothing in them, or NULL */
    struct Tables *tables;  /* what changes connections, or NULL; it holds this */
    PyTypeObject *kinds[KINDS];
    Py_ssize_t offsets[SLOTS];
    PyObject *registry_name, *wrapper_name, *proxy_name, *call_name, *sender_name, *zero;
    PyObject *anyone_name, *on_start_name, *environ_name;
    PyObject *seen_names, *seen_rest;  /* a call's keyword names, and those without the wrapper */
    Py_ssize_t seen_at;                /* which is there in them */
    /* a call's keyword names, and those that are left for a receiver who is spared some */
    struct { PyObject *names, *omitted, *rest; } spared[SPARED];
    /* a call's keyword names, and the classes of each for a declaration */
    struct { PyObject *names, *classes, *ordered; } checked[CHECKED];
    unsigned int seen_type;  /* the version of a type whose objects are no proxies */
    struct { PyObject *sender, *key; } seen[SEEN];  /* the senders are not held */
#if HAS_DICT_VERSIONS
    struct { uint64_t version; PyObject *registry; } signals[SEEN];  /* nothing of it is held */
    uint64_t modules;        /* the version of `sys.modules` in which those were looked for */
#endif
} Send;

/* What is noted of a send that somebody watches. */
typedef struct {
    PyObject *own;             /* the sender's connection, if senders share a snapshot; or NULL */
    PyObject *place;           /* where the send is, or NULL if nobody is called */
    PyObject *emission;        /* what instruments get, or NULL */
    PyObject *notes;           /* in the emission, or NULL */
    PyObject *teller;          /* who tells, if instruments were told of the start; or NULL */
    double begun, now;         /* when it began, and when the last call ended */
} Watch;

/* One send under way. All that it points to is held by it or by the caller. */
typedef struct {
    PyObject *signal, *sender, *registry, *snapshot, *refs, *version;
    PyObject *names;           /* of the payload, or NULL */
    PyObject *sparing;         /* pairs that end in what a receiver is spared, or no pairs */
    PyObject *wrapper;
    PyObject *const *values;   /* of the payload */
    /* The sender, then the values. A callee may put its `self` in front, as CPython's own do. */
    PyObject **arguments;
    PyObject **pairs;          /* of receivers and values, where no collector can find them */
    Py_ssize_t done;           /* how many of them there are */
    Watch *watch;              /* or NULL if nobody does */
} Dispatch;

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

/* Take over the error that is set; a new reference, or NULL if there is none. */
static inline PyObject *
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
static inline void
set_error(PyObject *error)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(error);
#else
    PyErr_Restore(Py_NewRef(Py_TYPE(error)), error, PyException_GetTraceback(error));
#endif
}

/* Give the `__call__` of an object's class, a new reference, or NULL without an error. */
static inline PyObject *
call_of(Send *self, PyObject *object)
{
#if PY_VERSION_HEX >= 0x030D0000
    return _PyType_LookupRef(Py_TYPE(object), self->call_name);
#else
    return Py_XNewRef(_PyType_Lookup(Py_TYPE(object), self->call_name));
#endif
}

/* Tell whether C can watch: it has what is needed, and no instrument is just being told. */
static inline int
can_watch(Send *self)
{
    return self->tellers != NULL && PyDict_GET_SIZE(self->tellers) == 0;
}

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

/* Give the nearest place where something is under way, borrowed, or None. */
static inline PyObject *
innermost(Send *self, PyObject *place)
{
    while (place != Py_None && read_slot(self, place, WORK) == Py_None) {
        place = read_slot(self, place, AROUND);
    }
    return place;
}

/* Send: what a call of the object does, in `_dispatch.c`. */
PyObject *send_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf,
                          PyObject *kwnames);

/* Give the keyword names without that of a wrapper, at a position; a new reference. */
PyObject *names_without(Send *self, PyObject *names, Py_ssize_t index);

/* Give a payload as a dict. */
PyObject *payload_from(PyObject *names, PyObject *const *values);

/* Call the receiver at a position with the payload but for what it is spared; `_sparing.c`. */
PyObject *call_sparing(Send *self, Dispatch *dispatch, PyObject *receiver, Py_ssize_t at);

/* Tell whether a send is known to be as declared, in `_checking.c`; an error may be set. */
int is_as_expected(Send *self, PyObject *expected, PyObject *sender, PyObject *names,
                   PyObject *const *values);
/* Make the snapshot of a group, or of a connection that is alone, and keep it there, in
 * `_snapshot.c`; a new reference, or NULL without an error if Python has to. */
PyObject *make_snapshot(Send *engine, PyObject *registry, PyObject *group);

/* Let the next sends to a sender use its snapshot without a look-up, if it counts in every context,
 * in `_snapshot.c`. */
void keep_snapshot(Send *engine, PyObject *registry, PyObject *group, PyObject *sender,
                   PyObject *snapshot);

/* Watching, in `_watching.c`. */

/* Begin to watch a send; -1 with an error. */
int begin_watching(Send *self, Dispatch *dispatch);

/* Note what a receiver returned: the one at a position, with the value in a pair. */
void note_delivery(Send *self, Dispatch *dispatch, Py_ssize_t at, PyObject *pair);

/* Let the emission have what Python would have put into it by now; -1 with an error. */
int leave_to_python(Send *self, Watch *watch);

/* End a send that was watched, and call the instruments; -1 with an error. */
int end_watching(Send *self, Dispatch *dispatch);

/* Give a place that is around nothing, and where nothing is under way. */
PyObject *empty_place(Send *self);

/* Let go of a place where the context was; if no context is there any more, it serves again. */
void release_place(Send *self, PyObject *place);

/* Let go of what was needed to watch. If an error is set, end the send first; the error stays. */
void stop_watching(Send *self, Watch *watch);

/* Notes, in `_notes.c`. */

/* Give notes for a send that begins: of the payload, and with room for what receivers return. */
PyObject *new_notes(Send *send, Dispatch *dispatch);

/* Note the pair of a receiver and its value, whose connection the snapshot or `own` holds. */
void add_note(PyObject *notes, PyObject *pair, PyObject *connection, double took);

/* Give how many deliveries were noted. */
Py_ssize_t count_notes(PyObject *notes);

/* Give the payload as a new dict, and the deliveries so far as a new list. */
PyObject *payload_in(PyObject *notes);
PyObject *deliveries_in(PyObject *notes);

/* Give the deliveries of an emission, as a tuple. */
PyObject *deliveries_of(PyObject *send, PyObject *emission);

/* Let go of notes; if nobody else has kept them, they serve again. */
void release_notes(Send *send, PyObject *notes);

extern PyType_Spec Notes_spec;

/* Tell whether something is what sends; if not, with an error. */
int is_engine(PyObject *it);

/* The types `AsyncSend` and `Sending`, in `_awaiting.c`. */
extern PyType_Spec AsyncSend_spec, Sending_spec;

/* The types `Question` and `Anyone`, in `_questions.c`. */
extern PyType_Spec Question_spec, Anyone_spec;

/* The types `Noop` and `SpanCall`, in `spans/_noop.c` and `spans/_span.c`. */
extern PyType_Spec Noop_spec, SpanCall_spec;

/* The type `Caller`, in `_callers.c`. */
extern PyType_Spec Caller_spec;
/* The types `Tables`, `Verb` and `Via`, in `connections/`. */
extern PyType_Spec Tables_spec, Verb_spec, Via_spec;


#endif
