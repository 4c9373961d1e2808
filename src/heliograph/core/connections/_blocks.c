/* Temporary connections and mutes: `connected_to` and `muted`, and entering and leaving the blocks
 * that they make, as `blocks.py` and `scopes.py`.
 *
 * The rules are in `_tables.h`. What is left in another context or another order than usual is
 * left in Python.
 */

#include "_tables.h"

#define ROOM 32  /* calls inside each other that leaving a block in Python may take */

/* Tell whether the stack has room for leaving a block. */
static int
has_room(void)
{
    PyThreadState *thread = PyThreadState_Get();
#if PY_VERSION_HEX >= 0x030C0000
    return thread->py_recursion_remaining > ROOM;
#else
    return thread->recursion_remaining > ROOM;
#endif
}

/* Making blocks ----------------------------------------------------------------------- */

/* Read whether a block is local, the only argument by keyword; -1 if Python has to. */
static int
read_local(Tables *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    Py_ssize_t named = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    if (named == 0) {
        return 0;
    }
    if (named > 1 || PyTuple_GET_ITEM(kwnames, 0) != self->names[NAME_LOCAL]) {
        return -1;
    }
    PyObject *local = args[nargs];
    return local == Py_True ? 1 : local == Py_False ? 0 : -1;
}

/* Give a block of a kind, made here; a new reference, or NULL if Python has to. */
static PyObject *
new_block(Tables *self, enum kind kind, PyObject *signal, int local, PyObject *site)
{
    PyTypeObject *type = self->engine->kinds[kind];
    PyObject *open = PyDict_New(), *leaving = PyDict_New();
    PyObject *made = open == NULL || leaving == NULL ? NULL : type->tp_alloc(type, 0);
    if (made == NULL) {
        Py_XDECREF(open);
        Py_XDECREF(leaving);
        return NULL;
    }
    fill_slot(self, made, BLOCK_EVERYWHERE, Py_NewRef(local ? Py_False : Py_True));
    fill_slot(self, made, BLOCK_LEAVING, leaving);
    fill_slot(self, made, BLOCK_MADE, Py_NewRef(site));
    fill_slot(self, made, BLOCK_OPEN, open);
    fill_slot(self, made, BLOCK_USED, Py_NewRef(Py_False));
    fill_slot(self, made, kind == CONNECTED_BLOCK ? CONNECTED_SIGNAL : MUTED_SIGNAL,
              Py_NewRef(signal));
    return made;
}

PyObject *
connected_to_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf,
                        PyObject *kwnames)
{
    Verb *verb = (Verb *)callable;
    Tables *self = verb->tables;
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    int local = nargs == 2 || nargs == 3 ? read_local(self, args, nargs, kwnames) : -1;
    PyObject *registry = local < 0 ? NULL : registry_of(self->engine, args[0]), *made = NULL;
    if (registry == NULL) {
        return in_python(verb, args, nargsf, kwnames);
    }
    Receiver receiver;
    PyObject *sender = nargs > 2 ? args[2] : self->parts[ANY];
    PyObject *key = key_of_sender(self, sender), *site = NULL, *options = NULL;
    if (key != NULL && is_function_or_method(self, args[1], &receiver)
        && is_plain_receiver(self, &receiver) && known_to_omit(self, registry, &receiver) != NULL) {
        site = call_site(self);
    }
    if (site != NULL) {
        options = lasting_options(self, 0, site);
        made = options == NULL ? NULL : new_block(self, CONNECTED_BLOCK, args[0], local, site);
    }
    if (made != NULL) {
        fill_slot(self, made, CONNECTED_OPTIONS, Py_NewRef(options));
        fill_slot(self, made, CONNECTED_RECEIVER, Py_NewRef(args[1]));
        fill_slot(self, made, CONNECTED_SENDER, Py_NewRef(sender));
    }
    Py_XDECREF(options);
    Py_XDECREF(site);
    Py_XDECREF(key);
    Py_DECREF(registry);
    return made != NULL ? made : in_python(verb, args, nargsf, kwnames);
}

PyObject *
muted_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Verb *verb = (Verb *)callable;
    Tables *self = verb->tables;
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    int local = nargs == 1 ? read_local(self, args, nargs, kwnames) : -1;
    PyObject *registry = local < 0 ? NULL : registry_of(self->engine, args[0]);
    PyObject *site = registry == NULL ? NULL : call_site(self);
    PyObject *nobody = site == NULL ? NULL : PyTuple_New(0);
    PyObject *made = nobody == NULL ? NULL : new_block(self, MUTED_BLOCK, args[0], local, site);
    if (made != NULL) {
        fill_slot(self, made, MUTED_REGISTRY, Py_NewRef(registry));
        fill_slot(self, made, MUTED_SPARED, Py_NewRef(nobody));
        fill_slot(self, made, MUTED_KEYS, Py_NewRef(self->parts[NOTHING]));
    }
    Py_XDECREF(nobody);
    Py_XDECREF(site);
    Py_XDECREF(registry);
    return made != NULL ? made : in_python(verb, args, nargsf, kwnames);
}

