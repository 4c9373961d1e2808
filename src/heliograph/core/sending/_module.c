/* The object that sends, and the module: what it is made of, and where it reads the engine's slots.
 *
 * What it does when it is called is in `_dispatch.c`.
 */

#include "_callable.h"

static const struct { enum kind kind; const char *name; } SLOT[SLOTS] = {
    [ANYONE] = {REGISTRY, "anyone"},
    [NEEDS_SLOW_PATH] = {REGISTRY, "needs_slow_path"},
    [VERSION] = {REGISTRY, "version"},
    [LAST_OWN] = {REGISTRY, "last_own"},
    [SENDERS] = {REGISTRY, "senders"},
    [ANY_GROUP] = {REGISTRY, "any"},
    [EXPECTED] = {REGISTRY, "expected"},
    [WATCHERS] = {REGISTRY, "watchers"},
    [RECEIVERS] = {REGISTRY, "receivers"},
    [IDLE] = {REGISTRY, "idle"},
    [DECLARATION] = {REGISTRY, "declaration"},
    [FITTED] = {REGISTRY, "fitted"},
    [SILENCE_CHANGES] = {REGISTRY, "silence_changes"},
    [SILENT] = {REGISTRY, "silent"},
    [SELF_REF] = {REGISTRY, "self_ref"},
    [LINES] = {REGISTRY, "lines"},
    [LOCAL_CONNECTIONS] = {REGISTRY, "local_connections"},
    [OVERRIDDEN] = {REGISTRY, "overridden"},
    [IS_CHECKED] = {REGISTRY, "checked"},
    [MUTES] = {REGISTRY, "mutes"},
    [LOCAL_MUTES] = {REGISTRY, "local_mutes"},
    [GROUP_SNAPSHOT] = {GROUP, "_snapshot"},
    [GROUP_VERSION] = {GROUP, "_version"},
    [GROUP_CONNECTIONS] = {GROUP, "connections"},
    [CONNECTION_SNAPSHOT] = {CONNECTION, "_snapshot"},
    [CONNECTION_RECEIVER] = {CONNECTION, "_receiver_ref"},
    [CONNECTION_OPTIONS] = {CONNECTION, "_options"},
    [CONNECTION_KEY] = {CONNECTION, "_key"},
    [CONNECTION_SENDER] = {CONNECTION, "_sender"},
    [SORT_KEY] = {CONNECTION, "_sort_key"},
    [SHARED_SNAPSHOT] = {RECEIVER_REF, "shared_snapshot"},
    [RECEIVER_OPTIONS] = {RECEIVER_REF, "options"},
    [RECEIVER_KEY] = {RECEIVER_REF, "key"},
    [SENDER_COUNTS] = {RECEIVER_REF, "sender_counts"},
    [STRONG_COUNT] = {RECEIVER_REF, "strong_count"},
    [STRONG_REF] = {RECEIVER_REF, "strong_ref"},
    [REGISTRY_REF] = {RECEIVER_REF, "registry_ref"},
    [FATE] = {RECEIVER_REF, "fate"},
    [FAILURES] = {RECEIVER_REF, "failures"},
    [IS_ASYNC] = {RECEIVER_REF, "is_async"},
    [MAKER] = {RECEIVER_REF, "maker"},
    [NAMED] = {RECEIVER_REF, "named"},
    [OMITTED] = {RECEIVER_REF, "omitted"},
    [SILENCE_SEEN] = {RECEIVER_REF, "silence_seen"},
    [RECEIVER_REFS] = {SNAPSHOT, "receiver_refs"},
    [SLOW_IN_SEND] = {SNAPSHOT, "slow_in_send"},
    [SPARING] = {SNAPSHOT, "sparing"},
    [LAST_FAILED] = {SNAPSHOT, "last_failed"},
    [SLOW_IN_SEND_ASYNC] = {SNAPSHOT, "slow_in_send_async"},
    [ANY_VERSION] = {SNAPSHOT, "any_version"},
    [OWN_VERSION] = {SNAPSHOT, "own_version"},
    [SHARED] = {SNAPSHOT, "shared"},
    [CONNECTIONS] = {SNAPSHOT, "connections"},
    [CALLS] = {SNAPSHOT, "calls"},
    [NEWEST] = {SNAPSHOT, "newest"},
    [SCOPES] = {SNAPSHOT, "scopes"},
    [OUTSIDE] = {SNAPSHOT, "outside"},
    [INSIDE] = {SNAPSHOT, "inside"},
    [SNAPSHOT_MUTED] = {SNAPSHOT, "muted"},
    [ONLY_REF] = {SNAPSHOT, "only_ref"},
    [POSTPONES] = {SNAPSHOT, "postpones"},
    [OUTER] = {SCOPE, "outer"},
    [EVERYWHERE] = {SCOPE, "everywhere"},
    [SCOPE_BLOCK] = {SCOPE, "block"},
    [SCOPE_MADE] = {SCOPE, "made"},
    [BLOCK_EVERYWHERE] = {MUTED_BLOCK, "_everywhere"},
    [BLOCK_LEAVING] = {MUTED_BLOCK, "_leaving"},
    [BLOCK_MADE] = {MUTED_BLOCK, "_made"},
    [BLOCK_OPEN] = {MUTED_BLOCK, "_open"},
    [BLOCK_USED] = {MUTED_BLOCK, "_used"},
    [CONNECTED_OPTIONS] = {CONNECTED_BLOCK, "_options"},
    [CONNECTED_RECEIVER] = {CONNECTED_BLOCK, "_receiver"},
    [CONNECTED_SENDER] = {CONNECTED_BLOCK, "_sender"},
    [CONNECTED_SIGNAL] = {CONNECTED_BLOCK, "_signal"},
    [MUTED_KEYS] = {MUTED_BLOCK, "_keys"},
    [MUTED_REGISTRY] = {MUTED_BLOCK, "_registry"},
    [MUTED_SIGNAL] = {MUTED_BLOCK, "_signal"},
    [MUTED_SPARED] = {MUTED_BLOCK, "_spared"},
    [FUNCTION_REF] = {METHOD_REF, "function_ref"},
    [ON_START] = {WATCHED_BY, "on_start"},
    [ON_CONNECT] = {WATCHED_BY, "on_connect"},
    [ON_DISCONNECT] = {WATCHED_BY, "on_disconnect"},
    [TOLD] = {WATCHED_BY, "told"},
    [WORK] = {PLACE, "work"},
    [AROUND] = {PLACE, "around"},
    [SIGNAL] = {EMISSION, "_signal"},
    [SENDER] = {EMISSION, "_sender"},
    [PAYLOAD] = {EMISSION, "_payload"},
    [PARENT] = {EMISSION, "_parent"},
    [STARTED] = {EMISSION, "_started"},
    [CLOCK] = {EMISSION, "_clock"},
    [TOOK] = {EMISSION, "_duration"},
    [DELIVERIES] = {EMISSION, "_deliveries"},
    [MUTED] = {EMISSION, "_muted"},
    [TURN] = {EMISSION, "_turn"},
    [RECEIVER] = {DELIVERY, "receiver"},
    [BY] = {DELIVERY, "connection"},
    [DURATION] = {DELIVERY, "duration"},
    [VALUE] = {DELIVERY, "value"},
    [FAILED] = {DELIVERY, "error"},
    [LEFT_SIGNAL] = {UNFINISHED, "signal"},
    [LEFT_SENDER] = {UNFINISHED, "sender"},
    [LEFT_PAYLOAD] = {UNFINISHED, "payload"},
    [LEFT_SNAPSHOT] = {UNFINISHED, "snapshot"},
    [LEFT_VERSION] = {UNFINISHED, "version"},
    [LEFT_POSITION] = {UNFINISHED, "position"},
    [LEFT_RESULTS] = {UNFINISHED, "results"},
    [LEFT_RECEIVER] = {UNFINISHED, "receiver"},
    [LEFT_ERROR] = {UNFINISHED, "error"},
    [LEFT_WRAPPER] = {UNFINISHED, "wrapper"},
    [LEFT_PLACE] = {UNFINISHED, "place"},
    [LEFT_CLOCK] = {UNFINISHED, "clock"},
    [CHANGING] = {LOCK_STATE, "changing"},
    [BROKEN] = {LOCK_STATE, "broken"},
};

