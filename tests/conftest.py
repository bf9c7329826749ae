"""Every test runs as a stranger: nothing of who runs it, or where, leaks in.

The environment is scrubbed of all but what is named here before anything is imported, so that
fixtures of the session and their processes are strangers, too. Each test then has a home of its
own, and cannot see how package clients reach their registries; fixtures of the session can.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# A busy machine is slow, not wrong.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

pytest_plugins = [
    "tests.support.servers",
    "tests.support.counters",
    "tests.support.sandboxes",
    "tests.support.simulators",
]

_KEPT = {"HOME", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "SOAK", "TERM", "TMPDIR", "USER"}
_KEPT |= {"COLUMNS", "US_CPS_SDIST"}
_KEPT_PREFIXES = ("PYTEST_",)
_CERTIFICATES = ("SSL_CERT_", "REQUESTS_CA_", "CURL_CA_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_PACKAGE_CLIENTS = ("PIP_", "UV_", *_CERTIFICATES, *_PROXIES)


def _scrub() -> None:
    for name in list(os.environ):
        if name not in _KEPT and not name.upper().startswith(_KEPT_PREFIXES + _PACKAGE_CLIENTS):
            del os.environ[name]
    os.environ["LANG"] = "C.UTF-8"
    os.umask(0o022)


_scrub()


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.upper().startswith(_PACKAGE_CLIENTS):
            monkeypatch.delenv(name)
    for name, place in {
        "HOME": "",
        "XDG_CONFIG_HOME": ".config",
        "XDG_CACHE_HOME": ".cache",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
        "DVC_SYSTEM_CONFIG_DIR": "system",
        "DVC_SITE_CACHE_DIR": "site-cache",
        "GIT_CONFIG_GLOBAL": ".gitconfig",
    }.items():
        monkeypatch.setenv(name, str(home / place))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Test\n\temail = test@example.org\n[init]\n\tdefaultBranch = main\n"
    )
