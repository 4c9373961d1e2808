"""Names that a page must not run, and that a header cannot hold."""

from __future__ import annotations

HOSTILE = "<img src=x onerror=alert(1)> \"'&`\u202e</script>{{7*7}}"

NAMES = {
    'a "quoted" name': 'a "quoted" name',
    "back\\slash": "back\\slash",
    "comma, semicolon; equals=": "comma, semicolon; equals=",
    "überprüfe_Ω": "?berpr?fe_?",
    "line\r\nSet-Cookie: a=b": "line??Set-Cookie: a=b",
    "x" * 10_000: "x" * 60,
}
"""Names of receivers, and the end of what a browser reads of them."""
