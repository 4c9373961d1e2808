/* Puts connections into the tables of a signal and takes them out, as `Registry.link` and `_end`.
 *
 * The rules are in `_tables.h`.
 */

#include "_tables.h"

static PyObject *
scope_of(Tables *self, PyObject *connection)
{
    return PyTuple_GET_ITEM(slot_of(self, connection, CONNECTION_OPTIONS), SCOPE_AT);
}

static int
is_weak(Tables *self, PyObject *connection)
{
    PyObject *how = how_of(slot_of(self, connection, CONNECTION_OPTIONS));
    return PyTuple_GET_ITEM(how, WEAK_AT) == Py_True;
}

static int
is_local_scope(Tables *self, PyObject *scope)
{
    return scope != Py_None && slot_of(self, scope, EVERYWHERE) != Py_True;
}

/* Find the table with the connections for a sender; -1 with an error. */
static int
find_table(Tables *self, PyObject *registry, PyObject *key, Found *found)
{
    PyObject *senders = slot_of(self, registry, SENDERS);
    PyObject *group = slot_of(self, registry, ANY_GROUP);
    if (key != self->parts[ANY]) {
        group = PyDict_GetItemWithError(senders, key);
        if (group == NULL && PyErr_Occurred()) {
            return -1;
        }
    }
    found->group = Py_XNewRef(group);
    found->in_group = group != NULL && Py_IS_TYPE(group, self->engine->kinds[GROUP]);
    found->table = found->in_group ? slot_of(self, group, GROUP_CONNECTIONS) : senders;
    found->place = key;
    return 0;
}

/* Find where a connection is, or belongs; -1 with an error. */
static int
find_place(Tables *self, PyObject *registry, PyObject *connection, Found *found)
{
    if (find_table(self, registry, slot_of(self, connection, CONNECTION_KEY), found) < 0) {
        return -1;
    }
    if (found->in_group) {
        int lasting = scope_of(self, connection) == Py_None;
        found->place = lasting ? slot_of(self, connection, CONNECTION_RECEIVER) : connection;
    }
    return 0;
}

PyObject *
find_lasting(Tables *self, PyObject *registry, PyObject *receiver_ref, PyObject *key, Found *found)
{
    if (find_table(self, registry, key, found) < 0 || found->group == NULL) {
        return NULL;
    }
    if (found->in_group) {
        found->place = receiver_ref;
        return PyDict_GetItemWithError(found->table, receiver_ref);
    }
    return slot_of(self, found->group, CONNECTION_RECEIVER) == receiver_ref
                   && scope_of(self, found->group) == Py_None
               ? found->group
               : NULL;
}

/* Give a group with one connection; a new reference, or NULL with an error. */
static PyObject *
new_group(Tables *self, PyObject *connection)
{
    PyTypeObject *type = self->engine->kinds[GROUP];
    PyObject *group = type->tp_alloc(type, 0), *table = PyDict_New();
    PyObject *place = scope_of(self, connection) == Py_None
                          ? slot_of(self, connection, CONNECTION_RECEIVER)
                          : connection;
    if (group == NULL || table == NULL || PyDict_SetItem(table, place, connection) < 0) {
        Py_XDECREF(group);
        Py_XDECREF(table);
        return NULL;
    }
    fill_slot(self, group, GROUP_CONNECTIONS, table);
    fill_slot(self, group, GROUP_SNAPSHOT, Py_NewRef(Py_None));
    fill_slot(self, group, GROUP_VERSION, Py_NewRef(self->one));
    return group;
}

/* What a change writes. It is made before. */
typedef struct {
    PyObject *version, *strong, *local;
    PyObject *counts;   /* what counts the connections of the receiver then, or NULL: as now, */
    PyObject *counted;  /* with this for the sender, */
    long long count;    /* as a number */
} Numbers;

