/* What is asked before a send: `Signal.has_receivers_for` and `receivers_for`, and whether `Signal.receivers` has any.
 *
 * The rules of `_dispatch.c` hold here. All but the plain case is asked in Python.
 */

#include "_callable.h"
#include "_lookup.h"

/* Tell whether what a weak reference refers to is alive. */
static inline int
lives(PyObject *reference)
{
    PyObject *object = ((PyWeakReference *)reference)->wr_object;
    return object != Py_None && Py_REFCNT(object) != 0;
}

/* Tell whether a bound method lives, of which both halves are held weakly. */
static inline int
method_lives(Send *engine, PyObject *method_ref)
{
    PyObject *function = read_slot(engine, method_ref, FUNCTION_REF);
    return function != NULL && PyWeakref_CheckRefExact(function) && lives(method_ref)
           && lives(function);
}

/* Tell whether a receiver is alive, given what a send calls to get it; -1 with an error. */
static int
receiver_lives(Send *engine, PyObject *reference)
{
    if (PyWeakref_CheckRefExact(reference)) {
        return lives(reference);
    }
    if (Py_IS_TYPE(reference, engine->kinds[METHOD_REF]) && method_lives(engine, reference)) {
        return 1;
    }
    PyObject *receiver = PyObject_CallNoArgs(reference);
    if (receiver == NULL) {
        return -1;
    }
    int found = receiver != Py_None;
    Py_DECREF(receiver);
    return found;
}

/* A method of signals that is asked for a sender: whether a receiver would be called, or, given
 * what makes an iterator of a snapshot, which ones. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *weakrefs;
    PyObject *dict;
    PyObject *in_python;  /* the same for what is not plain */
    PyObject *due;        /* what makes the iterator, or NULL */
    Send *engine;         /* what sends, from which it has all that it reads */
} Question;

/* Tell whether one of the receivers is alive. */
static PyObject *
is_any_alive(Send *engine, PyObject *snapshot)
{
    PyObject *refs = read_slot(engine, snapshot, RECEIVER_REFS);
    int found = 0;
    for (Py_ssize_t i = 0; found == 0 && i < PyTuple_GET_SIZE(refs); i++) {
        found = receiver_lives(engine, PyTuple_GET_ITEM(refs, i));
    }
    return found < 0 ? NULL : PyBool_FromLong(found);
}

/* Give the receivers one by one. */
static PyObject *
receivers_due(Question *self, PyObject *registry, PyObject *sender, PyObject *snapshot)
{
    Send *engine = self->engine;
    return PyObject_CallFunctionObjArgs(
        self->due, registry, sender, read_slot(engine, snapshot, CONNECTIONS),
        read_slot(engine, snapshot, RECEIVER_REFS), read_slot(engine, snapshot, NEWEST),
        read_slot(engine, registry, VERSION), NULL);
}

/* Give an iterator that gives nothing. */
static PyObject *
iterator_of_nothing(void)
{
    PyObject *nothing = PyTuple_New(0);
    PyObject *iterator = nothing == NULL ? NULL : PyObject_GetIter(nothing);
    Py_XDECREF(nothing);
    return iterator;
}

static PyObject *
Question_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Question *self = (Question *)callable;
    PyObject *registry = NULL, *snapshot = NULL, *answer = NULL;
    if (PyVectorcall_NARGS(nargsf) == 2 && kwnames == NULL) {
        registry = registry_of(self->engine, args[0]);
    }
    if (registry != NULL) {
        if (Py_SIZE(read_slot(self->engine, registry, ANYONE)) == 0) {
            Py_DECREF(registry);
            return self->due == NULL ? Py_NewRef(Py_False) : iterator_of_nothing();
        }
        snapshot = find_snapshot(self->engine, registry, args[1], NULL, 1);
    }
    if (snapshot != NULL) {
        answer = self->due == NULL ? is_any_alive(self->engine, snapshot)
                                   : receivers_due(self, registry, args[1], snapshot);
        Py_DECREF(snapshot);
    }
    else if (!PyErr_Occurred()) {
        answer = PyObject_Vectorcall(self->in_python, args, nargsf, kwnames);
    }
    Py_XDECREF(registry);
    return answer;
}

