#!/usr/bin/env bash
# A dataclass base, given to Flask-SQLAlchemy as its documentation says, works with SQLAlchemy 2.0
# and is refused by 2.1, as "already a dataclass" under a name that no user has written.
#
# Package: Flask-SQLAlchemy 3.1.1 with SQLAlchemy 2.1.9, beside 2.0.58.
#
# Behaviour: Flask-SQLAlchemy does not use the class that it is given as `model_class`. It makes
# a new one, FlaskSQLAlchemyBase, from the bases of that class and a copy of its namespace. If the
# given class derives from MappedAsDataclass, this namespace holds `__dataclass_fields__` already,
# so the new class looks like a dataclass before SQLAlchemy makes it one. SQLAlchemy 2.0 lets that
# pass, 2.1 raises InvalidRequestError. The order of the two bases plays no part. It does work on
# both to give a plain base, and to derive the models, or one abstract model, from
# MappedAsDataclass and db.Model.
#
# Seen:
#   2.0.58  dataclass base            User(id=None, name='Ada')
#   2.0.58  abstract dataclass model  User(id=None, name='Ada')
#   2.1.9   dataclass base            Class FlaskSQLAlchemyBase is already a dataclass
#   2.1.9   abstract dataclass model  User(id=None, name='Ada')
#
# Why it matters: Flask-SQLAlchemy asks for `sqlalchemy>=2.0.16` without a cap, so an application
# that follows the documentation stops at import after an upgrade. The message advises not to mix
# styles of dataclasses, which the application does not do. It is reported to Flask-SQLAlchemy, and
# its latest release has it; an author of a library that makes a class again from the namespace
# of another meets the same.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
install() { venv/bin/python -m pip install -qq --disable-pip-version-check "$@"; }
install flask-sqlalchemy==3.1.1 flask==3.1.3 werkzeug==3.1.9 typing-extensions==4.16.0 \
    sqlalchemy==2.0.58
# Found before what is in the environment.
install --no-deps --target newer sqlalchemy==2.1.9

cat >models.py <<'PY'
import re

import sqlalchemy
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column


def dataclass_base():
    class Base(DeclarativeBase, MappedAsDataclass):
        pass

    return SQLAlchemy(model_class=Base).Model


def abstract_dataclass_model():
    class Base(DeclarativeBase):
        pass

    class Model(MappedAsDataclass, SQLAlchemy(model_class=Base).Model):
        __abstract__ = True

    return Model


def a_user(make_model):
    class User(make_model()):
        id: Mapped[int] = mapped_column(init=False, primary_key=True)
        name: Mapped[str]

    return re.sub(r"^.*User\(", "User(", repr(User(name="Ada")))


for make_model in dataclass_base, abstract_dataclass_model:
    try:
        seen = a_user(make_model)
    except InvalidRequestError as refused:
        seen = re.sub(r"<class '.*\.(\w+)'>", r"\1", str(refused).partition(";")[0])
    print(f"{sqlalchemy.__version__:<7} {make_model.__name__.replace('_', ' '):<25} {seen}")
PY

cat >expected <<'TEXT'
2.0.58  dataclass base            User(id=None, name='Ada')
2.0.58  abstract dataclass model  User(id=None, name='Ada')
2.1.9   dataclass base            Class FlaskSQLAlchemyBase is already a dataclass
2.1.9   abstract dataclass model  User(id=None, name='Ada')
TEXT

{ venv/bin/python models.py; PYTHONPATH=newer venv/bin/python models.py; } | tee seen
diff expected seen
