/* Calls receivers that are spared arguments, as `special.py` does. */

#include "_dispatch.h"

/* Give the names that are not omitted, a new reference, or NULL with an error. */
static PyObject *
names_but(PyObject *names, PyObject *omitted)
{
    PyObject *list = PyList_New(0), *rest = NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(names), at = 0;
    for (; list != NULL && at < count; at++) {
        PyObject *name = PyTuple_GET_ITEM(names, at);
        int is_omitted = PySet_Contains(omitted, name);
        if (is_omitted < 0 || (!is_omitted && PyList_Append(list, name) < 0)) {
            break;
        }
    }
    if (list != NULL && at == count) {
        rest = PyList_AsTuple(list);
    }
    Py_XDECREF(list);
    return rest;
}

/* Give the same, mostly from an earlier call: the names of one place in the code are always the
 * same tuple, and what a receiver is spared is always the same set. */
static PyObject *
names_left(Send *self, PyObject *names, PyObject *omitted)
{
    size_t place = (((size_t)names >> 4) ^ ((size_t)omitted >> 4)) % SPARED;
    if (self->spared[place].names == names && self->spared[place].omitted == omitted) {
        return Py_NewRef(self->spared[place].rest);
    }
    PyObject *rest = names_but(names, omitted);
    if (rest != NULL) {
        /* All at once: dropping names may run code, as they may be str subclasses with __del__. */
        PyObject *old_names = self->spared[place].names, *old_rest = self->spared[place].rest;
        PyObject *old_omitted = self->spared[place].omitted;
        self->spared[place].names = Py_NewRef(names);
        self->spared[place].omitted = Py_NewRef(omitted);
        self->spared[place].rest = Py_NewRef(rest);
        Py_XDECREF(old_names);
        Py_XDECREF(old_omitted);
        Py_XDECREF(old_rest);
    }
    return rest;
}

PyObject *
call_sparing(Send *self, Dispatch *dispatch, PyObject *receiver, Py_ssize_t at)
{
    PyObject *omitted = PyTuple_GET_ITEM(PyTuple_GET_ITEM(dispatch->sparing, at), 1);
    PyObject *small[SMALL], **copy = small, *value = NULL, *names = dispatch->names;
    Py_ssize_t count = names == NULL ? 0 : PyTuple_GET_SIZE(names), left = 0;
    PyObject *rest = count == 0 ? NULL : names_left(self, names, omitted);
    if (count != 0 && rest == NULL) {
        return NULL;
    }
    if (count + 2 > SMALL) {
        copy = PyMem_New(PyObject *, count + 2);
        if (copy == NULL) {
            Py_XDECREF(rest);
            return PyErr_NoMemory();
        }
    }
    copy[1] = dispatch->sender;
    /* What is left is in the order of the names, and is the very same objects. */
    for (Py_ssize_t i = 0; rest != NULL && i < count && left < PyTuple_GET_SIZE(rest); i++) {
        if (PyTuple_GET_ITEM(names, i) == PyTuple_GET_ITEM(rest, left)) {
            copy[2 + left++] = dispatch->values[i];
        }
    }
    /* It may be the `send` of a signal, and then no Python code counts the depth. */
    if (Py_EnterRecursiveCall(" while sending a signal") == 0) {
        value = PyObject_Vectorcall(receiver, copy + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET,
                                    left == 0 ? NULL : rest);
        Py_LeaveRecursiveCall();
    }
    if (copy != small) {
        PyMem_Free(copy);
    }
    Py_XDECREF(rest);
    return value;
}
