/* The least that sending can cost: a loop over receivers that hands on the caller's arguments. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *
call_and_pair(PyObject *receiver, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    PyObject *value = PyObject_Vectorcall(receiver, args, nargs, kwnames);
    if (value == NULL) {
        return NULL;
    }
    PyObject *pair = PyTuple_New(2);
    if (pair == NULL) {
        Py_DECREF(value);
        return NULL;
    }
    PyTuple_SET_ITEM(pair, 0, Py_NewRef(receiver));
    PyTuple_SET_ITEM(pair, 1, value);
    return pair;
}

static PyObject *
send(PyObject *receivers, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    Py_ssize_t size = PyTuple_GET_SIZE(receivers);
    PyObject *outcomes = PyList_New(size);
    for (Py_ssize_t i = 0; outcomes != NULL && i < size; i++) {
        PyObject *pair = call_and_pair(PyTuple_GET_ITEM(receivers, i), args, nargs, kwnames);
        if (pair == NULL) {
            Py_CLEAR(outcomes);
        }
        else {
            PyList_SET_ITEM(outcomes, i, pair);
        }
    }
    return outcomes;
}

static PyMethodDef send_def = {
    "send", (PyCFunction)(void (*)(void))send, METH_FASTCALL | METH_KEYWORDS, NULL,
};

static PyObject *
over(PyObject *Py_UNUSED(module), PyObject *receivers)
{
    if (!PyTuple_CheckExact(receivers)) {
        PyErr_SetString(PyExc_TypeError, "over() takes a tuple of receivers");
        return NULL;
    }
    return PyCFunction_New(&send_def, receivers);
}

static PyObject *
nothing(PyObject *Py_UNUSED(module), PyObject *const *Py_UNUSED(args),
        Py_ssize_t Py_UNUSED(nargs), PyObject *Py_UNUSED(kwnames))
{
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"over", over, METH_O, "Return what sends to the receivers in a tuple."},
    {"nothing", (PyCFunction)(void (*)(void))nothing, METH_FASTCALL | METH_KEYWORDS,
     "Take anything and do nothing."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_vectorcall",
    .m_doc = "The least that sending can cost.",
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__vectorcall(void)
{
    return PyModuleDef_Init(&module_def);
}
