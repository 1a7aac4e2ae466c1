"""A role with BYPASSRLS is for migrations and bulk jobs: no policy counts for it, and what it writes counts at once."""

import pytest
from conftest import DOCTOR, EVERYBODY, PATIENTS, column, connect, refused


@pytest.fixture(params=["loaded", "unloaded"])
def carrier(request, clinic):
    """In a session with the library, and in one without: it must make no difference."""
    options = {} if request.param == "loaded" else {"options": "-c session_preload_libraries=plpgsql"}
    # Only a superuser may connect with such options.
    with connect(clinic, **options) as connection:
        connection.execute("SET SESSION AUTHORIZATION carrier")
        yield connection


def copy(connection, *rows):
    with connection.cursor() as cursor, cursor.copy("COPY patient (id, resource) FROM STDIN") as target:
        for row in rows:
            target.write_row(row)


def patient(id, reference):
    return id, f'{{"resourceType": "Patient", "id": "{id}", "generalPractitioner": [{{"reference": "{reference}"}}]}}'


def test_it_reads_and_writes_everything(carrier):
    assert column(carrier.execute(PATIENTS)) == EVERYBODY
    assert carrier.execute("SELECT count(*) FROM patient WHERE resource ? 'telecom'").fetchone() == (30,)
    assert carrier.execute("UPDATE patient SET resource = resource || '{\"gender\": \"other\"}'").rowcount == 30
    assert carrier.execute("DELETE FROM patient WHERE id = 'p2'").rowcount == 1


def test_what_it_copies_in_is_seen(carrier, doctor):
    doctor.prepare_threshold = 0
    for _ in range(7):
        assert column(doctor.execute(PATIENTS)) == DOCTOR
    copy(carrier, patient("p50", "Practitioner/1"), patient("p51", "Practitioner/2"))
    assert column(doctor.execute(PATIENTS)) == [*DOCTOR, "p50"]
    # The first reference with a version in this table: found from now on, by plans that are kept as well.
    copy(carrier, patient("p60", "Practitioner/1/_history/7"), patient("p61", "Practitioner/2/_history/7"))
    assert column(doctor.execute(PATIENTS)) == [*DOCTOR, "p50", "p60"]


def test_it_may_empty_a_table_and_others_may_not(carrier, doctor):
    refused(doctor, "TRUNCATE patient CASCADE", "42501")
    assert column(carrier.execute(PATIENTS)) == EVERYBODY
    carrier.execute("""TRUNCATE "The Clinic"."Observation's" """)
    assert carrier.execute("""SELECT count(*) FROM "The Clinic"."Observation's" """).fetchone() == (0,)
