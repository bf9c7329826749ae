"""What the browser's client remembers, for whom, and with which keys: beside the attacks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from securesystemslib.signer import CryptoSigner

from pe_dvc.primitives.errors import NotPublishedError, SignatureError
from pe_dvc.trust.tuf_api import SSlibKey
from tests.support.browser_client import BothClients, ask_browser
from tests.support.simulator import Simulator, pointer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD, NEW = pointer("cps_2024", "old"), pointer("cps_2024", "new")


@pytest.fixture
def published(tmp_path: Path) -> Simulator:
    sim = Simulator(tmp_path / "country")
    sim.update(OLD)
    sim.publish()
    return sim


def reads(sim: Simulator, root: bytes | None = None, *, role: str = "latest") -> Any:
    """Return the version that one browser is shown, or the name of the error."""
    state = sim.base / "browser"
    said = ask_browser(sim.store, "us", root or sim.pinned, state, role)
    return said.get("version") or said["error"]


def state_of(sim: Simulator) -> Path:
    return sim.base / "browser" / "browser.json"


def damaged(text: str) -> str:
    (key,) = json.loads(text)
    return json.dumps({key: "not JSON"})


def without_lists(text: str) -> str:
    (key,) = json.loads(text)
    return json.dumps({key: '{"lineages": 3}'})


def with_every(junk: object) -> Callable[[str], str]:
    """Replace every file that is kept."""

    def change(text: str) -> str:
        ((key, kept),) = json.loads(text).items()
        lineages = json.loads(kept)
        for lineage in lineages:
            for part in ("roots", "files"):
                lineage[part] = dict.fromkeys(lineage[part], junk)
        return json.dumps({key: json.dumps(lineages)})

    return change


@pytest.mark.parametrize(
    "damage",
    [
        damaged,
        without_lists,
        *(with_every(junk) for junk in ("", "junk", "{}", None, 3, {"a": 1})),
        lambda text: json.dumps(dict.fromkeys(json.loads(text), "[null, 3, {}]")),
    ],
)
def test_damaged_state_is_read_again(published: Simulator, damage: Callable[[str], str]) -> None:
    assert reads(published) == 2
    file = state_of(published)
    file.write_text(damage(file.read_text()))
    assert reads(published) == 2


def rolled_back(sim: Simulator, *, also: tuple[str, ...] = ()) -> None:
    """Show the state before ``NEW`` again, as it was signed."""
    old = {name: data for name, data in sim.store.objects.items() if "timestamp" in name}
    sim.update(NEW)
    sim.publish()
    assert reads(sim) == 3
    sim.store.objects.update(old)
    for name in also:
        del sim.store.objects[sim.key(name)]


def rotated(sim: Simulator, count: int) -> bytes:
    """Give root other keys ``count`` times, and return the last root."""
    for _ in range(count):
        sim.rotate("root")
        (sim.base / "stolen" / "root.pem").unlink()
        sim.publish()
    return sim.root


@pytest.mark.parametrize("count", [1, 3])
def test_a_page_with_a_later_root_knows_what_was_seen(published: Simulator, count: int) -> None:
    """The site was built again: that is no way to make a browser forget."""
    first = dict(published.store.objects)
    rolled_back(published)
    published.store.objects.update(first)
    later = rotated(published, count)
    assert reads(published, later) == 3
    timestamp = first[published.key("timestamp.json")]
    published.store.objects[published.key("timestamp.json")] = timestamp
    assert reads(published, later) == "RollbackError"


def test_the_roots_between_are_hidden(published: Simulator) -> None:
    assert reads(published) == 2
    root = published.metadata.root
    for version in (2, 3):
        root.signed.version = version
        data = published.plant(f"{version}.root.json", root, "root")
    assert reads(published, data) == 2
    state_of(published).unlink()
    kept = published.store.objects.pop(published.key("3.root.json"))
    hidden = published.store.objects.pop(published.key("2.root.json"))
    assert reads(published) == 2
    published.store.objects[published.key("3.root.json")] = kept
    assert reads(published, data) == "RollbackError"
    published.store.objects[published.key("2.root.json")] = hidden
    assert reads(published, data) == 2


def test_a_page_with_an_earlier_root_knows_what_was_seen(published: Simulator) -> None:
    later = rotated(published, 1)
    old = published.store.objects[published.key("timestamp.json")]
    published.update(NEW)
    published.publish()
    assert reads(published, later) == 3
    published.store.objects[published.key("timestamp.json")] = old
    assert reads(published) == "RollbackError"


def test_channels_that_were_created_again_have_a_memory_of_their_own(
    published: Simulator, tmp_path: Path
) -> None:
    published.update(NEW)
    published.publish()
    assert reads(published) == 3
    other = Simulator(tmp_path / "other")
    other.update(OLD)
    other.publish()
    said = ask_browser(other.store, "us", other.pinned, published.base / "browser", "latest")
    assert said["version"] == 2
    assert reads(published) == 3


@pytest.mark.parametrize(
    "generate",
    [CryptoSigner.generate_ecdsa, CryptoSigner.generate_rsa, CryptoSigner.generate_ed25519],
)
def test_keys_of_kms_and_hsms(published: Simulator, generate: Callable[[], CryptoSigner]) -> None:
    signer = generate()
    targets = published.metadata.targets
    assert targets.signed.delegations is not None
    assert targets.signed.delegations.roles is not None
    targets.signed.add_key(signer.public_key, "latest")
    targets.signed.delegations.roles["latest"].threshold = 2
    targets.signed.version += 1
    new = published.plant("2.targets.json", targets, "targets")
    latest = published.held("2.latest.json")
    latest.signed.version += 1
    for signature in ("valid", "missing", "of other bytes"):
        data = published.plant("3.latest.json", latest, "latest")
        if signature != "missing":
            latest.sign(signer, append=True)
            document = latest.to_dict()
            if signature == "of other bytes":
                document["signatures"][1]["sig"] = signer.sign(b"other").signature
            data = json.dumps(document).encode()
            published.store.objects[published.key("3.latest.json")] = data
        published.point_at({"latest": data, "targets": new})
        client = BothClients(published.store, "us", published.pinned, published.base / signature)
        if signature == "valid":
            assert client.lookup("latest", "cps_2024") == OLD
        else:
            with pytest.raises(SignatureError, match="1/2 keys"):
                client.lookup("latest", "cps_2024")


def test_one_key_that_is_listed_under_two_ids_signs_once(published: Simulator) -> None:
    targets, signer = published.metadata.targets, published.signer("latest")
    assert targets.signed.delegations is not None
    assert targets.signed.delegations.roles is not None
    key = signer.public_key
    twin = SSlibKey("f" * 64, key.keytype, key.scheme, {"public": key.keyval["public"].upper()})
    targets.signed.add_key(twin, "latest")
    targets.signed.delegations.roles["latest"].threshold = 2
    targets.signed.version += 1
    new = published.plant("2.targets.json", targets, "targets")
    latest = published.held("2.latest.json")
    latest.signed.version += 1
    document = json.loads(published.plant("3.latest.json", latest, "latest"))
    document["signatures"].append({**document["signatures"][0], "keyid": twin.keyid})
    data = json.dumps(document).encode()
    published.store.objects[published.key("3.latest.json")] = data
    published.point_at({"latest": data, "targets": new})
    assert reads(published) == "SignatureError"


def test_a_root_of_another_country_is_not_trusted(published: Simulator, tmp_path: Path) -> None:
    uk = Simulator(tmp_path / "uk", "uk")
    assert reads(published, uk.pinned) == "VerificationError"


@pytest.mark.parametrize("role", ["next", "revoked", "releases"])
def test_a_role_is_read_alike(published: Simulator, role: str) -> None:
    """Nothing was published of it, or nothing is in it."""
    client = BothClients(published.store, "us", published.pinned, published.base / role)
    said = reads(published, role=role)
    if said == "NotPublishedError":
        with pytest.raises(NotPublishedError):
            client._role(role)
    else:
        assert client._role(role).version == said
