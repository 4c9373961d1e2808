/* `Signal.connect` and `Signal.disconnect`: functions and methods of objects, connected for all
 * senders or for one that is compared by identity, with no options but `weak`.
 *
 * The rules are in `_tables.h`.
 */

#include "_tables.h"

/* The flags of a code object, as the inspect module documents them. */
enum { VARARGS = 0x04, NESTED_CODE = 0x10, ASYNC_OR_GENERATOR = 0x20 | 0x80 | 0x200 };

/* What is to be connected, or disconnected. */
typedef struct {
    PyObject *signal, *sender;
    int weak;
    Receiver receiver;
    PyObject *registry;      /* held, as all below */
    PyObject *receiver_key, *key;
    PyObject *seen;          /* the version in which the receiver was looked up, or NULL */
    PyObject *omitted;       /* for a receiver that is new: what it is spared of a payload */
    PyObject *own_name;      /* of a receiver that the engine itself has made, not held, or NULL */
} Request;

static void
free_request(Request *request)
{
    Py_CLEAR(request->registry);
    Py_CLEAR(request->receiver_key);
    Py_CLEAR(request->key);
    Py_CLEAR(request->seen);
    Py_CLEAR(request->omitted);
}

/* Tell whether a reference to a receiver is in the tables of a registry. */
static int
is_in_tables(Tables *self, PyObject *registry, PyObject *receiver_ref)
{
    /* Python may just be making it, or freeing it. */
    PyObject *counts = slot_of(self, receiver_ref, SENDER_COUNTS);
    return Py_REFCNT(receiver_ref) > 0 && counts != NULL
           && slot_of(self, receiver_ref, REGISTRY_REF) == slot_of(self, registry, SELF_REF)
           && (PyDict_CheckExact(counts) ? PyDict_GET_SIZE(counts) : PyTuple_GET_SIZE(counts)) != 0;
}

/* Look for the reference to a function that is connected among the first weak references to it,
 * which takes less than a look into the table. Tell whether it is there, or surely nowhere. */
static int
look_at_references(Tables *self, PyObject *registry, PyObject *function, PyObject **found)
{
    PyWeakReference *each = *(PyWeakReference **)PyObject_GET_WEAKREFS_LISTPTR(function);
    *found = NULL;
    for (int looks = 0; each != NULL && *found == NULL; each = each->wr_next) {
        if (++looks > FEW) {
            return 0;
        }
        if (Py_IS_TYPE(each, self->engine->kinds[RECEIVER_REF])
            && is_in_tables(self, registry, (PyObject *)each)) {
            *found = (PyObject *)each;
        }
    }
    return 1;
}

/* Give the reference to a receiver that is connected, a new reference, or NULL, also with an error;
 * the request has the receiver's key then.
 *
 * What follows may run code, which changes the registry's version if it changes who is connected:
 * up to Python 3.11, the garbage collector runs where something is made. */
static PyObject *
known_reference(Tables *self, Request *request)
{
    PyObject *registry = request->registry, *found;
    const Receiver *receiver = &request->receiver;
    request->seen = Py_NewRef(slot_of(self, registry, VERSION));
    if (Py_IS_TYPE(receiver->it, &PyFunction_Type)
        && look_at_references(self, registry, receiver->it, &found)) {
        request->receiver_key = found != NULL ? Py_NewRef(slot_of(self, found, RECEIVER_KEY))
                                              : key_of_receiver(receiver);
        return Py_XNewRef(found);
    }
    request->receiver_key = key_of_receiver(receiver);
    return request->receiver_key == NULL
               ? NULL
               : Py_XNewRef(PyDict_GetItemWithError(slot_of(self, registry, RECEIVERS),
                                                    request->receiver_key));
}