static PyObject *
Question_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"engine", "in_python", "due", NULL};
    PyObject *engine, *in_python, *due = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|O:Question", names, &engine, &in_python,
                                     &due)
        || !is_engine(engine)) {
        return NULL;
    }
    Question *self = (Question *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->vectorcall = Question_vectorcall;
        self->engine = (Send *)Py_NewRef(engine);
        self->in_python = Py_NewRef(in_python);
        self->due = Py_XNewRef(due);
    }
    return (PyObject *)self;
}

static int
Question_traverse(Question *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->dict);
    Py_VISIT(self->in_python);
    Py_VISIT(self->due);
    Py_VISIT(self->engine);
    return 0;
}

static int
Question_clear(Question *self)
{
    /* Nothing that a call reads: cycles through these are broken elsewhere. */
    Py_CLEAR(self->dict);
    return 0;
}

static void
Question_dealloc(Question *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    (void)Question_clear(self);
    Py_CLEAR(self->in_python);
    Py_CLEAR(self->due);
    Py_CLEAR(self->engine);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyMemberDef Question_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Question, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Question, weakrefs), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(Question, dict), READONLY, NULL},
    {NULL},
};

PyDoc_STRVAR(Question_doc, "A method of `Signal` that is asked for a sender.");

static PyMethodDef Question_methods[] = {
    REDUCE,
    {NULL, NULL, 0, NULL},
};

static PyType_Slot Question_slots[] = {
    {Py_tp_doc, (void *)Question_doc},
    {Py_tp_new, Question_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, bind},
    {Py_tp_traverse, Question_traverse},
    {Py_tp_clear, Question_clear},
    {Py_tp_dealloc, Question_dealloc},
    {Py_tp_repr, repr},
    {Py_tp_methods, Question_methods},
    {Py_tp_members, Question_members},
    {Py_tp_getset, getset},
    {0, NULL},
};

PyType_Spec Question_spec = {
    .name = "heliograph.core.sending._dispatch.Question",
    .basicsize = sizeof(Question),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
             | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = Question_slots,
};

/* What is true while anybody is connected: the base of classes that have what sends in a tuple
 * `reads_as`, and a method `_anyone` that looks for a connection. */
typedef struct {
    PyObject_HEAD
    PyObject *registry;
    PyObject *version;       /* of the registry, in which the last one was there; or NULL */
    PyObject *last;          /* the last connection that was found; or NULL */
    PyObject *receiver_ref;  /* its receiver's, and that of its function if it is a method */
    PyObject *function_ref;
    Send *engine;
} Anyone;

/* Tell whether the last one is still there, and so are its receiver and its sender. */
static inline int
is_there(Anyone *self)
{
    return self->version != NULL
           && read_slot(self->engine, self->registry, VERSION) == self->version
           && Py_SIZE(self->engine->pending_changes) == 0
           && lives(self->last) && lives(self->receiver_ref)
           && (self->function_ref == NULL || lives(self->function_ref));
}

/* Remember a connection, which was there in a version of the registry, if it is of a plain kind. */
static void
remember(Anyone *self, PyObject *connection, PyObject *version)
{
    Send *engine = self->engine;
    PyObject *receiver_ref = read_slot(engine, connection, CONNECTION_RECEIVER);
    PyObject *function_ref = NULL;
    if (Py_IS_TYPE(receiver_ref, engine->kinds[METHOD_REF])) {
        function_ref = read_slot(engine, receiver_ref, FUNCTION_REF);
        if (function_ref == NULL || !PyWeakref_CheckRefExact(function_ref)) {
            version = NULL;
        }
    }
    else if (!Py_IS_TYPE(receiver_ref, engine->kinds[RECEIVER_REF])) {
        version = NULL;
    }
    /* What is dropped may run code, which is to find the whole of it or nothing. */
    Py_CLEAR(self->version);
    Py_XSETREF(self->last, Py_NewRef(connection));
    Py_XSETREF(self->receiver_ref, Py_NewRef(receiver_ref));
    Py_XSETREF(self->function_ref, Py_XNewRef(function_ref));
    self->version = Py_XNewRef(version);
}

