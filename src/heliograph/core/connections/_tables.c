/* What changes of connections need to know, the methods that make them, and how things are found.
 *
 * The rules are in `_tables.h`.
 */

#include "_tables.h"

/* What Python gives, by the names of the arguments. */
static const char *const PART[PARTS + 1] = {
    [STATE] = "state",                  /* of the lock */
    [ANY] = "any",
    [DIED] = "died",                    /* the callbacks: of a receiver, */
    [SENDER_DIED] = "sender_died",      /* of a sender, */
    [FUNCTION_DIED] = "function_died",  /* and of the function of a method */
    [HELD_WEAKLY] = "held_weakly",      /* what stands for a sender that is held weakly */
    [NOTHING] = "nothing",              /* what is omitted for most receivers */
    [SOMEONE] = "someone",              /* what is there if anybody receives */
    [WEAKLY] = "weakly",                /* how connections deliver for which nothing is given, */
    [STRONGLY] = "strongly",            /* and those that hold their receivers */
    [OBJECTS] = "objects",              /* the names of first parameters that are objects */
    [MAKING_NAMES] = "making",          /* the methods that run while an object is made */
    [MODULES] = "is_of_an_engine",      /* by their names, whether modules are the engine's */
    [ENGINES] = "engines",              /* the packages that are, a set that only grows */
    [OPEN_FATE] = "open_fate",
    [SENT_FATE] = "sent_fate",
    [PARTIAL] = "partial",
    [SIZE_OF] = "size_of",
    [SMALL_TABLE] = "small_table",      /* how large a table may be, */
    [PER_ENTRY] = "per_entry",          /* and how much larger for each entry */
    [MOST_LINES] = "most_lines",        /* that are counted as having connected copies */
    [CONNECT_WITH] = "connect_with",    /* what makes the connections of blocks */
    [OWN_RECEIVERS] = "own_receivers",  /* the names of receivers of the engine, by their classes */
    [LISTENING] = "listening",          /* how they are delivered to */
    [PARTS] = "engine",
};

static const char *const NAME[NAMES] = {
    [NAME_RECEIVER] = "receiver",
    [NAME_SENDER] = "sender",
    [NAME_WEAK] = "weak",
    [NAME_TELLS] = "_tells",
    [NAME_CONNECTED] = "receiver_connected",
    [NAME_DISCONNECTED] = "receiver_disconnected",
    [NAME_MODULE_NAME] = "__name__",
    [NAME_CALL] = "__call__",
    [NAME_LOCAL] = "local",
    [NAME_CONNECT_WITH] = "_connect_with",
    [NAME_CONNECT] = "connect",
};

int
is_function_or_method(Tables *self, PyObject *it, Receiver *receiver)
{
    *receiver = (Receiver){it, it, NULL};
    if (Py_IS_TYPE(it, &PyMethod_Type)) {
        receiver->function = PyMethod_GET_FUNCTION(it);
        receiver->owner = PyMethod_GET_SELF(it);
    }
    if (!Py_IS_TYPE(receiver->function, &PyFunction_Type)) {
        return 0;
    }
    PyObject *name = ((PyFunctionObject *)receiver->function)->func_name;
    return receiver->owner == NULL || PyUnicode_Compare(name, self->names[NAME_CALL]) != 0;
}

PyObject *
key_of_receiver(const Receiver *receiver)
{
    PyObject *key = PyLong_FromVoidPtr(receiver->function), *owner, *pair;
    if (key == NULL || receiver->owner == NULL) {
        return key;
    }
    owner = PyLong_FromVoidPtr(receiver->owner);
    pair = owner == NULL ? NULL : PyTuple_Pack(2, owner, key);
    Py_XDECREF(owner);
    Py_DECREF(key);
    return pair;
}

int
is_reference_to(Tables *self, PyObject *receiver_ref, const Receiver *receiver)
{
    PyObject *object = ((PyWeakReference *)receiver_ref)->wr_object;
    if (receiver->owner == NULL) {
        return Py_IS_TYPE(receiver_ref, self->engine->kinds[RECEIVER_REF])
               && object == receiver->function;
    }
    if (!Py_IS_TYPE(receiver_ref, self->engine->kinds[METHOD_REF]) || object != receiver->owner) {
        return 0;
    }
    PyObject *part = slot_of(self, receiver_ref, FUNCTION_REF);
    return part != NULL && PyWeakref_CheckRefExact(part)
           && ((PyWeakReference *)part)->wr_object == receiver->function;
}