/* Read the arguments of a method that takes so many; 0 if they are not the usual ones. */
static int
read_arguments(Tables *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, int most,
               Request *request)
{
    PyObject *receiver = nargs > 1 ? args[1] : NULL, *weak = nargs > 3 ? args[3] : Py_True;
    Py_ssize_t named = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    if (nargs < 2 || nargs + named > most) {
        return 0;
    }
    request->signal = args[0];
    request->sender = nargs > 2 ? args[2] : self->parts[ANY];
    for (Py_ssize_t i = 0; i < named; i++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, i);
        if (name == self->names[NAME_WEAK] && nargs < 4 && most == 4) {
            weak = args[nargs + i];
        }
        else if (name == self->names[NAME_SENDER] && nargs < 3) {
            request->sender = args[nargs + i];
        }
        else {
            return 0;
        }
    }
    request->weak = weak == Py_True;
    return (weak == Py_True || weak == Py_False)
           && is_function_or_method(self, receiver, &request->receiver);
}

/* Find out what a method is asked to do, and whether nobody has to be told of it; 0 if Python has
 * to. */
static int
understand(Tables *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
           int most, enum name meta_signal, enum slot heard_by, Request *request)
{
    if (!is_quiet(self) || !read_arguments(self, args, nargs, kwnames, most, request)) {
        return 0;
    }
    request->registry = registry_of(self->engine, request->signal);
    if (request->registry == NULL || !tells_nobody(self, request->signal, meta_signal)) {
        return 0;
    }
    PyObject *watchers = slot_of(self, request->registry, WATCHERS);
    if (PyList_GET_SIZE(slot_of(self, watchers, heard_by)) != 0) {
        return 0;
    }
    request->key = key_of_sender(self, request->sender);
    return request->key != NULL;
}

/* Connecting -------------------------------------------------------------------------- */

int
is_plain_receiver(Tables *self, const Receiver *receiver)
{
    PyFunctionObject *function = (PyFunctionObject *)receiver->function;
    PyCodeObject *code = (PyCodeObject *)function->func_code;
    int least = receiver->owner != NULL;
    if ((function->func_dict != NULL && PyDict_GET_SIZE(function->func_dict) != 0)
        || (code->co_flags & ASYNC_OR_GENERATOR) != 0
        || (code->co_argcount <= least && (code->co_flags & VARARGS) == 0)) {
        return 0;
    }
    if (receiver->owner == NULL && code->co_argcount > 1) {
        /* Python looks whether it lacks its object. */
        PyObject *first = PyTuple_GET_ITEM(code->co_localsplusnames, 0);
        return PySequence_Contains(self->parts[OBJECTS], first) == 0;
    }
    return receiver->owner == NULL || PyType_SUPPORTS_WEAKREFS(Py_TYPE(receiver->owner));
}

/* Tell whether a function has the defaults with which it was looked at. */
static int
has_defaults(PyFunctionObject *function, PyObject *count, PyObject *by_name)
{
    PyObject *defaults = function->func_defaults, *given = function->func_kwdefaults, *name, *value;
    Py_ssize_t position = 0, at = 0, names = given == NULL ? 0 : PyDict_GET_SIZE(given);
    if (PyLong_AsSsize_t(count) != (defaults == NULL ? 0 : PyTuple_GET_SIZE(defaults))
        || PyTuple_GET_SIZE(by_name) != names) {
        return 0;
    }
    while (names != 0 && PyDict_Next(given, &position, &name, &value)) {
        if (name != PyTuple_GET_ITEM(by_name, at++)) {
            return 0;
        }
    }
    return 1;
}

/* Give what is known to be omitted for functions of this code, borrowed, or NULL. The engine's own
 * receivers are no functions: what is known of them is known of their class. */
