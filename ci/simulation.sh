#!/usr/bin/env bash
# Plays 100,000 schedules of faults against the engine, then tries whether each mutant is noticed.
# TAILRACE_SIMULATION_SCALE=10 plays ten times as many.
set -euo pipefail
reports=build/reports
mkdir -p "$reports"
exec build/cmake/test/tests/simulation/simulate --seeds 1..100000 \
  --scale "${TAILRACE_SIMULATION_SCALE:-1}" --jobs "$(nproc)" --mutants 20000 \
  --json "$reports/simulation.json" --junit "$reports/simulation.xml"
