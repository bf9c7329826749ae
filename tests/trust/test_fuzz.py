"""Metadata with anything in it: the true answer, or an error of ours."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pe_dvc.primitives.errors import PeDvcError
from tests.support.simulator import Simulator, pointer

NEW = pointer("cps_2024", "new")

MUTATIONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Simulator:
    sim = Simulator(tmp_path_factory.mktemp("fuzzed"))
    sim.update(NEW)
    sim.publish()
    return sim


@settings(max_examples=60, deadline=timedelta(seconds=5))
@given(data=st.data())
def test_whatever_is_put_into_metadata_is_refused_in_our_families(
    published: Simulator, data: st.DataObject
) -> None:
    """Signed anew by stolen online keys, or not: the answer is the true one or our error."""
    good = dict(published.store.objects)
    name = data.draw(st.sampled_from(["timestamp.json", "1.snapshot.json", "2.root.json"]))
    source = "1.root.json" if name == "2.root.json" else name
    document: Any = json.loads(good[published.key(source)])
    place = document
    while isinstance(place, dict | list) and place:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(list(keys)))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = data.draw(MUTATIONS)
            break
        place = place[key]
    published.store.objects[published.key(name)] = json.dumps(document).encode()
    try:
        assert published.client().lookup("latest", "cps_2024") == NEW
    except PeDvcError:
        pass
    finally:
        published.store.restore(good)