static PyObject *
known_of(Tables *self, PyObject *registry, PyObject *code, int bound, PyFunctionObject *function)
{
    if (slot_of(self, registry, DECLARATION) == Py_None) {
        return self->parts[NOTHING];
    }
    PyObject *key = PyLong_FromVoidPtr((char *)code + bound);
    PyObject *known = key == NULL ? NULL
                                  : PyDict_GetItemWithError(slot_of(self, registry, FITTED), key);
    Py_XDECREF(key);
    if (known == NULL || ((PyWeakReference *)PyTuple_GET_ITEM(known, 0))->wr_object != code
        || (function != NULL
            && !has_defaults(function, PyTuple_GET_ITEM(known, 1), PyTuple_GET_ITEM(known, 2)))) {
        return NULL;
    }
    return PyTuple_GET_ITEM(known, 3);
}

PyObject *
known_to_omit(Tables *self, PyObject *registry, const Receiver *receiver)
{
    PyFunctionObject *function = (PyFunctionObject *)receiver->function;
    return known_of(self, registry, function->func_code, receiver->owner != NULL, function);
}

/* Count that a line has connected another copy of a function that is held; 0 if Python has to look
 * whether there are too many. */
static int
count_copy(Tables *self, Request *request)
{
    PyCodeObject *code = (PyCodeObject *)((PyFunctionObject *)request->receiver.function)->func_code;
    if (request->weak || request->receiver.owner != NULL || (code->co_flags & NESTED_CODE) == 0) {
        return 1;
    }
    PyObject *lines = slot_of(self, request->registry, LINES);
    PyObject *line = key_of(self->engine, (PyObject *)code);
    PyObject *counted = line == NULL ? NULL : PyDict_GetItemWithError(lines, line);
    if (counted == NULL || PyDict_GET_SIZE(lines) >= self->most_lines) {
        return 0;
    }
    long long count = PyLong_AsLongLong(PyList_GET_ITEM(counted, 0)) + 1;
    PyObject *now = (count & (count - 1)) == 0 ? NULL : PyLong_FromLongLong(count);
    return now != NULL && PyList_SetItem(counted, 0, now) == 0;
}

/* Give the weak reference to a receiver, with nothing in it; a new reference, or NULL. */
static PyObject *
bare_reference(Tables *self, Request *request)
{
    Send *engine = self->engine;
    Receiver *receiver = &request->receiver;
    if (receiver->owner == NULL) {
        return new_reference(self, engine->kinds[RECEIVER_REF], receiver->function,
                             self->parts[DIED]);
    }
    PyObject *made = new_reference(self, engine->kinds[METHOD_REF], receiver->owner,
                                   self->parts[DIED]);
    PyObject *died = PyObject_CallFunctionObjArgs(
        self->parts[PARTIAL], self->parts[FUNCTION_DIED],
        slot_of(self, request->registry, SELF_REF), request->receiver_key, NULL);
    PyObject *part = died == NULL ? NULL : PyWeakref_NewRef(receiver->function, died);
    Py_XDECREF(died);
    if (made == NULL || part == NULL) {
        Py_XDECREF(made);
        Py_XDECREF(part);
        return NULL;
    }
    fill_slot(self, made, FUNCTION_REF, part);
    return made;
}

/* Give the module and the qualified name of a function; a new reference, or NULL if Python has to. */
static PyObject *
name_parts(Tables *self, PyFunctionObject *function)
{
    PyObject *last = self->last_named;
    if (last != NULL && PyTuple_GET_ITEM(last, 0) == function->func_module
        && PyTuple_GET_ITEM(last, 1) == function->func_qualname) {
        return Py_NewRef(last);
    }
    /* Made first, as that may run code, and the function holds what it is named after. */
    PyObject *named = PyTuple_New(2), *module = function->func_module;
    /* Its module can be set to anything, and asking whether that is true may run code, too. */
    if (named != NULL && module != NULL && PyUnicode_CheckExact(module)
        && PyUnicode_GET_LENGTH(module) != 0) {
        PyTuple_SET_ITEM(named, 0, Py_NewRef(module));
        PyTuple_SET_ITEM(named, 1, Py_NewRef(function->func_qualname));
        Py_XSETREF(self->last_named, Py_NewRef(named));
        return named;
    }
    Py_XDECREF(named);
    return NULL;
}

