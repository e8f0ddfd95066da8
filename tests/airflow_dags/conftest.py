"""Airflow lives in an environment of its own (`make test-airflow`): without it, nothing here is collected."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]

collect_ignore = [] if find_spec("airflow") else ["test_weekly_loop.py"]

# Read at Airflow's import; make gives AIRFLOW_HOME, a fresh folder.
os.environ |= {
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "airflow_dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
}