PyObject *
key_of_sender(Tables *self, PyObject *sender)
{
    if (sender == self->parts[ANY] || PyUnicode_CheckExact(sender)) {
        return Py_NewRef(sender);
    }
    return is_itself(self->engine, Py_TYPE(sender)) ? Py_XNewRef(key_of(self->engine, sender))
                                                    : NULL;
}

/* Tell whether a class has just this as an attribute. */
static int
has(Tables *self, PyTypeObject *type, enum name name, PyObject *value)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyObject *found = _PyType_LookupRef(type, self->names[name]);
    Py_XDECREF(found);  /* It is only compared. */
#else
    PyObject *found = _PyType_Lookup(type, self->names[name]);
#endif
    return found == value;
}

int
connects_plainly(Tables *self, PyObject *signal)
{
    return has(self, Py_TYPE(signal), NAME_CONNECT_WITH, self->parts[CONNECT_WITH]);
}

int
tells_nobody(Tables *self, PyObject *signal, enum name meta_signal)
{
    PyObject **dict = _PyObject_GetDictPtr(signal);
    return has(self, Py_TYPE(signal), NAME_TELLS, Py_False) && dict != NULL && *dict != NULL
           && PyDict_Contains(*dict, self->names[meta_signal]) == 0;
}

/* Tell whether a frame runs the user's code: 1, or 0 if the engine's, or -1 if Python has to. */
static int
is_users(Tables *self, PyFrameObject *frame)
{
    PyObject *globals = PyFrame_GetGlobals(frame);
    PyObject *name = PyDict_GetItemWithError(globals, self->names[NAME_MODULE_NAME]);
    PyObject *known = NULL;
    Py_ssize_t engines = PySet_GET_SIZE(self->parts[ENGINES]);
    if (name != NULL && name == self->users_module && engines == self->engines) {
        known = Py_False;
    }
    else if (name != NULL && PyUnicode_CheckExact(name)) {
        known = PyDict_GetItemWithError(self->parts[MODULES], name);
        if (known == Py_False) {
            Py_XSETREF(self->users_module, Py_NewRef(name));
            self->engines = engines;
        }
    }
    Py_DECREF(globals);
    return known == Py_False ? 1 : known == Py_True ? 0 : -1;
}

/* Give a place in code, the last one again if it is the same; a new reference, or NULL with an
 * error. Takes over the code. */
static PyObject *
site_at(Tables *self, PyObject *code, int instruction)
{
    PyObject *last = self->last_site;
    if (last != NULL && PyTuple_GET_ITEM(last, 0) == code
        && PyLong_AsLong(PyTuple_GET_ITEM(last, 1)) == instruction) {
        Py_DECREF(code);
        return Py_NewRef(last);
    }
    PyObject *number = PyLong_FromLong(instruction);
    PyObject *site = number == NULL ? NULL : PyTuple_Pack(2, code, number);
    Py_XDECREF(number);
    Py_DECREF(code);
    if (site != NULL) {
        Py_XSETREF(self->last_site, Py_NewRef(site));
    }
    return site;
}

PyObject *
call_site(Tables *self)
{
    PyFrameObject *frame = PyEval_GetFrame();
    int users = -1;
    Py_XINCREF(frame);
    while (frame != NULL && (users = is_users(self, frame)) == 0) {
        Py_SETREF(frame, PyFrame_GetBack(frame));
    }
    PyObject *site = users != 1 ? NULL
                                : site_at(self, (PyObject *)PyFrame_GetCode(frame),
                                          PyFrame_GetLasti(frame));
    Py_XDECREF(frame);
    return site;
}

/* Tell whether everybody who wants the like gets this weak reference. CPython looks for those at the
 * head of the list: for one reference, then for one proxy. */
static int
is_shared(PyWeakReference *reference)
{
    return reference->wr_callback == NULL
           && (PyWeakref_CheckRefExact(reference) || PyWeakref_CheckProxy(reference));
}