/* Give the name of a receiver, or what it is made of; a new reference, or NULL if Python has to. */
static PyObject *
name_of(Tables *self, Request *request)
{
    return request->own_name != NULL
               ? Py_NewRef(request->own_name)
               : name_parts(self, (PyFunctionObject *)request->receiver.function);
}

/* Give the reference to a receiver that is new; a new reference, or NULL. */
static PyObject *
new_receiver_ref(Tables *self, Request *request, PyObject *options)
{
    PyObject *made = bare_reference(self, request), *counts = PyTuple_New(0);
    PyObject *named = name_of(self, request);
    if (made == NULL || counts == NULL || named == NULL) {
        Py_XDECREF(made);
        Py_XDECREF(counts);
        Py_XDECREF(named);
        return NULL;
    }
    /* Objects may come and go. */
    int may_go = request->receiver.owner != NULL || request->own_name != NULL;
    PyObject *registry = request->registry;
    fill_slot(self, made, NAMED, named);
    fill_slot(self, made, SENDER_COUNTS, counts);
    fill_slot(self, made, MAKER, Py_NewRef(Py_None));
    fill_slot(self, made, FATE, Py_NewRef(self->parts[may_go ? SENT_FATE : OPEN_FATE]));
    fill_slot(self, made, REGISTRY_REF, Py_NewRef(slot_of(self, registry, SELF_REF)));
    fill_slot(self, made, RECEIVER_KEY, Py_NewRef(request->receiver_key));
    fill_slot(self, made, SHARED_SNAPSHOT, Py_NewRef(Py_None));
    fill_slot(self, made, SILENCE_SEEN, Py_NewRef(slot_of(self, registry, SILENCE_CHANGES)));
    fill_slot(self, made, STRONG_REF, Py_NewRef(Py_None));
    fill_slot(self, made, STRONG_COUNT, Py_NewRef(self->zero));
    fill_slot(self, made, IS_ASYNC, Py_NewRef(Py_False));
    fill_slot(self, made, RECEIVER_OPTIONS, Py_NewRef(options));
    fill_slot(self, made, FAILURES, Py_NewRef(self->zero));
    fill_slot(self, made, OMITTED, Py_NewRef(request->omitted));
    return made;
}

/* Tell whether connecting would leave a connection as it is. */
static int
changes_nothing(Tables *self, Request *request, PyObject *previous)
{
    PyObject *options = slot_of(self, previous, CONNECTION_OPTIONS);
    return refers(previous) && has_usual_options(self, options)
           && (request->weak || how_of(options) == self->parts[STRONGLY]);
}

/* Tell whether options were given in the same place, and are the same otherwise. */
static int
are_same(PyObject *options, PyObject *others)
{
    PyObject *site = PyTuple_GET_ITEM(options, SITE_AT);
    PyObject *other = PyTuple_GET_ITEM(others, SITE_AT);
    return how_of(options) == how_of(others) && PyTuple_GET_ITEM(others, SCOPE_AT) == Py_None
           && PyTuple_GET_ITEM(site, 0) == PyTuple_GET_ITEM(other, 0)
           && PyObject_RichCompareBool(PyTuple_GET_ITEM(site, 1), PyTuple_GET_ITEM(other, 1),
                                       Py_EQ) == 1;
}

/* Give the options of a connection that is made now; a new reference, or NULL. */
static PyObject *
options_here(Tables *self, Request *request, PyObject *receiver_ref)
{
    PyObject *site = call_site(self), *options = NULL;
    int method = request->receiver.owner != NULL && receiver_ref == NULL;
    /* Python looks whether an object connects its method while it is made. */
    if (site != NULL
        && !(method && PySequence_Contains(self->parts[MAKING_NAMES],
                                           ((PyCodeObject *)PyTuple_GET_ITEM(site, 0))->co_name))) {
        options = lasting_options(self, request->weak, site);
    }
    Py_XDECREF(site);
    if (options != NULL && receiver_ref != NULL) {
        PyObject *others = slot_of(self, receiver_ref, RECEIVER_OPTIONS);
        if (are_same(options, others)) {
            Py_SETREF(options, Py_NewRef(others));
        }
    }
    return options;
}

