/* What makes a callable of C look and behave as a function does. */

#ifndef HELIOGRAPH_CALLABLE_H
#define HELIOGRAPH_CALLABLE_H

#include "_dispatch.h"

static PyObject *
bind(PyObject *self, PyObject *owner, PyObject *Py_UNUSED(type))
{
    return owner == NULL || owner == Py_None ? Py_NewRef(self) : PyMethod_New(self, owner);
}

/* As with functions, copies and pickles are the callable itself, found again by its name. */
static PyObject *
reduce(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyObject_GetAttrString(self, "__qualname__");
}

static PyObject *
repr(PyObject *self)
{
    PyObject *name = PyObject_GetAttrString(self, "__qualname__");
    if (name == NULL) {
        return NULL;
    }
    PyObject *text = PyUnicode_FromFormat("<function %S in C at %p>", name, self);
    Py_DECREF(name);
    return text;
}

/* The first of the methods of such a type. */
#define REDUCE {"__reduce__", reduce, METH_NOARGS, NULL}

static PyGetSetDef getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL},
};

/* Give the offset of a slot of a class, or -1 with an error. */
static inline Py_ssize_t
offset_of(PyTypeObject *type, const char *name)
{
    Py_ssize_t offset = -1;
    PyObject *descriptor = PyObject_GetAttrString((PyObject *)type, name);
    if (descriptor == NULL) {
        return -1;
    }
    if (Py_IS_TYPE(descriptor, &PyMemberDescr_Type)) {
        offset = ((PyMemberDescrObject *)descriptor)->d_member->offset;
    }
    else {
        PyErr_Format(PyExc_TypeError, "%R has no slot %s", type, name);
    }
    Py_DECREF(descriptor);
    return offset;
}

#endif
