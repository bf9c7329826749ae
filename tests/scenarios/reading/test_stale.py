"""Readers without a clone ask whether published data is out of date."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import manifest_key
from pe_dvc.documents.provenance import CalibrationTargets, InputFile, Inputs, Origin, Package
from pe_dvc.primitives.digest import Sha256
from tests.support.commands import Done, run
from tests.support.country import LATEST, Country, reader_at
from tests.support.factories import manifest_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD, NEW = b"raw as it was", b"raw as it is"


class Source:
    """A server that raw inputs came from: says what its file is, and never sends it."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.headers: dict[str, str] = {}
        self.status, self.asked = 200, []  # type: ignore[var-annotated]


@pytest.fixture
def source() -> Iterator[Source]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            found.asked.append(dict(self.headers))
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    found = Source(server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


class Published:
    """A country with one dataset, of inputs that a test says."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.directory, self.environment = directory, environment
        self.country = Country(directory / "us", LocalStore(directory / "bucket"))
        self.environment["PE_DVC_STORE"] = str(directory / "bucket")

    def publish(self, **inputs: Any) -> None:
        manifest = manifest_of(b"payload").model_copy(update={"inputs": Inputs(**inputs)})
        key = manifest_key("us", Sha256(manifest.artifact.sha256))
        self.country.write(key, manifest.to_bytes())
        self.country.point("latest", [manifest])

    def stale(self, *arguments: str, code: int) -> Done:
        command = ("pe-dvc", "stale", *arguments)
        return run(*command, cwd=self.directory, code=code, environment=self.environment)

    def lines(self, *arguments: str, code: int) -> dict[str, dict[str, Any]]:
        (found,) = json.loads(self.stale(*arguments, "--json", code=code).stdout)
        return {line["what"]: line for line in found["comparisons"]}


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Published:
    import os

    places = reader_at(tmp_path / "reader", monkeypatch)
    from pathlib import Path as _Path

    found = Published(tmp_path, {**os.environ, **places})
    monkeypatch.setenv("PE_DVC_STORE", str(tmp_path / "bucket"))
    found.country.trust(_Path(places["PE_DVC_CONFIG_DIR"]))
    monkeypatch.chdir(tmp_path)
    return found


US = Package(name="policyengine-us", version="1.637.0", wheel_sha256="a" * 64)


def test_by_a_version_that_is_named(published: Published) -> None:
    published.publish(model_package=US)
    said = published.stale(LATEST, "--model-version", "1.637.0", code=0).stdout
    assert said.startswith(f"fresh    {LATEST}")
    lines = published.lines(LATEST, "--model-version", "2.68.0", code=1)
    assert lines["model version"]["published"] == "policyengine-us 1.637.0"
    assert lines["model version"]["current"] == "policyengine-us 2.68.0"
    assert lines["model version"]["source"] == "named"


def test_nothing_here_tells(published: Published) -> None:
    published.publish(model_package=US)
    said = published.stale(LATEST, code=3).stdout
    assert "policyengine-us is not installed here" in said
    assert published.stale("us", code=3).stdout == said  # all of the country


def test_by_what_is_installed(published: Published) -> None:
    published.publish(model_package=Package(name="click", version="1.0"))
    lines = published.lines(LATEST, code=1)
    assert lines["model version"]["source"] == "installed"


def test_by_a_lock_file(published: Published) -> None:
    published.publish(model_package=US)
    lock = published.directory / "requirements.txt"
    lock.write_text("policyengine-us==1.690.0\n")
    lines = published.lines(LATEST, "--lockfile", str(lock), code=1)
    assert lines["model version"]["source"] == "locked in requirements.txt"
    both = published.stale(LATEST, "--lockfile", str(lock), "--model-version", "1", code=6)
    assert "a lock file and a model are named" in both.stderr


def test_by_a_wheel_that_is_not_installed(published: Published) -> None:
    wheel = published.directory / "policyengine_us-2.68.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr("policyengine_us/__init__.py", "")
    published.publish(model_package=US)
    lines = published.lines(LATEST, "--model-package", str(wheel), code=1)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert lines["model wheel"]["current"] == f"sha256:{digest}"
    missing = published.stale(LATEST, "--model-package", "nothing.whl", code=3)
    assert "is not there" in missing.stderr


def raw(url: str, **origin: Any) -> InputFile:
    sha256 = hashlib.sha256(OLD).hexdigest()
    return InputFile(name="raw/cps.csv", sha256=sha256, source=Origin(url=url, **origin))


@pytest.mark.parametrize(
    ("headers", "code", "found"),
    [
        pytest.param({"ETag": '"abc"'}, 0, "same", id="the same ETag"),
        pytest.param({"ETag": 'W/"abc"'}, 0, "same", id="a weak ETag"),
        pytest.param({"ETag": '"def"'}, 1, "differs", id="another ETag"),
        pytest.param({}, 3, "unknown", id="no ETag"),
        pytest.param(
            {"X-Linked-Etag": f'"{hashlib.sha256(OLD).hexdigest()}"'}, 0, "same", id="its sha256"
        ),
        pytest.param(
            {"X-Linked-Etag": f'"{hashlib.sha256(NEW).hexdigest()}"'}, 1, "differs", id="another"
        ),
    ],
)
def test_a_raw_input_at_its_source(
    published: Published, source: Source, headers: dict[str, str], code: int, found: str
) -> None:
    source.headers = headers
    inputs = {"model_package": US, "raw_inputs": (raw(f"{source.url}/cps.csv", etag='"abc"'),)}
    published.publish(**inputs)
    lines = published.lines(LATEST, "--model-version", "1.637.0", code=code)
    assert lines["raw input raw/cps.csv"]["found"] == found
    assert not {"Authorization", "Cookie"} & source.asked[0].keys()
    offline = published.lines(LATEST, "--model-version", "1.637.0", "--offline", code=0)
    assert offline["raw input raw/cps.csv"]["found"] == "not checked"


@pytest.mark.parametrize(
    ("url", "origin", "reason"),
    [
        ("http://127.0.0.1:1/x", {"etag": "a"}, "does not answer"),
        ("s3://bucket/x", {"etag": "a"}, "dvc update tells"),
        ("x.csv", {}, "was on the machine that imported it"),
        ("ext::sh -c touch% owned", {"revision": "a" * 40}, "only https:// is asked"),
        ("file:///etc/passwd", {"etag": "a"}, "dvc update tells"),
    ],
)
def test_a_source_that_says_nothing(
    published: Published, url: str, origin: dict[str, str], reason: str
) -> None:
    published.publish(model_package=US, raw_inputs=(raw(url, **origin),))
    lines = published.lines(LATEST, "--model-version", "1.637.0", code=3)
    assert reason in lines["raw input raw/cps.csv"]["reason"]
    assert not (published.directory / "owned").exists()


def test_a_source_that_redirects_to_a_file_of_ours(published: Published, source: Source) -> None:
    source.status, source.headers = 302, {"Location": "file:///etc/passwd"}
    published.publish(model_package=US, raw_inputs=(raw(f"{source.url}/x", etag="a"),))
    lines = published.lines(LATEST, "--model-version", "1.637.0", code=3)
    assert lines["raw input raw/cps.csv"]["reason"] == "it redirects to another scheme"


def test_age_and_markdown(published: Published) -> None:
    published.publish(model_package=US)
    asked = (LATEST, "--model-version", "1.637.0")
    assert published.lines(*asked, "--max-age", "36500", code=0)["age"]["found"] == "same"
    said = published.stale(*asked, "--max-age", "1", "--markdown", code=1).stdout
    assert "| age | 2026-04-20T12:00:00Z | " in said


def test_compatible_by_what_it_was_built_with(published: Published) -> None:
    published.publish(model_package=US)
    asked = (LATEST, "--compatible", "--model-version")
    assert published.stale(*asked, "1.637.0", code=0).stdout.startswith("compatible")
    assert published.stale(*asked, "1.638.0", code=1).stdout.startswith("incompatible")
    assert published.stale(LATEST, "--compatible", code=3).stdout.startswith("unknown")


def test_what_does_not_verify_is_no_answer(published: Published) -> None:
    published.publish(model_package=US)
    manifest = manifest_of(b"payload")
    key = manifest_key("us", Sha256(manifest.artifact.sha256))
    published.country.write(key, manifest.to_bytes())
    assert "was altered" in published.stale(LATEST, "--model-version", "1.637.0", code=6).stderr
    assert "no dataset was named" in published.stale(code=3).stderr


def test_in_python(published: Published) -> None:
    published.publish(model_package=US)
    (found,) = pe_dvc.stale(LATEST, model_version="2.68.0")
    assert found.verdict == "stale"
    (judged,) = pe_dvc.compatible([LATEST], model_version="1.637.0")
    assert judged.verdict == "compatible"


def clone(published: Published) -> Path:
    """Make what is around the reader a data repo of the country, with a lock file and code."""
    root = published.directory
    run("git", "init", "--quiet", cwd=root)
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text("")
    settings = 'country = "us"\nlockfile = "requirements.txt"\n'
    calibration = '[tool.pe_dvc.calibration]\nsnapshot_id = "2026-05"\npath = "targets.json"\n'
    (root / "pyproject.toml").write_text(f"[tool.pe_dvc]\n{settings}{calibration}")
    for name in ("build.py", "raw.csv", "targets.json"):
        (root / name).write_bytes(OLD)
    (root / "requirements.txt").write_text("policyengine-us==1.637.0\n")
    return root


def test_files_of_a_clone(published: Published) -> None:
    sha256 = hashlib.sha256(OLD).hexdigest()
    files = tuple(InputFile(name=name, sha256=sha256) for name in ("raw.csv", "../secret"))
    code = (InputFile(name="build.py", sha256=sha256), InputFile(name="lib/", sha256="b" * 64))
    targets = CalibrationTargets(snapshot_id="2026-05", sha256=sha256)
    published.publish(
        model_package=US, raw_inputs=files, code=code[:1], calibration_targets=targets
    )
    root = clone(published)
    lines = published.lines(LATEST, code=0)
    assert lines["model version"]["source"] == "locked in requirements.txt"
    same = {what for what, line in lines.items() if line["found"] == "same"}
    assert {"raw input raw.csv", "code build.py", "calibration targets"} <= same
    assert lines["raw input ../secret"]["found"] == "not checked"
    for name, what in (
        ("build.py", "code build.py"),
        ("raw.csv", "raw input raw.csv"),
        ("targets.json", "calibration targets"),
    ):
        (root / name).write_bytes(NEW)
        assert published.lines(LATEST, code=1)[what]["found"] == "differs"
        (root / name).write_bytes(OLD)
    published.publish(model_package=US, code=code)
    (root / "lib").mkdir()
    (root / "lib/util.py").write_bytes(OLD)
    assert published.lines(code=1)["code lib/"]["found"] == "differs"
