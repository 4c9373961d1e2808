/* What somebody sees of a send: begins and ends its watching, as `observing/watching.py`. */

#include "_dispatch.h"

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
new_emission(Send *self, Dispatch *dispatch, PyObject *parent)
{
    PyObject *payload = payload_of(dispatch);
    PyObject *deliveries = PyTuple_GET_SIZE(dispatch->refs) == 0 ? PyTuple_New(0) : PyList_New(0);
    PyObject *seen = self->kinds[EMISSION]->tp_alloc(self->kinds[EMISSION], 0);
    Py_ssize_t turn = parent == NULL ? 0 : PyList_GET_SIZE(read_slot(self, parent, DELIVERIES));
    PyObject *turns = PyLong_FromSsize_t(turn);
    PyObject *clock = PyFloat_FromDouble(dispatch->begun = clock_now());
    if (payload == NULL || deliveries == NULL || seen == NULL || turns == NULL || clock == NULL) {
        Py_XDECREF(payload);
        Py_XDECREF(deliveries);
        Py_XDECREF(seen);
        Py_XDECREF(turns);
        Py_XDECREF(clock);
        return NULL;
    }
    dispatch->now = dispatch->begun;
    write_slot(self, seen, SIGNAL, Py_NewRef(dispatch->signal));
    write_slot(self, seen, SENDER, Py_NewRef(dispatch->sender));
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

/* Let the context be inside of the send, around which is another one, or NULL; -1 with an error. */
static int
enter_place(Send *self, Dispatch *dispatch, PyObject *around)
{
    PyObject *place = new_place(self, dispatch->seen, around);
    PyObject *token = place == NULL ? NULL : PyContextVar_Set(self->inside, place);
    if (token == NULL) {
        if (place != NULL) {  /* The context may be there all the same, but for the token. */
            write_slot(self, place, WORK, Py_NewRef(Py_None));
            Py_DECREF(place);
        }
        return -1;
    }
    Py_DECREF(token);
    dispatch->place = place;
    return 0;
}

/* Begin to watch a send; -1 with an error. */
int
begin_watching(Send *self, Dispatch *dispatch)
{
    PyObject *here;
    if (PyContextVar_Get(self->inside, Py_None, &here) < 0) {
        return -1;
    }
    PyObject *around = innermost(self, here);
    Py_DECREF(here);
    PyObject *parent = around == NULL ? NULL : Py_NewRef(read_slot(self, around, WORK));
    dispatch->seen = new_emission(self, dispatch, parent);
    Py_XDECREF(parent);
    int failed = dispatch->seen == NULL;
    /* Where nobody is called, nothing can be inside of it. */
    if (!failed && PyTuple_GET_SIZE(dispatch->refs) != 0) {
        failed = enter_place(self, dispatch, around);
    }
    Py_XDECREF(around);
    return failed ? -1 : 0;
}

/* Note what a receiver returned; 0, or -1 with an error. */
int
note_delivery(Send *self, Dispatch *dispatch, Py_ssize_t at, PyObject *receiver, PyObject *value)
{
    double begun = dispatch->now;
    dispatch->now = clock_now();
    PyObject *took = PyFloat_FromDouble(dispatch->now - begun);
    PyObject *it = self->kinds[DELIVERY]->tp_alloc(self->kinds[DELIVERY], 0);
    if (took == NULL || it == NULL) {
        Py_XDECREF(took);
        Py_XDECREF(it);
        return -1;
    }
    PyObject *connection = dispatch->own;
    if (connection == NULL) {
        connection = PyTuple_GET_ITEM(read_slot(self, dispatch->snapshot, CONNECTIONS), at);
    }
    write_slot(self, it, RECEIVER, Py_NewRef(receiver));
    write_slot(self, it, BY, Py_NewRef(connection));
    write_slot(self, it, DURATION, took);
    write_slot(self, it, VALUE, Py_NewRef(value));
    write_slot(self, it, FAILED, Py_NewRef(Py_None));
    int failed = PyList_Append(read_slot(self, dispatch->seen, DELIVERIES), it);
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
tell_all(Send *self, Dispatch *dispatch)
{
    PyObject *watchers = PyList_AsTuple(read_slot(self, dispatch->registry, WATCHERS));
    PyObject *teller = watchers == NULL ? NULL : whoever_runs(self);
    int failed = teller == NULL || PyDict_SetItem(self->tellers, teller, Py_None) < 0;
    if (!failed) {
        for (Py_ssize_t i = 0; !failed && i < PyTuple_GET_SIZE(watchers); i++) {
            failed = tell_one(self, PyTuple_GET_ITEM(watchers, i), dispatch->seen);
        }
        forget_teller(self, teller);
    }
    Py_XDECREF(teller);
    Py_XDECREF(watchers);
    return failed ? -1 : 0;
}

/* Let an emission that has ended after its parent not keep that; -1 with an error. */
static int
outlive(Send *self, Dispatch *dispatch)
{
    PyObject *parent = read_slot(self, dispatch->seen, PARENT);
    PyObject *around = read_slot(self, dispatch->place, AROUND);
    if (parent == Py_None || (around != Py_None && read_slot(self, around, WORK) == parent)) {
        return 0;
    }
    PyObject *error = taken_error(), *done = PyObject_CallOneArg(self->outlive, dispatch->seen);
    Py_XDECREF(done);
    if (error != NULL) {
        PyErr_Clear();
        set_error(error);
    }
    return done == NULL ? -1 : 0;
}

/* End a send that was watched, and tell of it; -1 with an error. */
int
end_watching(Send *self, Dispatch *dispatch)
{
    PyObject *place = dispatch->place;
    if (place == NULL) {
        return tell_all(self, dispatch);
    }
    PyObject *took = PyFloat_FromDouble(dispatch->now - dispatch->begun);
    if (took == NULL) {
        return -1;
    }
    write_slot(self, dispatch->seen, TOOK, took);
    write_slot(self, place, WORK, Py_NewRef(Py_None));
    PyObject *around = innermost(self, read_slot(self, place, AROUND));
    write_slot(self, place, AROUND, around == NULL ? Py_NewRef(Py_None) : around);
    int failed = tell_all(self, dispatch);
    return outlive(self, dispatch) | failed;
}

/* End it with the error that is set, which stays. */
void
end_with_error(Send *self, Dispatch *dispatch)
{
    PyObject *error = taken_error();
    write_slot(self, dispatch->place, WORK, Py_NewRef(Py_None));
    PyObject *done = PyObject_CallFunctionObjArgs(self->end_watching, dispatch->place,
                                                  dispatch->seen, NULL);
    Py_XDECREF(done);
    PyErr_Clear();
    set_error(error);
}
