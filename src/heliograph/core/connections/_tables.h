/* What the files in C share that change who is connected, as `registry.py` does.
 *
 * Rule 1: there is no policy here. What is plain is done in C; whatever may be refused, warned of
 * or told of is left to Python, with the same arguments.
 * Rule 2: first everything is made that is needed, as making things may run code. Then comes a
 * look whether all is still as it was, and then the change, which runs no code and frees nothing:
 * the GIL is its lock, and nobody sees the half of it. What it dropped is freed at the end.
 * Rule 3: while a change in Python may be under way, or is still to come, no change is made in C.
 */

#ifndef HELIOGRAPH_TABLES_H
#define HELIOGRAPH_TABLES_H

#include "../sending/_lookup.h"

/* What Python gives: see `PART` in `_tables.c`. */
enum part {
    STATE, ANY, DIED, SENDER_DIED, FUNCTION_DIED, HELD_WEAKLY, NOTHING, SOMEONE, WEAKLY, STRONGLY,
    OBJECTS, MAKING_NAMES, MODULES, ENGINES, OPEN_FATE, SENT_FATE, PARTIAL, SIZE_OF, SMALL_TABLE,
    PER_ENTRY, MOST_LINES, CONNECT_WITH, OWN_RECEIVERS, LISTENING,
    PARTS
};

/* The names that are looked up. */
enum name {
    NAME_RECEIVER, NAME_SENDER, NAME_WEAK, NAME_TELLS, NAME_CONNECTED, NAME_DISCONNECTED,
    NAME_MODULE_NAME, NAME_CALL, NAME_LOCAL, NAME_CONNECT_WITH, NAME_CONNECT,
    NAMES
};

/* Where the options of a connection have what, and where how it delivers has what. */
enum { HOW_AT, SCOPE_AT, SITE_AT };
enum { PRIORITY_AT, INLINE_AT = 2, WHEN_AT = 3, WEAK_AT = 4 };

/* Tell whether the interpreter is exiting. */
#if PY_VERSION_HEX >= 0x030D0000
#define is_ending Py_IsFinalizing
#else
#define is_ending _Py_IsFinalizing
#endif

/* What changes connections needs to know. */
typedef struct Tables {
    PyObject_HEAD
    Send *engine;
    PyObject *parts[PARTS];
    PyObject *names[NAMES];
    PyTypeObject *via;
    PyObject *zero, *one;
    PyObject *once_for_all;  /* what counts the connections of a receiver for all senders alone */
    PyObject *after_all;    /* what is added to the number of a connection that is called last, */
    PyObject *number_mask;  /* and what leaves the number of it */
    Py_ssize_t small_table, per_entry, most_lines;
    PyObject *sender_died;  /* in C */
    PyObject *users_module;     /* the name of the user's module that called last, or NULL, and */
    Py_ssize_t engines;         /* how many packages were the engine's then */
    PyObject *last_site;        /* where somebody connected last, or NULL: lines often connect */
    PyObject *last_options[2];  /* again and again; and the usual ones there, strong and weak */
    PyObject *last_named;       /* the name of the last new receiver, in parts: copies share it */
    vectorcallfunc call_reference;  /* what a weak reference is called by */
} Tables;

/* What a change has dropped, to be freed when it is complete. */
#define MOST_DROPPED 16
typedef struct {
    PyObject *items[MOST_DROPPED];
    int count;
} Dropped;

static inline void
drop_later(Dropped *dropped, PyObject *item)
{
    if (item != NULL) {
        dropped->items[dropped->count++] = item;
    }
}

static inline void
drop_all(Dropped *dropped)
{
    while (dropped->count > 0) {
        Py_DECREF(dropped->items[--dropped->count]);
    }
}

/* Put something into a slot, which takes over the reference; what was there is freed later. */
static inline void
change_slot(Tables *self, PyObject *object, enum slot slot, PyObject *value, Dropped *dropped)
{
    PyObject **place = (PyObject **)((char *)object + self->engine->offsets[slot]);
    drop_later(dropped, *place);
    *place = value;
}

