#!/usr/bin/env bash
# System packages and libpqxx for building and testing Tailrace on Debian 12 and later and on
# Ubuntu 24.04 and later.
#
#   ci/deps.sh              everything: tools, libraries, the PostgreSQL server that the tests start
#   ci/deps.sh --build      what the wheel needs: neither test library nor PostgreSQL server
#   ci/deps.sh --prefix     prints where the cached libpqxx is (or would be) and does nothing else
#
# Where the system's libpqxx is older than 7.7 the next release's source package is built once into
# a prefix of its own: TAILRACE_DEPS, or ~/.cache/tailrace/deps/<system>. The system's own package
# sources are not changed.
set -euo pipefail

readonly libpqxx_minimum=7.7
readonly recipe=2 # raised when build_libpqxx changes, so that an older cached build is not taken

say() { printf 'deps: %s\n' "$*" >&2; }
fail() {
  printf 'deps: %s\n' "$*" >&2
  exit 1
}

system_id=unknown system_codename='' system_version=''
if [ -r /etc/os-release ]; then
  # shellcheck disable=SC1091
  . /etc/os-release
  system_id=${ID:-unknown} system_codename=${VERSION_CODENAME:-} system_version=${VERSION_ID:-0}
fi
cache=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}
prefix=${TAILRACE_DEPS:-$cache/tailrace/deps/$system_id-$system_version-$(uname -m)}
stamp=$prefix/.tailrace-libpqxx

scratch=''
cluster_switch=''
# shellcheck disable=SC2317  # called by the trap
clean_up() {
  if [ -n "$scratch" ]; then rm -rf "$scratch"; fi
  if [ -n "$cluster_switch" ]; then as_root rm -f "$cluster_switch"; fi
}
trap clean_up EXIT

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

python_headers_present() {
  python3 - 2>/dev/null <<'PY'
import os, sys, sysconfig
import ensurepip
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))
PY
}

# Tools may come from anywhere; only what PATH lacks is asked from the package manager.
wanted_packages() {
  local tool_and_package
  for tool_and_package in c++:g++ cmake:cmake ninja:ninja-build pkg-config:pkg-config git:git \
    make:make xz:xz-utils; do
    command -v "${tool_and_package%%:*}" >/dev/null || printf '%s\n' "${tool_and_package#*:}"
  done
  python_headers_present || printf '%s\n' python3-dev python3-venv
  printf '%s\n' ca-certificates libpq-dev libcurl4-openssl-dev libssl-dev libsqlite3-dev zlib1g-dev \
    nlohmann-json3-dev libxxhash-dev
  [ "$for_tests" = no ] || printf '%s\n' libgtest-dev libgmock-dev postgresql
}

missing_packages() {
  local wanted present
  wanted=$(wanted_packages | sort -u)
  # shellcheck disable=SC2086
  present=$({ dpkg-query -W -f='${db:Status-Status} ${Package}\n' $wanted 2>/dev/null || true; } |
    sed -n 's/^installed //p' | sort -u)
  comm -23 <(printf '%s\n' "$wanted") <(printf '%s\n' "$present")
}

# Installing the server must not start one: the tests make their own, on free ports.
hold_back_default_cluster() {
  local directory=/etc/postgresql-common/createcluster.d
  as_root mkdir -p "$directory"
  cluster_switch=$directory/tailrace-no-cluster.conf
  printf 'create_main_cluster = false\n' | as_root tee "$cluster_switch" >/dev/null
}

install_packages() {
  local packages=("$@")
  say "installing ${packages[*]}"
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    fail "needs root or sudo to install: ${packages[*]}"
  fi
  case " ${packages[*]} " in *' postgresql '*) hold_back_default_cluster ;; esac
  local log
  log=$(mktemp)
  if ! { as_root apt-get update -qq &&
    as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${packages[@]}"; } >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    fail "could not install: ${packages[*]}"
  fi
  rm -f "$log"
}

system_libpqxx_serves() { pkg-config --atleast-version="$libpqxx_minimum" libpqxx 2>/dev/null; }