/* Make the names and the number that sends use; -1 with an error. */
static int
intern_names(Send *self)
{
    self->registry_name = PyUnicode_InternFromString("_registry");
    self->wrapper_name = PyUnicode_InternFromString("_async_wrapper");
    self->sender_name = PyUnicode_InternFromString("sender");
    self->proxy_name = PyUnicode_InternFromString("_get_current_object");
    self->environ_name = PyUnicode_InternFromString("environ");
    self->call_name = PyUnicode_InternFromString("__call__");
    self->anyone_name = PyUnicode_InternFromString("_anyone");
    self->on_start_name = PyUnicode_InternFromString("on_start");
    self->zero = PyFloat_FromDouble(0.0);
    return self->registry_name == NULL || self->wrapper_name == NULL || self->proxy_name == NULL
           || self->anyone_name == NULL || self->call_name == NULL || self->sender_name == NULL
           || self->environ_name == NULL || self->on_start_name == NULL || self->zero == NULL ? -1 : 0;
}

/* Find out where each class that is known has its slots; -1 with an error. */
static int
find_slots(Send *self)
{
    for (int slot = 0; slot < SLOTS; slot++) {
        PyTypeObject *kind = self->kinds[SLOT[slot].kind];
        if (kind != NULL) {
            self->offsets[slot] = offset_of(kind, SLOT[slot].name);
            if (self->offsets[slot] < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static PyObject *
Send_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"in_python", "finish", "is_raised", "dress", "explain",
                            "pending_changes", "at_once", "registry", "group", "connection",
                            "snapshot", "receiver_ref", "method_ref", "watchers", "place",
                            "innermost_block", "scope", "unfinished", "known", "os_names",
                            "lock_state", "connected_block", "muted_block", NULL};
    PyObject *in_python, *finish_, *is_raised, *dress, *explain, *pending_changes, *at_once;
    PyObject *innermost_block, *known, *os_names;
    PyTypeObject *kinds[KINDS] = {NULL};
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "OOOOOOO!O!O!O!O!O!O!O!O!O!O!O!O!O!O!O!O!:Send", names, &in_python,
            &finish_, &is_raised, &dress, &explain, &pending_changes, &PyTuple_Type, &at_once,
            &PyType_Type, &kinds[REGISTRY], &PyType_Type, &kinds[GROUP], &PyType_Type,
            &kinds[CONNECTION], &PyType_Type, &kinds[SNAPSHOT], &PyType_Type, &kinds[RECEIVER_REF],
            &PyType_Type, &kinds[METHOD_REF], &PyType_Type, &kinds[WATCHED_BY], &PyType_Type,
            &kinds[PLACE], &PyContextVar_Type, &innermost_block, &PyType_Type, &kinds[SCOPE],
            &PyType_Type, &kinds[UNFINISHED], &PyList_Type, &known, &PyDict_Type, &os_names,
            &PyType_Type, &kinds[LOCK_STATE], &PyType_Type, &kinds[CONNECTED_BLOCK], &PyType_Type,
            &kinds[MUTED_BLOCK])) {
        return NULL;
    }
    kinds[NOTES] = (PyTypeObject *)PyObject_GetAttrString(PyType_GetModule(type), "Notes");
    Send *self = kinds[NOTES] == NULL ? NULL : (Send *)type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_XDECREF(kinds[NOTES]);
        return NULL;
    }
    self->vectorcall = send_vectorcall;
    self->in_python = Py_NewRef(in_python);
    self->finish = Py_NewRef(finish_);
    self->is_raised = Py_NewRef(is_raised);
    self->dress = Py_NewRef(dress);
    self->explain = Py_NewRef(explain);
    self->pending_changes = Py_NewRef(pending_changes);
    self->at_once = Py_NewRef(at_once);
    self->innermost_block = Py_NewRef(innermost_block);
    self->known = Py_NewRef(known);
    self->os_names = Py_NewRef(os_names);
    for (int kind = 0; kind < KINDS; kind++) {
        self->kinds[kind] = (PyTypeObject *)Py_XNewRef((PyObject *)kinds[kind]);
    }
    Py_DECREF(kinds[NOTES]);
    if (intern_names(self) < 0 || find_slots(self) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

/* Take what watches, which Python loads with the first instrument. */
static PyObject *
watch_with(Send *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"tellers", "inside", "end_watching", "outlive", "whoever_runs",
                            "switch_off", "deliveries", "emission", "delivery", NULL};
    PyObject *tellers, *inside, *end_watching_, *outlive_, *whoever_runs_, *switch_off, *deliveries;
    PyTypeObject *emission, *delivery;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O!OOOOOO!O!:watch_with", names, &PyDict_Type,
                                     &tellers, &PyContextVar_Type, &inside, &end_watching_,
                                     &outlive_, &whoever_runs_, &switch_off, &deliveries,
                                     &PyType_Type, &emission, &PyType_Type, &delivery)) {
        return NULL;
    }
    if (self->tellers != NULL) {
        Py_RETURN_NONE;  /* A signal handler may have interrupted the loading, which began again. */
    }
    self->kinds[EMISSION] = (PyTypeObject *)Py_NewRef((PyObject *)emission);
    self->kinds[DELIVERY] = (PyTypeObject *)Py_NewRef((PyObject *)delivery);
    if (find_slots(self) < 0) {
        Py_CLEAR(self->kinds[EMISSION]);
        Py_CLEAR(self->kinds[DELIVERY]);
        return NULL;
    }
    self->inside = Py_NewRef(inside);
    self->end_watching = Py_NewRef(end_watching_);
    self->outlive = Py_NewRef(outlive_);
    self->whoever_runs = Py_NewRef(whoever_runs_);
    self->switch_off = Py_NewRef(switch_off);
    self->deliveries = Py_NewRef(deliveries);
    self->tellers = Py_NewRef(tellers);  /* The last, as it says that all is there. */
    Py_RETURN_NONE;
}

