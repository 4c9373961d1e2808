/* Finds a receiver by its reference and calls it, and tells names of keywords apart. */

#ifndef HELIOGRAPH_CALLING_H
#define HELIOGRAPH_CALLING_H

#include "_dispatch.h"

/* Give the bound method to whose halves this is a weak reference, or NULL. */
static inline PyObject *
bound_method(Send *self, PyObject *receiver_ref)
{
    PyObject *part = read_slot(self, receiver_ref, FUNCTION_REF);
    if (part == NULL || !PyWeakref_CheckRefExact(part)) {
        return NULL;
    }
    PyObject *owner = referent(receiver_ref);
    if (owner == NULL) {
        return NULL;
    }
    PyObject *function = referent(part);
    PyObject *method = function == NULL ? NULL : PyMethod_New(function, owner);
    Py_XDECREF(function);
    Py_DECREF(owner);
    return method;
}

/* Give a receiver, or NULL if it is dead; with an error set if looking failed. */
static inline PyObject *
look_up(Send *self, PyObject *reference)
{
    if (PyWeakref_CheckRefExact(reference)) {
        return referent(reference);
    }
    if (Py_TYPE(reference) == self->kinds[METHOD_REF]) {
        PyObject *method = bound_method(self, reference);
        if (method != NULL || PyErr_Occurred()) {
            return method;
        }
    }
    PyObject *receiver = PyObject_CallNoArgs(reference);
    if (receiver == Py_None) {
        Py_CLEAR(receiver);
    }
    return receiver;
}

/* Call a receiver with the caller's own arguments. */
static inline PyObject *
call(Send *self, PyObject *receiver, Dispatch *dispatch)
{
    PyObject **arguments = dispatch->arguments, *names = dispatch->names, *value;
    /* What is checked in other callables, that they return or raise, is sure of functions. */
    if (PyFunction_Check(receiver)) {
        return ((PyFunctionObject *)receiver)->vectorcall(receiver, arguments, 1, names);
    }
    if (Py_IS_TYPE(receiver, &PyMethod_Type)) {
        PyObject *function = PyMethod_GET_FUNCTION(receiver), *before = arguments[-1];
        if (PyFunction_Check(function)) {
            arguments[-1] = PyMethod_GET_SELF(receiver);
            value = ((PyFunctionObject *)function)->vectorcall(function, arguments - 1, 2, names);
            arguments[-1] = before;
            return value;
        }
    }
    /* Of an object with a `__call__` in Python, the slot would make a tuple and a dict first. */
    if (!PyType_HasFeature(Py_TYPE(receiver), Py_TPFLAGS_HAVE_VECTORCALL)) {
        PyObject *method = call_of(self, receiver), *before = arguments[-1];
        if (method != NULL && PyFunction_Check(method)) {
            arguments[-1] = receiver;
            value = ((PyFunctionObject *)method)->vectorcall(method, arguments - 1, 2, names);
            arguments[-1] = before;
            Py_DECREF(method);
            return value;
        }
        Py_XDECREF(method);
    }
    /* It may be the `send` of a signal, and then no Python code counts the depth. */
    if (Py_EnterRecursiveCall(" while sending a signal")) {
        return NULL;
    }
    value = PyObject_Vectorcall(receiver, arguments, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, names);
    Py_LeaveRecursiveCall();
    return value;
}

/* Tell whether `coroutine_function` gives a receiver back as it is: a function of that kind does. */
static inline int
is_coroutine_function(PyObject *receiver)
{
    if (Py_IS_TYPE(receiver, &PyMethod_Type)) {
        receiver = PyMethod_GET_FUNCTION(receiver);
    }
    return PyFunction_Check(receiver)
           && (((PyCodeObject *)PyFunction_GET_CODE(receiver))->co_flags & CO_COROUTINE) != 0;
}

static inline int
is_name(PyObject *name, PyObject *interned)
{
    /* Names of keywords are interned, unless somebody made them up in a dict. */
    return name == interned
        || (!PyUnicode_CHECK_INTERNED(name) && PyUnicode_Compare(name, interned) == 0);
}

/* Tell whether the sender is in the payload, which Python warns of. */
static inline int
is_sent_by_name(Send *self, PyObject *kwnames)
{
    Py_ssize_t count = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (is_name(PyTuple_GET_ITEM(kwnames, i), self->sender_name)) {
            return 1;
        }
    }
    return 0;
}

#endif
