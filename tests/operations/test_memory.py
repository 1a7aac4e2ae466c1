"""A backend that serves many memberships does not grow."""

import re
from pathlib import Path

import pytest
from conftest import column

LIMIT = 20 * 1024  # KiB
MEMBERSHIPS = 300  # more than a backend keeps


def anonymous_memory(pid):
    """What a process has for itself, in KiB: shared buffers that it touched are everybody's."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("there is no /proc here, or the server runs elsewhere")
    return int(re.search(r"RssAnon:\s+(\d+) kB", status.read_text()).group(1))


def test_ten_thousand_switches(superuser, attendant):
    superuser.execute(
        """INSERT INTO fhir_access.project_membership (resource)
           SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', 'm' || n, 'profile', jsonb_build_object('reference', 'Practitioner/' || n),
                      'access', '[{"policy": {"reference": "AccessPolicy/practice"}}, {"policy": {"reference": "AccessPolicy/own-record"}}]'::jsonb)
             FROM generate_series(0, %s - 1) n""",
        (MEMBERSHIPS,),
    )
    pid = attendant.execute("SELECT pg_backend_pid()").fetchone()[0]
    attendant.prepare_threshold = 0

    def switch(number):
        membership = number * 7 % MEMBERSHIPS
        with attendant.transaction():
            attendant.execute(f"SET LOCAL fhir_access.membership = 'm{membership}'", prepare=False)
            found = column(attendant.execute("SELECT id FROM patient WHERE resource @> %s", ('{"gender": "male"}',)))
            assert len(found) == (5 if membership < 3 else 0)

    for number in range(100):
        switch(number)
    before = anonymous_memory(pid)
    for number in range(100, 10_000):
        switch(number)
    grown = anonymous_memory(pid) - before
    assert grown <= LIMIT, f"{grown} KiB more than after 100 switches"