/* Scopes ------------------------------------------------------------------------------ */

/* Let the context be inside a scope; -1 with an error. */
static int
set_scope(Tables *self, PyObject *scope)
{
    PyObject *token = PyContextVar_Set(self->engine->innermost_block, scope);
    Py_XDECREF(token);
    return token == NULL ? -1 : 0;
}

/* Give a scope for a block that is entered, which its context has to know if it counts only there;
 * a new reference, or NULL if Python has to. */
static PyObject *
new_scope(Tables *self, PyObject *block, int local)
{
    PyTypeObject *type = self->engine->kinds[SCOPE];
    PyObject *outer = local ? innermost_scope(self->engine) : Py_NewRef(Py_None), *made = NULL;
    /* Python lets what is around it forget those that have been left. */
    if (outer == Py_None
        || (outer != NULL && (slot_of(self, outer, OUTER) == Py_None
                              || is_open(self->engine, slot_of(self, outer, OUTER))))) {
        made = type->tp_alloc(type, 0);
    }
    if (made == NULL) {
        Py_XDECREF(outer);
        return NULL;
    }
    fill_slot(self, made, SCOPE_BLOCK, Py_NewRef(block));
    fill_slot(self, made, EVERYWHERE, Py_NewRef(slot_of(self, block, BLOCK_EVERYWHERE)));
    fill_slot(self, made, SCOPE_MADE, Py_NewRef(Py_None));
    fill_slot(self, made, OUTER, outer);
    return made;
}

/* Note that a scope is over. */
static void
close_scope(Tables *self, PyObject *block, PyObject *scope)
{
    PyObject *open = slot_of(self, block, BLOCK_OPEN);
    write_slot(self->engine, scope, SCOPE_BLOCK, Py_NewRef(Py_None));
    write_slot(self->engine, scope, SCOPE_MADE, Py_NewRef(Py_None));
    (void)PyDict_DelItem(open, scope);
    no_error();
}

/* Entering and leaving ---------------------------------------------------------------- */

/* Connect a receiver inside of a scope; 0 if Python has to. */
static int
begin_connected(Tables *self, PyObject *block, PyObject *scope)
{
    PyObject *signal = slot_of(self, block, CONNECTED_SIGNAL);
    PyObject *registry = registry_of(self->engine, signal), *made = NULL, *list = NULL;
    if (registry != NULL && has_usual_options(self, slot_of(self, block, CONNECTED_OPTIONS))
        && connects_plainly(self, signal)
        && tells_nobody(self, signal, NAME_CONNECTED)) {
        made = connect_in_scope(self, registry, slot_of(self, block, CONNECTED_RECEIVER),
                                slot_of(self, block, CONNECTED_SENDER), scope,
                                slot_of(self, block, BLOCK_MADE));
    }
    if (made != NULL && (list = PyList_New(1)) != NULL) {
        PyList_SET_ITEM(list, 0, Py_NewRef(made));
        write_slot(self->engine, scope, SCOPE_MADE, list);
    }
    else if (made != NULL) {
        (void)end_connection(self, registry, made, 0);
    }
    Py_XDECREF(made);
    Py_XDECREF(registry);
    return list != NULL;
}

/* End the connection of a scope; 0 if Python has to. */
static int
end_connected(Tables *self, PyObject *block, PyObject *scope)
{
    PyObject *signal = slot_of(self, block, CONNECTED_SIGNAL), *made = slot_of(self, scope, SCOPE_MADE);
    if (!PyList_CheckExact(made) || PyList_GET_SIZE(made) != 1) {
        return 0;
    }
    PyObject *connection = Py_NewRef(PyList_GET_ITEM(made, 0));
    PyObject *registry = registry_of(self->engine, signal);
    int ended = registry != NULL && Py_IS_TYPE(connection, self->engine->kinds[CONNECTION])
                && tells_nobody(self, signal, NAME_DISCONNECTED)
                && slot_of(self, slot_of(self, connection, CONNECTION_RECEIVER), REGISTRY_REF)
                       == slot_of(self, registry, SELF_REF)
                && end_connection(self, registry, connection, 0);
    Py_XDECREF(registry);
    Py_DECREF(connection);
    return ended;
}

