#!/usr/bin/env bash
# Builds the wheel of this checkout into build/dist. The CMake folder is kept, so the next build
# compiles what changed.
set -euo pipefail
rm -rf build/dist
export CMAKE_BUILD_PARALLEL_LEVEL
CMAKE_BUILD_PARALLEL_LEVEL=$(nproc)
build/venv/main/bin/python -m pip wheel . --quiet --disable-pip-version-check --no-deps \
  --no-build-isolation --config-settings=cmake.define.TAILRACE_WARNINGS_AS_ERRORS=ON --wheel-dir build/dist
printf 'wheel: %s\n' build/dist/*.whl