PyObject *
new_reference(Tables *self, PyTypeObject *type, PyObject *to, PyObject *callback)
{
    /* As `__new__` does, but for its arguments, which take as long as all the rest. */
    PyWeakReference *made = (PyWeakReference *)type->tp_alloc(type, 0);
    if (made == NULL) {
        return NULL;
    }
    PyWeakReference **place = (PyWeakReference **)PyObject_GET_WEAKREFS_LISTPTR(to);
    while (*place != NULL && is_shared(*place)) {
        made->wr_prev = *place;
        place = &(*place)->wr_next;
    }
    made->wr_object = to;
    made->wr_callback = Py_XNewRef(callback);
    made->hash = -1;
    made->vectorcall = self->call_reference;
    made->wr_next = *place;
    if (made->wr_next != NULL) {
        made->wr_next->wr_prev = made;
    }
    *place = made;
    return (PyObject *)made;
}

PyObject *
lasting_options(Tables *self, int weak, PyObject *site)
{
    PyObject *last = self->last_options[weak];
    if (last == NULL || PyTuple_GET_ITEM(last, SITE_AT) != site) {
        last = new_options(self, weak, Py_None, site);
        Py_XSETREF(self->last_options[weak], Py_XNewRef(last));
        return last;
    }
    return Py_NewRef(last);
}

PyObject *
new_connection(Tables *self, PyObject *receiver_ref, PyObject *key, PyObject *order,
               PyObject *options, PyObject *sender)
{
    /* Where there are weak references: otherwise another object could get its id. */
    int weakly = PyLong_CheckExact(key) && PyType_SUPPORTS_WEAKREFS(Py_TYPE(sender));
    PyObject *made = new_reference(self, self->engine->kinds[CONNECTION],
                                   weakly ? sender : self->parts[ANY],
                                   weakly ? self->sender_died : NULL);
    if (made != NULL) {
        PyObject *held = weakly ? self->parts[HELD_WEAKLY] : sender;
        fill_slot(self, made, CONNECTION_SENDER, Py_NewRef(held));
        fill_slot(self, made, CONNECTION_RECEIVER, Py_NewRef(receiver_ref));
        fill_slot(self, made, CONNECTION_KEY, Py_NewRef(key));
        fill_slot(self, made, SORT_KEY, Py_NewRef(order));
        fill_slot(self, made, CONNECTION_OPTIONS, Py_NewRef(options));
        fill_slot(self, made, CONNECTION_SNAPSHOT, Py_NewRef(Py_None));
    }
    return made;
}

/* What is called when the sender of a connection has died. */
static PyObject *
sender_died(PyObject *tables, PyObject *connection)
{
    Tables *self = (Tables *)tables;
    PyObject *receiver_ref = slot_of(self, connection, CONNECTION_RECEIVER), *registry = NULL;
    if (receiver_ref != NULL && !is_ending()) {
        PyObject *registry_ref = slot_of(self, receiver_ref, REGISTRY_REF);
        if (PyWeakref_CheckRefExact(registry_ref)) {
            registry = referent(registry_ref);
        }
    }
    int ended = registry != NULL && Py_IS_TYPE(registry, self->engine->kinds[REGISTRY])
                && end_connection(self, registry, connection, 1);
    Py_XDECREF(registry);
    return ended ? Py_NewRef(Py_None) : PyObject_CallOneArg(self->parts[SENDER_DIED], connection);
}

static PyMethodDef sender_died_def = {
    "sender_died", sender_died, METH_O, "Ends a connection whose sender has died."};

/* Note what the priority of those who are called last does to the order; -1 with an error. */
static int
note_last(Tables *self, PyObject *priority)
{
    PyObject *bits = PyLong_FromLong(64);
    PyObject *before = bits == NULL ? NULL : PyNumber_Lshift(priority, bits);
    self->after_all = before == NULL ? NULL : PyNumber_Negative(before);
    self->number_mask = PyLong_FromUnsignedLongLong(~0ULL);
    Py_XDECREF(bits);
    Py_XDECREF(before);
    return self->after_all == NULL || self->number_mask == NULL ? -1 : 0;
}

/* Note what weak references are called by; -1 with an error. */
static int
note_call(Tables *self)
{
    PyObject *reference = PyWeakref_NewRef(self->parts[ANY], NULL);
    self->call_reference = reference == NULL ? NULL : ((PyWeakReference *)reference)->vectorcall;
    Py_XDECREF(reference);
    return reference == NULL ? -1 : 0;
}