/* Give what a connection is sorted by that makes a version; a new reference, or NULL. */
static PyObject *
order_at(Tables *self, Request *request, PyObject *version)
{
    return request->own_name == NULL ? Py_NewRef(version)
                                     : PyNumber_Add(version, self->after_all);
}

/* Make a connection with these options and put it into the tables; a new reference, or NULL if
 * Python has to. Takes over the options, which may be NULL. */
static PyObject *
make_and_link(Tables *self, Request *request, PyObject *known, PyObject *options)
{
    PyObject *made = NULL, *order = NULL, *receiver_ref = Py_XNewRef(known);
    PyObject *version = number_after(request->seen, 1);
    if (options != NULL && known == NULL) {
        receiver_ref = new_receiver_ref(self, request, options);
    }
    if (receiver_ref != NULL && options != NULL && version != NULL) {
        order = order_at(self, request, version);
        made = order == NULL ? NULL : new_connection(self, receiver_ref, request->key, order,
                                                     options, request->sender);
    }
    if (made != NULL
        && !link_connection(self, request->registry, made, request->receiver.it, known == NULL,
                            request->seen, version)) {
        Py_CLEAR(made);
    }
    no_error();
    Py_XDECREF(version);
    Py_XDECREF(order);
    Py_XDECREF(receiver_ref);
    Py_XDECREF(options);
    return made;
}

/* Tell whether a receiver that is new may be connected; 0 if Python has to see. */
static int
may_be_new(Tables *self, Request *request)
{
    if (PyErr_Occurred() || !is_plain_receiver(self, &request->receiver)) {
        return 0;
    }
    request->omitted = Py_XNewRef(known_to_omit(self, request->registry, &request->receiver));
    return request->omitted != NULL;
}

PyObject *
connect_in_scope(Tables *self, PyObject *registry, PyObject *receiver, PyObject *sender,
                 PyObject *scope, PyObject *site)
{
    Request request = {.sender = sender, .weak = 0};
    if (!is_function_or_method(self, receiver, &request.receiver)) {
        return NULL;
    }
    request.registry = Py_NewRef(registry);
    request.key = key_of_sender(self, sender);
    PyObject *known = NULL, *made = NULL;
    if (request.key != NULL) {
        known = known_reference(self, &request);
        /* Python looks whether an object connects its method while it is made. */
        int ready = known == NULL ? request.receiver.owner == NULL && may_be_new(self, &request)
                                  : is_reference_to(self, known, &request.receiver);
        if (ready) {
            PyObject *options = new_options(self, 0, scope, site);
            made = make_and_link(self, &request, known, options);
        }
    }
    no_error();
    Py_XDECREF(known);
    free_request(&request);
    return made;
}

/* Connect; 0 if Python has to. */
static int
connect(Tables *self, Request *request)
{
    PyObject *known = known_reference(self, request), *made;
    if (known == NULL) {
        made = may_be_new(self, request) && count_copy(self, request)
                   ? make_and_link(self, request, NULL, options_here(self, request, NULL))
                   : NULL;
        Py_XDECREF(made);
        return made != NULL;
    }
    Found found = {NULL};
    int connected = 0, sure = is_reference_to(self, known, &request->receiver);
    PyObject *previous = sure ? find_lasting(self, request->registry, known, request->key, &found)
                              : NULL;
    if (previous != NULL) {
        connected = changes_nothing(self, request, previous);
    }
    else if (sure && !PyErr_Occurred()) {
        made = make_and_link(self, request, known, options_here(self, request, known));
        connected = made != NULL;
        Py_XDECREF(made);
    }
    Py_XDECREF(found.group);
    Py_DECREF(known);
    return connected;
}

