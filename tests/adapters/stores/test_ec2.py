"""Who is asked for credentials that nobody configured."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores import ec2
from pe_dvc.adapters.stores.aws_credentials import AwsSettings
from tests.support.servers import answering

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def firmware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let this machine's firmware say what the test writes into the directory."""
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setattr(ec2, "VENDOR", tmp_path / "sys_vendor")
    monkeypatch.setattr(ec2, "XEN", tmp_path / "uuid")
    return tmp_path


@pytest.mark.parametrize(
    ("vendor", "xen", "expected"),
    [
        ("Amazon EC2\n", "", True),
        ("Xen\n", "ec2e1916-9099-7caf-fd21-012345abcdef\n", True),
        ("Xen\n", "4a2b1916-9099-7caf-fd21-012345abcdef\n", False),
        ("LENOVO\n", "", False),
        ("QEMU\n", "", False),
        ("", "", True),
    ],
)
def test_the_firmware_tells_whose_a_machine_is(
    firmware: Path, vendor: str, xen: str, expected: bool
) -> None:
    (firmware / "sys_vendor").write_text(vendor)
    (firmware / "uuid").write_text(xen)
    assert ec2.may_be_amazons() is expected


def test_a_machine_without_a_word_of_firmware_may_be_amazons(firmware: Path) -> None:
    assert ec2.may_be_amazons()


@pytest.mark.parametrize(("said", "expected"), [("true", False), ("TRUE", False), ("false", True)])
def test_the_environment_has_the_last_word(
    firmware: Path, monkeypatch: pytest.MonkeyPatch, said: str, expected: bool
) -> None:
    for vendor in ("Amazon EC2", "LENOVO"):
        (firmware / "sys_vendor").write_text(vendor)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", said)
        assert ec2.may_be_amazons() is expected


@pytest.mark.parametrize(("vendor", "is_asked"), [("Amazon EC2", True), ("LENOVO", False)])
def test_a_laptop_is_not_asked_for_a_role(
    firmware: Path, monkeypatch: pytest.MonkeyPatch, vendor: str, is_asked: bool
) -> None:
    (firmware / "sys_vendor").write_text(vendor)
    with answering(404) as service:
        config = firmware / "config"
        config.write_text(f"[default]\nec2_metadata_service_endpoint = {service.endpoint}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        assert AwsSettings({}).credentials() is None
        assert bool(service.requests) is is_asked


def test_botocore_is_not_loaded_where_nothing_could_tell_it_anything() -> None:
    program = (
        "import sys\n"
        "from pe_dvc.adapters.stores.aws_credentials import AwsSettings\n"
        "assert AwsSettings({}).credentials() is None\n"
        "assert 'botocore' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
