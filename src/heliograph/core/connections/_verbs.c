/* The methods of signals that change connections, as objects that behave as functions do.
 *
 * What they do when they are called is in `_connect.c` and `_blocks.c`.
 */

#include "../sending/_callable.h"
#include "_tables.h"

static const struct { const char *name; vectorcallfunc act; } ACTS[] = {
    {"connect", connect_vectorcall},
    {"connect_via", connect_via_vectorcall},
    {"disconnect", disconnect_vectorcall},
    {"connected_to", connected_to_vectorcall},
    {"muted", muted_vectorcall},
    {"_listen", listen_vectorcall},
    {"_disconnect_one", disconnect_one_vectorcall},
    {"__enter__", enter_vectorcall},
    {"__exit__", exit_vectorcall},
    {"__del__", del_vectorcall},
    {NULL, NULL},
};

static PyObject *
Verb_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"tables", "name", "in_python", NULL};
    PyObject *tables, *in_python;
    const char *name;
    vectorcallfunc act = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OsO:Verb", names, &tables, &name, &in_python)
        || !is_tables(tables)) {
        return NULL;
    }
    for (int i = 0; ACTS[i].name != NULL; i++) {
        act = strcmp(name, ACTS[i].name) == 0 ? ACTS[i].act : act;
    }
    if (act == NULL) {
        return PyErr_Format(PyExc_ValueError, "there is no method %s in C", name);
    }
    Verb *self = (Verb *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->vectorcall = act;
        self->tables = (Tables *)Py_NewRef(tables);
        self->in_python = Py_NewRef(in_python);
    }
    return (PyObject *)self;
}

static int
Verb_traverse(Verb *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->dict);
    Py_VISIT(self->in_python);
    Py_VISIT(self->tables);
    return 0;
}

static int
Verb_clear(Verb *self)
{
    /* Nothing that a call reads: cycles through these are broken elsewhere. */
    Py_CLEAR(self->dict);
    return 0;
}

static void
Verb_dealloc(Verb *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    (void)Verb_clear(self);
    Py_CLEAR(self->in_python);
    Py_CLEAR(self->tables);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyMemberDef Verb_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Verb, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Verb, weakrefs), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(Verb, dict), READONLY, NULL},
    {NULL},
};

PyDoc_STRVAR(Verb_doc, "A method of `Signal` that changes its connections.");

static PyMethodDef Verb_methods[] = {
    REDUCE,
    {NULL, NULL, 0, NULL},
};

static PyType_Slot Verb_slots[] = {
    {Py_tp_doc, (void *)Verb_doc},
    {Py_tp_new, Verb_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, bind},
    {Py_tp_traverse, Verb_traverse},
    {Py_tp_clear, Verb_clear},
    {Py_tp_dealloc, Verb_dealloc},
    {Py_tp_repr, repr},
    {Py_tp_methods, Verb_methods},
    {Py_tp_members, Verb_members},
    {Py_tp_getset, getset},
    {0, NULL},
};

PyType_Spec Verb_spec = {
    .name = "heliograph.core.sending._dispatch.Verb",
    .basicsize = sizeof(Verb),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
             | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = Verb_slots,
};
