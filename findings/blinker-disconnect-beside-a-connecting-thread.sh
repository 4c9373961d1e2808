#!/usr/bin/env bash
# Blinker: disconnecting a receiver fails, half done, while another thread connects for new senders.
#
# Package: blinker 1.9.0, on CPython 3.11.
#
# Behaviour: `signal.disconnect(receiver)`, for all senders, walks the table of senders in place. If
# another thread connects a receiver for a sender that the signal has not known, the walk ends with
# "RuntimeError: dictionary changed size during iteration". The receiver is then gone for the senders
# before that point, and still connected for those after it. With a sender, `disconnect` does not
# walk, and does not fail.
#
# Seen, with the threads' turns made short:
#   for all senders: RuntimeError: dictionary changed size during iteration
#     the receiver is still called for some of its senders: True
#   for one sender: no error in as many turns
#
# Why it matters: connecting is done at import mostly, and is taken to be safe as sending is. A
# program that connects in requests (a receiver for each user, say) loses a disconnection now and
# then, and the error shows in another place than the cause.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/python -m pip install -qq --disable-pip-version-check blinker==1.9.0

cat >seen.py <<'PY'
import sys
import threading
import time

from blinker import Signal

sys.setswitchinterval(1e-6)


def run(disconnect, seconds):
    """Disconnect again and again beside a thread that connects; return the error and who is left."""
    signal, over = Signal(), threading.Event()

    def receive(sender):
        return "called"

    def others(sender):
        return "another"

    def connect_for_new_ones():
        number = 0
        while not over.is_set():
            number += 1
            signal.connect(others, sender=f"new {number}")

    thread = threading.Thread(target=connect_for_new_ones, daemon=True)
    end = time.monotonic() + seconds
    error, left, turn = None, [], 0
    thread.start()
    while error is None and time.monotonic() < end:
        turn += 1
        senders = [f"sender {number} of turn {turn}" for number in range(200)]
        for sender in senders:
            signal.connect(receive, sender=sender)
        try:
            disconnect(signal, receive, senders)
        except RuntimeError as found:
            error = found
            over.set()
            thread.join()
            called = {it: [value for _, value in signal.send(it)] for it in senders}
            left = [it for it, values in called.items() if "called" in values]
    over.set()
    thread.join()
    return error, left


def for_all(signal, receive, senders):
    signal.disconnect(receive)


def for_each(signal, receive, senders):
    for sender in senders:
        signal.disconnect(receive, sender=sender)


error, left = run(for_all, 20)
print(f"for all senders: {type(error).__name__}: {error}")
print(f"  the receiver is still called for some of its senders: {bool(left)}")
error, left = run(for_each, 3)
print(f"for one sender: {error or 'no error in as many turns'}")
PY

cat >expected <<'TEXT'
for all senders: RuntimeError: dictionary changed size during iteration
  the receiver is still called for some of its senders: True
for one sender: no error in as many turns
TEXT

venv/bin/python seen.py | tee seen
diff expected seen
