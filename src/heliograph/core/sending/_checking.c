/* Tells whether a send is known to be as declared, as `is_as_expected` in `checks.py` does: a no
 * may be too careful, and Python decides then. */

#include "_dispatch.h"

/* The places in `KNOWN` of `development.py`. */
enum { ENVIRON, VARIABLES, SWITCH, SWITCH_VALUE, REASON, KNOWN_SIZE };

/* Tell whether the environment says the same as when programs were last said to be developed. */
static int
is_known(Send *self)
{
    if (PyList_GET_SIZE(self->known) != KNOWN_SIZE) {
        return 0;
    }
    PyObject **known = ((PyListObject *)self->known)->ob_item;
    PyObject *environ = PyDict_GetItemWithError(self->os_names, self->environ_name);
    /* Its keys and values are of Python's own types, whose methods run no code of others. */
    if (environ == NULL || environ != known[ENVIRON]) {
        return 0;
    }
    PyObject *value = PyDict_GetItemWithError(known[VARIABLES], known[SWITCH]);
    if (value != (known[SWITCH_VALUE] == Py_None ? NULL : known[SWITCH_VALUE])) {
        return 0;
    }
    return known[REASON] == Py_None
           || PyDict_Contains(known[VARIABLES], known[REASON]) == 1;
}

/* Tell whether all names that every send carries are there; not with an error. */
static int
has_required(PyObject *required, PyObject *names)
{
    PyObject *iterator = PyObject_GetIter(required), *name;
    int found = iterator != NULL;
    while (found && (name = PyIter_Next(iterator)) != NULL) {
        found = PySequence_Contains(names, name) > 0;
        Py_DECREF(name);
    }
    Py_XDECREF(iterator);
    return found && !PyErr_Occurred();
}

/* Give the classes of each argument in a tuple; NULL if the names are not as declared, also with
 * an error. */
static PyObject *
classes_in_order(Send *self, PyObject *classes, PyObject *required, PyObject *names)
{
    Py_ssize_t size = PyTuple_GET_SIZE(names), i;
    PyObject *ordered = PyTuple_New(size);
    for (i = 0; ordered != NULL && i < size; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        PyObject *found = name == self->wrapper_name ? (PyObject *)&PyBaseObject_Type
                                                     : PyDict_GetItemWithError(classes, name);
        if (found == NULL) {
            Py_CLEAR(ordered);
            return NULL;
        }
        PyTuple_SET_ITEM(ordered, i, Py_NewRef(found));
    }
    if (ordered != NULL && !has_required(required, names)) {
        Py_CLEAR(ordered);
    }
    return ordered;
}

/* Give the same, mostly from an earlier send: the names of one place in the code are always the
 * same tuple, and the classes of a declaration the same dict. */
static PyObject *
classes_for(Send *self, PyObject *classes, PyObject *required, PyObject *names)
{
    size_t place = (((size_t)names >> 4) ^ ((size_t)classes >> 4)) % CHECKED;
    if (self->checked[place].names == names && self->checked[place].classes == classes) {
        return Py_NewRef(self->checked[place].ordered);
    }
    PyObject *ordered = classes_in_order(self, classes, required, names);
    if (ordered != NULL) {
        PyObject *old_names = self->checked[place].names;
        PyObject *old_classes = self->checked[place].classes;
        PyObject *old_ordered = self->checked[place].ordered;
        self->checked[place].names = Py_NewRef(names);
        self->checked[place].classes = Py_NewRef(classes);
        self->checked[place].ordered = Py_NewRef(ordered);
        Py_XDECREF(old_names);
        Py_XDECREF(old_classes);
        Py_XDECREF(old_ordered);
    }
    return ordered;
}

/* Tell whether a value is of a class, or of one in a tuple; not with an error. */
static inline int
is_of(PyObject *value, PyObject *classes)
{
    return (PyObject *)Py_TYPE(value) == classes || PyObject_IsInstance(value, classes) == 1;
}

int
is_as_expected(Send *self, PyObject *expected, PyObject *sender, PyObject *names,
               PyObject *const *values)
{
    if (!is_known(self)) {
        return 0;
    }
    Py_INCREF(expected);
    PyObject *required = PyTuple_GET_ITEM(expected, 1), *ordered = NULL;
    int is = names == NULL ? PySet_GET_SIZE(required) == 0 : 1;
    if (is && names != NULL) {
        ordered = classes_for(self, PyTuple_GET_ITEM(expected, 0), required, names);
        is = ordered != NULL;
        for (Py_ssize_t i = 0; is && i < PyTuple_GET_SIZE(ordered); i++) {
            is = is_of(values[i], PyTuple_GET_ITEM(ordered, i));
        }
    }
    is = is && is_of(sender, PyTuple_GET_ITEM(expected, 2));
    Py_XDECREF(ordered);
    Py_DECREF(expected);
    /* A class that does not tell what is of it is no mistake of the sender. */
    if (!is && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyErr_Clear();
    }
    return is;
}
