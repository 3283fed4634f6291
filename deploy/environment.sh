# What ./deploy/demo and ./deploy/test share: a virtual environment with the locked dependencies, made once.
# MAILLAGE is not installed by copy: the environment points at this checkout.

VENV=.venv

fail() {
  echo "maillage: $*" >&2
  exit 1
}

find_python() {
  local candidate old=""
  for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
    [ -n "$old" ] || old=$("$candidate" --version 2>/dev/null) || true
  done
  fail "Python 3.11 or newer with its venv module is needed (Debian: apt-get install python3 python3-venv); found: ${old:-no Python}."
}

# is_sound LOCK: the environment runs, was made in this place, and holds this checkout and what the lock says; it is not when Python was
# upgraded, the folder moved, or something else installed into it.
is_sound() {
  "$VENV/bin/python" -I -c '
import os, re, sys
from importlib.metadata import version
import app
here = os.path.realpath(os.getcwd()) + os.sep
assert os.path.realpath(sys.prefix).startswith(here) and os.path.realpath(app.__file__).startswith(here)
with open(sys.argv[1]) as lock:
    for name, wanted in re.findall(r"^([A-Za-z0-9._-]+)==(\S+) \\$", lock.read(), re.MULTILINE):
        assert version(name) == wanted
' "$1" 2>/dev/null && [ -x "$VENV/bin/maillage" ] && head -n 3 "$VENV/bin/maillage" | grep -qF "$(pwd -P)/"
}

# need_environment run|test: make or refresh .venv; a second call with unchanged lock files does nothing.
need_environment() {
  local lock="deploy/requirements-$1.lock" stamp python
  stamp="$VENV/$(cat "$lock" pyproject.toml | cksum | tr -s ' \t' '-').$1"
  if [ -e "$stamp" ] && is_sound "$lock"; then
    return
  fi
  python=$(find_python)
  if [ -e "$stamp" ] || ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
    [ ! -e "$VENV" ] || echo "maillage: the environment $VENV is broken or was moved; making it anew ..." >&2
    "$python" -m venv --clear "$VENV" || fail "the virtual environment $VENV could not be made here."
  fi
  echo "maillage: installing the locked dependencies into $VENV (once) ..." >&2
  rm -f "$VENV"/*."$1"
  pip_install --require-hashes -r "$lock" || fail "the dependencies could not be installed: is the network reachable? Then run the command again."
  pip_install --no-deps --no-build-isolation --editable . || fail "Maillage itself could not be installed into $VENV."
  touch "$stamp"
}

pip_install() {
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --retries 2 "$@"
}

# need_programs COMMAND:PACKAGE…: what tests drive; installed from Debian when we are root, all named at once when we are not.
need_programs() {
  local wanted packages=""
  for wanted in "$@"; do
    command -v "${wanted%%:*}" >/dev/null || packages="$packages ${wanted#*:}"
  done
  [ -n "$packages" ] || return 0
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "the tests need these programs first:$packages (Debian: apt-get install$packages)."
  echo "maillage: installing from Debian:$packages ..." >&2
  # shellcheck disable=SC2086 # one word a package
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $packages; } >/dev/null 2>&1 ||
    fail "Debian's packages could not be installed; is the network reachable? By hand: apt-get install$packages"
}

# need_browser_packages: the npm packages that tests drive (ldes-client, axe-core, SPARQL clients), pinned in tests/clients.
need_browser_packages() {
  local stamp
  stamp="$VENV/$(cksum <tests/clients/package-lock.json | tr -s ' \t' '-').npm"
  [ -e "$stamp" ] && [ -d "$VENV/clients/node_modules" ] && return
  echo "maillage: installing the npm packages that tests drive ..." >&2
  mkdir -p "$VENV/clients"
  rm -f "$VENV"/*.npm
  cp tests/clients/package.json tests/clients/package-lock.json "$VENV/clients/"
  npm ci --prefix "$VENV/clients" --no-audit --no-fund --loglevel=error >&2 ||
    fail "the npm packages of tests/clients could not be installed: is the network reachable? Then run the command again."
  touch "$stamp"
}
