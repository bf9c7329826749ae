"""Gated data, from the bucket through a gateway to named people, with everyone's own tools."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from tests.support.gateway_office import Office, md5_path

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox


@pytest.fixture
def office(sandbox: Sandbox) -> Office:
    sandbox.pe_dvc("push")
    sandbox.trust()
    return Office(sandbox)


@pytest.mark.slow
def test_the_whole_way_from_the_bucket_to_named_people(office: Office) -> None:
    sandbox, data = office.sandbox, office.sandbox.repo / "data"
    wanted = {path.name: path.read_bytes() for path in data.glob("*.parquet")}
    custom = ("auth", "custom"), ("custom_auth_header", "Authorization")
    with office.open():
        # Plain DVC, by either of its two ways to say who asks.
        clone = office.clone("clone", *custom, ("password", f"Bearer {office.token}"))
        sandbox.run("dvc", "pull", "--quiet", cwd=clone)
        assert {p.name: p.read_bytes() for p in (clone / "data").glob("*.parquet")} == wanted
        basic = ("auth", "basic"), ("user", "ada"), ("password", office.token)
        second = office.clone("second", *basic)
        sandbox.run("dvc", "pull", "--quiet", cwd=second)
        assert {p.name: p.read_bytes() for p in (second / "data").glob("*.parquet")} == wanted

        # pe-dvc, in a clone and without one.
        third = office.clone("third", *basic)
        sandbox.pe_dvc("pull", cwd=third)
        assert {p.name: p.read_bytes() for p in (third / "data").glob("*.parquet")} == wanted
        got = sandbox.pe_dvc(
            *("get", "us/enhanced_cps_2024@latest"),
            cwd=sandbox.researcher,
            PE_DVC_STORE=office.url,
            PE_DVC_GATEWAY_TOKEN=office.token,
        )
        assert got.stdout.strip()

        # Everyone else.
        path = md5_path(data / "enhanced_cps_2024.parquet")
        assert office.ask(path)[0] == 401
        assert office.ask(path, "pedvc_" + "0" * 16 + "_" + "A" * 43)[0] == 401
        eve = office.pe_dvc("token", "create", "eve@example.org")
        assert office.ask(path, eve)[0] == 403
        assert office.ask("/us/files/md5/00/" + "0" * 30, office.token)[0] == 404
        assert office.ask(path, office.token, Range="bytes=99999999-")[0] == 416
        refused = sandbox.pe_dvc(
            *("get", "us/enhanced_cps_2024@latest"),
            cwd=sandbox.researcher,
            code=5,
            PE_DVC_STORE=office.url,
            PE_DVC_GATEWAY_TOKEN=eve,
            PE_DVC_CACHE_DIR=str(office.place / "eves"),
        )
        assert "data-access@example.org" in refused.stderr

        # A token that is revoked, a grant that ends: at the next request.
        listed = json.loads(office.pe_dvc("token", "list", "--json"))
        assert {one["person"] for one in listed} == {"ada@example.org", "eve@example.org"}
        office.pe_dvc("token", "revoke", office.token.split("_")[1])
        assert office.ask(path, office.token)[0] == 401
        office.grant({"until": "2021-01-01"})
        again = office.pe_dvc("token", "create", "ada@example.org")
        status, body = office.ask(path, again)
        assert (status, b"delete all copies" in body) == (403, True)

        # In a clone what must go is told first, and goes where that is asked for.
        modify = ("dvc", "remote", "modify", "--local", "policyengine", "password", again)
        sandbox.run(*modify, cwd=third)
        prune = ("cache", "prune", "--expired")
        said = sandbox.pe_dvc(*prune, cwd=third).stderr
        assert "not removed without --workspace, or changed: data/cps_2024.parquet" in said
        assert {p.name: p.read_bytes() for p in (third / "data").glob("*.parquet")} == wanted
        done = json.loads(
            sandbox.pe_dvc(*prune, "--workspace", "--dvc-cache", "--json", cwd=third).stdout
        )
        assert len(done["workspace"]) == len(done["dvc"]) == len(wanted)
        assert not list((third / "data").glob("*.parquet"))
        assert [(one["files"], one["left"]) for one in done["stated"]] == [(len(wanted), 0)]
    served = office.served()
    assert len(served) >= 4 * len(wanted)
    assert sorted(one["entry"] for one in served) == list(range(len(served)))
    assert office.entries() == len(served)
    assert office.token.split("_", 2)[2] not in office.log.read_text()


@pytest.mark.slow
def test_a_withdrawal_reaches_a_gateway_that_starts_again(office: Office) -> None:
    sandbox, path = office.sandbox, office.sandbox.repo / "data/enhanced_cps_2024.parquet"
    with office.open():
        assert office.ask(md5_path(path), office.token)[0] == 200
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    sandbox.pe_dvc(
        *("revoke", f"us/enhanced_cps_2024@sha256:{digest}"),
        *("--reason", "Its licence ended", "--authority", "Stewards"),
    )
    sandbox.commit("Withdraw it")
    sandbox.pe_dvc("push")
    with office.open():
        status, body = office.ask(md5_path(path), office.token)
        assert (status, json.loads(body)["tombstone"]["reason"]) == (410, "Its licence ended")
    assert office.entries() == 1
