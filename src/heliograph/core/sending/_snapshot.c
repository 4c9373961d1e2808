/* Makes the snapshot for a sender, as `snapshot.py` and `_made` in `lookup.py`: where receivers are
 * functions and methods that get the whole payload at once, in the order of connecting. And keeps
 * that of the sender that sends again, as `keep` there.
 *
 * The rules of `_dispatch.c` hold here. Of what is asked of receivers, only usual answers do.
 */

#include "../connections/_tables.h"

/* Where a connection stands among those of a snapshot. */
typedef struct {
    int last;  /* whether it is called after all others */
    long long number;
} Order;

/* Give where a connection stands; its number is -1 with an error. */
static Order
order_of(Tables *self, PyObject *connection, int last)
{
    PyObject *key = slot_of(self, connection, SORT_KEY);
    Order order = {.last = last, .number = -1};
    PyObject *number = last ? PyNumber_And(key, self->number_mask) : Py_NewRef(key);
    if (number != NULL) {
        order.number = PyLong_AsLongLong(number);
        Py_DECREF(number);
    }
    return order;
}

/* Tell whether a connection is a plain one: for a snapshot of several, it must come after the one
 * before it, and be no block's. */
static int
is_plain(Tables *self, PyObject *connection, int alone, Order *after)
{
    PyObject *options = slot_of(self, connection, CONNECTION_OPTIONS);
    PyObject *receiver_ref = slot_of(self, connection, CONNECTION_RECEIVER);
    PyObject *scope = PyTuple_GET_ITEM(options, SCOPE_AT);
    PyObject *how = how_of(options), *priority = PyTuple_GET_ITEM(how, PRIORITY_AT);
    int method = Py_IS_TYPE(receiver_ref, self->engine->kinds[METHOD_REF]);
    int last = priority == PyTuple_GET_ITEM(self->parts[LISTENING], 0);
    if ((priority != self->zero && !last)
        || PyTuple_GET_ITEM(how, WHEN_AT) != Py_None
        || (scope != Py_None && (!alone || slot_of(self, scope, EVERYWHERE) != Py_True))
        || !(method || Py_IS_TYPE(receiver_ref, self->engine->kinds[RECEIVER_REF]))
        || slot_of(self, receiver_ref, OMITTED) != self->parts[NOTHING]
        || !refers(receiver_ref)) {
        return 0;
    }
    Order order = order_of(self, connection, last), before = *after;
    *after = order;
    return order.number > 0
           && (order.last > before.last
               || (order.last == before.last && order.number > before.number));
}

/* Tell whether connections are plain, all of them. */
static int
are_plain(Tables *self, PyObject *connections, long long *newest)
{
    Py_ssize_t size = PyTuple_GET_SIZE(connections);
    Order order = {0, 0};
    *newest = 0;
    for (Py_ssize_t i = 0; i < size; i++) {
        if (!is_plain(self, PyTuple_GET_ITEM(connections, i), size == 1, &order)) {
            return 0;
        }
        *newest = order.number > *newest ? order.number : *newest;
    }
    return 1;
}

/* Give what a send calls to get a receiver; a new reference, or NULL with an error. */
static PyObject *
resolver(Tables *self, PyObject *receiver_ref)
{
    PyObject *receiver = Py_IS_TYPE(receiver_ref, self->engine->kinds[METHOD_REF])
                             ? NULL
                             : referent(receiver_ref);
    if (receiver == NULL) {
        return Py_NewRef(receiver_ref);
    }
    PyObject *plain = PyWeakref_NewRef(receiver, NULL);
    Py_DECREF(receiver);
    return plain;
}

/* What a snapshot has of its connections; all is held. */
typedef struct {
    PyObject *connections, *refs, *newest, *inside, *nothing;
    int is_async;
} Contents;

static void
free_contents(Contents *contents)
{
    Py_CLEAR(contents->connections);
    Py_CLEAR(contents->refs);
    Py_CLEAR(contents->newest);
    Py_CLEAR(contents->inside);
    Py_CLEAR(contents->nothing);
}

