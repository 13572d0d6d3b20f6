from __future__ import annotations

import pytest

from shared.domain.errors import Conflict
from tests.world import bundle


def test_the_same_release_registers_a_version_again_without_harm(registry):
    registry.register("r1", bundle(), 1)
    registry.register("r1", bundle(), 1)


def test_a_version_is_never_given_to_another_release(registry):
    registry.register("r1", bundle(), 1)
    with pytest.raises(Conflict):
        registry.register("r2", bundle(digest="cd" * 32), 1)


def test_versions_and_names_stand_side_by_side(registry):
    registry.register("r1", bundle(), 1)
    registry.register("r2", bundle(), 2)
    registry.register("r2", bundle(name="other"), 1)
