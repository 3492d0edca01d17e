#!/usr/bin/env bash
# Runs a command unless it has succeeded before with the same inputs.
#
#   ci/once.sh STAMP INPUT... -- COMMAND ARGUMENT...
#
# The stamp file holds a hash over the contents of the inputs (files, or folders with all below),
# the command and this checkout's place. It lies beside what the command makes, so removing that
# folder makes the command run again.
set -euo pipefail

stamp=$1
shift
inputs=()
while [ "$1" != -- ]; do
  [ ! -e "$1" ] || inputs+=("$1")
  shift
done
shift

contents() {
  find "${inputs[@]}" -type f -not -path '*/.*' -not -name '*.pyc' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
}
wanted=$({
  printf '%s\n' "$PWD" "$@"
  [ "${#inputs[@]}" = 0 ] || contents
} | sha256sum)
if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then exit 0; fi

rm -f "$stamp"
"$@"
mkdir -p "$(dirname "$stamp")"
printf '%s\n' "$wanted" >"$stamp"