static void
free_numbers(Numbers *numbers)
{
    Py_CLEAR(numbers->version);
    Py_CLEAR(numbers->strong);
    Py_CLEAR(numbers->local);
    Py_CLEAR(numbers->counts);
    Py_CLEAR(numbers->counted);
}

/* Make what counts the connections of a receiver, of which one is for a sender, after a change by
 * one more for another sender, or also for that; NULL with an error, or if Python has to. */
static PyObject *
counts_of_two(Tables *self, PyObject *only, PyObject *key)
{
    Py_INCREF(only);  /* Up to Python 3.11, making a dict may run code, which lets it go. */
    PyObject *counts = is_plain_key(self, only) ? PyDict_New() : NULL;
    int counted = counts != NULL && PyDict_SetItem(counts, only, self->one) == 0;
    Py_DECREF(only);
    if (counted) {
        int again = PyDict_Contains(counts, key);
        PyObject *count = PyLong_FromLong(1 + again);
        if (again >= 0 && count != NULL && PyDict_SetItem(counts, key, count) == 0) {
            Py_DECREF(count);
            return counts;
        }
        Py_XDECREF(count);
    }
    Py_XDECREF(counts);
    return NULL;
}

/* Make what counts the connections of a receiver after a change; -1 if Python has to. */
static int
new_counts(Tables *self, PyObject *counts, PyObject *key, int step, Numbers *numbers)
{
    if (PyDict_CheckExact(counts)) {
        PyObject *before = PyDict_GetItemWithError(counts, key);
        numbers->count = (before == NULL ? 0 : PyLong_AsLongLong(before)) + step;
        numbers->counted = PyLong_FromLongLong(numbers->count);
        int ends = numbers->count == 0 && PyDict_GET_SIZE(counts) == 1;
        numbers->counts = ends ? PyTuple_New(0) : NULL;
        return PyErr_Occurred() ? -1 : 0;
    }
    if (step < 0) {
        numbers->counts = PyTuple_New(0);
    }
    else if (PyTuple_GET_SIZE(counts) == 0) {
        numbers->counts = key == self->parts[ANY] ? Py_NewRef(self->once_for_all)
                                                  : PyTuple_Pack(1, key);
    }
    else {
        numbers->counts = counts_of_two(self, PyTuple_GET_ITEM(counts, 0), key);
    }
    return numbers->counts == NULL ? -1 : 0;
}

/* Make the numbers of a change by one connection more, or less, but for the version; -1 with an
 * error. */
