"""Files of tables that a stranger wrote: no other file is read for them, and none waited for."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

import h5py
import pytest

from pe_dvc.adapters.tables import hdf5, parquet
from pe_dvc.adapters.tables.formats import format_of
from pe_dvc.primitives.errors import FormatError, NotFoundError
from tests.support.tables import describe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEYS = {"person": "person_id"}


def external_link(file: h5py.File, secret: Path) -> None:
    file["income"] = h5py.ExternalLink(str(secret), "/salary/2024")


def external_link_of_a_period(file: h5py.File, secret: Path) -> None:
    file.create_group("income")["2024"] = h5py.ExternalLink(str(secret), "/salary/2024")


def soft_link_in_a_circle(file: h5py.File, secret: Path) -> None:
    file["income"] = h5py.SoftLink("/income")


def values_in_another_file(file: h5py.File, secret: Path) -> None:
    file.create_dataset("income", (2,), "int64", external=[(str(secret), 0, 16)])


def virtual_values(file: h5py.File, secret: Path) -> None:
    layout = h5py.VirtualLayout((2,), "int64")
    layout[:] = h5py.VirtualSource(str(secret), "salary/2024", (2,))
    file.create_virtual_dataset("income", layout)


def external_link_far_down(file: h5py.File, secret: Path) -> None:
    file.create_group("a/b/c/d")["income"] = h5py.ExternalLink(str(secret), "/salary/2024")


def soft_link_through_an_external_one(file: h5py.File, secret: Path) -> None:
    file["a_link"] = h5py.SoftLink("/zz/2024")
    file["zz"] = h5py.ExternalLink(str(secret), "/salary")


def soft_link_to_nothing(file: h5py.File, secret: Path) -> None:
    file.create_group("income")["2024"] = h5py.SoftLink("/nowhere")


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        (external_link, "'income' is a link to another file"),
        (external_link_of_a_period, "'income/2024' is a link to another file"),
        (external_link_far_down, "'a/b/c/d/income' is a link to another file"),
        (soft_link_through_an_external_one, "'zz' is a link to another file"),
        (soft_link_in_a_circle, "'income' is a link to nothing"),
        (soft_link_to_nothing, "'income/2024' is a link to nothing"),
        (values_in_another_file, r"'income' has its values in another file \(external"),
        (virtual_values, "'income' is a virtual dataset"),
    ],
)
def test_hdf5_that_is_not_whole_by_itself_is_refused(
    attack: Callable[[h5py.File, Path], None], said: str, tmp_path: Path
) -> None:
    secret, path = tmp_path / "secret.h5", tmp_path / "x.h5"
    with h5py.File(secret, "w") as file:
        file["salary/2024"] = [10, 20]
    with h5py.File(path, "w") as file:
        file["person_id/2024"] = [1, 2]
        attack(file, secret)
    with pytest.raises(FormatError, match=said):
        describe(hdf5, path, keys=KEYS, columns={})


@pytest.mark.parametrize("attack", [values_in_another_file, virtual_values])
def test_a_refusal_keeps_no_list_of_properties(
    attack: Callable[[h5py.File, Path], None], tmp_path: Path
) -> None:
    """Of a virtual dataset HDF5 2.0 crashes over one at the end of the process: code 139."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        attack(file, tmp_path / "secret.h5")
    with pytest.raises(FormatError) as caught:
        describe(hdf5, path, keys=KEYS, columns={})
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    kept = [value for frame in frames for value in frame.f_locals.values()]
    assert not [value for value in kept if isinstance(value, h5py.h5p.PropID)]


def test_a_pipe_as_data_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    os.mkfifo(path)
    assert format_of(path, name="x.parquet").name == "parquet"
    for reader in (parquet, hdf5):
        with pytest.raises((FormatError, NotFoundError)):
            describe(reader, path, keys=KEYS, columns={})