PyObject *
connect_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Verb *verb = (Verb *)callable;
    Request request = {NULL};
    int done = understand(verb->tables, args, PyVectorcall_NARGS(nargsf), kwnames, 4,
                          NAME_CONNECTED, ON_CONNECT, &request)
               && connect(verb->tables, &request);
    free_request(&request);
    return done ? Py_NewRef(request.receiver.it) : in_python(verb, args, nargsf, kwnames);
}

/* Listening --------------------------------------------------------------------------- */

/* Tell whether options are those of the engine's own receivers, connected for good, and not by an
 * object while it is made. */
static int
are_listening(Tables *self, PyObject *options)
{
    if (!PyTuple_CheckExact(options) || PyTuple_GET_SIZE(options) != SITE_AT + 1
        || how_of(options) != self->parts[LISTENING]
        || PyTuple_GET_ITEM(options, SCOPE_AT) != Py_None) {
        return 0;
    }
    PyObject *code = PyTuple_GET_ITEM(PyTuple_GET_ITEM(options, SITE_AT), 0);
    return PySequence_Contains(self->parts[MAKING_NAMES], ((PyCodeObject *)code)->co_name) == 0;
}

/* Tell whether nobody has to be told of a change of a signal's connections. */
static int
is_told_to_nobody(Tables *self, PyObject *signal, PyObject *registry, enum name meta_signal,
                  enum slot heard_by)
{
    return tells_nobody(self, signal, meta_signal)
           && PyList_GET_SIZE(slot_of(self, slot_of(self, registry, WATCHERS), heard_by)) == 0;
}

/* Connect what the engine itself receives with; a new reference, or NULL if Python has to. */
static PyObject *
listen(Tables *self, PyObject *signal, PyObject *receiver, PyObject *sender, PyObject *options)
{
    Request request = {.signal = signal, .sender = sender, .weak = 0};
    PyObject *kind = (PyObject *)Py_TYPE(receiver), *made = NULL;
    request.own_name = PyDict_GetItemWithError(self->parts[OWN_RECEIVERS], kind);
    if (request.own_name == NULL || !is_quiet(self) || !are_listening(self, options)
        || !connects_plainly(self, signal)) {
        return NULL;
    }
    request.receiver = (Receiver){.it = receiver, .function = receiver, .owner = NULL};
    request.registry = registry_of(self->engine, signal);
    if (request.registry != NULL
        && is_told_to_nobody(self, signal, request.registry, NAME_CONNECTED, ON_CONNECT)) {
        request.key = key_of_sender(self, sender);
    }
    if (request.key != NULL) {
        PyObject *known = known_reference(self, &request);
        request.omitted = Py_XNewRef(known_of(self, request.registry, kind, 0, NULL));
        if (known == NULL && request.receiver_key != NULL && request.omitted != NULL) {
            made = make_and_link(self, &request, NULL, Py_NewRef(options));
        }
        Py_XDECREF(known);
    }
    free_request(&request);
    return made;
}

PyObject *
listen_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Verb *verb = (Verb *)callable;
    PyObject *made = PyVectorcall_NARGS(nargsf) == 4 && kwnames == NULL
                         ? listen(verb->tables, args[0], args[1], args[2], args[3])
                         : NULL;
    return made != NULL ? made : in_python(verb, args, nargsf, kwnames);
}

