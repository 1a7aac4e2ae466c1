"""Pipelines, batches, cursors and COPY."""

import psycopg
import pytest
from conftest import acting_as, column, connect
from psycopg.types.json import Jsonb


def test_a_pipeline_of_several_memberships(app):
    expected = {"p1": ["anna", "ben"], "p2": ["carla"]}
    with app.pipeline():
        results = []
        for membership in ["p1", "p2"] * 10:
            with app.transaction():
                app.execute("SELECT fhir_access.set_session(%s)", (membership,))
                results.append((membership, app.execute("SELECT id FROM patient ORDER BY id")))
        for membership, result in results:
            assert column(result) == expected[membership]


def test_an_error_in_a_pipeline_leaves_nothing_behind(app):
    with pytest.raises(psycopg.errors.InsufficientPrivilege), app.pipeline(), app.transaction():
        app.execute("SET LOCAL fhir_access.membership = 'anna'")
        app.execute("UPDATE patient SET note = 'x' WHERE id = 'anna'")
    with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
        app.execute("SELECT id FROM patient")


def test_a_batch(app):
    with acting_as(app, "p1"), app.cursor() as cursor:
        cursor.executemany("SELECT id FROM patient WHERE id = %s", [("anna",), ("carla",), ("ben",)], returning=True)
        found = []
        while True:
            found.append(column(cursor))
            if not cursor.nextset():
                break
        assert found == [["anna"], [], ["ben"]]
        with pytest.raises(psycopg.errors.InsufficientPrivilege), app.transaction():
            cursor.executemany(
                "UPDATE patient SET resource = resource || %s WHERE id = %s",
                [('{"gender": "other"}', "anna"), ('{"generalPractitioner": []}', "ben")],
            )
        assert app.execute("SELECT resource ->> 'gender' FROM patient WHERE id = 'anna'").fetchone() == ("female",)


@pytest.mark.parametrize("hold", [False, True], ids=["plain", "hold"])
def test_a_server_side_cursor_belongs_to_its_membership(app, hold):
    with acting_as(app, "p1"):
        cursor = app.cursor("rows", withhold=hold)
        cursor.execute("SELECT id FROM observation ORDER BY id")
        assert column_of(cursor.fetchmany(3)) == ["anna-000", "anna-001", "anna-002"]
        app.execute("SET LOCAL fhir_access.membership = 'p2'")
        with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification) as caught, app.transaction():
            cursor.fetchmany(3)
        assert "another session context" in caught.value.diag.message_primary
        raise psycopg.Rollback


def test_a_held_cursor_outlives_its_transaction_but_not_its_membership(app):
    with acting_as(app, "p1"):
        cursor = app.cursor("held", withhold=True)
        cursor.execute("SELECT id FROM observation ORDER BY id")
    with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
        cursor.fetchmany(3)
    app.execute("SELECT fhir_access.set_session('p1', is_local => false)")
    assert len(cursor.fetchall()) == 400
    cursor.close()


def test_a_scrollable_cursor(app):
    with acting_as(app, "anna"), app.cursor("scroll", scrollable=True) as cursor:
        cursor.execute("SELECT id, resource ? 'performer' FROM observation ORDER BY id")
        assert len(cursor.fetchall()) == 200
        cursor.scroll(0, mode="absolute")
        assert cursor.fetchone() == ("anna-000", False)


def test_rows_one_by_one(app):
    with acting_as(app, "p2"), app.cursor() as cursor:
        rows = list(cursor.stream("SELECT id FROM observation ORDER BY id"))
        assert len(rows) == 200 and rows[0] == ("carla-000",)


def column_of(rows):
    return [row[0] for row in rows]


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_copy_to(app, superuser, binary):
    options = "(FORMAT binary)" if binary else ""
    by_hand = "SELECT id, resource - 'performer' AS resource FROM observation WHERE id LIKE 'anna-%' ORDER BY id"
    expected = copied(superuser, f"COPY ({by_hand}) TO STDOUT {options}")
    with acting_as(app, "anna"):
        assert copied(app, f"COPY (SELECT * FROM observation ORDER BY id) TO STDOUT {options}") == expected
        assert len(copied(app, f"COPY observation TO STDOUT {options}")) == len(expected)
    with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
        copied(app, f"COPY observation TO STDOUT {options}")


def copied(connection, statement):
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        return b"".join(bytes(part) for part in copy)


def patient(id, practitioner="p1"):
    return id, {"resourceType": "Patient", "id": id, "generalPractitioner": [{"reference": f"Practitioner/{practitioner}"}]}


def copy_in(connection, *rows, options="", meanwhile=lambda: None):
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY patient (id, resource) FROM STDIN {options}") as copy:
            copy.set_types(["text", "jsonb"])
            for id, resource in rows:
                copy.write_row((id, Jsonb(resource)))
                meanwhile()
        return cursor.statusmessage


@pytest.mark.parametrize("options", ["", "(FORMAT binary)"], ids=["text", "binary"])
def test_copy_from(app, options):
    with acting_as(app, "p1"):
        assert copy_in(app, patient("x"), patient("y"), options=options) == "COPY 2"
        assert column(app.execute("SELECT id FROM patient ORDER BY id")) == ["anna", "ben", "x", "y"]
        raise psycopg.Rollback


def test_copy_from_is_refused_whole_and_names_the_row(app):
    with acting_as(app, "p1"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refusal, app.transaction():
            copy_in(app, patient("x"), patient("y", "p2"), patient("z"))
        assert refusal.value.diag.context == "COPY patient, row 2"
        # The connection, and the transaction around the savepoint, go on.
        assert column(app.execute("SELECT id FROM patient ORDER BY id")) == ["anna", "ben"]
    with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
        copy_in(app, patient("x"))


def test_copy_from_that_the_client_gives_up(app):
    with acting_as(app, "p1"):
        with pytest.raises(ZeroDivisionError), app.transaction():
            copy_in(app, patient("x"), meanwhile=lambda: 1 / 0)
        assert column(app.execute("SELECT id FROM patient ORDER BY id")) == ["anna", "ben"]


def test_copy_from_heeds_a_policy_that_changes_while_it_is_sent(app, superuser):
    def end():
        change = "UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0,readonly}', '%s') WHERE id = 'practice'"
        superuser.execute(change % "true")

    try:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(app, "p1"):
            copy_in(app, patient("x"), meanwhile=end)
    finally:
        superuser.execute("UPDATE fhir_access.access_policy SET resource = resource #- '{resource,0,readonly}' WHERE id = 'practice'")


def test_a_connection_that_was_reset_knows_nobody():
    with connect() as app:
        app.execute("SET fhir_access.membership = 'p1'")
        assert column(app.execute("SELECT id FROM patient ORDER BY id")) == ["anna", "ben"]
        app.execute("DISCARD ALL")
        with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
            app.execute("SELECT id FROM patient")
