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

# These suites mostly wait for processes that they start: beside the Python suite they take the time
# of the longer of the two, and are parted so that both are about as long. Their output is shown at
# the end.
beside=("airflow airflow" "destinations main" "faults main")
for one in "${beside[@]}"; do
  read -r name environment <<<"$one"
  status=0
  pytest_in "$environment" "$name" "tests/$name" || status=$?
  echo "$status" >"$reports/$name.status"
done >"$reports/beside.log" 2>&1 &
lane=$!
suite python pytest_in main python tests/python
suite dagster pytest_in dagster dagster tests/dagster
wait "$lane"
printf '\n== beside it\n'
cat "$reports/beside.log"
for one in "${beside[@]}"; do
  name=${one%% *}
  suites+=("$name:$(cat "$reports/$name.status")")
done

exec build/venv/main/bin/python ci/summary.py "$reports" "${suites[@]}"
