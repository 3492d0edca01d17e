#!/usr/bin/env bash
# Prints where the core lies that the wheel of this checkout was linked with.
set -euo pipefail
tag=$(basename build/dist/*.whl .whl)
library=build/cmake/${tag#*-*-}/core/libtailrace_core.a
[ -e "$library" ] || { echo "There is no $library: make wheel" >&2; exit 1; }
printf '%s\n' "$PWD/$library"
