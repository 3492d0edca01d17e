#!/usr/bin/env bash
# Resolves the dependency groups of pyproject.toml into ci/requirements/*.txt, one pin file per
# environment. One file serves every supported Python (environment markers); `make` installs from it
# without resolving anything.
#
#   ci/lock.sh [environment ...]      default: all of them
set -euo pipefail
cd "$(dirname "$0")/.."

uv=build/venv/lock/bin/uv
if [ ! -x "$uv" ]; then
  python3 -m venv build/venv/lock
  build/venv/lock/bin/pip install --quiet 'uv>=0.9'
fi

resolve() {
  local environment=$1
  shift
  "$uv" pip compile "$@" --group "$environment" --universal --python-version 3.10 --upgrade \
    --quiet --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
    --output-file "ci/requirements/$environment.txt"
  printf '%s: %s packages\n' "$environment" "$(grep -c '==' "ci/requirements/$environment.txt")"
}

[ "$#" -gt 0 ] || set -- main airflow dagster lint conformance
for environment in "$@"; do
  case $environment in
  main) resolve main pyproject.toml --extra duckdb --extra sandbox ;;
  airflow) resolve airflow pyproject.toml --extra airflow --extra duckdb --extra sandbox ;;
  dagster) resolve dagster pyproject.toml --extra dagster --extra duckdb --extra sandbox ;;
  lint) resolve lint ;; # tools that never import the project
  conformance)
    resolve conformance
    make environment-conformance
    ci/conformance.sh --lock
    ;;
  *)
    printf 'lock: unknown environment %s\n' "$environment" >&2
    exit 2
    ;;
  esac
done
