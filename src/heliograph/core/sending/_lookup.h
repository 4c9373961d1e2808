/* Finds whom a send calls, as `lookup.py`: the snapshot for its sender, if that is a good one. */

#ifndef HELIOGRAPH_LOOKUP_H
#define HELIOGRAPH_LOOKUP_H

#include "_dispatch.h"

#define FEW 4  /* weak references that are looked at */

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

/* Give the snapshot of a group, or of a connection that is alone, borrowed, or None if old. */
static inline PyObject *
snapshot_of(Send *self, PyObject *group)
{
    if (Py_TYPE(group) == self->kinds[GROUP]) {
        PyObject *snapshot = read_slot(self, group, GROUP_SNAPSHOT);
        if (snapshot != Py_None
            && read_slot(self, snapshot, OWN_VERSION) != read_slot(self, group, GROUP_VERSION)) {
            return Py_None;
        }
        return snapshot;
    }
    PyObject *snapshot = read_slot(self, group, CONNECTION_SNAPSHOT);
    PyObject *receiver_ref = read_slot(self, group, CONNECTION_RECEIVER);
    if (snapshot == Py_None
        && (read_slot(self, group, CONNECTION_OPTIONS)
            == read_slot(self, receiver_ref, RECEIVER_OPTIONS))) {
        /* That of all senders for whom this receiver alone is connected, with the same options. */
        return read_slot(self, receiver_ref, SHARED_SNAPSHOT);
    }
    return snapshot;
}

/* Tell whether the block of a scope has not been left. */
static inline int
is_open(Send *self, PyObject *scope)
{
    return read_slot(self, scope, SCOPE_BLOCK) != Py_None;
}

/* Give the scope that the context is inside of, a new reference, or NULL; None if there is none. */
static PyObject *
innermost_scope(Send *self)
{
    PyObject *first = NULL;
    if (PyContextVar_Get(self->innermost_block, Py_None, &first) < 0) {
        return NULL;
    }
    if (first == Py_None || is_open(self, first)) {
        return first;
    }
    PyObject *found = read_slot(self, first, OUTER);
    while (found != Py_None && !is_open(self, found)) {
        found = read_slot(self, found, OUTER);
    }
    Py_INCREF(found);
    /* Or each look would pass again those that were left. */
    write_slot(self, first, OUTER, Py_NewRef(found));
    Py_DECREF(first);
    return found;
}

/* Tell whether the context is inside of one of these blocks; -1 with an error. */
static int
is_inside(Send *self, PyObject *blocks)
{
    PyObject *block = innermost_scope(self);
    int inside = block == NULL ? -1 : 0;
    while (inside == 0 && block != Py_None) {
        inside = PySequence_Contains(blocks, block);
        Py_SETREF(block, Py_NewRef(read_slot(self, block, OUTER)));
    }
    Py_XDECREF(block);
    return inside;
}

/* Give what a snapshot is in this context, borrowed, if that is outside of all local blocks;
 * or NULL. */
static inline PyObject *
snapshot_outside(Send *self, PyObject *registry, PyObject *snapshot)
{
    PyObject *mutes = read_slot(self, registry, LOCAL_MUTES);
    if (PyDict_GET_SIZE(mutes) != 0 && is_inside(self, mutes) != 0) {
        return NULL;
    }
    PyObject *blocks = read_slot(self, snapshot, SCOPES);
    if (PySet_GET_SIZE(blocks) == 0) {
        return snapshot;
    }
    PyObject *outside = read_slot(self, snapshot, OUTSIDE);
    return outside != Py_None && is_inside(self, blocks) == 0 ? outside : NULL;
}

/* Make the snapshot of a group; give it borrowed, or NULL if Python has to. */
static PyObject *
new_good_snapshot(Send *self, PyObject *registry, PyObject *group)
{
    PyObject *version = Py_NewRef(read_slot(self, registry, VERSION)), *found = NULL;
    Py_INCREF(group);
    PyObject *made = make_snapshot(self, registry, group);
    /* Making it may have run code, and what that changed may concern it. */
    if (made != NULL && read_slot(self, registry, VERSION) == version
        && snapshot_of(self, group) == made) {
        found = made;
    }
    Py_XDECREF(made);
    Py_DECREF(group);
    Py_DECREF(version);
    return found;
}

