"""The picture of a dataset's entities."""

from __future__ import annotations

from pe_dvc.usecases.site.entity_diagram import entity_diagram
from tests.support.described import ONE_TABLE, TWO_TABLES, dataset


def test_an_entity_stands_below_the_one_that_it_refers_to() -> None:
    found = entity_diagram(dataset(TWO_TABLES))
    assert found is not None
    household, person = found.boxes
    assert (household.name, person.name) == ("household", "person")
    assert (household.x, household.y) == (0, 0)
    assert person.x > household.x
    assert person.y >= household.y + found.box_height
    (line,) = found.lines
    assert (line.top, line.end) == (found.box_height, person.x)
    assert (found.references[0].entity, found.references[0].column) == (
        "person",
        "person_household_id",
    )
    assert person.x + found.box_width <= found.width
    assert person.y + found.box_height == found.height


def test_a_long_name_is_cut_in_its_box() -> None:
    contents = ONE_TABLE | {"entities": {"x" * 60: {"key": "person_id"}}}
    found = entity_diagram(dataset(contents))
    assert found is not None
    assert len(found.boxes[0].shown) == 24
    assert found.boxes[0].name == "x" * 60


def test_without_entities_there_is_no_picture() -> None:
    assert entity_diagram(dataset(ONE_TABLE | {"entities": {}})) is None
