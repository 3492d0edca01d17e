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

main_folders=(tests/python tests/destinations)
[ ! -d tests/faults ] || main_folders+=(tests/faults)

suite core ctest --preset dev --parallel "$(nproc)" --no-tests=error \
  --output-junit "$PWD/$reports/core.xml"

# The orchestrators' suites mostly wait for processes that they start: beside the Python suite they
# take the time of the longer of the two. Their output is shown when that one has ended.
(
  status=0
  pytest_in airflow airflow tests/airflow || status=$?
  echo "$status" >"$reports/airflow.status"
  status=0
  pytest_in dagster dagster tests/dagster || status=$?
  echo "$status" >"$reports/dagster.status"
) >"$reports/orchestrators.log" 2>&1 &
suite python pytest_in main python "${main_folders[@]}"
wait $!
printf '\n== airflow and dagster\n'
cat "$reports/orchestrators.log"
for name in airflow dagster; do suites+=("$name:$(cat "$reports/$name.status")"); done

exec build/venv/main/bin/python ci/summary.py "$reports" "${suites[@]}"
