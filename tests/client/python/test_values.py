"""What is read is what was stored, in text and in binary, masked or not."""

import json
from decimal import Decimal

import psycopg
import pytest
from conftest import acting_as, column

FORMATS = pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])


@FORMATS
def test_numbers_keep_their_digits(app, binary):
    with acting_as(app, "anna"), app.cursor(binary=binary) as cursor:
        cursor.execute("SELECT resource::text FROM observation WHERE id = 'anna-011'")
        text = cursor.fetchone()[0]
        # 51.10 keeps its zero though another field of the same object is masked away.
        assert '"value": 51.10' in text and "performer" not in text
        psycopg.types.json.set_json_loads(lambda data: json.loads(data, parse_float=Decimal), cursor)
        cursor.execute("SELECT resource, resource -> 'valueQuantity' -> 'value' FROM observation ORDER BY id")
        for number, (resource, value) in enumerate(cursor):
            assert str(value) == str((50 + number * Decimal("0.1")).quantize(Decimal("0.01")))
            assert str(resource["valueQuantity"]["value"]) == str(value)


@FORMATS
def test_a_masked_document_is_the_stored_one_without_the_hidden_fields(app, superuser, binary):
    by_hand = "SELECT id, (resource - 'telecom' #- '{name,0,given}')::text FROM patient ORDER BY id"
    expected = superuser.execute(by_hand, binary=binary).fetchall()
    with acting_as(app, "desk"):
        assert app.execute("SELECT id, resource::text FROM patient ORDER BY id", binary=binary).fetchall() == expected
        whole_rows = app.execute("SELECT to_jsonb(p) -> 'resource' FROM patient p ORDER BY id", binary=binary)
        assert column(whole_rows) == [json.loads(text) for _, text in expected]
    assert "Öztürk" in expected[1][1]


@FORMATS
def test_parameters_in_both_formats(app, binary):
    kind = "%b" if binary else "%t"
    with acting_as(app, "p1"):
        found = app.execute(
            f"SELECT id FROM patient WHERE resource @> {kind} AND id = ANY ({kind}) ORDER BY id",
            (psycopg.types.json.Jsonb({"gender": "female"}), ["anna", "carla"]),
        )
        assert column(found) == ["anna"]


def test_what_is_written_comes_back(app):
    resource = """{"resourceType": "Observation", "id": "new", "performer": [{"reference": "Practitioner/p1"}],
                   "valueQuantity": {"value": 1.10, "low": -0.000000000000000000000000000012300}, "note": "\\u00e9 \\" \\\\"}"""
    with acting_as(app, "p1"):
        row = app.execute(
            "INSERT INTO observation (id, resource) VALUES ('new', %s) RETURNING resource::text, %s::jsonb::text", (resource, resource)
        ).fetchone()
        assert row[0] == row[1] and "1.10" in row[0] and "12300" in row[0]
        raise psycopg.Rollback


def test_an_update_by_one_who_does_not_see_everything(app, superuser):
    with acting_as(app, "desk"):
        seen = app.execute("SELECT resource FROM patient WHERE id = 'anna'").fetchone()[0]
        seen["gender"], seen["birthDate"] = "other", "1999-09-09"
        update = "UPDATE patient SET resource = %s WHERE id = 'anna' RETURNING resource"
        returned = app.execute(update, (psycopg.types.json.Jsonb(seen),)).fetchone()[0]
        assert "telecom" not in returned and returned["birthDate"] == "1980-03-01"
        app.execute("SET LOCAL fhir_access.membership = 'p1'")
        stored = app.execute("SELECT resource FROM patient WHERE id = 'anna'").fetchone()[0]
        assert stored["gender"] == "other" and stored["birthDate"] == "1980-03-01"
        assert stored["telecom"][0]["value"] == "555-0101" and stored["name"][0]["given"] == ["Anna", "Lena"]
        raise psycopg.Rollback
    assert superuser.execute("SELECT resource ->> 'gender' FROM patient WHERE id = 'anna'").fetchone() == ("female",)
