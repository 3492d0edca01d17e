#!/usr/bin/env bash
# Runs every test suite, each in the environment it is meant for, and ends with one line that sums
# them up. A suite that fails does not keep the others from running.
set -euo pipefail

PATH=$(ci/postgres-bin.sh):$PATH
export PATH
reports=build/reports
rm -rf "$reports"
mkdir -p "$reports"
suites=()

suite() {
  local name=$1 status=0
  shift
  printf '\n== %s\n' "$name"
  "$@" || status=$?
  suites+=("$name:$status")
}

pytest_in() {
  local environment=$1 report=$2
  shift 2
  "build/venv/$environment/bin/pytest" --junitxml="$reports/$report.xml" "$@"
}

suite core ctest --preset test --parallel "$(nproc)" --no-tests=error \
  --output-junit "$PWD/$reports/core.xml"

suite simulation ci/simulation.sh

# Measures requests against the real clock: nothing works beside it.
pace=tests/destinations/test_pace.py
suite pace pytest_in main pace "$pace"

# These suites mostly wait for processes that they start. So three lanes run side by side, each of
# about the same length; the output of two of them is shown at the end.
lane() {
  local one name environment status
  for one in "$@"; do
    read -r name environment <<<"$one"
    status=0
    pytest_in "$environment" "$name" "tests/$name" --ignore="$pace" || status=$?
    echo "$status" >"$reports/$name.status"
  done
}

lane "destinations main" "airflow airflow" >"$reports/lane-2.log" 2>&1 &
lane "faults main" "dagster dagster" "conformance main" >"$reports/lane-3.log" 2>&1 &
suite python pytest_in main python tests/python
wait
for log in "$reports"/lane-?.log; do
  printf '\n== beside it\n'
  cat "$log"
done
for name in destinations airflow faults dagster conformance; do
  suites+=("$name:$(cat "$reports/$name.status")")
done

exec build/venv/main/bin/python ci/summary.py "$reports" "${suites[@]}"