/* Put something into a slot of a new object, which takes over the reference. */
static inline void
fill_slot(Tables *self, PyObject *object, enum slot slot, PyObject *value)
{
    *(PyObject **)((char *)object + self->engine->offsets[slot]) = value;
}

static inline PyObject *
slot_of(Tables *self, PyObject *object, enum slot slot)
{
    return read_slot(self->engine, object, slot);
}

/* Let no error be set. Mostly there is none, which is seen in a fourth of the time. */
static inline void
no_error(void)
{
    if (PyErr_Occurred() != NULL) {
        PyErr_Clear();
    }
}

/* Tell whether no change in Python is under way or still to come. */
static inline int
is_quiet(Tables *self)
{
    PyObject *state = self->parts[STATE];
    return slot_of(self, state, CHANGING) == Py_False && slot_of(self, state, BROKEN) == Py_None
           && Py_SIZE(self->engine->pending_changes) == 0;
}

/* Give a number and one more, or less; a new reference, or NULL with an error. */
static inline PyObject *
number_after(PyObject *number, int step)
{
    long long now = PyLong_AsLongLong(number);
    return now == -1 && PyErr_Occurred() ? NULL : PyLong_FromLongLong(now + step);
}

/* Tell whether what a weak reference refers to is alive. */
static inline int
refers(PyObject *reference)
{
    PyObject *object = ((PyWeakReference *)reference)->wr_object;
    return object != Py_None && Py_REFCNT(object) != 0;
}

/* What a receiver is: where it is, and what of it is connected. */
typedef struct {
    PyObject *it;        /* what was given */
    PyObject *function;  /* itself, or that of a method */
    PyObject *owner;     /* the object of a method, or NULL */
} Receiver;

/* Look whether something is a function, or a method of one, that is no other receiver's
 * `__call__`. */
int is_function_or_method(Tables *self, PyObject *it, Receiver *receiver);

/* Give the key of a receiver; a new reference, or NULL with an error. */
PyObject *key_of_receiver(const Receiver *receiver);

/* Tell whether this is the living reference to a receiver. */
int is_reference_to(Tables *self, PyObject *receiver_ref, const Receiver *receiver);

/* Give the key of a sender, a new reference, or NULL; without an error if Python has to. */
PyObject *key_of_sender(Tables *self, PyObject *sender);

/* Tell whether a sender's key is one that C makes. One of Python's may have a class in it, and to
 * look that up may run the code of the class of that class. */
static inline int
is_plain_key(Tables *self, PyObject *key)
{
    return key == self->parts[ANY] || PyLong_CheckExact(key) || PyUnicode_CheckExact(key);
}

/* Tell whether a signal tells nobody of its connections, and may be asked for its registry. */
int tells_nobody(Tables *self, PyObject *signal, enum name meta_signal);

/* Give the place in the user's code that called; a new reference, or NULL without an error if
 * Python has to find it. */
PyObject *call_site(Tables *self);

/* Give a weak reference of a class, with nothing in its slots; NULL with an error. */
PyObject *new_reference(Tables *self, PyTypeObject *type, PyObject *to, PyObject *callback);

/* Give the usual options of a lasting connection; a new reference, or NULL with an error. */
PyObject *lasting_options(Tables *self, int weak, PyObject *site);

/* Give the usual options of a connection; a new reference, or NULL with an error. */
static inline PyObject *
new_options(Tables *self, int weak, PyObject *scope, PyObject *site)
{
    return PyTuple_Pack(3, self->parts[weak ? WEAKLY : STRONGLY], scope, site);
}

/* Give how a connection with these options delivers. */
static inline PyObject *
how_of(PyObject *options)
{
    return PyTuple_GET_ITEM(options, HOW_AT);
}

/* Tell whether options have the values that nobody gives. */
static inline int
has_usual_options(Tables *self, PyObject *options)
{
    return how_of(options) == self->parts[WEAKLY] || how_of(options) == self->parts[STRONGLY];
}

