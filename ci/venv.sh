#!/usr/bin/env bash
# Makes build/venv/NAME anew from the pins in ci/requirements/NAME.txt, resolving nothing.
set -euo pipefail

name=$1
home=build/venv/$name

suitable_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.10; do
    if "$candidate" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 10))' \
      2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  printf 'venv: no Python 3.10 or later with the venv module was found; set PYTHON to one\n' >&2
  return 1
}

python=$(suitable_python)
printf 'venv: making %s with %s\n' "$home" "$("$python" --version)"
rm -rf "$home"
"$python" -m venv "$home"
# Most modules are never imported; those that are compile themselves then.
"$home/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile \
  --requirement "ci/requirements/$name.txt"