/* Fill in what follows from the connections; -1 with an error, and also if they are not plain. */
static int
fill_contents(Tables *self, Contents *contents)
{
    long long newest;
    if (contents->connections == NULL || !are_plain(self, contents->connections, &newest)) {
        return -1;
    }
    Py_ssize_t size = PyTuple_GET_SIZE(contents->connections);
    contents->refs = PyTuple_New(size);
    contents->nothing = PyTuple_New(0);
    contents->newest = PyLong_FromLongLong(newest);
    contents->inside = PyDict_New();
    if (contents->refs == NULL || contents->nothing == NULL || contents->newest == NULL
        || contents->inside == NULL) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *connection = PyTuple_GET_ITEM(contents->connections, i);
        PyObject *receiver_ref = slot_of(self, connection, CONNECTION_RECEIVER);
        PyObject *ref = resolver(self, receiver_ref);
        if (ref == NULL) {
            return -1;
        }
        PyTuple_SET_ITEM(contents->refs, i, ref);
        contents->is_async |= slot_of(self, receiver_ref, IS_ASYNC) == Py_True;
        write_slot(self->engine, receiver_ref, FATE, Py_NewRef(self->parts[SENT_FATE]));
    }
    return 0;
}

/* Give a snapshot of connections; a new reference, or NULL. Takes over the connections. */
static PyObject *
new_snapshot(Tables *self, PyObject *connections, PyObject *any_version, PyObject *own_version,
             int shared)
{
    Contents contents = {.connections = connections};
    PyTypeObject *type = self->engine->kinds[SNAPSHOT];
    PyObject *made = fill_contents(self, &contents) < 0 ? NULL : type->tp_alloc(type, 0);
    if (made == NULL) {
        free_contents(&contents);
        return NULL;
    }
    int alone = PyTuple_GET_SIZE(contents.refs) == 1;
    PyObject *only = alone ? PyTuple_GET_ITEM(contents.refs, 0) : Py_None;
    fill_slot(self, made, ONLY_REF, Py_NewRef(only));
    fill_slot(self, made, CONNECTIONS, contents.connections);
    fill_slot(self, made, RECEIVER_REFS, contents.refs);
    fill_slot(self, made, CALLS, Py_NewRef(contents.nothing));
    fill_slot(self, made, SPARING, contents.nothing);
    fill_slot(self, made, LAST_FAILED, Py_NewRef(Py_None));
    fill_slot(self, made, NEWEST, contents.newest);
    fill_slot(self, made, INSIDE, contents.inside);
    fill_slot(self, made, OUTSIDE, Py_NewRef(Py_None));
    fill_slot(self, made, SCOPES, Py_NewRef(self->parts[NOTHING]));
    fill_slot(self, made, POSTPONES, Py_NewRef(Py_False));
    fill_slot(self, made, SLOW_IN_SEND_ASYNC, Py_NewRef(Py_False));
    fill_slot(self, made, SLOW_IN_SEND, Py_NewRef(contents.is_async ? Py_True : Py_False));
    fill_slot(self, made, SNAPSHOT_MUTED, Py_NewRef(Py_False));
    fill_slot(self, made, SHARED, Py_NewRef(shared ? Py_True : Py_False));
    fill_slot(self, made, ANY_VERSION, Py_NewRef(any_version));
    fill_slot(self, made, OWN_VERSION, Py_NewRef(own_version));
    return made;
}

/* Give what is connected for a sender, or for all if that is the group; NULL if it is not plain. */
static PyObject *
connections_of(Tables *self, PyObject *registry, PyObject *group)
{
    PyObject *any = slot_of(self, registry, ANY_GROUP);
    PyObject *for_all = slot_of(self, any, GROUP_CONNECTIONS);
    if (group != any && PyDict_GET_SIZE(for_all) != 0) {
        return NULL;
    }
    if (Py_IS_TYPE(group, self->engine->kinds[CONNECTION])) {
        return PyTuple_Pack(1, group);
    }
    PyObject *values = PyDict_Values(slot_of(self, group, GROUP_CONNECTIONS));
    PyObject *connections = values == NULL ? NULL : PyList_AsTuple(values);
    Py_XDECREF(values);
    return connections;
}