/* Take what Python gives; -1 with an error. */
static int
take_parts(Tables *self, PyObject *args, PyObject *kwargs)
{
    PyObject *given[PARTS + 1];
    if (kwargs == NULL || PyTuple_GET_SIZE(args) != 0 || PyDict_GET_SIZE(kwargs) != PARTS + 1) {
        PyErr_SetString(PyExc_TypeError, "Tables takes each of its parts, by keyword");
        return -1;
    }
    for (int part = 0; part < PARTS + 1; part++) {
        given[part] = PyDict_GetItemString(kwargs, PART[part]);
        if (given[part] == NULL) {
            PyErr_Format(PyExc_TypeError, "Tables lacks %s", PART[part]);
            return -1;
        }
    }
    if (!is_engine(given[PARTS])) {
        return -1;
    }
    self->engine = (Send *)Py_NewRef(given[PARTS]);
    self->engine->tables = self;
    for (int part = 0; part < PARTS; part++) {
        self->parts[part] = Py_NewRef(given[part]);
    }
    if (note_last(self, PyTuple_GET_ITEM(given[LISTENING], 0)) < 0 || note_call(self) < 0) {
        return -1;
    }
    self->small_table = PyLong_AsSsize_t(given[SMALL_TABLE]);
    self->per_entry = PyLong_AsSsize_t(given[PER_ENTRY]);
    self->most_lines = PyLong_AsSsize_t(given[MOST_LINES]);
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *
Tables_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Tables *self = (Tables *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->via = (PyTypeObject *)PyObject_GetAttrString(PyType_GetModule(type), "Via");
    self->zero = PyLong_FromLong(0);
    self->one = PyLong_FromLong(1);
    int failed = self->via == NULL || take_parts(self, args, kwargs) < 0 || self->zero == NULL
                 || self->one == NULL;
    self->once_for_all = failed ? NULL : PyTuple_Pack(1, self->parts[ANY]);
    failed = failed || self->once_for_all == NULL;
    for (int name = 0; name < NAMES && !failed; name++) {
        self->names[name] = PyUnicode_InternFromString(NAME[name]);
        failed = self->names[name] == NULL;
    }
    self->sender_died = failed ? NULL : PyCFunction_New(&sender_died_def, (PyObject *)self);
    if (self->sender_died == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int
Tables_traverse(Tables *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->engine);
    Py_VISIT(self->via);
    Py_VISIT(self->sender_died);
    Py_VISIT(self->last_site);
    Py_VISIT(self->last_options[0]);
    Py_VISIT(self->last_options[1]);
    for (int part = 0; part < PARTS; part++) {
        Py_VISIT(self->parts[part]);
    }
    return 0;
}

static int
Tables_clear(Tables *self)
{
    /* Nothing else: a weak reference may still call what ends its connection. */
    Py_CLEAR(self->sender_died);
    Py_CLEAR(self->last_site);
    Py_CLEAR(self->last_options[0]);
    Py_CLEAR(self->last_options[1]);
    return 0;
}

static void
Tables_dealloc(Tables *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->engine != NULL && self->engine->tables == self) {
        self->engine->tables = NULL;
    }
    Py_CLEAR(self->engine);
    (void)Tables_clear(self);
    Py_CLEAR(self->via);
    Py_CLEAR(self->zero);
    Py_CLEAR(self->one);
    Py_CLEAR(self->once_for_all);
    Py_CLEAR(self->last_named);
    Py_CLEAR(self->users_module);
    Py_CLEAR(self->after_all);
    Py_CLEAR(self->number_mask);
    for (int part = 0; part < PARTS; part++) {
        Py_CLEAR(self->parts[part]);
    }
    for (int name = 0; name < NAMES; name++) {
        Py_CLEAR(self->names[name]);
    }
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

int
is_tables(PyObject *it)
{
    if (Py_TYPE(it)->tp_traverse == (traverseproc)Tables_traverse) {
        return 1;
    }
    PyErr_Format(PyExc_TypeError, "%R has no tables", it);
    return 0;
}

PyDoc_STRVAR(Tables_doc, "What changes of connections need to know.");

static PyType_Slot Tables_slots[] = {
    {Py_tp_doc, (void *)Tables_doc},
    {Py_tp_new, Tables_new},
    {Py_tp_traverse, Tables_traverse},
    {Py_tp_clear, Tables_clear},
    {Py_tp_dealloc, Tables_dealloc},
    {0, NULL},
};

PyType_Spec Tables_spec = {
    .name = "heliograph.core.sending._dispatch.Tables",
    .basicsize = sizeof(Tables),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = Tables_slots,
};