static int
new_numbers(Tables *self, PyObject *registry, PyObject *connection, int step, Numbers *numbers)
{
    PyObject *receiver_ref = slot_of(self, connection, CONNECTION_RECEIVER);
    if (new_counts(self, slot_of(self, receiver_ref, SENDER_COUNTS),
                   slot_of(self, connection, CONNECTION_KEY), step, numbers) < 0) {
        return -1;
    }
    if (!is_weak(self, connection)) {
        numbers->strong = number_after(slot_of(self, receiver_ref, STRONG_COUNT), step);
    }
    if (is_local_scope(self, scope_of(self, connection))) {
        numbers->local = number_after(slot_of(self, registry, LOCAL_CONNECTIONS), step);
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* Let a group be seen to be another. The next version of its registry serves, which no group has
 * had: each change of a group is one of its registry. */
static void
outdate(Tables *self, PyObject *group, Numbers *numbers, Dropped *dropped)
{
    change_slot(self, group, GROUP_VERSION, Py_NewRef(numbers->version), dropped);
    change_slot(self, group, GROUP_SNAPSHOT, Py_NewRef(Py_None), dropped);
}

/* Write a connection into the tables; 0 if there is no room, and then nothing has changed. */
static int
write_tables(Tables *self, PyObject *registry, PyObject *connection, int is_new, Found *found,
             PyObject *group, Numbers *numbers)
{
    PyObject *receiver_ref = slot_of(self, connection, CONNECTION_RECEIVER);
    PyObject *key = slot_of(self, connection, CONNECTION_KEY);
    PyObject *counts = slot_of(self, receiver_ref, SENDER_COUNTS);
    PyObject *receivers = slot_of(self, registry, RECEIVERS);
    PyObject *receiver_key = slot_of(self, receiver_ref, RECEIVER_KEY);
    /* Of what fails, only the first can have been there before: what is new is taken out. */
    if (PyDict_SetItem(found->table, found->place, group != NULL ? group : connection) < 0) {
        return 0;
    }
    /* A receiver that is dead may still be there, if nobody could be told: Python looks then. */
    if (!is_new || PyDict_SetDefault(receivers, receiver_key, receiver_ref) == receiver_ref) {
        if (numbers->counts != NULL || PyDict_SetItem(counts, key, numbers->counted) == 0) {
            return 1;
        }
        if (is_new) {
            (void)PyDict_DelItem(receivers, receiver_key);
        }
    }
    if (group != NULL) {
        (void)PyDict_SetItem(found->table, found->place, found->group);
    }
    else {
        (void)PyDict_DelItem(found->table, found->place);
    }
    return 0;
}

/* Remove an entry that is there from a table, which frees nothing that others do not hold. */
static int
remove_from(PyObject *table, PyObject *key)
{
    if (PyDict_DelItem(table, key) < 0) {
        return -1;
    }
    if (PyDict_GET_SIZE(table) == 0) {
        PyDict_Clear(table);  /* It would keep the room that it needed when it was fullest. */
    }
    return 0;
}

/* Take a receiver out of those that wait for another connection; what that drops is held. */
static void
no_longer_idle(Tables *self, PyObject *registry, PyObject *receiver_ref, Dropped *dropped)
{
    PyObject *idle = slot_of(self, registry, IDLE);
    PyObject *key = slot_of(self, receiver_ref, RECEIVER_KEY);
    PyObject *before = PyDict_GET_SIZE(idle) == 0 ? NULL : PyDict_GetItemWithError(idle, key);
    if (before != NULL) {
        drop_later(dropped, Py_NewRef(before));
        drop_later(dropped, Py_NewRef(slot_of(self, before, RECEIVER_KEY)));
        (void)remove_from(idle, key);
    }
}

int
link_connection(Tables *self, PyObject *registry, PyObject *connection, PyObject *receiver,
                int is_new, PyObject *seen, PyObject *next)
{
    Found found = {NULL};
    Numbers numbers = {.version = Py_NewRef(next)};
    Dropped dropped = {.count = 0};
    PyObject *receiver_ref = slot_of(self, connection, CONNECTION_RECEIVER), *group = NULL;
    int made = 0, ready = find_place(self, registry, connection, &found) == 0
                          && new_numbers(self, registry, connection, 1, &numbers) == 0;
    if (ready && found.group != NULL && !found.in_group) {
        group = new_group(self, found.group);
        ready = group != NULL
                && PyDict_SetItem(slot_of(self, group, GROUP_CONNECTIONS),
                                  scope_of(self, connection) == Py_None ? receiver_ref : connection,
                                  connection) == 0;
    }
    /* Whatever has changed in the meantime has changed the version, too. */
    if (ready && is_quiet(self) && slot_of(self, registry, VERSION) == seen) {
        made = write_tables(self, registry, connection, is_new, &found, group, &numbers);
    }
    if (made) {
        if (found.in_group) {
            outdate(self, found.group, &numbers, &dropped);
        }
        if (numbers.counts != NULL) {
            change_slot(self, receiver_ref, SENDER_COUNTS, Py_NewRef(numbers.counts), &dropped);
        }
        if (numbers.strong != NULL) {
            change_slot(self, receiver_ref, STRONG_COUNT, Py_NewRef(numbers.strong), &dropped);
            change_slot(self, receiver_ref, STRONG_REF, Py_NewRef(receiver), &dropped);
        }
        if (numbers.local != NULL) {
            change_slot(self, registry, LOCAL_CONNECTIONS, Py_NewRef(numbers.local), &dropped);
        }
        no_longer_idle(self, registry, receiver_ref, &dropped);
        change_slot(self, registry, VERSION, Py_NewRef(numbers.version), &dropped);
        if (slot_of(self, registry, SILENT) != Py_True) {
            change_slot(self, registry, ANYONE, Py_NewRef(self->parts[SOMEONE]), &dropped);
        }
        shrink(self, registry, registry, IDLE);
    }
    no_error();
    free_numbers(&numbers);
    Py_XDECREF(found.group);
    Py_XDECREF(group);
    drop_all(&dropped);
    return made;
}

/* Tell whether a connection is where it belongs. */
static int
is_in_place(Tables *self, PyObject *connection, Found *found)
{
    return found->in_group ? PyDict_GetItemWithError(found->table, found->place) == connection
                           : found->group == connection;
}

/* Take a connection out of the table of its sender. */
static void
unlist(Tables *self, PyObject *registry, PyObject *key, Found *found, Numbers *numbers,
       Dropped *dropped)
{
    (void)remove_from(found->table, found->place);
    if (found->in_group) {
        outdate(self, found->group, numbers, dropped);
        if (PyDict_GET_SIZE(found->table) == 0 && key != self->parts[ANY]) {
            (void)remove_from(slot_of(self, registry, SENDERS), key);
        }
    }
}

/* Count one connection of a receiver less. */
static void
uncount(Tables *self, PyObject *registry, PyObject *receiver_ref, PyObject *key, Numbers *numbers,
        Dropped *dropped)
{
    PyObject *counts = slot_of(self, receiver_ref, SENDER_COUNTS);
    if (numbers->strong != NULL) {
        change_slot(self, receiver_ref, STRONG_COUNT, Py_NewRef(numbers->strong), dropped);
        if (PyObject_IsTrue(numbers->strong) == 0) {
            change_slot(self, receiver_ref, STRONG_REF, Py_NewRef(Py_None), dropped);
        }
    }
    if (numbers->local != NULL) {
        change_slot(self, registry, LOCAL_CONNECTIONS, Py_NewRef(numbers->local), dropped);
    }
    if (numbers->counts != NULL) {
        change_slot(self, receiver_ref, SENDER_COUNTS, Py_NewRef(numbers->counts), dropped);
        change_slot(self, receiver_ref, SHARED_SNAPSHOT, Py_NewRef(Py_None), dropped);
        (void)remove_from(slot_of(self, registry, RECEIVERS),
                          slot_of(self, receiver_ref, RECEIVER_KEY));
    }
    else if (numbers->count != 0) {
        (void)PyDict_SetItem(counts, key, numbers->counted);
    }
    else {
        (void)PyDict_DelItem(counts, key);
    }
}

/* Let sends see that somebody has gone. */
static void
tell_sends(Tables *self, PyObject *registry, Numbers *numbers, Dropped *dropped)
{
    if (PyDict_GET_SIZE(slot_of(self, registry, RECEIVERS)) == 0) {
        int asked = slot_of(self, registry, OVERRIDDEN) == Py_True
                    || slot_of(self, registry, IS_CHECKED) == Py_True;
        PyObject *anyone = asked ? self->parts[SOMEONE] : slot_of(self, registry, WATCHERS);
        change_slot(self, registry, ANYONE, Py_NewRef(anyone), dropped);
    }
    change_slot(self, registry, VERSION, Py_NewRef(numbers->version), dropped);
}

/* Tell whether a receiver lives on without a connection, as its sender has died. */
static int
becomes_idle(Tables *self, PyObject *receiver_ref, Numbers *numbers)
{
    PyObject *function = Py_IS_TYPE(receiver_ref, self->engine->kinds[METHOD_REF])
                             ? slot_of(self, receiver_ref, FUNCTION_REF)
                             : receiver_ref;
    return numbers->counts != NULL && refers(receiver_ref) && refers(function);
}

int
end_connection(Tables *self, PyObject *registry, PyObject *connection, int sender_died)
{
    Found found = {NULL};
    int ended = is_plain_key(self, slot_of(self, connection, CONNECTION_KEY))
                && find_place(self, registry, connection, &found) == 0
                && is_in_place(self, connection, &found)
                && end_found(self, registry, connection, &found, sender_died);
    Py_XDECREF(found.group);
    no_error();
    return ended;
}

/* Let the tables from which something was removed take less room. */
static void
shrink_tables(Tables *self, PyObject *registry, PyObject *receiver_ref, Found *found)
{
    if (found->in_group) {
        shrink(self, registry, found->group, GROUP_CONNECTIONS);
    }
    if (!found->in_group || PyDict_GET_SIZE(slot_of(self, found->group, GROUP_CONNECTIONS)) == 0) {
        shrink(self, registry, registry, SENDERS);
    }
    int connected = PyDict_CheckExact(slot_of(self, receiver_ref, SENDER_COUNTS));
    shrink(self, registry, connected ? receiver_ref : registry,
           connected ? SENDER_COUNTS : RECEIVERS);
}

int
end_found(Tables *self, PyObject *registry, PyObject *connection, Found *found, int sender_died)
{
    Numbers numbers = {.version = number_after(slot_of(self, registry, VERSION), 1)};
    Dropped dropped = {.count = 0};
    PyObject *receiver_ref = Py_NewRef(slot_of(self, connection, CONNECTION_RECEIVER));
    PyObject *key = Py_NewRef(slot_of(self, connection, CONNECTION_KEY));
    int made = 0;
    Py_INCREF(connection);
    if (is_quiet(self) && new_numbers(self, registry, connection, -1, &numbers) == 0) {
        int idle = sender_died && becomes_idle(self, receiver_ref, &numbers);
        made = !idle
               || PyDict_SetItem(slot_of(self, registry, IDLE),
                                 slot_of(self, receiver_ref, RECEIVER_KEY), receiver_ref) == 0;
    }
    if (made) {
        unlist(self, registry, key, found, &numbers, &dropped);
        change_slot(self, connection, CONNECTION_SNAPSHOT, Py_NewRef(Py_None), &dropped);
        uncount(self, registry, receiver_ref, key, &numbers, &dropped);
        tell_sends(self, registry, &numbers, &dropped);
        shrink_tables(self, registry, receiver_ref, found);
    }
    no_error();
    free_numbers(&numbers);
    drop_all(&dropped);
    Py_DECREF(connection);
    Py_DECREF(receiver_ref);
    Py_DECREF(key);
    return made;
}

/* Tell whether a table takes much more room than it needs, as `shrunk` does; -1 with an error. */
static int
is_too_large(Tables *self, PyObject *table)
{
    Py_ssize_t left = PyDict_GET_SIZE(table);
    if (left == 0 || (left & (left - 1)) != 0) {
        return 0;
    }
    PyObject *size = PyObject_CallOneArg(self->parts[SIZE_OF], table);
    Py_ssize_t bytes = size == NULL ? -1 : PyLong_AsSsize_t(size);
    Py_XDECREF(size);
    return bytes < 0 ? -1 : bytes > self->small_table + self->per_entry * left;
}

void
shrink(Tables *self, PyObject *registry, PyObject *owner, enum slot slot)
{
    PyObject *table = slot_of(self, owner, slot);
    if (is_too_large(self, table) != 1) {
        return;
    }
    Py_INCREF(table);
    PyObject *seen = Py_NewRef(slot_of(self, registry, VERSION)), *smaller = PyDict_Copy(table);
    if (smaller != NULL && is_quiet(self) && slot_of(self, registry, VERSION) == seen
        && slot_of(self, owner, slot) == table) {
        write_slot(self->engine, owner, slot, Py_NewRef(smaller));
    }
    Py_XDECREF(smaller);
    Py_DECREF(seen);
    Py_DECREF(table);
}
