# Every target does its own set-up: system packages, virtual environments, builds. What is done
# already is skipped. Needs make, a C++ compiler, CMake, Python 3.10 or later, and root or sudo
# where system packages are missing.

SHELL := bash
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
WAREHOUSE ?= duckdb

environments := main airflow dagster lint conformance
packages := python airflow_provider dagster
wheel_inputs := CMakeLists.txt cmake core ci/deps.sh ci/wheel.sh ci/requirements/main.txt \
	pyproject.toml README.md LICENSE $(packages)
python_sources := $(packages) ci $(wildcard tests examples benchmarks)
cxx_sources := find core python/bindings tests -name '*.[ch]pp' -print0

.PHONY: help demo test lint format format-check tidy asan tsan wheel lock clean \
	conformance deps deps-build built-tests $(environments:%=environment-%) $(environments:%=installed-%)

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

demo_deps := $(if $(filter postgres,$(WAREHOUSE)),deps,deps-build)
demo: ## Real data to the sandbox (WAREHOUSE=postgres for Postgres)
	@$(MAKE) -j 2 $(demo_deps) environment-main
	@$(MAKE) installed-main
	@build/venv/main/bin/tailrace demo --warehouse $(WAREHOUSE)

test: ## All tests: C++, Python, destinations, Airflow, Dagster
	@$(MAKE) -j 2 deps environment-main
	@$(MAKE) -j 4 built-tests environment-airflow environment-dagster conformance
	@$(MAKE) installed-main installed-airflow installed-dagster
	@ci/test.sh

lint: deps-build ## ruff and mypy
	@$(MAKE) environment-lint environment-main environment-airflow environment-dagster
	@build/venv/lint/bin/ruff check $(python_sources)
	@build/venv/main/bin/mypy -p tailrace
	@build/venv/airflow/bin/mypy -p airflow_provider_tailrace
	@build/venv/dagster/bin/mypy -p dagster_tailrace

format: environment-lint ## Formats C++ and Python
	@$(cxx_sources) | xargs -0 -r build/venv/lint/bin/clang-format -i
	@build/venv/lint/bin/ruff check --quiet --fix --exit-zero --select I,RUF100 $(python_sources)
	@build/venv/lint/bin/ruff format $(python_sources)

format-check: environment-lint ## Says what `make format` would change
	@$(cxx_sources) | xargs -0 -r build/venv/lint/bin/clang-format --dry-run -Werror
	@build/venv/lint/bin/ruff format --check $(python_sources)

tidy: deps environment-lint ## clang-tidy over the C++ code
	@PATH="$$PWD/build/venv/lint/bin:$$PATH" cmake --preset tidy >/dev/null
	@cmake --build --preset tidy --parallel $$(nproc)

asan: deps ## C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@ci/sanitized.sh asan

tsan: deps ## C++ tests under ThreadSanitizer
	@ci/sanitized.sh tsan

wheel: deps-build environment-main ## The wheel, in build/dist
	@ci/once.sh build/dist/.sources $(wheel_inputs) -- ci/wheel.sh

lock: ## Resolves the pins of the environments anew
	@ci/lock.sh

clean: ## Removes everything that was built
	rm -rf build

deps:
	@ci/deps.sh

deps-build:
	@ci/deps.sh --build

built-tests: wheel
	@cmake --preset test -DTAILRACE_CORE_LIBRARY="$$(ci/core-library.sh)" >/dev/null
	@cmake --build --preset test --parallel $$(nproc)

conformance: environment-conformance ## Clients and servers that others wrote, for their tests
	@ci/once.sh build/conformance/.installed ci/conformance.sh ci/requirements/conformance \
		ci/requirements/conformance.txt -- ci/conformance.sh

$(environments:%=environment-%): environment-%:
	@ci/once.sh build/venv/$*/.requirements ci/requirements/$*.txt ci/venv.sh -- ci/venv.sh $*

$(environments:%=installed-%): installed-%: environment-% wheel
	@ci/once.sh build/venv/$*/.wheel build/dist -- build/venv/$*/bin/python -m pip install --quiet \
		--disable-pip-version-check --no-deps --force-reinstall build/dist/*.whl
