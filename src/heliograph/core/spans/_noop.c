/* What begins a span while nobody hears of it, as `noop.py`: it gives a value without calling. */

#include "../sending/_callable.h"

/* A callable that gives a value while nobody is connected, and otherwise calls another one. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *weakrefs;
    PyObject *dict;
    PyObject *value;
    PyObject *heard;       /* what is called; None if there are no registries */
    PyObject *registries;  /* a tuple */
    Py_ssize_t anyone;       /* the offset of their slot of that name */
} UnlessHeard;

static PyObject *
UnlessHeard_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    UnlessHeard *self = (UnlessHeard *)callable;
    Py_ssize_t given = PyVectorcall_NARGS(nargsf);
    if (given > 0 && (given > 1 || (kwnames == NULL && PyFunction_Check(args[0])))
        && self->heard != Py_None) {
        /* One sender at most: the error is that of a function. And a function alone may be
           decorated. */
        return PyObject_Vectorcall(self->heard, args, nargsf, kwnames);
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self->registries); i++) {
        char *registry = (char *)PyTuple_GET_ITEM(self->registries, i);
        /* The list of instruments, or a tuple if somebody is connected. */
        if (Py_SIZE(*(PyObject **)(registry + self->anyone)) != 0) {
            return PyObject_Vectorcall(self->heard, args, nargsf, kwnames);
        }
    }
    return Py_NewRef(self->value);
}

static PyObject *
UnlessHeard_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"value", "registry", "registries", "heard", NULL};
    PyObject *value, *registries, *heard = Py_None;
    PyTypeObject *registry;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!O!|O:UnlessHeard", names, &value,
                                     &PyType_Type, &registry, &PyTuple_Type, &registries,
                                     &heard)) {
        return NULL;
    }
    Py_ssize_t anyone = offset_of(registry, "anyone");
    if (anyone < 0) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(registries); i++) {
        if (!PyObject_TypeCheck(PyTuple_GET_ITEM(registries, i), registry)) {
            PyErr_Format(PyExc_TypeError, "%R is no %R", PyTuple_GET_ITEM(registries, i), registry);
            return NULL;
        }
    }
    UnlessHeard *self = (UnlessHeard *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = UnlessHeard_vectorcall;
    self->value = Py_NewRef(value);
    self->heard = Py_NewRef(heard);
    self->registries = Py_NewRef(registries);
    self->anyone = anyone;
    return (PyObject *)self;
}

static int
UnlessHeard_traverse(UnlessHeard *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->dict);
    Py_VISIT(self->value);
    Py_VISIT(self->heard);
    Py_VISIT(self->registries);
    return 0;
}

static int
UnlessHeard_clear(UnlessHeard *self)
{
    /* Nothing that a call reads: cycles through these are broken elsewhere. */
    Py_CLEAR(self->dict);
    return 0;
}

static void
UnlessHeard_dealloc(UnlessHeard *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    (void)UnlessHeard_clear(self);
    Py_CLEAR(self->value);
    Py_CLEAR(self->heard);
    Py_CLEAR(self->registries);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyMemberDef UnlessHeard_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(UnlessHeard, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(UnlessHeard, weakrefs), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(UnlessHeard, dict), READONLY, NULL},
    {NULL},
};

PyDoc_STRVAR(UnlessHeard_doc, "Gives *value* while *registries* have nobody to tell; else calls.");

static PyMethodDef UnlessHeard_methods[] = {
    REDUCE,
    {NULL, NULL, 0, NULL},
};

static PyType_Slot UnlessHeard_slots[] = {
    {Py_tp_doc, (void *)UnlessHeard_doc},
    {Py_tp_new, UnlessHeard_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, bind},
    {Py_tp_traverse, UnlessHeard_traverse},
    {Py_tp_clear, UnlessHeard_clear},
    {Py_tp_dealloc, UnlessHeard_dealloc},
    {Py_tp_repr, repr},
    {Py_tp_methods, UnlessHeard_methods},
    {Py_tp_members, UnlessHeard_members},
    {Py_tp_getset, getset},
    {0, NULL},
};

PyType_Spec UnlessHeard_spec = {
    .name = "heliograph.core.sending._dispatch.UnlessHeard",
    .basicsize = sizeof(UnlessHeard),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
             | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = UnlessHeard_slots,
};
