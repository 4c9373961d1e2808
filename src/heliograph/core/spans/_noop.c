/* Begins a span while no receiver is connected, as `noop.py`: gives a value without a call. */

#include "../sending/_callable.h"

/* A callable that gives a value while no receiver is connected, and otherwise calls another. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *weakrefs;
    PyObject *dict;
    PyObject *value;
    PyObject *otherwise;   /* what is called; None if there are no registries */
    PyObject *registries;  /* a tuple */
    Py_ssize_t anyone;     /* the offset of their slot of that name */
} Noop;

static PyObject *
Noop_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Noop *self = (Noop *)callable;
    Py_ssize_t given = PyVectorcall_NARGS(nargsf);
    if (given > 0 && (given > 1 || (kwnames == NULL && PyFunction_Check(args[0])))
        && self->otherwise != Py_None) {
        /* One sender at most: the error is that of a function. And a function alone may be
           decorated. */
        return PyObject_Vectorcall(self->otherwise, args, nargsf, kwnames);
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self->registries); i++) {
        char *registry = (char *)PyTuple_GET_ITEM(self->registries, i);
        /* The list of instruments, or a tuple if somebody is connected. */
        if (Py_SIZE(*(PyObject **)(registry + self->anyone)) != 0) {
            return PyObject_Vectorcall(self->otherwise, args, nargsf, kwnames);
        }
    }
    return Py_NewRef(self->value);
}

static PyObject *
Noop_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"value", "registry", "registries", "otherwise", NULL};
    PyObject *value, *registries, *otherwise = Py_None;
    PyTypeObject *registry;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!O!|O:Noop", names, &value,
                                     &PyType_Type, &registry, &PyTuple_Type, &registries,
                                     &otherwise)) {
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
    Noop *self = (Noop *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = Noop_vectorcall;
    self->value = Py_NewRef(value);
    self->otherwise = Py_NewRef(otherwise);
    self->registries = Py_NewRef(registries);
    self->anyone = anyone;
    return (PyObject *)self;
}

static int
Noop_traverse(Noop *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->dict);
    Py_VISIT(self->value);
    Py_VISIT(self->otherwise);
    Py_VISIT(self->registries);
    return 0;
}

static int
Noop_clear(Noop *self)
{
    /* Nothing that a call reads: cycles through these are broken elsewhere. */
    Py_CLEAR(self->dict);
    return 0;
}

static void
Noop_dealloc(Noop *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    (void)Noop_clear(self);
    Py_CLEAR(self->value);
    Py_CLEAR(self->otherwise);
    Py_CLEAR(self->registries);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyMemberDef Noop_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Noop, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Noop, weakrefs), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(Noop, dict), READONLY, NULL},
    {NULL},
};

PyDoc_STRVAR(Noop_doc, "Gives *value* while *registries* have nobody to tell; else calls.");

static PyMethodDef Noop_methods[] = {
    REDUCE,
    {NULL, NULL, 0, NULL},
};

static PyType_Slot Noop_slots[] = {
    {Py_tp_doc, (void *)Noop_doc},
    {Py_tp_new, Noop_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, bind},
    {Py_tp_traverse, Noop_traverse},
    {Py_tp_clear, Noop_clear},
    {Py_tp_dealloc, Noop_dealloc},
    {Py_tp_repr, repr},
    {Py_tp_methods, Noop_methods},
    {Py_tp_members, Noop_members},
    {Py_tp_getset, getset},
    {0, NULL},
};

PyType_Spec Noop_spec = {
    .name = "heliograph.core.sending._dispatch.Noop",
    .basicsize = sizeof(Noop),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
             | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = Noop_slots,
};
