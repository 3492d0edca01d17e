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
  local environment=$1 name=$2
  shift 2
  "build/venv/$environment/bin/pytest" --override-ini="cache_dir=$PWD/$reports/$name.cache" \
    --junitxml="$reports/$name.xml" "$@"
}

suite core ctest --preset test --parallel "$(nproc)" --no-tests=error \
  --output-junit "$PWD/$reports/core.xml"

suite simulation ci/simulation.sh

# Measures requests against the real clock: nothing works beside it.
pace=tests/destinations/test_pace.py
suite pace pytest_in main pace "$pace"

# The largest suite is two, of every other file.
declare -A files=(
  [python]=tests/python [airflow]=tests/airflow [faults]=tests/faults [dagster]=tests/dagster
  [conformance]=tests/conformance
)
half=1
for file in tests/destinations/test_*.py; do
  [ "$file" != "$pace" ] || continue
  files[destinations-$half]+="$file "
  half=$((3 - half))
done

# Beside other lanes on two cores a test may wait for its turn longer than it waits for what it
# started. Up to three of a suite that failed are asked once more, one after the other and alone. What
# fails again has failed; what does not is named in the last lines.
again() {
  local name=$1 environment=$2 failed
  [ "$(cat "$reports/$name.status")" = 1 ] || return 0
  failed=$(grep -c '"' "$reports/$name.cache/v/cache/lastfailed") || return 0
  [ "$failed" -le 3 ] || return 0
  printf '\n== %s, alone\n' "$name"
  cp -r "$reports/$name.cache" "$reports/$name.again.cache"
  # shellcheck disable=SC2086  # a list of files
  if pytest_in "$environment" "$name.again" --last-failed --last-failed-no-failures=none \
    ${files[$name]}; then
    echo 0 >"$reports/$name.status"
  fi
}

# These suites mostly wait for processes that they start. So lanes run side by side, each of about
# the same length; the output of all but one is shown at the end.
lane() {
  local one name environment status
  for one in "$@"; do
    read -r name environment <<<"$one"
    status=0
    # shellcheck disable=SC2086  # a list of files
    pytest_in "$environment" "$name" ${files[$name]} || status=$?
    echo "$status" >"$reports/$name.status"
  done
}

lane "destinations-1 main" >"$reports/lane-2.log" 2>&1 &
lane "destinations-2 main" "airflow airflow" >"$reports/lane-3.log" 2>&1 &
lane "faults main" "dagster dagster" "conformance main" >"$reports/lane-4.log" 2>&1 &
lane "python main"
wait
for log in "$reports"/lane-?.log; do
  printf '\n== beside it\n'
  cat "$log"
done
for one in "python main" "destinations-1 main" "destinations-2 main" "airflow airflow" \
  "faults main" "dagster dagster" "conformance main"; do
  read -r name environment <<<"$one"
  again "$name" "$environment"
  suites+=("$name:$(cat "$reports/$name.status")")
done

exec build/venv/main/bin/python ci/summary.py "$reports" "${suites[@]}"
