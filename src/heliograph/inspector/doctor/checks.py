"""The table of all checks: what each is called, how bad its findings are, and what helps."""

from __future__ import annotations

from dataclasses import dataclass

from heliograph.inspector.doctor.findings import Finding


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of fault that the doctor looks for.

    Attributes:
        name: What findings and silences call it.
        family: Where it looks: one of `FAMILIES`.
        severity: How bad its findings are, as a rule.
        what: What it finds, as a title.
        reason: Why that is wrong.
        remedy: What to do.
    """

    name: str
    family: str
    severity: str
    what: str
    reason: str
    remedy: str

    def finding(
        self, location: str | None, message: str, *, severity: str = "", remedy: str = ""
    ) -> Finding:
        """Return a finding of this check, with its own words unless others fit better."""
        return Finding(
            self.name,
            severity or self.severity,
            location,
            message,
            self.reason,
            remedy or self.remedy,
        )


FAMILIES = {
    "engine": "The engine, looked at in the running process",
    "source": "The source, read and not run",
    "connections": "The connections that there are once the program is loaded",
    "wiring": "The places that send, held against the connections",
    "requests": "What happens in requests, if any are given",
    "toolbars": "Tools beside Heliograph that users have reported to it",
    "silences": "The silences themselves",
}
"""Where checks look, in the order in which the documentation lists them."""

_ALL = (
    # --- engine
    Check(
        "not-in-place",
        "engine",
        "note",
        "The program, started by itself, runs on Blinker",
        "What Heliograph adds, such as the order of receivers and their errors, is missing then.",
        "Start it with `heliograph run ...`, or call heliograph.blinker.install() before "
        "anything else.",
    ),
    Check(
        "in-python",
        "engine",
        "note",
        "Heliograph sends in Python, not in C",
        "Nothing is missing, but a send takes several times as long.",
        "Install a wheel, or install where there is a C compiler; unset HELIOGRAPH_PURE.",
    ),
    Check(
        "two-engines",
        "engine",
        "error",
        "Two copies of Heliograph in one process",
        "A signal of one copy knows no receiver, block or instrument of the other.",
        "Remove one copy, and import the other everywhere.",
    ),
    Check(
        "still-blinker",
        "engine",
        "warning",
        "Signals that stay Blinker's, although Heliograph is in its place",
        "A package brings its own copy of Blinker: its signals are not seen here.",
        "Let the package import `blinker`, and remove its copy.",
    ),
    # --- source
    Check(
        "weak-lambda",
        "source",
        "error",
        "A lambda that is connected weakly, and kept by nobody",
        "It is garbage-collected in the statement that connects it, and never called.",
        "Connect it with weak=False, or define a function in the module.",
    ),
    Check(
        "weak-partial",
        "source",
        "error",
        "A partial that is connected weakly, and kept by nobody",
        "It is garbage-collected in the statement that connects it, and never called.",
        "Connect it with weak=False, or keep it in a variable of the module.",
    ),
    Check(
        "weak-nested",
        "source",
        "error",
        "A function inside a function, in an app factory for example, connected weakly",
        "It is garbage-collected when the outer function returns, and not called any more.",
        "Connect it with weak=False, or define it in the module.",
    ),
    Check(
        "forgotten-with",
        "source",
        "error",
        "A block that is made and never entered",
        "Without `with`, the call has no effect.",
        "Write `with ...:` around the lines that it is for.",
    ),
    Check(
        "connect-in-view",
        "source",
        "warning",
        "A view that connects",
        "Each request connects again, for all other requests too.",
        "Connect when the module is loaded; for one request alone, use "
        "`with signal.connected_to(receiver, local=True):`.",
    ),
    Check(
        "block-for-all",
        "source",
        "warning",
        "A view that mutes or connects for a while, in all requests",
        "Other requests that run at the same time are muted, or heard, as well.",
        "Pass local=True.",
    ),
    Check(
        "proxy-sender",
        "source",
        "error",
        "A proxy as a sender, in a program that runs on Blinker",
        "To Blinker the proxy is another object than the application: what is connected for "
        "one does not hear the other.",
        "Pass `current_app._get_current_object()`, or run on Heliograph, which takes the proxy "
        "for its object.",
    ),
    # --- connections
    Check(
        "lost-receiver",
        "connections",
        "error",
        "A receiver that is dead before any send has reached it",
        "Nothing but the weak connection held it.",
        "Keep the object whose method it is for as long as it should receive, or connect it "
        "with weak=False.",
    ),
    Check(
        "no-extra",
        "connections",
        "warning",
        "A receiver without `**extra`, of a signal whose payload is not declared",
        "It fails as soon as somebody sends one argument more.",
        "Add `**extra` to its parameters.",
    ),
    Check(
        "connected-twice",
        "connections",
        "error",
        "Two receivers from the same line, for the same sender",
        "A module that ran twice, or a factory that was called twice, has connected two copies "
        "of one function: each send calls both.",
        "Define the receiver in the module, or connect it for one sender: the application that "
        "the factory makes.",
    ),
    Check(
        "generator-receiver",
        "connections",
        "error",
        "A receiver that is a generator function, while no send uses what receivers return",
        "Calling it runs none of its lines.",
        "Take the `yield` out.",
    ),
    Check(
        "blocking-receiver",
        "connections",
        "warning",
        "A plain receiver that blocks, in an application of an async framework",
        "While it waits, the event loop stands still, and so does every other request.",
        "Make it `async def` and await what takes long, or give that to a thread.",
    ),
    # --- wiring
    Check(
        "async-receiver",
        "wiring",
        "error",
        "An async receiver of a signal that is sent with `send`",
        "Without an _async_wrapper that send is refused, and no receiver is called.",
        "Use `await signal.send_async(...)`, or pass an _async_wrapper, such as `app.ensure_sync`.",
    ),
    Check(
        "unfit-receiver",
        "wiring",
        "error",
        "A receiver that cannot take what is sent",
        "This send will raise a TypeError.",
        "Make the receiver's parameters and the sent arguments agree; `**extra` takes what a "
        "receiver does not need.",
    ),
    Check(
        "never-sent",
        "wiring",
        "warning",
        "A signal that is heard and never sent",
        "No place in the source sends it, so its receivers are never called.",
        "Send it, or remove it with its receivers.",
    ),
    Check(
        "never-heard",
        "wiring",
        "note",
        "A signal that is sent and never heard",
        "Nobody is connected once the program is loaded.",
        "Connect a receiver, import the module that does, or remove the signal.",
    ),
    Check(
        "near-duplicate",
        "wiring",
        "warning",
        "Two names that differ by a slip: one is sent and the other is heard",
        "They are two signals, and what one sends no receiver of the other gets.",
        "Decide on one name; use a variable or `namespace[name]`, which refuses an unknown name.",
    ),
    Check(
        "same-name",
        "wiring",
        "note",
        "Two signals of one name, in two namespaces",
        "A receiver that is connected to one does not get what the other sends.",
        "Use one namespace, or two names.",
    ),
    # --- requests
    Check(
        "raising-receiver",
        "requests",
        "error",
        "A receiver that raised in a request",
        'The error reaches whoever sends, or only the log if it is connected with on_error="log".',
        'Fix it; an observer that must not disturb is connected with on_error="log".',
    ),
    Check(
        "slow-receiver",
        "requests",
        "warning",
        "A receiver that was slow in every request",
        "The request waits for its receivers.",
        "Do less in it, or give the work to a job.",
    ),
    Check(
        "connect-in-request",
        "requests",
        "warning",
        "Connections that requests make, and that stay",
        "Each request adds one more: sends grow slower, and memory is never freed.",
        "Connect when the module is loaded; for one request alone, use "
        "`with signal.connected_to(receiver, local=True):`.",
    ),
    Check(
        "changed-payload",
        "requests",
        "note",
        "A receiver that changed the payload",
        "Receivers after it, and the code that sent, get what it has made of the payload.",
        "Let the sender use what `send` returns, if a receiver is meant to decide something.",
    ),
    # --- toolbars
    Check(
        "toolbar-async",
        "toolbars",
        "error",
        "Async views under Flask-DebugToolbar",
        "It calls the view itself and does not await it: each async view answers with status 500.",
        "Turn the toolbar off (DEBUG_TB_ENABLED = False) while you work on async views.",
    ),
    Check(
        "toolbar-compress",
        "toolbars",
        "error",
        "Flask-Compress that is initialised after Flask-DebugToolbar",
        "The toolbar then reads compressed pages: with every browser, pages answer with "
        "status 500.",
        "Initialise Flask-Compress first.",
    ),
    # --- silences
    Check(
        "silence-without-reason",
        "silences",
        "warning",
        "A silence that does not say why",
        "Whoever reads it cannot tell whether it still holds.",
        "Write `# heliograph: ignore[check] - why it is right here`.",
    ),
    Check(
        "useless-silence",
        "silences",
        "warning",
        "A silence that silences nothing",
        "The fault is gone or elsewhere, or the name is misspelt.",
        "Remove the silence.",
    ),
)

CHECKS: dict[str, Check] = {it.name: it for it in _ALL}
"""All checks, by name, in the order of the documentation."""