packaged_libpqxx_serves() {
  local candidate
  candidate=$(apt-cache policy libpqxx-dev 2>/dev/null | sed -n 's/^ *Candidate: *//p')
  [ -n "$candidate" ] && [ "$candidate" != '(none)' ] &&
    dpkg --compare-versions "$candidate" ge "$libpqxx_minimum"
}

# The addresses that this system itself installs from; the release's own comes first.
mirrors() {
  apt-get update --print-uris 2>/dev/null |
    sed -n "s#^'\(.*\)/dists/$system_codename/InRelease'.*#\1#p" | awk '!seen[$0]++'
}

# A package manager configuration of our own below $scratch, for one mirror and one suite.
private_apt() {
  local command=$1
  shift
  "$command" -o Dir::Etc::sourcelist="$scratch/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$scratch/lists" -o Dir::Cache="$scratch/cache" \
    -o APT::Get::List-Cleanup=false -o APT::Sandbox::User="$(id -un)" "$@"
}

fetch_libpqxx() {
  local suite section keyring mirror
  case $system_id in
  debian) suite=trixie section=main keyring=/usr/share/keyrings/debian-archive-keyring.gpg ;;
  ubuntu) suite=noble section=universe keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg ;;
  *) fail "needs libpqxx >= $libpqxx_minimum: install it where CMake finds it" ;;
  esac
  mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial"
  for mirror in $(mirrors); do
    printf 'deb-src [signed-by=%s] %s %s %s\n' "$keyring" "$mirror" "$suite" "$section" \
      >"$scratch/sources.list"
    if (cd "$scratch" && private_apt apt-get update -qq &&
      private_apt apt-get source -qq --download-only libpqxx) >"$scratch/apt.log" 2>&1; then
      return
    fi
  done
  tail -n 5 "$scratch/apt.log" 2>/dev/null >&2 || true
  fail "no mirror of this system offers the libpqxx of $suite; needs libpqxx >= $libpqxx_minimum"
}

build_libpqxx() {
  say "building libpqxx into $prefix (once, about a minute)"
  scratch=$(mktemp -d)
  chmod 755 "$scratch"
  fetch_libpqxx
  mkdir "$scratch/source"
  tar -xf "$scratch"/libpqxx_*.orig.tar.* -C "$scratch/source" --strip-components=1
  local log=$scratch/build.log
  if ! {
    cmake -S "$scratch/source" -B "$scratch/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
      -DCMAKE_CXX_STANDARD=20 -DCMAKE_CXX_STANDARD_REQUIRED=ON \
      -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_CXX_VISIBILITY_PRESET=hidden \
      -DBUILD_SHARED_LIBS=OFF -DSKIP_BUILD_TEST=ON -DBUILD_DOC=OFF -DCMAKE_INSTALL_LIBDIR=lib \
      -DCMAKE_INSTALL_PREFIX="$prefix" &&
      cmake --build "$scratch/build" --parallel "$(nproc)" &&
      cmake --install "$scratch/build"
  } >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    fail 'libpqxx did not build'
  fi
  printf 'recipe %s\n' "$recipe" >"$stamp"
}

provide_libpqxx() {
  if [ "$(cat "$stamp" 2>/dev/null)" = "recipe $recipe" ] || system_libpqxx_serves; then return; fi
  if packaged_libpqxx_serves; then
    install_packages libpqxx-dev
    return
  fi
  mkdir -p "$prefix"
  exec 9>"$prefix/.lock"
  flock 9 # a second build of the same prefix waits, then finds the stamp
  [ "$(cat "$stamp" 2>/dev/null)" = "recipe $recipe" ] || build_libpqxx
}

for_tests=yes
case ${1:-} in
'') ;;
--build) for_tests=no ;;
--prefix)
  printf '%s\n' "$prefix"
  exit 0
  ;;
*) fail "unknown option $1 (known: --build, --prefix)" ;;
esac

command -v dpkg-query >/dev/null ||
  fail "knows Debian and Ubuntu only; elsewhere install libpqxx >= $libpqxx_minimum and what" \
    "these packages hold: $(wanted_packages | tr '\n' ' ')"
mapfile -t missing < <(missing_packages)
[ "${#missing[@]}" = 0 ] || install_packages "${missing[@]}"
provide_libpqxx