static int
Send_traverse(Send *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->dict);
    Py_VISIT(self->in_python);
    Py_VISIT(self->finish);
    Py_VISIT(self->is_raised);
    Py_VISIT(self->dress);
    Py_VISIT(self->explain);
    Py_VISIT(self->pending_changes);
    Py_VISIT(self->at_once);
    Py_VISIT(self->tellers);
    Py_VISIT(self->inside);
    Py_VISIT(self->innermost_block);
    Py_VISIT(self->deliveries);
    Py_VISIT(self->known);
    Py_VISIT(self->os_names);
    Py_VISIT(self->end_watching);
    Py_VISIT(self->outlive);
    Py_VISIT(self->whoever_runs);
    Py_VISIT(self->switch_off);
    Py_VISIT(self->teller);
    Py_VISIT(self->running_loop);
    Py_VISIT(self->greenlet);
    Py_VISIT(self->spare_emission);
    Py_VISIT(self->spare_notes);
    Py_VISIT(self->spare_place);
    Py_VISIT(self->seen_names);
    Py_VISIT(self->seen_rest);
    for (int place = 0; place < SPARED; place++) {
        Py_VISIT(self->spared[place].names);
        Py_VISIT(self->spared[place].omitted);
        Py_VISIT(self->spared[place].rest);
    }
    for (int place = 0; place < CHECKED; place++) {
        Py_VISIT(self->checked[place].names);
        Py_VISIT(self->checked[place].classes);
        Py_VISIT(self->checked[place].ordered);
    }
    for (int kind = 0; kind < KINDS; kind++) {
        Py_VISIT(self->kinds[kind]);
    }
    return 0;
}