/* Give what holds a new connection; a new reference, or NULL with an error. */
PyObject *new_connection(Tables *self, PyObject *receiver_ref, PyObject *key, PyObject *order,
                         PyObject *options, PyObject *sender);

/* Where the connections of a sender are. */
typedef struct {
    PyObject *group;   /* a group, a connection that is alone, or NULL; held */
    PyObject *table;   /* of the group, or that of all senders; not held */
    PyObject *place;   /* in the table; not held */
    int in_group;
} Found;

/* Give the lasting connection of a receiver for a sender, and where it is; borrowed, or NULL. */
PyObject *find_lasting(Tables *self, PyObject *registry, PyObject *receiver_ref, PyObject *key,
                       Found *found);

/* End a connection that was found just now, as `end_connection`. */
int end_found(Tables *self, PyObject *registry, PyObject *connection, Found *found,
              int sender_died);

/* End a connection that is in the tables. Give 1 if that was done, and 0 if Python has to: then
 * nothing has changed, and no error is set. */
int end_connection(Tables *self, PyObject *registry, PyObject *connection, int sender_died);

/* Let a registry have a table that takes less room, if one from which something was removed does. */
void shrink(Tables *self, PyObject *registry, PyObject *owner, enum slot slot);

/* Put a new connection into the tables, and its receiver if that is new, unless the registry has
 * another version than when it was looked up who is connected. It has the next one then. Give 1 if
 * that was done, and 0 if Python has to: then nothing has changed, and no error is set. */
int link_connection(Tables *self, PyObject *registry, PyObject *connection, PyObject *receiver,
                    int is_new, PyObject *seen, PyObject *next);

/* Tell whether something is what changes of connections need to know; if not, with an error. */
int is_tables(PyObject *it);

/* Tell whether a receiver is surely one that may be connected, and that is not async. */
int is_plain_receiver(Tables *self, const Receiver *receiver);

/* Give what a receiver is spared of each payload, borrowed; NULL if Python has to look at it. */
PyObject *known_to_omit(Tables *self, PyObject *registry, const Receiver *receiver);

/* Tell whether a signal makes temporary connections as all do, by no `connect` of its own. */
int connects_plainly(Tables *self, PyObject *signal);

/* Connect a receiver inside of a scope; a new reference to the connection, or NULL without an
 * error if Python has to. */
PyObject *connect_in_scope(Tables *self, PyObject *registry, PyObject *receiver, PyObject *sender,
                           PyObject *scope, PyObject *site);

/* Call only the spared receivers, by their keys, inside a scope; NULL ends the mute. Give 1 if
 * that was done, and 0 if Python has to: then nothing has changed, and no error is set. */
int mute(Tables *self, PyObject *registry, PyObject *scope, PyObject *spared);

/* What the methods do when they are called. */
PyObject *connected_to_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf,
                                  PyObject *kwnames);
PyObject *muted_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf,
                           PyObject *kwnames);
PyObject *enter_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf,
                           PyObject *kwnames);
PyObject *exit_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf,
                          PyObject *kwnames);
PyObject *del_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf,
                         PyObject *kwnames);
PyObject *connect_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf,
                             PyObject *kwnames);
PyObject *connect_via_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf,
                                 PyObject *kwnames);
PyObject *disconnect_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf,
                                PyObject *kwnames);
PyObject *listen_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf,
                            PyObject *kwnames);
PyObject *disconnect_one_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf,
                                    PyObject *kwnames);

/* A method that changes connections: in C where it is plain, in Python otherwise. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *weakrefs;
    PyObject *dict;
    PyObject *in_python;
    Tables *tables;
} Verb;

/* Let Python do what was not plain. */
static inline PyObject *
in_python(Verb *verb, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    PyErr_Clear();  /* There was no memory: there may be for Python, or it says so. */
    return PyObject_Vectorcall(verb->in_python, args, nargsf, kwnames);
}

#endif
