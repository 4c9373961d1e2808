#!/usr/bin/env bash
# `render()` works in an async environment of Jinja, except for templates of native types: there it
# raises a TypeError, and only `render_async()` works.
#
# Package: Jinja2 3.1.6.
#
# Behaviour: `Template.render` of an async environment runs `render_async`. `NativeTemplate.render`
# takes its place and does not: it goes over what is an async generator.
#
# Seen:
#   Environment        render: 7   render_async: 7
#   NativeEnvironment  render: TypeError: 'async_generator' object is not iterable   render_async: 7
#
# Why it matters: Changing the class of an environment for native types breaks all plain calls of
# `render` where `enable_async=True` is set, as configuration tools that render from async code do.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/python -m pip install -qq --disable-pip-version-check jinja2==3.1.6

cat >seen.py <<'PY'
import asyncio

from jinja2 import Environment
from jinja2.nativetypes import NativeEnvironment

for kind in (Environment, NativeEnvironment):
    template = kind(enable_async=True).from_string("{{ 7 }}")
    try:
        plain = template.render()
    except TypeError as error:
        plain = f"TypeError: {error}"
    print(f"{kind.__name__:<18} render: {plain}   render_async: {asyncio.run(template.render_async())}")
PY

cat >expected <<'TEXT'
Environment        render: 7   render_async: 7
NativeEnvironment  render: TypeError: 'async_generator' object is not iterable   render_async: 7
TEXT

venv/bin/python seen.py | tee seen
diff expected seen
