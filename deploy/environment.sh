# What ./deploy/demo and ./deploy/test share: a virtual environment with the locked dependencies, made once.
# MAILLAGE is not installed by copy: the environment points at this checkout.

VENV=.venv

fail() {
  echo "maillage: $*" >&2
  exit 1
}

find_python() {
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  fail "Python 3.11 or newer with its venv module is needed (Debian: apt-get install python3 python3-venv)."
}

# need_environment run|test: make or refresh .venv; a second call with unchanged lock files does nothing.
need_environment() {
  local lock="deploy/requirements-$1.lock" stamp python
  stamp="$VENV/$(sha256sum "$lock" pyproject.toml | sha256sum | cut -c1-16).$1"
  [ -e "$stamp" ] && return
  python=$(find_python)
  [ -x "$VENV/bin/python" ] || "$python" -m venv "$VENV" || fail "the virtual environment $VENV could not be made."
  echo "maillage: installing the locked dependencies into $VENV (once) ..." >&2
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock" ||
    fail "the dependencies could not be installed: is the network reachable? Run the command again."
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . ||
    fail "Maillage itself could not be installed into $VENV."
  touch "$stamp"
}

# need_debian COMMAND PACKAGE: a program that a test drives; installed when we are root, named when we are not.
need_debian() {
  command -v "$1" >/dev/null && return
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "the tests need '$1': apt-get install $2"
  echo "maillage: installing Debian's $2 ..." >&2
  { apt-get update && apt-get install --yes --no-install-recommends "$2"; } >/dev/null 2>&1 || fail "Debian's $2 could not be installed: apt-get install $2"
}

# need_browser_packages: the npm packages that tests drive (ldes-client, axe-core), pinned in tests/clients.
need_browser_packages() {
  local stamp
  stamp="$VENV/$(sha256sum tests/clients/package-lock.json | cut -c1-16).npm"
  [ -e "$stamp" ] && return
  echo "maillage: installing the npm packages that tests drive ..." >&2
  mkdir -p "$VENV/clients"
  cp tests/clients/package.json tests/clients/package-lock.json "$VENV/clients/"
  npm ci --prefix "$VENV/clients" --no-audit --no-fund --loglevel=error >&2 || fail "the npm packages of tests/clients could not be installed."
  touch "$stamp"
}
