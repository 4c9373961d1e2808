"""The settings of the documentation site: `make site` builds it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import ParamSpec

ROOT = Path(__file__).parents[1]
# The modules below `scripts` are the site's own extensions.
sys.path.insert(0, str(ROOT))
# What is documented has docstrings in Python; in C, some signatures would be missing.
os.environ["HELIOGRAPH_PURE"] = "1"

import django.conf  # noqa: E402 - the environment comes first.

import heliograph  # noqa: E402 - it reads the environment when it is imported.

# django-debug-toolbar reads its settings when it is imported.
django.conf.settings.configure()
# A program does without `typing`, so a name stands for the parameters of a declared signal.
for module in [it for name, it in sys.modules.items() if name.startswith("heliograph.core.")]:
    if isinstance(getattr(module, "P", None), str):
        vars(module)["P"] = ParamSpec("P")

project = "Heliograph"
author = "The Heliograph authors"
project_copyright = author
version = release = heliograph.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "scripts.site.extension",
]
exclude_patterns = ["_static", "_templates"]
templates_path = ["_templates"]
nitpicky = True
show_warning_types = True
# Pages are written for forges too, where a heading is linked by its words.
myst_heading_anchors = 4
myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]

# --- the reference -----------------------------------------------------------------------

add_module_names = False
autodoc_default_options = {
    "members": True,
    # What classes of Python and of other packages have is documented there.
    "inherited-members": (
        "BaseException,BaseWorker,DebugPanel,Enum,Generic,Mapping,Panel,Queue,Sequence,TestCase,"
        "Thread,dict,object,str,tuple"
    ),
}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
# One backtick in a docstring names a thing: it is linked if there is a page about it.
default_role = "py:obj"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_admonition_for_examples = False
napoleon_use_ivar = True
napoleon_use_rtype = False
python_maximum_signature_line_length = 88
python_display_short_literal_types = True

# --- the look ----------------------------------------------------------------------------

html_theme = "furo"
html_title = f"Heliograph {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
copybutton_exclude = ".linenos, .gp, .go"
# Other versions of this site, beside this one: `SITE_VERSIONS="0.2.0 0.1.0" make site`.
html_context = {"versions": os.environ.get("SITE_VERSIONS", version).split()}
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/versions.html",
        "sidebar/scroll-end.html",
    ]
}