/* Tell whether a connection that is alone may use the snapshot of its receiver, as others do. */
static int
may_share(Tables *self, PyObject *connection)
{
    PyObject *receiver_ref = slot_of(self, connection, CONNECTION_RECEIVER);
    PyObject *options = slot_of(self, connection, CONNECTION_OPTIONS);
    PyObject *scope = PyTuple_GET_ITEM(options, SCOPE_AT);
    return options == slot_of(self, receiver_ref, RECEIVER_OPTIONS)
           && (scope == Py_None || slot_of(self, scope, EVERYWHERE) == Py_True)
           && ((PyWeakReference *)connection)->wr_object != self->parts[ANY];
}

/* Give one of the connections of a group, borrowed, or NULL. */
static PyObject *
any_connection(Tables *self, PyObject *group)
{
    PyObject *found = group;
    Py_ssize_t at = 0;
    if (Py_IS_TYPE(group, self->engine->kinds[GROUP])
        && !PyDict_Next(slot_of(self, group, GROUP_CONNECTIONS), &at, NULL, &found)) {
        return NULL;
    }
    return found;
}

void
keep_snapshot(Send *engine, PyObject *registry, PyObject *group, PyObject *sender,
              PyObject *snapshot)
{
    Tables *self = engine->tables;
    PyObject *own = self == NULL ? NULL : any_connection(self, group);
    /* As `keep` in `lookup.py`: the connection is a weak reference to the sender, and the snapshot
     * is not a part of one, for a context. */
    if (own == NULL || !Py_IS_TYPE(own, engine->kinds[CONNECTION])
        || ((PyWeakReference *)own)->wr_object != sender
        || PyDict_GET_SIZE(slot_of(self, registry, LOCAL_MUTES)) != 0
        || slot_of(self, snapshot, SLOW_IN_SEND) != Py_False
        || snapshot_of(engine, group) != snapshot) {
        return;
    }
    /* Held first: making a tuple may run the collector, and that may change connections. */
    PyObject *version = Py_NewRef(slot_of(self, registry, VERSION));
    Py_INCREF(own);
    PyObject *kept = PyTuple_Pack(3, version, own, snapshot);
    Py_DECREF(version);
    Py_DECREF(own);
    if (kept != NULL) {
        write_slot(engine, registry, LAST_OWN, kept);
    }
    PyErr_Clear();  /* It is looked up again. */
}

PyObject *
make_snapshot(Send *engine, PyObject *registry, PyObject *group)
{
    Tables *self = engine->tables;
    if (self == NULL) {
        return NULL;
    }
    PyObject *any = slot_of(self, registry, ANY_GROUP);
    int alone = Py_IS_TYPE(group, engine->kinds[CONNECTION]);
    int shared = alone && may_share(self, group);
    /* Read first: if something changes in the meantime, the snapshot is out of date. */
    PyObject *any_version = Py_NewRef(slot_of(self, any, GROUP_VERSION));
    PyObject *own_version = Py_NewRef(alone ? self->zero : slot_of(self, group, GROUP_VERSION));
    PyObject *connections = connections_of(self, registry, group);
    PyObject *made = connections == NULL ? NULL
                                         : new_snapshot(self, connections, any_version,
                                                        own_version, shared);
    if (made != NULL && shared) {
        PyObject *receiver_ref = slot_of(self, group, CONNECTION_RECEIVER);
        write_slot(engine, receiver_ref, SHARED_SNAPSHOT, Py_NewRef(made));
    }
    else if (made != NULL) {
        write_slot(engine, group, alone ? CONNECTION_SNAPSHOT : GROUP_SNAPSHOT, Py_NewRef(made));
    }
    Py_DECREF(any_version);
    Py_DECREF(own_version);
    PyErr_Clear();  /* Python tries again. */
    return made;
}
