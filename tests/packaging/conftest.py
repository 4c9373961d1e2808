"""The source distribution, which is built once for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.packaging.building import PACKAGE, build_sdist

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build what users without a wheel install from."""
    if not PACKAGE.is_dir():
        pytest.skip("there is no src to build from: run `make test` in a checkout")
    return build_sdist(tmp_path_factory.mktemp("sdist"))
