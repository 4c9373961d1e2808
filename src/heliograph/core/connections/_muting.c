/* Mutes a signal inside of a scope, as `SendState.mute`.
 *
 * The rules are in `_tables.h`.
 */

#include "_tables.h"

/* What the mutes of a signal are after a change, all made before it. */
typedef struct {
    PyObject *mutes, *local, *version, *changes;
    int silent;
} Mutes;

static void
free_mutes(Mutes *made)
{
    Py_CLEAR(made->mutes);
    Py_CLEAR(made->local);
    Py_CLEAR(made->version);
    Py_CLEAR(made->changes);
}

/* Give a copy of a table with a scope, or without it if nobody is spared; NULL with an error. */
static PyObject *
copy_with(PyObject *table, PyObject *scope, PyObject *spared)
{
    Py_ssize_t size = PyDict_GET_SIZE(table);
    if (size == 1 && spared == NULL && PyDict_Contains(table, scope) == 1) {
        return PyDict_New();
    }
    PyObject *copy = size == 0 ? PyDict_New() : PyDict_Copy(table);
    int failed = copy == NULL;
    if (!failed && spared != NULL) {
        failed = PyDict_SetItem(copy, scope, spared) < 0;
    }
    else if (!failed && PyDict_Contains(copy, scope) == 1) {
        failed = PyDict_DelItem(copy, scope) < 0;
    }
    if (failed) {
        Py_CLEAR(copy);
    }
    return copy;
}

/* Tell whether one of these mutes every receiver in every context. */
static int
are_silent(Tables *self, PyObject *mutes)
{
    PyObject *scope, *spared;
    Py_ssize_t position = 0;
    while (PyDict_Next(mutes, &position, &scope, &spared)) {
        if (slot_of(self, scope, EVERYWHERE) == Py_True && PySet_GET_SIZE(spared) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Make what the mutes of a signal will be; -1 with an error. */
static int
new_mutes(Tables *self, PyObject *registry, PyObject *scope, PyObject *spared, Mutes *made)
{
    /* Held, as copying may run code that puts others in their place. */
    PyObject *mutes = Py_NewRef(slot_of(self, registry, MUTES));
    PyObject *local = Py_NewRef(slot_of(self, registry, LOCAL_MUTES));
    made->mutes = copy_with(mutes, scope, spared);
    made->local = slot_of(self, scope, EVERYWHERE) == Py_True ? Py_NewRef(local)
                                                              : copy_with(local, scope, spared);
    Py_DECREF(mutes);
    Py_DECREF(local);
    made->version = number_after(slot_of(self, registry, VERSION), 1);
    if (made->mutes == NULL || made->local == NULL || made->version == NULL) {
        return -1;
    }
    made->silent = are_silent(self, made->mutes);
    int before = slot_of(self, registry, SILENT) == Py_True;
    made->changes = made->silent == before
                        ? Py_NewRef(slot_of(self, registry, SILENCE_CHANGES))
                        : Py_NewRef(made->version);  /* Which it never was. */
    return made->changes == NULL ? -1 : 0;
}

/* Write them, and what follows for sends. */
static void
write_mutes(Tables *self, PyObject *registry, Mutes *made, Dropped *dropped)
{
    int asked = slot_of(self, registry, OVERRIDDEN) == Py_True
                || slot_of(self, registry, IS_CHECKED) == Py_True;
    int muted = PyDict_GET_SIZE(made->mutes) > PyDict_GET_SIZE(made->local);
    int heard = PyDict_GET_SIZE(slot_of(self, registry, RECEIVERS)) != 0 && !made->silent;
    /* What is compared with what is expected is checked without the slow path. */
    int slowly = slot_of(self, registry, OVERRIDDEN) == Py_True
                 || (slot_of(self, registry, IS_CHECKED) == Py_True
                     && slot_of(self, registry, EXPECTED) == Py_None);
    PyObject *slow = slowly || muted ? Py_True : Py_False;
    PyObject *anyone = heard || asked ? self->parts[SOMEONE] : slot_of(self, registry, WATCHERS);
    change_slot(self, registry, MUTES, Py_NewRef(made->mutes), dropped);
    change_slot(self, registry, LOCAL_MUTES, Py_NewRef(made->local), dropped);
    change_slot(self, registry, SILENT, Py_NewRef(made->silent ? Py_True : Py_False), dropped);
    change_slot(self, registry, SILENCE_CHANGES, Py_NewRef(made->changes), dropped);
    change_slot(self, registry, NEEDS_SLOW_PATH, Py_NewRef(slow), dropped);
    change_slot(self, registry, ANYONE, Py_NewRef(anyone), dropped);
    change_slot(self, registry, VERSION, Py_NewRef(made->version), dropped);
}

int
mute(Tables *self, PyObject *registry, PyObject *scope, PyObject *spared)
{
    Mutes made = {NULL};
    Dropped dropped = {.count = 0};
    PyObject *seen = Py_NewRef(slot_of(self, registry, VERSION));
    int muted = new_mutes(self, registry, scope, spared, &made) == 0 && is_quiet(self)
                && slot_of(self, registry, VERSION) == seen;
    if (muted) {
        write_mutes(self, registry, &made, &dropped);
    }
    no_error();
    free_mutes(&made);
    Py_DECREF(seen);
    drop_all(&dropped);
    return muted;
}
