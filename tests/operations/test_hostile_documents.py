"""Documents of 100 MB, and ones that nest as deeply as PostgreSQL can read: written and read whole, and the backend lives."""

import json

import pytest
from conftest import connect
from psycopg.errors import InvalidParameterValue

SIZE = 100_000_000
MINE = {"resourceType": "Patient", "generalPractitioner": [{"reference": "Practitioner/1"}]}


@pytest.fixture(scope="module")
def large():
    return "z" * SIZE


def document(id, **members):
    return json.dumps(MINE | {"id": id} | members)


def written(superuser, id):
    statement = "SELECT length(resource #>> '{photo,0,data}'), resource -> 'telecom' FROM patient WHERE id = %s"
    return superuser.execute(statement, [id]).fetchone()


def test_100_megabytes_by_insert_update_and_copy(superuser, doctor, large):
    backend = doctor.info.backend_pid
    photo = [{"data": large}]
    doctor.execute("INSERT INTO patient (id, resource) VALUES ('l1', %s::text::jsonb)", [document("l1", photo=photo, telecom="mine")])
    assert written(superuser, "l1") == (SIZE, None)
    # What is hidden comes back beside it, also where that is the large part.
    doctor.execute("UPDATE patient SET resource = %s::text::jsonb WHERE id = 'p1'", [document("p1", photo=photo)])
    assert written(superuser, "p1") == (SIZE, [{"value": "555-1"}])
    superuser.execute("UPDATE patient SET resource = jsonb_set(resource - 'photo', '{telecom,0,value}', to_jsonb(%s::text)) WHERE id = 'p1'", [large])
    doctor.execute("UPDATE patient SET resource = resource || '{\"active\": true}' WHERE id = 'p1'")
    kept = "SELECT length(resource #>> '{telecom,0,value}'), resource -> 'active' FROM patient WHERE id = 'p1'"
    assert superuser.execute(kept).fetchone() == (SIZE, True)
    with doctor.cursor() as cursor, cursor.copy("COPY patient (id, resource) FROM STDIN") as target:
        target.write_row(("l2", document("l2", photo=photo, telecom="mine")))
    assert written(superuser, "l2") == (SIZE, None)
    assert doctor.execute("SELECT pg_backend_pid()").fetchone() == (backend,)


def test_many_elements_are_bounded_work(superuser, doctor):
    many = [{"system": number, "value": "x"} for number in range(1_000_000)]
    doctor.execute("INSERT INTO patient (id, resource) VALUES ('m', %s::text::jsonb)", [document("m", identifier=many)])
    assert superuser.execute("SELECT jsonb_array_length(resource -> 'identifier') FROM patient WHERE id = 'm'").fetchone() == (1_000_000,)
    assert doctor.execute("SELECT jsonb_array_length(resource -> 'identifier') FROM patient WHERE id = 'm'").fetchone() == (1_000_000,)


@pytest.mark.parametrize("element", ["name", "telecom", "extension", "generalPractitioner", "meta", "contained", "x"])
@pytest.mark.parametrize("left, right", [("[", "]"), ('{"extension": ', "}"), ('[{"name": ', "}]")])
def test_what_nests_as_deeply_as_can_be_stored(clinic, superuser, element, left, right):
    superuser.execute("SET max_stack_depth = '7MB'")
    depth = 10_000
    text = document("deep").removesuffix("}") + f', "{element}": {left * depth}{{"reference": "Patient/x/_history/1"}}{right * depth}}}'
    superuser.execute("INSERT INTO patient (id, resource) VALUES ('deep', %s::text::jsonb)", [text])
    with connect(clinic, options="-c max_stack_depth=7MB") as deep:
        deep.execute("SET SESSION AUTHORIZATION attendant")
        deep.execute("SET fhir_access.membership = 'doctor'")
        # The telecom is hidden, and the other is what would make the doctor this patient's.
        shown = {"telecom": [(False,)], "generalPractitioner": []}.get(element, [(True,)])
        # Arrays in arrays of resources: what lies too deep is not looked for, so it is not shown, and cannot be kept by a write.
        too_deep = element == "contained" and left == "["
        shown = [(False,)] if too_deep else shown
        found = deep.execute("SELECT length(resource::text) > 10000 FROM patient WHERE id = 'deep'").fetchall()
        assert found == shown
        update = "UPDATE patient SET resource = resource || '{\"active\": true}' WHERE id = 'deep'"
        if too_deep:
            with pytest.raises(InvalidParameterValue, match="cannot keep its readonly and hidden fields"):
                deep.execute(update)
        else:
            assert deep.execute(update).rowcount == len(found)
        deep.execute("SELECT * FROM fhir_access.check('Patient/deep', 'update')").fetchall()
    length = superuser.execute("SELECT length(resource::text) FROM patient WHERE id = 'deep'").fetchone()[0]
    assert length >= depth * len(left + right)
