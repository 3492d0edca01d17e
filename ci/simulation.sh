#!/usr/bin/env bash
# The protocol as a model, with its mutants and the scripts that the engine follows too; then
# 100,000 schedules of faults against the engine, and whether each of its mutants is noticed.
# TAILRACE_SIMULATION_SCALE=10 plays ten times as many.
set -euo pipefail
reports=build/reports
mkdir -p "$reports"
model=tests/simulation/protocol_model.py
python3 "$model"
python3 "$model" --scenarios tests/simulation/scenarios.json
exec build/cmake/test/tests/simulation/simulate --seeds 1..100000 \
  --scale "${TAILRACE_SIMULATION_SCALE:-1}" --jobs "$(nproc)" --mutants 20000 \
  --json "$reports/simulation.json" --junit "$reports/simulation.xml"
