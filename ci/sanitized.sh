#!/usr/bin/env bash
# Builds and runs the C++ tests under the sanitizers of one preset: asan or tsan.
set -euo pipefail
preset=$1
PATH=$(ci/postgres-bin.sh):$PATH

# ThreadSanitizer of gcc before 14 cannot place its shadow memory where the kernel randomises more
# address bits.
unrandomised=()
if [ "$preset" = tsan ] && setarch "$(uname -m)" --addr-no-randomize true 2>/dev/null; then
  unrandomised=(setarch "$(uname -m)" --addr-no-randomize)
fi

cmake --preset "$preset" >/dev/null
"${unrandomised[@]}" cmake --build --preset "$preset" --parallel "$(nproc)"
"${unrandomised[@]}" ctest --preset "$preset" --parallel "$(nproc)" --no-tests=error
