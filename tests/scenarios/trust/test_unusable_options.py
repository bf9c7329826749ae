"""Options of a remote, and files of credentials, that nothing can use: an error, never a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.errors import FormatError, StorePermissionError
from pe_dvc.project.stores import open_store

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {"access_key_id": "key", "secret_access_key": "hunter2", "region": "us-east-1"}


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("az://box", {"account_name": "a", "account_key": "no base64!"}),
        ("az://box", {"account_name": "a", "sas_token": "%%hunter2"}),
        ("az://box", {"connection_string": "BlobEndpoint=http://127.0.0.1:9/"}),
        ("s3://box", {**KEYS, "sse": "none of S3's"}),
        *(
            ("s3://box", {**KEYS, "endpointurl": f"https://{host}"})
            for host in ("127.0.0.1:99999", "300.1.1.1", "xn--", "[::zz]")
        ),
        ("gs://box", {"allow_anonymous_login": "true", "endpointurl": "https://1.2.3.4.5"}),
    ],
)
def test_options_that_cannot_be_used(url: str, options: dict[str, str]) -> None:
    with pytest.raises(FormatError) as caught:
        open_store(url, options=options)
    assert caught.value.remedy
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("prints", ["echo no JSON", "echo [1]", "echo {}", "false", "/no/program"])
def test_a_credential_process_that_says_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prints: str
) -> None:
    file = tmp_path / "aws"
    file.write_text(f"[default]\ncredential_process = {prints}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    with pytest.raises(StorePermissionError, match="no AWS credentials"):
        open_store("s3://box", options={"region": "us-east-1"}).read("us/x", limit=1)


def test_the_home_of_a_user_who_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting ``store`` of a clone may name it, and so may any variable."""
    monkeypatch.setenv("PE_DVC_CACHE_DIR", "~no-such-user/cache")
    from pe_dvc.project.directories import cache_dir

    assert cache_dir().parts[-2:] == ("~no-such-user", "cache")
    assert "~no-such-user" in open_store("~no-such-user/bucket").url
