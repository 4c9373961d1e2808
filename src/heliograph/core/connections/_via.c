/* `Signal.connect_via`, and the decorators that it returns.
 *
 * A decorator calls `connect`, whatever that is: in C mostly. For what is not usual it asks Python
 * for the decorator that stands there, so that nothing is decided here.
 */

#include "_tables.h"

/* A decorator that connects. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    Verb *verb;
    PyObject *signal, *sender, *weak, *weakrefs;
} Via;

static PyObject *
connect_what_follows(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Via *self = (Via *)callable;
    PyObject *given[] = {self->signal, NULL, self->sender, self->weak};
    if (PyVectorcall_NARGS(nargsf) == 1 && kwnames == NULL) {
        /* By position, as in Python. */
        given[1] = args[0];
        PyObject *made = PyObject_VectorcallMethod(self->verb->tables->names[NAME_CONNECT], given,
                                                   4, NULL);
        Py_XDECREF(made);
        return made == NULL ? NULL : Py_NewRef(args[0]);
    }
    PyObject *in_python = PyObject_CallFunctionObjArgs(self->verb->in_python, self->signal,
                                                       self->sender, self->weak, NULL);
    PyObject *made = in_python == NULL ? NULL
                                       : PyObject_Vectorcall(in_python, args, nargsf, kwnames);
    Py_XDECREF(in_python);
    return made;
}

PyObject *
connect_via_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Verb *verb = (Verb *)callable;
    Tables *tables = verb->tables;
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    Py_ssize_t named = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    PyObject *weak = nargs + named == 3 ? args[2] : Py_False;
    int usual = (nargs == 2 || (nargs == 3 && named == 0))
                && (named == 0 || (named == 1 && PyTuple_GET_ITEM(kwnames, 0) == tables->names[NAME_WEAK]))
                && (weak == Py_False || weak == Py_True)
                && !Py_IS_TYPE(args[1], &PyFunction_Type);  /* It may be refused. */
    Via *made = usual ? (Via *)tables->via->tp_alloc(tables->via, 0) : NULL;
    if (made == NULL) {
        return in_python(verb, args, nargsf, kwnames);
    }
    made->vectorcall = connect_what_follows;
    made->verb = (Verb *)Py_NewRef(verb);
    made->signal = Py_NewRef(args[0]);
    made->sender = Py_NewRef(args[1]);
    made->weak = Py_NewRef(weak);
    return (PyObject *)made;
}

static int
Via_traverse(Via *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->verb);
    Py_VISIT(self->signal);
    Py_VISIT(self->sender);
    return 0;
}

static void
Via_dealloc(Via *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    Py_XDECREF(self->verb);
    Py_XDECREF(self->signal);
    Py_XDECREF(self->sender);
    Py_XDECREF(self->weak);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

/* A copy is the decorator itself, as that of a function is. */
static PyObject *
Via_copy(PyObject *self, PyObject *Py_UNUSED(memo))
{
    return Py_NewRef(self);
}

static PyMethodDef Via_methods[] = {
    {"__copy__", Via_copy, METH_NOARGS, NULL},
    {"__deepcopy__", Via_copy, METH_O, NULL},
    {NULL},
};

static PyMemberDef Via_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Via, weakrefs), READONLY, NULL},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Via, vectorcall), READONLY, NULL},
    {NULL},
};

PyDoc_STRVAR(Via_doc, "Connects what follows it for a sender, and returns that.");

/* It cannot be changed once it is made, so it is in no cycle that is not broken elsewhere. */
static PyType_Slot Via_slots[] = {
    {Py_tp_doc, (void *)Via_doc},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_traverse, Via_traverse},
    {Py_tp_dealloc, Via_dealloc},
    {Py_tp_members, Via_members},
    {Py_tp_methods, Via_methods},
    {0, NULL},
};

PyType_Spec Via_spec = {
    .name = "heliograph.core.sending._dispatch.Via",
    .basicsize = sizeof(Via),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
             | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = Via_slots,
};