/* Let Python look for a connection, and remember it. */
static int
look(Anyone *self)
{
    PyObject *version = Py_NewRef(read_slot(self->engine, self->registry, VERSION));
    PyObject *last = self->last == NULL ? Py_None : self->last;
    PyObject *found = PyObject_CallMethodOneArg((PyObject *)self, self->engine->anyone_name, last);
    if (found == NULL) {
        Py_DECREF(version);
        return -1;
    }
    int answer = found != Py_False;
    if (Py_IS_TYPE(found, self->engine->kinds[CONNECTION])) {
        remember(self, found, version);
    }
    Py_DECREF(version);
    Py_DECREF(found);
    return answer;
}

static int
Anyone_bool(Anyone *self)
{
    if (is_there(self)) {
        return 1;
    }
    if (self->registry == NULL) {
        return 0;
    }
    PyObject *receivers = read_slot(self->engine, self->registry, RECEIVERS);
    PyObject *idle = read_slot(self->engine, self->registry, IDLE);
    return PyDict_GET_SIZE(receivers) == 0 && PyDict_GET_SIZE(idle) == 0 ? 0 : look(self);
}

static PyObject *
Anyone_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    PyObject *reads_as = PyObject_GetAttrString((PyObject *)type, "reads_as"), *engine;
    Anyone *self = NULL;
    if (reads_as != NULL && PyArg_ParseTuple(reads_as, "O:Anyone", &engine) && is_engine(engine)) {
        self = (Anyone *)type->tp_alloc(type, 0);
        if (self != NULL) {
            self->engine = (Send *)Py_NewRef(engine);
        }
    }
    Py_XDECREF(reads_as);
    return (PyObject *)self;
}

static int
Anyone_init(Anyone *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"registry", NULL};
    PyObject *registry;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!:Anyone", names,
                                     self->engine->kinds[REGISTRY], &registry)) {
        return -1;
    }
    Py_CLEAR(self->version);
    Py_XSETREF(self->registry, Py_NewRef(registry));
    return 0;
}

static int
Anyone_traverse(Anyone *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->registry);
    Py_VISIT(self->last);
    Py_VISIT(self->receiver_ref);
    Py_VISIT(self->function_ref);
    Py_VISIT(self->engine);
    return 0;
}

static int
Anyone_clear(Anyone *self)
{
    /* Not the engine, which every answer reads: it leads to no view. */
    Py_CLEAR(self->version);
    Py_CLEAR(self->registry);
    Py_CLEAR(self->last);
    Py_CLEAR(self->receiver_ref);
    Py_CLEAR(self->function_ref);
    return 0;
}

static void
Anyone_dealloc(Anyone *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    (void)Anyone_clear(self);
    Py_CLEAR(self->engine);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyMemberDef Anyone_members[] = {
    {"registry", T_OBJECT_EX, offsetof(Anyone, registry), READONLY, NULL},
    {NULL},
};

PyDoc_STRVAR(Anyone_doc, "Something that is true while anybody is connected.");

static PyType_Slot Anyone_slots[] = {
    {Py_tp_doc, (void *)Anyone_doc},
    {Py_tp_new, Anyone_new},
    {Py_tp_init, Anyone_init},
    {Py_nb_bool, Anyone_bool},
    {Py_tp_traverse, Anyone_traverse},
    {Py_tp_clear, Anyone_clear},
    {Py_tp_dealloc, Anyone_dealloc},
    {Py_tp_members, Anyone_members},
    {0, NULL},
};

PyType_Spec Anyone_spec = {
    .name = "heliograph.core.sending._dispatch.Anyone",
    .basicsize = sizeof(Anyone),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE
             | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = Anyone_slots,
};
