#!/usr/bin/env bash
# Prints the folder of the PostgreSQL server's programs, which Debian and Ubuntu keep off the PATH.
set -euo pipefail
initdb=$(command -v initdb ||
  find /usr/lib/postgresql/*/bin -name initdb 2>/dev/null | sort -V | tail -n 1)
if [ -z "$initdb" ]; then
  printf '%s\n' 'The tests need a PostgreSQL server, and there is no initdb on this machine.' \
    'Install the package postgresql, or run ci/deps.sh, which does.' >&2
  exit 1
fi
dirname "$(readlink -f "$initdb")"
