"""Errors in a gateway.toml name the key as it is written there."""

from __future__ import annotations

import pytest

from pe_dvc.gateway.settings import parse_settings
from pe_dvc.primitives.errors import FormatError

PLACES = 'tokens = "t"\nledger = "l"\nledger_key = "k"\n'
UK = '[countries.uk]\nstore = "s"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PLACES, r"^gateway\.toml: countries: is missing\nAdd countries to"),
        (PLACES + UK, r"^gateway\.toml: countries\.uk\.access: is missing"),
        (PLACES + UK + 'acces = "a"', r"^gateway\.toml: countries\.uk\.acces: .*\n.*access\?$"),
        (PLACES + 'token = "t"\n' + UK, r"^gateway\.toml: token: is not a key"),
    ],
)
def test_an_error_names_the_key_as_it_is_written(text: str, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        parse_settings(text.encode(), where="gateway.toml")
