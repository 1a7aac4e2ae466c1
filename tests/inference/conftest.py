"""The clinic, made once, in the database that libpq's variables name."""

import os

import psycopg
import pytest
from clinic import build

SEED = os.environ.get("FHIR_ACCESS_INFERENCE_SEED", "1")
QUERIES = int(os.environ.get("FHIR_ACCESS_INFERENCE_QUERIES", "20000"))


@pytest.fixture(scope="session")
def superuser():
    with psycopg.connect(autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def clinic(superuser):
    """The memberships by name, with everything built."""
    return build(superuser)


def pytest_report_header():
    return f"FHIR_ACCESS_INFERENCE_SEED={SEED} FHIR_ACCESS_INFERENCE_QUERIES={QUERIES}"


def pytest_terminal_summary(terminalreporter):
    for line in getattr(pytest, "inference_lines", []):
        terminalreporter.write_line(line)
    terminalreporter.write_line(f"FHIR_ACCESS_INFERENCE_SEED={SEED} FHIR_ACCESS_INFERENCE_QUERIES={QUERIES}")