static int
begin_muted(Tables *self, PyObject *block, PyObject *scope)
{
    PyObject *registry = Py_NewRef(slot_of(self, block, MUTED_REGISTRY));
    int muted = mute(self, registry, scope, slot_of(self, block, MUTED_KEYS));
    if (muted) {
        write_slot(self->engine, scope, SCOPE_MADE,
                   Py_NewRef(slot_of(self, block, MUTED_SPARED)));
    }
    Py_DECREF(registry);
    return muted;
}

static int
end_muted(Tables *self, PyObject *block, PyObject *scope)
{
    PyObject *registry = Py_NewRef(slot_of(self, block, MUTED_REGISTRY));
    PyObject *now = registry_of(self->engine, slot_of(self, block, MUTED_SIGNAL));
    /* A subclass may have replaced it meanwhile. */
    int ended = now == registry && mute(self, registry, scope, NULL);
    Py_XDECREF(now);
    Py_DECREF(registry);
    return ended;
}

/* Tell whether something is a block whose `__init__` has not failed. */
static int
is_block(Tables *self, PyObject *it)
{
    return (Py_IS_TYPE(it, self->engine->kinds[CONNECTED_BLOCK])
            && slot_of(self, it, CONNECTED_OPTIONS) != NULL)
           || (Py_IS_TYPE(it, self->engine->kinds[MUTED_BLOCK])
               && slot_of(self, it, MUTED_KEYS) != NULL);
}

/* Enter a block; 0 if Python has to. */
static int
enter(Tables *self, PyObject *block)
{
    int connects = Py_IS_TYPE(block, self->engine->kinds[CONNECTED_BLOCK]);
    if (!is_block(self, block)) {
        return 0;
    }
    /* Even if the stack ends here: somebody did try to enter it. */
    write_slot(self->engine, block, BLOCK_USED, Py_NewRef(Py_True));
    if (!is_quiet(self) || !has_room()) {
        return 0;
    }
    int local = slot_of(self, block, BLOCK_EVERYWHERE) != Py_True;
    PyObject *open = slot_of(self, block, BLOCK_OPEN);
    /* Once more, it is known to the context, too. */
    PyObject *scope = local || PyDict_GET_SIZE(open) == 0 ? new_scope(self, block, local) : NULL;
    int entered = scope != NULL && PyDict_SetItem(open, scope, local ? Py_True : Py_False) == 0;
    if (entered) {
        entered = connects ? begin_connected(self, block, scope) : begin_muted(self, block, scope);
        if (entered && local && set_scope(self, scope) < 0) {
            /* There is no memory to begin with. */
            entered = !(connects ? end_connected(self, block, scope)
                                 : end_muted(self, block, scope));
        }
        if (!entered) {
            write_slot(self->engine, scope, SCOPE_BLOCK, Py_NewRef(Py_None));
            (void)PyDict_DelItem(open, scope);
        }
    }
    Py_XDECREF(scope);
    return entered;
}

PyObject *
enter_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Verb *verb = (Verb *)callable;
    if (PyVectorcall_NARGS(nargsf) == 1 && kwnames == NULL && enter(verb->tables, args[0])) {
        return Py_NewRef(Py_None);
    }
    return in_python(verb, args, nargsf, kwnames);
}

/* Leave a block; 0 if Python has to. */
static int
leave(Tables *self, PyObject *block)
{
    int connects = Py_IS_TYPE(block, self->engine->kinds[CONNECTED_BLOCK]);
    PyObject *scope = NULL;
    Py_ssize_t at = 0;
    if (!is_block(self, block)
        || PyDict_GET_SIZE(slot_of(self, block, BLOCK_LEAVING)) != 0
        || PyDict_GET_SIZE(slot_of(self, block, BLOCK_OPEN)) != 1
        || !PyDict_Next(slot_of(self, block, BLOCK_OPEN), &at, &scope, NULL)) {
        return 0;
    }
    Py_INCREF(scope);
    int left = slot_of(self, scope, SCOPE_BLOCK) == block
               && (connects ? end_connected(self, block, scope) : end_muted(self, block, scope));
    if (left) {
        close_scope(self, block, scope);
    }
    Py_DECREF(scope);
    return left;
}

PyObject *
del_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Verb *verb = (Verb *)callable;
    Tables *self = verb->tables;
    if (PyVectorcall_NARGS(nargsf) == 1 && is_block(self, args[0])
        && slot_of(self, args[0], BLOCK_USED) == Py_True) {
        return Py_NewRef(Py_None);
    }
    return PyObject_Vectorcall(verb->in_python, args, nargsf, kwnames);
}

PyObject *
exit_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Verb *verb = (Verb *)callable;
    int left = PyVectorcall_NARGS(nargsf) > 0 && kwnames == NULL && leave(verb->tables, args[0]);
    return left ? Py_NewRef(Py_None) : in_python(verb, args, nargsf, kwnames);
}