/* End one connection; 0 if Python has to. */
static int
disconnect_one(Tables *self, PyObject *signal, PyObject *connection)
{
    if (!is_quiet(self) || !Py_IS_TYPE(connection, self->engine->kinds[CONNECTION])) {
        return 0;
    }
    PyObject *registry = registry_of(self->engine, signal);
    PyObject *receiver_ref = slot_of(self, connection, CONNECTION_RECEIVER);
    int ended = registry != NULL && receiver_ref != NULL
                && slot_of(self, receiver_ref, REGISTRY_REF) == slot_of(self, registry, SELF_REF)
                && is_told_to_nobody(self, signal, registry, NAME_DISCONNECTED, ON_DISCONNECT)
                && end_connection(self, registry, connection, 0);
    Py_XDECREF(registry);
    return ended;
}

PyObject *
disconnect_one_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf,
                          PyObject *kwnames)
{
    Verb *verb = (Verb *)callable;
    int ended = PyVectorcall_NARGS(nargsf) == 2 && kwnames == NULL
                && disconnect_one(verb->tables, args[0], args[1]);
    return ended ? Py_NewRef(Py_True) : in_python(verb, args, nargsf, kwnames);
}

/* Disconnecting ----------------------------------------------------------------------- */

/* Give the key of the one sender for whom a receiver is connected, borrowed, or NULL. */
static PyObject *
only_key(PyObject *counts)
{
    PyObject *key, *count;
    Py_ssize_t position = 0;
    if (!PyDict_CheckExact(counts)) {
        return PyTuple_GET_SIZE(counts) == 1 ? PyTuple_GET_ITEM(counts, 0) : NULL;
    }
    return PyDict_GET_SIZE(counts) == 1 && PyDict_Next(counts, &position, &key, &count) ? key
                                                                                        : NULL;
}

/* Give how many connections a receiver has for a sender; -1 if Python has to count. */
static long long
count_for(Tables *self, PyObject *counts, PyObject *key)
{
    if (PyDict_CheckExact(counts)) {
        PyObject *count = PyDict_GetItemWithError(counts, key);
        return count != NULL ? PyLong_AsLongLong(count) : PyErr_Occurred() ? -1 : 0;
    }
    PyObject *only = only_key(counts);
    if (only == NULL || only == key) {
        return only == key;
    }
    return is_plain_key(self, only) ? PyObject_RichCompareBool(only, key, Py_EQ) : -1;
}

/* Disconnect a receiver that is connected; 0 if Python has to. */
static int
disconnect_known(Tables *self, Request *request, PyObject *receiver_ref)
{
    PyObject *key = request->key, *counts = slot_of(self, receiver_ref, SENDER_COUNTS);
    if (request->sender == self->parts[ANY]) {
        key = only_key(counts);
    }
    if (key == NULL || !is_plain_key(self, key)) {
        return 0;
    }
    Found found = {NULL};
    PyObject *registry = request->registry;
    PyObject *connection = find_lasting(self, registry, receiver_ref, key, &found);
    long long count = count_for(self, counts, key);
    /* If there is another one, a block has made it. */
    int done = count == 0 || (count == 1 && connection != NULL
                              && end_found(self, registry, connection, &found, 0));
    Py_XDECREF(found.group);
    return done;
}

/* Disconnect; 0 if Python has to. */
static int
disconnect(Tables *self, Request *request)
{
    if (PyDict_GET_SIZE(slot_of(self, request->registry, IDLE)) != 0) {
        return 0;
    }
    PyObject *known = known_reference(self, request);
    if (known == NULL) {
        return !PyErr_Occurred();
    }
    int done = is_reference_to(self, known, &request->receiver)
               && disconnect_known(self, request, known);
    Py_DECREF(known);
    return done;
}

PyObject *
disconnect_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Verb *verb = (Verb *)callable;
    Request request = {NULL};
    int done = understand(verb->tables, args, PyVectorcall_NARGS(nargsf), kwnames, 3,
                          NAME_DISCONNECTED, ON_DISCONNECT, &request)
               && disconnect(verb->tables, &request);
    free_request(&request);
    return done ? Py_NewRef(Py_None) : in_python(verb, args, nargsf, kwnames);
}
