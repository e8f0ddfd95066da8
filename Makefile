# `make demo` and `make test` do their own set-up: uv, the locked packages, and (by Spark itself) the Delta jars.
SHELL := bash

UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := $(UV) run --no-sync
READY := .venv/.ready
EXTRAS := .venv/.extras
AIRFLOW := .venv-airflow
VLLM := .venv-vllm

unexport UV_PROJECT_ENVIRONMENT VIRTUAL_ENV
# Without bytecode each of the many processes of a run would compile torch, pandas and Airflow anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-airflow test-cluster test-demo test-vllm test-s3 lint fuzz faults bench zip clean java

help:
	@echo 'make demo          the loop turns twice on this machine (INPUT=folder adds your own files)'
	@echo 'make test          lint, types and tests'
	@echo 'make test-airflow  load the Airflow DAG and run it once, in an environment of its own'
	@echo 'make test-cluster  spark-submit on a cluster of two workers leaves what one machine leaves'
	@echo 'make test-demo     the demo as the README shows it, killed and run again'
	@echo 'make test-vllm     a checkpoint served by vLLM is fed the ids that training rendered'
	@echo 'make test-s3       a lake in a bucket, by a server on this machine that speaks S3'
	@echo 'make fuzz          long random runs of the workflow language'
	@echo 'make faults        kill jobs at random moments and compare the tables'
	@echo 'make bench         every benchmark, each as a ratio to its peer'
	@echo 'make zip           dist/sidewheel.zip, for spark-submit --py-files'
	@echo 'make clean         remove what the other targets built, the demo lake included'

demo: java $(EXTRAS)
	@$(RUN) sidewheel demo $(if $(INPUT),--input "$$INPUT")

QUICK := not cluster and not demo and not faults and not fuzz and not s3 and not vllm

# Two workers, each with a Spark of its own and one thread for torch: half of the time a test waits.
test: java $(EXTRAS) lint
	OMP_NUM_THREADS=1 $(RUN) pytest -n 2 --dist loadfile --no-loadscope-reorder -m '$(QUICK)'

# No server: the run is `dag.test()`, on a fresh database in a folder that goes afterwards.
test-airflow: java $(EXTRAS) zip $(AIRFLOW)/.ready
	@set -e; home=$$(mktemp -d); trap 'rm -rf "$$home"' EXIT; export AIRFLOW_HOME="$$home"; \
	$(AIRFLOW)/bin/airflow db migrate > "$$home/migration.txt" 2>&1 || { cat "$$home/migration.txt" >&2; exit 1; }; \
	$(AIRFLOW)/bin/python -m pytest -p no:cacheprovider -W default tests/airflow_dags

test-cluster: java $(EXTRAS)
	$(RUN) pytest -m cluster

test-demo: java $(EXTRAS)
	$(RUN) pytest -m demo

test-vllm: $(EXTRAS) $(VLLM)/.ready
	VLLM_PYTHON=$(VLLM)/bin/python $(RUN) pytest -m vllm

test-s3: java $(EXTRAS)
	$(RUN) pytest -m s3

lint: $(EXTRAS)
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

fuzz: $(READY)
	$(RUN) pytest -m fuzz

faults: java $(READY)
	$(RUN) pytest -m faults

bench: java $(EXTRAS)
	$(UV) sync --locked --inexact --group bench
	@set -e; for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(RUN) python "$$file"; done

zip: $(READY)
	rm -rf dist
	$(UV) build --quiet --wheel --out-dir dist
	cp dist/sidewheel-*.whl dist/sidewheel.zip
	@echo 'dist/sidewheel.zip is ready for spark-submit --py-files'

clean:
	rm -rf dist build demo spark-warehouse metastore_db derby.log .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.*' -prune -exec rm -rf {} +

# Packages of extras that were added by hand stay.
$(READY): pyproject.toml uv.lock $(filter .uv/bin/uv,$(UV))
	$(UV) sync --locked --inexact
	@touch $@

# The tests train and serve: torch and its like, some gigabytes.
$(EXTRAS): $(READY)
	$(UV) sync --locked --inexact --extra train --extra serve
	@touch $@

$(AIRFLOW)/.ready: airflow_dags/requirements.txt $(READY)
	$(UV) venv --quiet --clear --python .venv/bin/python $(AIRFLOW)
	$(UV) pip install --quiet --python $(AIRFLOW)/bin/python --requirements $<
	@touch $@

$(VLLM)/.ready: tests/serving/vllm_requirements.txt $(READY)
	$(UV) venv --quiet --clear --python .venv/bin/python $(VLLM)
	$(UV) pip install --quiet --no-deps --python $(VLLM)/bin/python --requirements $<
	@touch $@

# A venv where Python can make one, else a plain folder: neither is stopped by an externally managed Python.
.uv/bin/uv:
	@command -v python3 >/dev/null || { echo 'Python is missing: install Python 3.11 or later.' >&2; exit 2; }
	@{ python3 -m venv .uv && .uv/bin/python -m pip install --quiet uv; } >/dev/null 2>&1 \
	  || { rm -rf .uv; python3 -m pip install --quiet --target .uv uv; } \
	  || { rm -rf .uv; echo 'uv could not be installed: see https://docs.astral.sh/uv, then run make again.' >&2; exit 2; }

java:
	@java="$${JAVA_HOME:+$$JAVA_HOME/bin/}java"; \
	major=$$("$$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p'); \
	[ "$${major:-0}" -ge 17 ] || { \
	  echo 'Spark needs Java 17 or later: install it, for example `apt-get install openjdk-17-jre-headless`, and check JAVA_HOME.' >&2; \
	  exit 2; }
