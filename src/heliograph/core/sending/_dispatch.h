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
    ANYONE, NEEDS_SLOW_PATH, VERSION, SENDERS, ANY_GROUP, WATCHERS, LOCAL_MUTES,
    RECEIVERS, IDLE,
    GROUP_SNAPSHOT, GROUP_VERSION,
    CONNECTION_SNAPSHOT, CONNECTION_RECEIVER, CONNECTION_OPTIONS,
    SHARED_SNAPSHOT, RECEIVER_OPTIONS,
    RECEIVER_REFS, SLOW_IN_SEND, ANY_VERSION, OWN_VERSION, SHARED, NEWEST,
    CONNECTIONS, SCOPES, OUTSIDE,
    OUTER,
    FUNCTION_REF,
    ON_START, TOLD,
    WORK, AROUND,
    SIGNAL, SENDER, PAYLOAD, PARENT, STARTED, CLOCK, TOOK, DELIVERIES, MUTED, TURN,
    RECEIVER, BY, DURATION, VALUE, FAILED,
    LEFT_SIGNAL, LEFT_SENDER, LEFT_PAYLOAD, LEFT_SNAPSHOT, LEFT_VERSION, LEFT_POSITION,
    LEFT_RESULTS, LEFT_RECEIVER, LEFT_ERROR, LEFT_WRAPPER, LEFT_PLACE, LEFT_CLOCK,
    SLOTS
};

enum kind {
    REGISTRY, GROUP, CONNECTION, SNAPSHOT, RECEIVER_REF, METHOD_REF, WATCHED_BY, PLACE, EMISSION,
    DELIVERY, SCOPE, UNFINISHED, NOTES, KINDS
};

#define SEEN 64  /* senders whose keys are kept */

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
    PyObject *innermost_block;  /* the one for the innermost block that connects or mutes */
    PyObject *deliveries;   /* what gives those of an emission that Python has filled in */
    PyObject *end_watching, *outlive, *whoever_runs, *switch_off;
    PyObject *running_loop, *greenlet;  /* functions that say what runs, once they are loaded */
    PyObject *teller;       /* who has told last in C, as Python notes it: where no task runs, */
    unsigned long thread;   /* in this thread, and in this greenlet or NULL, which is not held */
    PyObject *switched;
    PyObject *spare_emission, *spare_notes, *spare_place;  /* with nothing in them, or NULL */
    PyTypeObject *kinds[KINDS];
    Py_ssize_t offsets[SLOTS];
    PyObject *registry_name, *wrapper_name, *proxy_name, *call_name, *sender_name, *zero;
    PyObject *anyone_name;
    PyObject *seen_names, *seen_rest;  /* a call's keyword names, and those without the wrapper */
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
    double begun, now;         /* when it began, and when the last call ended */
} Watch;

/* One send under way. All that it points to is held by it or by the caller. */
typedef struct {
    PyObject *signal, *sender, *registry, *snapshot, *refs, *version;
    PyObject *names;           /* of the payload, or NULL */
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

/* Tell whether C can watch: no instrument wants to see sends begin, nor is just being told. */
static inline int
can_watch(Send *self, PyObject *watchers)
{
    return PyList_GET_SIZE(read_slot(self, watchers, ON_START)) == 0
           && PyDict_GET_SIZE(self->tellers) == 0;
}

/* Send: what a call of the object does, in `_dispatch.c`. */
PyObject *send_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf,
                          PyObject *kwnames);

/* Give a payload as a dict. */
PyObject *payload_from(PyObject *names, PyObject *const *values);

/* Watching, in `_watching.c`. */

/* Begin to watch a send; -1 with an error. */
int begin_watching(Send *self, Dispatch *dispatch);

/* Note what a receiver returned: the one at a position, with the value in a pair. */
void note_delivery(Send *self, Dispatch *dispatch, Py_ssize_t at, PyObject *pair);

/* Let the emission have what Python would have put into it by now; -1 with an error. */
int leave_to_python(Send *self, Watch *watch);

/* End a send that was watched, and call the instruments; -1 with an error. */
int end_watching(Send *self, Dispatch *dispatch);

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

/* The types `Question` and `Anyone`, in `_questions.c`. */
extern PyType_Spec Question_spec, Anyone_spec;

/* The type `Noop`, in `spans/_noop.c`. */
extern PyType_Spec Noop_spec;

#endif