static int
Send_clear(Send *self)
{
    Py_CLEAR(self->dict);
    Py_CLEAR(self->in_python);
    Py_CLEAR(self->finish);
    Py_CLEAR(self->is_raised);
    Py_CLEAR(self->dress);
    Py_CLEAR(self->explain);
    Py_CLEAR(self->pending_changes);
    Py_CLEAR(self->at_once);
    Py_CLEAR(self->tellers);
    Py_CLEAR(self->inside);
    Py_CLEAR(self->innermost_block);
    Py_CLEAR(self->deliveries);
    Py_CLEAR(self->known);
    Py_CLEAR(self->os_names);
    Py_CLEAR(self->end_watching);
    Py_CLEAR(self->outlive);
    Py_CLEAR(self->whoever_runs);
    Py_CLEAR(self->switch_off);
    Py_CLEAR(self->teller);
    Py_CLEAR(self->running_loop);
    Py_CLEAR(self->greenlet);
    Py_CLEAR(self->spare_emission);
    Py_CLEAR(self->spare_notes);
    Py_CLEAR(self->spare_place);
    Py_CLEAR(self->seen_names);
    Py_CLEAR(self->seen_rest);
    for (int place = 0; place < SPARED; place++) {
        Py_CLEAR(self->spared[place].names);
        Py_CLEAR(self->spared[place].omitted);
        Py_CLEAR(self->spared[place].rest);
    }
    for (int place = 0; place < CHECKED; place++) {
        Py_CLEAR(self->checked[place].names);
        Py_CLEAR(self->checked[place].classes);
        Py_CLEAR(self->checked[place].ordered);
    }
    for (int kind = 0; kind < KINDS; kind++) {
        Py_CLEAR(self->kinds[kind]);
    }
    return 0;
}

