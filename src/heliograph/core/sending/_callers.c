/* Says where the user's code calls the engine, as `source.py` does: for instruments that keep the
 * place of each send. */

#include "_callable.h"

/* A callable that finds the innermost frame that is not the engine's. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *weakrefs;
    PyObject *dict;
    PyObject *in_python;  /* what finds out all that is not known yet */
    PyObject *engines;    /* a dict: whether modules are the engine's, by name */
    PyObject *asyncio;    /* and whether they are asyncio's */
    PyObject *places;     /* a dict by the ids of code: the code, held weakly, and a dict of texts */
    PyObject *name;
} Caller;

/* Tell what a dict says of the module whose code a frame runs; -1 if Python has to find out. */
static int
is_in(Caller *self, PyFrameObject *frame, PyObject *modules)
{
    PyObject *globals = PyFrame_GetGlobals(frame);
    PyObject *name = Py_XNewRef(PyDict_GetItemWithError(globals, self->name));
    int found = 0;
    if (name != NULL && PyUnicode_CheckExact(name)) {
        PyObject *known = PyDict_GetItemWithError(modules, name);
        found = known == NULL ? -1 : known == Py_True;
    }
    Py_XDECREF(name);
    Py_DECREF(globals);
    return PyErr_Occurred() ? -1 : found;
}

/* Give the frame that calls the engine, or NULL if Python has to find it. */
static PyFrameObject *
calling_frame(Caller *self)
{
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    while (frame != NULL) {
        int ours = is_in(self, frame, self->engines);
        PyFrameObject *back = ours == 1 ? PyFrame_GetBack(frame) : NULL;
        if (ours < 0) {
            Py_CLEAR(frame);
        }
        if (back == NULL) {
            break;
        }
        Py_SETREF(frame, back);
    }
    return frame;
}

/* Give a key's value in a dict, borrowed, or NULL; takes over the key. */
static PyObject *
found_in(PyObject *dict, PyObject *key)
{
    PyObject *found = key == NULL ? NULL : PyDict_GetItemWithError(dict, key);
    Py_XDECREF(key);
    return found;
}

/* Give where a frame is, if somebody has asked for that before, or NULL. */
static PyObject *
known_place(Caller *self, PyFrameObject *frame)
{
    PyCodeObject *code = PyFrame_GetCode(frame);
    PyObject *of_code = found_in(self->places, PyLong_FromVoidPtr(code)), *found = NULL;
    if (of_code != NULL) {
        Py_INCREF(of_code);
        PyObject *alive = referent(PyTuple_GET_ITEM(of_code, 0));
        if (alive == (PyObject *)code) {
            PyObject *offset = PyLong_FromLong(PyFrame_GetLasti(frame));
            found = Py_XNewRef(found_in(PyTuple_GET_ITEM(of_code, 1), offset));
        }
        Py_XDECREF(alive);
        Py_DECREF(of_code);
    }
    Py_DECREF(code);
    return found;
}

static PyObject *
Caller_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Caller *self = (Caller *)callable;
    PyObject *place = NULL;
    /* With a keyword, Python says that there are none. */
    int plain = PyVectorcall_NARGS(nargsf) == 0 && kwnames == NULL;
    PyFrameObject *frame = plain ? calling_frame(self) : NULL;
    if (frame != NULL) {
        int in_asyncio = is_in(self, frame, self->asyncio);
        place = in_asyncio == 1 ? Py_NewRef(Py_None) : NULL;
        if (in_asyncio == 0) {
            place = known_place(self, frame);
        }
        Py_DECREF(frame);
    }
    if (place != NULL || PyErr_Occurred()) {
        return place;
    }
    return PyObject_Vectorcall(self->in_python, args, nargsf, kwnames);
}

static PyObject *
Caller_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"in_python", "engines", "asyncio", "places", NULL};
    PyObject *in_python, *engines, *asyncio, *places;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!O!O!:Caller", names, &in_python,
                                     &PyDict_Type, &engines, &PyDict_Type, &asyncio,
                                     &PyDict_Type, &places)) {
        return NULL;
    }
    Caller *self = (Caller *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = Caller_vectorcall;
    self->in_python = Py_NewRef(in_python);
    self->engines = Py_NewRef(engines);
    self->asyncio = Py_NewRef(asyncio);
    self->places = Py_NewRef(places);
    self->name = PyUnicode_InternFromString("__name__");
    if (self->name == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int
Caller_traverse(Caller *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->dict);
    Py_VISIT(self->in_python);
    Py_VISIT(self->engines);
    Py_VISIT(self->asyncio);
    Py_VISIT(self->places);
    return 0;
}

static int
Caller_clear(Caller *self)
{
    /* Nothing that a call reads: cycles through these are broken elsewhere. */
    Py_CLEAR(self->dict);
    return 0;
}

static void
Caller_dealloc(Caller *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    (void)Caller_clear(self);
    Py_CLEAR(self->in_python);
    Py_CLEAR(self->engines);
    Py_CLEAR(self->asyncio);
    Py_CLEAR(self->places);
    Py_CLEAR(self->name);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyMemberDef Caller_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Caller, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Caller, weakrefs), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(Caller, dict), READONLY, NULL},
    {NULL},
};

PyDoc_STRVAR(Caller_doc, "Says where the user's code calls the engine, if that is known.");

static PyMethodDef Caller_methods[] = {
    REDUCE,
    {NULL, NULL, 0, NULL},
};

static PyType_Slot Caller_slots[] = {
    {Py_tp_doc, (void *)Caller_doc},
    {Py_tp_new, Caller_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, bind},
    {Py_tp_traverse, Caller_traverse},
    {Py_tp_clear, Caller_clear},
    {Py_tp_dealloc, Caller_dealloc},
    {Py_tp_repr, repr},
    {Py_tp_methods, Caller_methods},
    {Py_tp_members, Caller_members},
    {Py_tp_getset, getset},
    {0, NULL},
};

PyType_Spec Caller_spec = {
    .name = "heliograph.core.sending._dispatch.Caller",
    .basicsize = sizeof(Caller),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
             | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = Caller_slots,
};
