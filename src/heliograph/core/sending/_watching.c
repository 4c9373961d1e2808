/* Begins and ends the watching of a send, as `observing/watching.py` does. */

#include "_dispatch.h"

/* Give the position of the receiver that is running in an emission, or 0 for None. */
static Py_ssize_t
turn_of(Send *self, PyObject *parent)
{
    if (parent == Py_None) {
        return 0;
    }
    PyObject *deliveries = read_slot(self, parent, DELIVERIES);
    return Py_TYPE(deliveries) == self->kinds[NOTES] ? count_notes(deliveries)
                                                     : PyList_GET_SIZE(deliveries);
}

/* Give an emission of which nothing is known. */
static PyObject *
empty_emission(Send *self)
{
    PyObject *made = self->spare_emission;
    if (made == NULL) {
        return self->kinds[EMISSION]->tp_alloc(self->kinds[EMISSION], 0);
    }
    self->spare_emission = NULL;
    PyObject_GC_Track(made);
    return made;
}

/* Let go of an emission; if nobody else has kept it, it serves again. */
static void
release_emission(Send *self, PyObject *emission)
{
    PyObject **weak = (PyObject **)((char *)emission + self->kinds[EMISSION]->tp_weaklistoffset);
    if (Py_REFCNT(emission) != 1 || *weak != NULL) {
        Py_DECREF(emission);
        return;
    }
    PyObject_GC_UnTrack(emission);
    for (int slot = SIGNAL; slot <= TURN; slot++) {
        write_slot(self, emission, slot, NULL);  /* Runs code of others, who may leave one, too. */
    }
    if (self->spare_emission == NULL) {
        self->spare_emission = emission;
    }
    else {
        Py_DECREF(emission);
    }
}

/* Let the watch have an emission that begins now; -1 with an error. */
static int
begin_emission(Send *self, Dispatch *dispatch, PyObject *parent)
{
    Watch *watch = dispatch->watch;
    PyObject *turn = PyLong_FromSsize_t(turn_of(self, parent));
    PyObject *notes = watch->notes = new_notes(self, dispatch);
    PyObject *made = empty_emission(self);
    watch->begun = watch->now = clock_now();
    PyObject *clock = PyFloat_FromDouble(watch->begun);
    if (turn == NULL || notes == NULL || made == NULL || clock == NULL) {
        Py_XDECREF(turn);
        Py_XDECREF(made);
        Py_XDECREF(clock);
        return -1;
    }
    write_slot(self, made, SIGNAL, Py_NewRef(dispatch->signal));
    write_slot(self, made, SENDER, Py_NewRef(dispatch->sender));
    write_slot(self, made, PAYLOAD, Py_NewRef(notes));
    write_slot(self, made, PARENT, Py_NewRef(parent));
    write_slot(self, made, STARTED, Py_NewRef(Py_None));
    write_slot(self, made, CLOCK, clock);
    write_slot(self, made, TOOK, Py_NewRef(self->zero));
    write_slot(self, made, DELIVERIES, Py_NewRef(notes));
    write_slot(self, made, MUTED, Py_NewRef(Py_False));
    write_slot(self, made, TURN, turn);
    watch->emission = made;
    return 0;
}

PyObject *
empty_place(Send *self)
{
    PyObject *made = self->spare_place;
    if (made == NULL) {
        return self->kinds[PLACE]->tp_alloc(self->kinds[PLACE], 0);
    }
    self->spare_place = NULL;
    PyObject_GC_Track(made);
    return made;
}

void
release_place(Send *self, PyObject *place)
{
    if (place == Py_None || Py_REFCNT(place) != 1) {
        Py_DECREF(place);
        return;
    }
    PyObject_GC_UnTrack(place);
    write_slot(self, place, WORK, NULL);  /* May run code of others, who may leave one, too. */
    write_slot(self, place, AROUND, NULL);
    if (self->spare_place == NULL) {
        self->spare_place = place;
    }
    else {
        Py_DECREF(place);
    }
}

/* Put the context inside the send, which is inside another one or None; -1 with an error. */
static int
enter_place(Send *self, Watch *watch, PyObject *around)
{
    PyObject *place = empty_place(self);
    if (place == NULL) {
        return -1;
    }
    write_slot(self, place, WORK, Py_NewRef(watch->emission));
    write_slot(self, place, AROUND, Py_NewRef(around));
    PyObject *token = PyContextVar_Set(self->inside, place);
    if (token == NULL) {
        /* The context may be there all the same, but for the token. */
        write_slot(self, place, WORK, Py_NewRef(Py_None));
        Py_DECREF(place);
        return -1;
    }
    Py_DECREF(token);
    watch->place = place;
    return 0;
}