static void
Send_dealloc(Send *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    (void)Send_clear(self);
    Py_CLEAR(self->registry_name);
    Py_CLEAR(self->wrapper_name);
    Py_CLEAR(self->sender_name);
    Py_CLEAR(self->proxy_name);
    Py_CLEAR(self->call_name);
    Py_CLEAR(self->anyone_name);
    Py_CLEAR(self->on_start_name);
    Py_CLEAR(self->environ_name);
    Py_CLEAR(self->zero);
    for (int place = 0; place < SEEN; place++) {
        Py_CLEAR(self->seen[place].key);
    }
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyMemberDef Send_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Send, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Send, weakrefs), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(Send, dict), READONLY, NULL},
    {NULL},
};

PyDoc_STRVAR(Send_doc, "The method `Signal.send`, for objects with a Registry as `_registry`.");

static PyMethodDef Send_methods[] = {
    REDUCE,
    {"deliveries_of", deliveries_of, METH_O, "Gives the deliveries of an emission, as a tuple."},
    {"watch_with", (PyCFunction)(void (*)(void))watch_with, METH_VARARGS | METH_KEYWORDS,
     "Takes what watches, once. Until then, Python does."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot Send_slots[] = {
    {Py_tp_doc, (void *)Send_doc},
    {Py_tp_new, Send_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, bind},
    {Py_tp_traverse, Send_traverse},
    {Py_tp_clear, Send_clear},
    {Py_tp_dealloc, Send_dealloc},
    {Py_tp_repr, repr},
    {Py_tp_methods, Send_methods},
    {Py_tp_members, Send_members},
    {Py_tp_getset, getset},
    {0, NULL},
};

static PyType_Spec Send_spec = {
    .name = "heliograph.core.sending._dispatch.Send",
    .basicsize = sizeof(Send),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
             | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = Send_slots,
};

int
is_engine(PyObject *it)
{
    if (Py_TYPE(it)->tp_traverse == (traverseproc)Send_traverse) {
        return 1;
    }
    PyErr_Format(PyExc_TypeError, "%R is not what sends", it);
    return 0;
}

static int
add_type(PyObject *module, const char *name, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (type == NULL) {
        return -1;
    }
    int failed = PyModule_AddObjectRef(module, name, type);
    Py_DECREF(type);
    return failed;
}

static int
fill_module(PyObject *module)
{
    return add_type(module, "Send", &Send_spec) < 0
           || add_type(module, "Notes", &Notes_spec) < 0
           || add_type(module, "Sending", &Sending_spec) < 0
           || add_type(module, "AsyncSend", &AsyncSend_spec) < 0
           || add_type(module, "Question", &Question_spec) < 0
           || add_type(module, "Anyone", &Anyone_spec) < 0
           || add_type(module, "Noop", &Noop_spec) < 0
           || add_type(module, "SpanCall", &SpanCall_spec) < 0
           || add_type(module, "Caller", &Caller_spec) < 0
           || add_type(module, "Tables", &Tables_spec) < 0
           || add_type(module, "Verb", &Verb_spec) < 0
           || add_type(module, "Via", &Via_spec) < 0 ? -1 : 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, fill_module},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, NULL},
};

static PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "heliograph.core.sending._dispatch",
    .m_doc = "The hot path of the engine, in C.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit__dispatch(void)
{
    return PyModuleDef_Init(&module_def);
}
