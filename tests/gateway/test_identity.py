"""Who asks: tokens of issuers, and what attackers send in their place."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, RSAKey

from pe_dvc.gateway.decision import Caller, Scope, Visa
from pe_dvc.gateway.identity import Identity
from pe_dvc.gateway.jwks import AGAIN, FRESH, STALE, IssuerKeys
from pe_dvc.gateway.settings import Issuer, Signer
from pe_dvc.gateway.tokens import TokenBook
from pe_dvc.primitives.errors import CredentialsError
from tests.support.issuers import ADDRESS, AUDIENCE, Documents, TestIssuer, dump, unpadded, unsigned

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
T = NOW.timestamp()
REMS = "https://rems.example.org"


class Doors:
    """An identity with an issuer and a visa issuer, and a clock that tests turn."""

    def __init__(self, tmp_path: Path, **changes: Any) -> None:
        self.issuer, self.rems = TestIssuer(), TestIssuer(address=REMS, kid="r1")
        self.documents = Documents(self.issuer, self.rems)
        self.seconds = 0.0
        settings = {"issuer": ADDRESS, "audience": AUDIENCE, "persons": "*@example.org"}
        trusted = Issuer.model_validate({**settings, "passports": True} | changes)
        self.tokens = TokenBook(tmp_path / "tokens")
        self.identity = Identity(
            self.tokens,
            [trusted],
            [Signer(issuer=REMS, jwks_url=f"{REMS}/keys")],
            IssuerKeys(self.documents, lambda: self.seconds),
        )

    def caller(self, token: str, now: datetime = NOW) -> Caller:
        return self.identity.caller(f"Bearer {token}", now=now)

    def token(self, **changes: Any) -> str:
        return self.issuer.sign(self.issuer.claims(T, **changes))

    def refused(self, token: str, match: str) -> None:
        with pytest.raises(CredentialsError, match=match) as caught:
            self.caller(token)
        assert token not in str(caught.value)

    def visa(self, sub: str = "ada@example.org", **changes: Any) -> str:
        visa = {
            "type": "ControlledAccessGrants",
            "asserted": int(T) - 1000,
            "value": "https://data.example.org/frs",
            "source": "https://example.org",
            "by": "dac",
        } | changes
        claims = self.rems.claims(T, sub=sub, aud=None, ga4gh_visa_v1=visa)
        return self.rems.sign(claims, jku=f"{REMS}/keys", typ="vnd.ga4gh.visa+jwt")


@pytest.fixture
def doors(tmp_path: Path) -> Doors:
    return Doors(tmp_path)


def test_a_token_in_order_tells_who_asks(doors: Doors) -> None:
    assert doors.caller(doors.token()) == Caller(person="ada@example.org")


def test_an_audience_may_be_one_of_several(doors: Doors) -> None:
    assert doors.caller(doors.token(aud=["other", AUDIENCE])).person == "ada@example.org"


def test_keys_of_elliptic_curves(doors: Doors) -> None:
    doors.issuer.key = ECKey.generate_key("P-256")
    doors.documents.at |= doors.issuer.documents()
    assert doors.caller(doors.token()).person == "ada@example.org"


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"exp": int(T) - 61}, "expired"),
        ({"exp": None}, "when it expires"),
        ({"exp": "tomorrow"}, "no time"),
        ({"exp": True}, "no time"),
        ({"exp": float("nan")}, "no|not|expired"),
        ({"nbf": int(T) + 3600}, "not valid yet"),
        ({"iat": int(T) + 3600}, "not valid yet"),
        ({"aud": "another-service"}, "audience"),
        ({"aud": f"{AUDIENCE}-test"}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": {AUDIENCE: 1}}, "audience"),
        ({"iss": "https://evil.example.org"}, "not trusted"),
        ({"iss": f"{ADDRESS}/"}, "not trusted"),
        ({"iss": None}, "no issuer"),
        ({"sub": None}, "no person"),
        ({"sub": "ada@evil.example.com"}, "does not speak for"),
        ({"sub": "ada\n@example.org"}, "no person"),
        ({"sub": ["ada@example.org"]}, "no person"),
    ],
)
def test_claims_that_are_not_in_order(doors: Doors, changes: dict[str, Any], match: str) -> None:
    doors.refused(doors.token(**changes), match)


def test_attack_algorithm_none(doors: Doors) -> None:
    claims = doors.issuer.claims(T)
    for name in ("none", "None", "NONE", "nOnE", ""):
        doors.refused(unsigned({"alg": name}, claims), "not signed by")
        doors.refused(unsigned({"alg": name, "kid": "k1"}, claims), "not signed by")
    doors.refused(unsigned({}, claims), "not signed by")


def test_attack_signature_cut_off(doors: Doors) -> None:
    head, body, _ = doors.token().split(".")
    doors.refused(f"{head}.{body}.", "signature")


def test_attack_key_confusion_of_rsa_and_hmac(doors: Doors) -> None:
    """The public key, which everyone has, is used as the secret of an HMAC."""
    for public in (doors.issuer.key.as_pem(private=False), dump(doors.issuer.jwks()["keys"][0])):
        head = unpadded(dump({"alg": "HS256", "kid": "k1"}))
        signed = f"{head}.{unpadded(dump(doors.issuer.claims(T)))}"
        mac = hmac.new(public, signed.encode(), hashlib.sha256).digest()
        doors.refused(f"{signed}.{unpadded(mac)}", "not signed by")


def test_attack_a_shared_secret_among_the_issuers_keys(doors: Doors) -> None:
    secret = OctKey.generate_key(256)
    doors.documents.at[f"{ADDRESS}/keys"]["keys"] = [secret.as_dict() | {"kid": "k1"}]
    doors.refused(doors.token(), "key of the token")


def test_attack_the_token_brings_its_own_key(doors: Doors) -> None:
    eve = TestIssuer()
    claims = doors.issuer.claims(T)
    own = eve.key.as_dict(private=False)
    doors.refused(eve.sign(claims, jwk=own), "signature")
    doors.documents.at["https://evil.example.org/keys"] = eve.jwks()
    doors.refused(eve.sign(claims, jku="https://evil.example.org/keys"), "signature")
    assert "https://evil.example.org/keys" not in doors.documents.asked


def test_attack_claims_are_changed_after_signing(doors: Doors) -> None:
    head, _, signature = doors.token().split(".")
    other = unpadded(dump(doors.issuer.claims(T, sub="eve@example.org")))
    doors.refused(f"{head}.{other}.{signature}", "signature")


def test_attack_a_token_of_a_visa_issuer_is_no_login(doors: Doors) -> None:
    doors.refused(doors.rems.sign(doors.rems.claims(T)), "not trusted")


def test_attack_a_token_of_another_type(doors: Doors) -> None:
    token = doors.issuer.sign(doors.issuer.claims(T), typ="logout+jwt")
    doors.refused(token, "another type")


def test_attack_extensions_that_change_what_is_signed(doors: Doors) -> None:
    head = {"alg": "RS256", "kid": "k1", "crit": ["b64"], "b64": False}
    doors.refused(unsigned(head, doors.issuer.claims(T), b"x"), "extensions")


def test_attack_an_algorithm_that_the_issuer_was_not_configured_with(doors: Doors) -> None:
    token = doors.issuer.sign(doors.issuer.claims(T), algorithm="PS512")
    doors.refused(token, "not signed by RS256, ES256")


def test_attack_a_key_of_one_kind_for_an_algorithm_of_another(doors: Doors) -> None:
    token = doors.token().split(".")
    head = unpadded(dump({"alg": "ES256", "kid": "k1"}))
    doors.refused(f"{head}.{token[1]}.{token[2]}", "key of the token")


def test_attack_a_weak_key(doors: Doors) -> None:
    with pytest.warns(SecurityWarning):
        doors.issuer.key = RSAKey.generate_key(1024)
    doors.documents.at |= doors.issuer.documents()
    doors.refused(doors.token(), "key of the token")


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "a.b",
        "a.b.c.d",
        "...",
        "e30.e30.e30",
        "e30.W10.",
        "é.é.é",
        "A" * 200_000,
        "%00.%00.%00",
    ],
)
def test_what_is_no_token(doors: Doors, text: str) -> None:
    doors.refused(text, "token")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Digest x", "Basic", "Basic !"])
def test_without_a_token(doors: Doors, header: str | None) -> None:
    with pytest.raises(CredentialsError):
        doors.identity.caller(header, now=NOW)


def test_deeply_nested_claims_are_refused(doors: Doors) -> None:
    deep = unpadded(b"[" * 10_000)
    doors.refused(f"{unpadded(dump({'alg': 'RS256'}))}.{deep}.{deep}", "token")


def test_an_email_must_have_been_verified(tmp_path: Path) -> None:
    doors = Doors(tmp_path, person_claim="email")
    token = doors.token(sub="123", email="ada@example.org", email_verified=True)
    assert doors.caller(token).person == "ada@example.org"
    for value in (False, None, "true"):
        changed = doors.token(email="ada@example.org", email_verified=value)
        doors.refused(changed, "not verified")


def test_keys_are_kept_and_asked_for_once(doors: Doors) -> None:
    for _ in range(5):
        doors.caller(doors.token())
    assert len(doors.documents.asked) == 2  # discovery, keys


def test_an_issuer_that_rotates_its_keys(doors: Doors) -> None:
    doors.caller(doors.token())
    doors.issuer.key, doors.issuer.kid = RSAKey.generate_key(2048), "k2"
    doors.documents.at |= doors.issuer.documents()
    doors.refused(doors.token(), "key of the token")  # asked a moment ago
    doors.seconds += AGAIN
    assert doors.caller(doors.token()).person == "ada@example.org"


def test_a_key_that_an_issuer_took_back_is_worth_nothing_after_an_hour(doors: Doors) -> None:
    old = doors.token()
    doors.caller(old)
    doors.issuer.key, doors.issuer.kid = RSAKey.generate_key(2048), "k2"
    doors.documents.at |= doors.issuer.documents()
    doors.seconds += FRESH
    doors.refused(old, "key of the token")


def test_an_issuer_that_is_away_is_believed_for_a_day(doors: Doors) -> None:
    doors.caller(doors.token())
    doors.documents.at.clear()
    doors.seconds += STALE - 1
    assert doors.caller(doors.token()).person == "ada@example.org"
    doors.seconds += 2
    doors.refused(doors.token(), "key of the token")


def test_attack_unknown_key_ids_do_not_make_us_ask_the_issuer_each_time(doors: Doors) -> None:
    doors.caller(doors.token())
    for number in range(50):
        doors.issuer.kid = f"unknown-{number}"
        doors.refused(doors.token(), "key of the token")
    assert len(doors.documents.asked) == 2


def test_attack_discovery_that_speaks_for_another_issuer(doors: Doors) -> None:
    doors.documents.at[f"{ADDRESS}/.well-known/openid-configuration"]["issuer"] = REMS
    doors.refused(doors.token(), "key of the token")


def test_attack_keys_at_an_address_without_tls(doors: Doors) -> None:
    place = f"{ADDRESS}/.well-known/openid-configuration"
    doors.documents.at[place]["jwks_uri"] = "http://login.example.org/keys"
    doors.documents.at["http://login.example.org/keys"] = doors.issuer.jwks()
    doors.refused(doors.token(), "key of the token")


def test_attack_a_huge_list_of_keys(doors: Doors) -> None:
    doors.documents.at[f"{ADDRESS}/keys"]["keys"] *= 1000
    doors.refused(doors.token(), "key of the token")


def test_attack_keys_whose_kind_is_no_text(doors: Doors) -> None:
    doors.documents.at[f"{ADDRESS}/keys"]["keys"].insert(0, {"kty": ["RSA"]})
    assert doors.caller(doors.token()).person == "ada@example.org"


def test_a_passport_brings_its_visas(doors: Doors) -> None:
    token = doors.token(ga4gh_passport_v1=[doors.visa()])
    expected = Visa(issuer=REMS, value="https://data.example.org/frs")
    assert doors.caller(token).visas == (expected,)


def test_visas_of_other_types_grant_nothing(doors: Doors) -> None:
    token = doors.token(ga4gh_passport_v1=[doors.visa(type="ResearcherStatus")])
    assert doors.caller(token).visas == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"asserted": int(T) + 3600},
        {"asserted": None},
        {"conditions": [[{"type": "ResearcherStatus", "value": "const:x"}]]},
        {"value": 7},
    ],
)
def test_a_visa_that_is_not_in_order_grants_nothing(doors: Doors, changes: dict[str, Any]) -> None:
    assert doors.caller(doors.token(ga4gh_passport_v1=[doors.visa(**changes)])).visas == ()


def test_attack_a_visa_of_another_person_in_ones_own_passport(doors: Doors) -> None:
    stolen = doors.visa(sub="eve@example.org")
    assert doors.caller(doors.token(ga4gh_passport_v1=[stolen])).visas == ()


def test_attack_a_visa_that_its_bearer_signed(doors: Doors) -> None:
    doors.rems.key = RSAKey.generate_key(2048)  # and REMS's published keys are the old ones
    assert doors.caller(doors.token(ga4gh_passport_v1=[doors.visa()])).visas == ()


def test_attack_a_visa_of_an_issuer_that_is_not_on_the_list(doors: Doors) -> None:
    doors.rems.address = "https://evil.example.org"
    doors.documents.at |= doors.rems.documents()
    assert doors.caller(doors.token(ga4gh_passport_v1=[doors.visa()])).visas == ()
    assert not [one for one in doors.documents.asked if "evil" in one]


def test_passports_count_only_of_issuers_that_may_bring_them(tmp_path: Path) -> None:
    doors = Doors(tmp_path, passports=False)
    assert doors.caller(doors.token(ga4gh_passport_v1=[doors.visa()])).visas == ()


@pytest.mark.parametrize("scheme", ["Bearer {}", "bearer {}", "Basic {basic}"])
def test_a_personal_token_by_either_scheme(doors: Doors, scheme: str) -> None:
    scope = Scope(country="uk", project="poverty", datasets=("frs_*",))
    later = NOW.replace(year=2027)
    token, record = doors.tokens.create("ada@example.org", now=NOW, expires=later, scope=scope)
    basic = base64.b64encode(f"ada:{token}".encode()).decode()
    found = doors.identity.caller(scheme.format(token, basic=basic), now=NOW)
    assert found == Caller(person="ada@example.org", scope=scope, token_id=record.id)