/* Give the snapshot of a group, a new reference, or NULL; without an error if it is not plain. */
static inline PyObject *
good_snapshot(Send *self, PyObject *registry, PyObject *group, int slow_too)
{
    PyObject *snapshot = snapshot_of(self, group), *any = read_slot(self, registry, ANY_GROUP);
    if (read_slot(self, registry, NEEDS_SLOW_PATH) != Py_False) {
        return NULL;
    }
    if (snapshot == Py_None
        || read_slot(self, snapshot, ANY_VERSION) != read_slot(self, any, GROUP_VERSION)) {
        snapshot = new_good_snapshot(self, registry, group);
        if (snapshot == NULL) {
            return NULL;
        }
    }
    snapshot = snapshot_outside(self, registry, snapshot);
    if (snapshot == NULL
        || (!slow_too && read_slot(self, snapshot, SLOW_IN_SEND) != Py_False)) {
        return NULL;
    }
    return Py_NewRef(snapshot);
}

/* Tell whether nothing has changed since a snapshot was kept for one sender. */
static inline int
is_kept(Send *self, PyObject *registry)
{
    return PyTuple_GET_ITEM(read_slot(self, registry, LAST_OWN), 0)
           == read_slot(self, registry, VERSION);
}

/* Give the snapshot that is kept for one sender, borrowed, if this is that sender; or NULL. */
static inline PyObject *
kept_snapshot(Send *self, PyObject *registry, PyObject *sender)
{
    if (!is_kept(self, registry)) {
        return NULL;
    }
    PyObject *kept = read_slot(self, registry, LAST_OWN);
    /* A connection, which is a weak reference to the sender; None once that is dead. */
    PyObject *own = PyTuple_GET_ITEM(kept, 1);
    if (((PyWeakReference *)own)->wr_object != sender || sender == Py_None) {
        return NULL;
    }
    return PyTuple_GET_ITEM(kept, 2);
}

/* Give the snapshot for the sender, a new reference, or NULL; without an error if Python has to
 * find it, or to make it. Where senders share it, and that is asked for, also the connection.
 * What `send` cannot call one after the other is given only if that is wanted, too. */
static inline Py_ALWAYS_INLINE PyObject *
find_snapshot(Send *self, PyObject *registry, PyObject *sender, PyObject **own,
              int slow_too)
{
    PyObject *kept = kept_snapshot(self, registry, sender);
    if (kept != NULL) {
        if (own != NULL && read_slot(self, kept, SHARED) == Py_True) {
            *own = Py_NewRef(PyTuple_GET_ITEM(read_slot(self, registry, LAST_OWN), 1));
        }
        return Py_NewRef(kept);
    }
    int itself = is_itself(self, Py_TYPE(sender));
    if (!itself && !PyUnicode_CheckExact(sender)) {
        return NULL;
    }
    PyObject *senders = read_slot(self, registry, SENDERS);
    if (itself && (PyDict_GET_SIZE(senders) == 0 || !may_be_connected_for(self, sender))) {
        return good_snapshot(self, registry, read_slot(self, registry, ANY_GROUP), slow_too);
    }
    Py_INCREF(senders);
    PyObject *key = itself ? key_of(self, sender) : sender, *snapshot = NULL;
    PyObject *group = key == NULL ? NULL : PyDict_GetItemWithError(senders, key);
    if (group == NULL && !PyErr_Occurred()) {
        snapshot = good_snapshot(self, registry, read_slot(self, registry, ANY_GROUP), slow_too);
    }
    /* With changes to come, it may be that of a dead sender with the same address. */
    else if (group != NULL && Py_SIZE(self->pending_changes) == 0) {
        snapshot = good_snapshot(self, registry, group, slow_too);
        if (own != NULL && snapshot != NULL && read_slot(self, snapshot, SHARED) == Py_True) {
            *own = Py_NewRef(group);
        }
        /* What is kept stays until something changes, or two senders would push each other out. */
        if (snapshot != NULL && !is_kept(self, registry)) {
            keep_snapshot(self, registry, group, sender, snapshot);
        }
    }
    Py_DECREF(senders);
    return snapshot;
}

#endif