void
note_delivery(Send *self, Dispatch *dispatch, Py_ssize_t at, PyObject *pair)
{
    Watch *watch = dispatch->watch;
    double begun = watch->now;
    watch->now = clock_now();
    PyObject *connection = watch->own;
    if (connection == NULL) {
        connection = PyTuple_GET_ITEM(read_slot(self, dispatch->snapshot, CONNECTIONS), at);
    }
    add_note(watch->notes, pair, connection, watch->now - begun);
}

int
leave_to_python(Send *self, Watch *watch)
{
    PyObject *payload = payload_in(watch->notes);
    PyObject *deliveries = payload == NULL ? NULL : deliveries_in(watch->notes);
    if (deliveries == NULL) {
        Py_XDECREF(payload);
        return -1;
    }
    write_slot(self, watch->emission, PAYLOAD, payload);
    write_slot(self, watch->emission, DELIVERIES, deliveries);
    return 0;
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
    PyObject *switched = NULL;
    look_for_others(self);
    if (self->running_loop != NULL) {
        PyObject *loop = PyObject_CallNoArgs(self->running_loop);
        Py_XDECREF(loop);
        if (loop != Py_None) {
            return loop == NULL ? NULL : PyObject_CallNoArgs(self->whoever_runs);
        }
    }
    if (self->greenlet != NULL) {
        switched = PyObject_CallNoArgs(self->greenlet);
        if (switched == NULL) {
            return NULL;
        }
        Py_DECREF(switched);  /* It runs, and so it lives. */
    }
    unsigned long thread = PyThread_get_thread_ident();
    if (self->teller == NULL || self->thread != thread || self->switched != switched) {
        PyObject *teller = PyObject_CallNoArgs(self->whoever_runs);
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
    PyObject *method = call_of(self, instrument), *done;
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

/* Call an instrument; 1 if it has failed, -1 with an error that ends the send. */
static int
tell_one(Send *self, PyObject *instrument, PyObject *seen)
{
    PyObject *done = call_instrument(self, instrument, seen);
    int failed = 0;
    if (done == NULL && PyErr_ExceptionMatches(PyExc_Exception)) {
        failed = 1;
        PyObject *error = taken_error();
        done = PyObject_CallFunctionObjArgs(self->switch_off, instrument, instrument, error,
                                            read_slot(self, seen, SIGNAL), NULL);
        Py_DECREF(error);
    }
    Py_XDECREF(done);
    return done == NULL ? -1 : failed;
}

/* Tell whether an instrument still watches: it may have failed on the failure of another one. */
static int
still_watches(Send *self, PyObject *instrument, PyObject *registry)
{
    PyObject *told = read_slot(self, read_slot(self, registry, WATCHERS), TOLD);
    int found = 0;
    for (Py_ssize_t i = 0; !found && i < PyTuple_GET_SIZE(told); i++) {
        found = PyTuple_GET_ITEM(told, i) == instrument;
    }
    return found;
}

/* Note that no instrument runs here now; an error that is set stays. */
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

/* Call `on_start` of an instrument; 1 if it has failed, -1 with an error that ends the send. */
static int
tell_one_start(Send *self, PyObject *instrument, PyObject *seen)
{
    PyObject *arguments[] = {instrument, seen};
    PyObject *done = PyObject_VectorcallMethod(self->on_start_name, arguments, 2, NULL);
    if (done != NULL || !PyErr_ExceptionMatches(PyExc_Exception)) {
        Py_XDECREF(done);
        return done == NULL ? -1 : 0;
    }
    PyObject *error = taken_error();
    PyObject *called = PyObject_GetAttr(instrument, self->on_start_name);
    if (called == NULL) {
        PyErr_Clear();
        called = Py_NewRef(instrument);
    }
    done = PyObject_CallFunctionObjArgs(self->switch_off, instrument, called, error,
                                        read_slot(self, seen, SIGNAL), NULL);
    Py_DECREF(called);
    Py_DECREF(error);
    Py_XDECREF(done);
    return done == NULL ? -1 : 1;
}

/* Call the instruments that want to see a send begin; -1 with an error that ends the send. */
static int
tell_start(Send *self, Dispatch *dispatch)
{
    Watch *watch = dispatch->watch;
    PyObject *watchers = read_slot(self, dispatch->registry, WATCHERS);
    /* A change of instruments makes another list. */
    PyObject *told = Py_NewRef(read_slot(self, watchers, ON_START));
    PyObject *teller = watch->teller = whoever_runs(self);
    int failed = teller == NULL || PyDict_SetItem(self->tellers, teller, Py_None) < 0 ? -1 : 0;
    if (failed == 0) {
        for (Py_ssize_t i = 0; failed >= 0 && i < PyList_GET_SIZE(told); i++) {
            PyObject *instrument = PyList_GET_ITEM(told, i);
            if (failed == 0 || still_watches(self, instrument, dispatch->registry)) {
                int outcome = tell_one_start(self, instrument, watch->emission);
                failed = outcome == 0 ? failed : outcome;
            }
        }
        forget_teller(self, teller);
    }
    Py_DECREF(told);
    watch->begun = watch->now = clock_now();
    PyObject *clock = failed < 0 ? NULL : PyFloat_FromDouble(watch->begun);
    if (clock == NULL) {
        return -1;
    }
    write_slot(self, watch->emission, CLOCK, clock);
    return 0;
}

int
begin_watching(Send *self, Dispatch *dispatch)
{
    PyObject *here;
    if (PyContextVar_Get(self->inside, Py_None, &here) < 0) {
        return -1;
    }
    PyObject *around = Py_NewRef(innermost(self, here));
    PyObject *parent = around == Py_None ? around : read_slot(self, around, WORK);
    Py_INCREF(parent);
    int failed = begin_emission(self, dispatch, parent);
    if (!failed
        && PyList_GET_SIZE(read_slot(self, read_slot(self, dispatch->registry, WATCHERS),
                                     ON_START)) != 0) {
        failed = tell_start(self, dispatch);
    }
    /* Without receivers, nothing can be inside it. */
    if (!failed && PyTuple_GET_SIZE(dispatch->refs) != 0) {
        failed = enter_place(self, dispatch->watch, around);
    }
    Py_DECREF(parent);
    Py_DECREF(around);
    release_place(self, here);
    return failed;
}

/* Call the instruments with the emission; -1 with an error that ends the send. */
static int
tell_all(Send *self, Dispatch *dispatch)
{
    Watch *watch = dispatch->watch;
    PyObject *emission = watch->emission;
    PyObject *watchers = read_slot(self, dispatch->registry, WATCHERS);
    PyObject *told = Py_NewRef(read_slot(self, watchers, TOLD));
    PyObject *teller = watch->teller == NULL ? whoever_runs(self) : Py_NewRef(watch->teller);
    int broken = teller == NULL || PyDict_SetItem(self->tellers, teller, Py_None) < 0;
    if (!broken) {
        int failed = 0;
        for (Py_ssize_t i = 0; failed >= 0 && i < PyTuple_GET_SIZE(told); i++) {
            PyObject *instrument = PyTuple_GET_ITEM(told, i);
            if (failed == 0 || still_watches(self, instrument, dispatch->registry)) {
                int outcome = tell_one(self, instrument, emission);
                failed = outcome == 0 ? failed : outcome;
            }
        }
        forget_teller(self, teller);
        broken = failed < 0;
    }
    Py_XDECREF(teller);
    Py_DECREF(told);
    return broken ? -1 : 0;
}

/* Let an emission that has ended after its parent not keep that; -1 with an error. */
static int
outlive(Send *self, Watch *watch)
{
    PyObject *parent = read_slot(self, watch->emission, PARENT);
    PyObject *around = read_slot(self, watch->place, AROUND);
    if (parent == Py_None || (around != Py_None && read_slot(self, around, WORK) == parent)) {
        return 0;
    }
    PyObject *error = taken_error(), *done = PyObject_CallOneArg(self->outlive, watch->emission);
    Py_XDECREF(done);
    if (error != NULL) {
        PyErr_Clear();
        set_error(error);
    }
    return done == NULL ? -1 : 0;
}

int
end_watching(Send *self, Dispatch *dispatch)
{
    Watch *watch = dispatch->watch;
    PyObject *place = watch->place;
    if (place == NULL) {
        return tell_all(self, dispatch);
    }
    PyObject *took = PyFloat_FromDouble(watch->now - watch->begun);
    if (took == NULL) {
        return -1;
    }
    write_slot(self, watch->emission, TOOK, took);
    write_slot(self, place, WORK, Py_NewRef(Py_None));
    PyObject *around = read_slot(self, place, AROUND);
    if (around != Py_None) {
        write_slot(self, place, AROUND, Py_NewRef(innermost(self, around)));
    }
    int failed = tell_all(self, dispatch);
    return outlive(self, watch) | failed;
}

/* End it with the error that is set, which stays. */
static void
end_with_error(Send *self, Watch *watch)
{
    PyObject *error = taken_error();
    write_slot(self, watch->place, WORK, Py_NewRef(Py_None));
    PyObject *done = PyObject_CallFunctionObjArgs(self->end_watching, watch->place,
                                                  watch->emission, NULL);
    Py_XDECREF(done);
    PyErr_Clear();
    set_error(error);
}

void
stop_watching(Send *self, Watch *watch)
{
    if (PyErr_Occurred() && watch->place != NULL
        && read_slot(self, watch->place, WORK) != Py_None) {
        end_with_error(self, watch);
    }
    PyObject *error = taken_error();
    Py_XDECREF(watch->place);
    if (watch->emission != NULL) {
        release_emission(self, watch->emission);
    }
    if (watch->notes != NULL) {
        release_notes(self, watch->notes);
    }
    Py_XDECREF(watch->own);
    Py_XDECREF(watch->teller);
    if (error != NULL) {
        set_error(error);
    }
}
