# What .ci/run does with the machine that it runs on: packages, users, Pythons, clones.
# shellcheck shell=bash
# It sets $work, a directory of its own, and $user, who owns nothing on this machine.

# What pip, uv, npm and git read to reach a registry and to trust its certificate.
PACKAGE_CLIENTS="
    PIP_CERT PIP_CLIENT_CERT PIP_CONFIG_FILE PIP_DEFAULT_TIMEOUT PIP_EXTRA_INDEX_URL PIP_FIND_LINKS
    PIP_INDEX_URL PIP_NO_INDEX PIP_PROXY PIP_RETRIES PIP_TRUSTED_HOST
    UV_CONFIG_FILE UV_DEFAULT_INDEX UV_EXTRA_INDEX_URL UV_FIND_LINKS UV_HTTP_TIMEOUT UV_INDEX
    UV_INDEX_URL UV_INSECURE_HOST UV_NATIVE_TLS UV_SYSTEM_CERTS
    NPM_CONFIG_REGISTRY npm_config_registry NODE_EXTRA_CA_CERTS
    SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE GIT_SSL_CAINFO
    http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY"
PACKAGE_SETTINGS=".config/pip/pip.conf .pip/pip.conf .config/uv/uv.toml .npmrc"

me=$(id -un)
: "${HOME:=/}"

say() { printf '\n=== %s\n' "$*" >&2; }

warn() { printf '\n!!! %s\n' "$*" >&2; }

# Installs git, make, and a Python that can make environments, where this is Debian and we may.
install_missing() {
    local missing=()
    command -v git >/dev/null || missing+=(git)
    command -v make >/dev/null || missing+=(make)
    [ -n "$(pythons_of "$me")" ] || missing+=(python3 python3-venv)
    [ ${#missing[@]} != 0 ] || return 0
    say "installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${missing[@]}"
}

# Installs R, whose client is tested where there is R; without it that test is skipped.
install_r() {
    ! command -v Rscript >/dev/null || return 0
    say "installing R"
    if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq \
        --no-install-recommends r-base-core r-cran-haven >/dev/null; }; then
        warn "R cannot be installed: clients/R is not tested"
    fi
}

# Installs Node.js, on which Azure's test server runs, and what pages run is tested; without it those
# tests are skipped.
install_node() {
    ! command -v npm >/dev/null || return 0
    say "installing Node.js"
    if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq \
        --no-install-recommends nodejs npm >/dev/null; }; then
        warn "Node.js cannot be installed: Azure and the browser's client are not tested"
    fi
}

# Installs Chromium, in which tests open the pages of a site; without it those tests are skipped.
install_browser() {
    ! command -v chromium >/dev/null || return 0
    say "installing Chromium"
    if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq \
        --no-install-recommends chromium >/dev/null; }; then
        warn "Chromium cannot be installed: no page is opened in a browser"
    fi
}

# Installs PostgreSQL, in which tests keep ledgers of reads; without it those tests are skipped.
install_postgres() {
    ! { command -v postgres || ls /usr/lib/postgresql/*/bin/postgres; } >/dev/null 2>&1 || return 0
    say "installing PostgreSQL"
    if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq \
        --no-install-recommends postgresql >/dev/null; }; then
        warn "PostgreSQL cannot be installed: ledgers in it are not tested"
    fi
}

# Prints the name of a new user; our own where we may not make one, or are not root anyway.
new_user() {
    local name="pe-dvc-ci-$$"
    if [ "$me" != root ]; then
        echo "$me"
    elif command -v setpriv >/dev/null && useradd --system --user-group --no-create-home "$name"; then
        echo "$name"
    else
        warn "no user could be made: no test runs as a user who is not root"
        echo "$me"
    fi
}

clean_up() {
    cd /
    rm -rf "$work"
    if [ "${user:-$me}" != "$me" ]; then
        rm -rf "${TMPDIR:-/tmp}/pytest-of-$user" "/dev/shm/pytest-of-$user"
        userdel "$user"
    fi
}

# as USER COMMAND…
as() {
    local who=$1
    shift
    if [ "$who" = "$me" ]; then
        "$@"
    else
        setpriv --reuid="$(id -u "$who")" --regid="$(id -g "$who")" --clear-groups "$@"
    fi
}

# Prints "version path" of each Python that USER can run and make environments with, newest first.
# None is older than 3.11, and none a pre-release: packages have no wheels for those.
pythons_of() {
    local python pyenv=${PYENV_ROOT:-$HOME/.pyenv}
    for python in $(type -ap python3 python3.{11..20}) /usr/bin/python3 /usr/local/bin/python3 \
        "$pyenv"/versions/*/bin/python3 "$HOME"/.local/share/uv/python/*/bin/python3; do
        (cd / && as "$1" env -i PATH=/usr/bin:/bin HOME=/ "$python" -c '
import ensurepip, sys, venv
if sys.version_info >= (3, 11) and sys.version_info.releaselevel == "final":
    print(sys.version.split()[0], sys._base_executable)' 2>/dev/null) || true
    done | sort --unique --version-sort --reverse
}

# Prints the minor versions of all Pythons here, newest first: 3.13, 3.12, …
versions() { pythons_of "$me" | cut -d. -f1,2 | uniq; }

# choose_python VERSION: sets $python, and $runner to who runs it: $user, or we if only we can.
choose_python() {
    local found
    for runner in "$user" "$me"; do
        found=$(pythons_of "$runner" | grep "^${1/./\\.}\." || true)
        [ -n "$found" ] || continue
        python=$(head -1 <<<"$found" | cut -d' ' -f2-)
        [ "$runner" = "$user" ] || warn "Python $1 is not for $user to run: $runner runs it"
        return 0
    done
    return 1
}

# new_clone NAME: a clone of what is committed, and a home, both of which belong to $runner.
new_clone() {
    local place="$work/$1" settings
    mkdir -p "$place/home"
    git clone --quiet --no-hardlinks . "$place/a clone"
    for settings in $PACKAGE_SETTINGS; do
        [ ! -f "$HOME/$settings" ] || install -D -m 600 "$HOME/$settings" "$place/home/$settings"
    done
    chmod 755 "$work"
    chown -R "$(id -u "$runner"):$(id -g "$runner")" "$place"
}

# scrubbed CLONE COMMAND…: runs a command in a clone as $runner, with next to no environment.
scrubbed() {
    local place="$work/$1" name environment=()
    shift
    for name in $PACKAGE_CLIENTS; do
        [ -z "${!name:-}" ] || environment+=("$name=${!name}")
    done
    (cd "$place/a clone" && as "$runner" env -i HOME="$place/home" PATH="$PATH" LANG=C.UTF-8 \
        "${environment[@]}" "$@")
}
