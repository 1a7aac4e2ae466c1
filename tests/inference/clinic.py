"""The protected tables of schema `app`, memberships, and for each membership a schema with a masked copy of every table.

Rows are Synthea's, where the data is there, and made up: documents in which names, dates and values have types that they should
not have. What policies ask of (status, subject, gender, …) is as it should be, so that Python can answer it.
"""

import gzip
import json
import random
from pathlib import Path

from masked import Grant, Membership, read, touches, write

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "synthea.ndjson.gz"

# Of each type: how many rows are made up, and how many are Synthea's.
SIZES = {"Patient": (18, 8), "Observation": (22, 10), "Encounter": (14, 6), "Condition": (6, 4), "DiagnosticReport": (10, 4)}
PATIENTS = [f"p{number}" for number in range(SIZES["Patient"][0])]

# What an element may hold that nobody asks of.
ODD = [
    None, True, False, 0, -1, "", "x", "1970-01-01", "1970-13-45", "17", "1e400", "t", "CANARY", [], {}, [[]], [None], [{"family": "CANARY"}],
    {"family": ["CANARY", 7]}, {"value": read("1.10"), "unit": "kg"}, {"value": "12"}, {"value": 12}, {"coding": [{"code": "a", "display": "CANARY"}]},
    [{"family": "Baker", "given": ["Ann", "Bea"], "_family": {"id": "CANARY"}}], [{"given": "Cy"}, {"family": "Cole", "use": "old"}],
    [[{"family": "Deep", "given": ["Eve"]}]], read("0.50"), read("100.00"), "ünïcode ♥", "a b c", '"', "\\", "%_", "{}", "2020-02-02T10:00:00Z",
]  # fmt: skip

LOOSE = {
    "Patient": ["name", "birthDate", "_birthDate", "address", "telecom", "contact", "extension", "deceasedBoolean", "deceasedDateTime",
                "multipleBirthInteger", "identifier"],
    "Observation": ["valueQuantity", "valueString", "_valueString", "valueInteger", "valueCodeableConcept", "component", "issued", "note",
                    "referenceRange", "effectiveDateTime"],
    "Encounter": ["period", "type", "participant", "reasonCode", "length"],
    "Condition": ["onsetDateTime", "onsetString", "abatementAge", "note", "recordedDate"],
    "DiagnosticReport": ["conclusion", "result", "issued", "conclusionCode"],
}  # fmt: skip

WELL = {
    "name": [[{"family": "Cook", "given": ["Ann"]}], [{"family": "Dale", "given": ["Bob", "Carl"], "use": "official"}, {"family": "Eck"}]],
    "birthDate": ["1970-01-01", "1980-12-31", "2001-05-05", "1970-01-01"],
    "valueQuantity": [{"value": read(text), "unit": unit} for text, unit in (("1.10", "kg"), ("70", "kg"), ("1.1", "cm"), ("-3.50", "mg"))],
    "period": [{"start": f"20{year}-01-01T00:00:00Z", "end": f"20{year}-02-01T00:00:00Z"} for year in (10, 11, 19, 20)],
    "component": [[{"code": {"text": "sys"}, "valueQuantity": {"value": 120, "unit": "mm"}}, {"code": {"text": "dia"}, "valueString": "CANARY"}]],
    "address": [[{"city": "Bern", "line": ["Weg 1"], "state": "BE"}], [{"city": "Genf", "line": ["Rue 2", "B"]}]],
    "telecom": [[{"system": "phone", "value": "555-1"}, {"system": "email", "value": "CANARY@x"}]],
    "conclusion": ["all is well", "all is not well", "CANARY"],
}  # fmt: skip


def made_up(type_name, number, chance):
    """A document of a type; half of what it has is as it should be."""
    document = {"resourceType": type_name, "id": f"{type_name[0].lower()}{number}", "meta": {"project": chance.choice(["north", "south", "west"])}}
    if chance.random() < 0.2:
        document["meta"]["accounts"] = [{"reference": f"Patient/{chance.choice(PATIENTS)}"}]
    for name in LOOSE[type_name]:
        if chance.random() < 0.6:
            document[name] = chance.choice(WELL[name] if name in WELL and chance.random() < 0.6 else ODD)
    if type_name == "Patient":
        document |= {key: chance.choice(of) for key, of in (("gender", ["male", "female", "other"]), ("active", [True, False])) if chance.random() < 0.9}
    else:
        document["subject"] = {"reference": f"Patient/{chance.choice(PATIENTS)}", "display": chance.choice(["Ann Cook", "CANARY"])}
        document["status"] = chance.choice(["final", "preliminary"] if type_name != "Encounter" else ["finished", "planned"])
        document["code"] = {"coding": [{"system": "s", "code": chance.choice("abc"), "display": chance.choice(["one", "two", "CANARY"])}], "text": "t"}
    if type_name == "Encounter":
        document["class"] = {"code": chance.choice(["AMB", "IMP"]), "display": "CANARY"}
    return document


def documents():
    """All rows by type; the same in every run."""
    chance = random.Random("fhir_access")
    rows = {name: [made_up(name, number, chance) for number in range(count)] for name, (count, _) in SIZES.items()}
    if DATA.exists():
        left = {name: count for name, (_, count) in SIZES.items()}
        with gzip.open(DATA, "rt", encoding="utf-8") as lines:
            for line in lines:
                document = read(line)
                name = document["resourceType"]
                if left.get(name) and chance.random() < 0.5:
                    left[name] -= 1
                    document.pop("contained", None)
                    document.setdefault("meta", {})["project"] = chance.choice(["north", "south"])
                    rows[name].append(document)
    return rows


def memberships():
    def is_(name, value):
        return lambda document: document.get(name) == value

    def of(patient):
        return lambda document: document.get("subject", {}).get("reference") == f"Patient/{patient}"

    def in_compartment(patient):
        reference = {"reference": f"Patient/{patient}"}
        return lambda document: (
            of(patient)(document)
            or (document["resourceType"] == "Patient" and document["id"] == patient)
            or reference in document.get("meta", {}).get("accounts", [])
        )

    def class_is(code):
        return lambda document: document.get("class", {}).get("code") == code

    everything = [Grant(name) for name in SIZES]
    yield Membership(
        "desk",
        [
            Grant("Patient", "active=true", is_("active", True), ("birthDate", "name.family", "contact.name.family", "telecom")),
            Grant("Patient", hidden=("address", "gender")),
            Grant("Observation", "status=final", is_("status", "final"), ("value[x]", "subject.display")),
            Grant("Observation", hidden=("code", "component.value[x]", "status")),
            Grant("Encounter", hidden=("period", "type", "class")),
            Grant("Condition", hidden=("code", "onset[x]")),
            Grant("DiagnosticReport", "status=final", is_("status", "final"), ("conclusion", "code.coding.display")),
        ],
    )
    yield Membership(
        "rows",
        [
            Grant("Patient", "gender=female", is_("gender", "female")),
            Grant("Observation", "subject=Patient/p1", of("p1")),
            Grant("Observation", "status=final", is_("status", "final")),
            Grant("Encounter", "class=AMB", class_is("AMB")),
            Grant("DiagnosticReport", "status=final", is_("status", "final")),
        ],
    )
    yield Membership(
        "nested",
        [
            Grant("Patient", hidden=("name.given", "name.family", "address.line", "telecom.value", "extension.valueString")),
            Grant("Observation", hidden=("code.coding.display", "component.code", "component.valueQuantity.value", "valueQuantity.value", "subject.display")),
            Grant("Encounter", hidden=("participant.individual.display", "class.display", "period.end")),
            Grant("Condition", hidden=("code.coding.code",)),
            Grant("DiagnosticReport", hidden=("result.display", "code.text", "subject.reference")),
        ],
    )
    yield Membership(
        "choices",
        [
            Grant("Patient", "gender=male,female", lambda document: document.get("gender") in ("male", "female"), ("deceased[x]", "multipleBirth[x]", "gender")),
            Grant("Observation", "status=final", is_("status", "final"), ("valueQuantity",)),
            Grant("Observation", "status=preliminary", is_("status", "preliminary"), ("valueString", "valueInteger", "effective[x]", "status")),
            Grant("Condition", hidden=("onset[x]", "abatement[x]")),
        ],
    )
    yield Membership(
        "north",
        [Grant("Patient", hidden=("name", "birthDate")), Grant("Observation", hidden=("meta",)), *everything[2:]],
        {"north": None, "west": ["Observation", "Encounter"]},
        {"project": {"reference": "Project/north"}},
    )
    yield Membership(
        "compartment",
        [Grant("*", "_compartment=Patient/p2", in_compartment("p2"), ("name", "code", "valueQuantity")), Grant("Patient", hidden=("birthDate", "name.family"))],
    )
    yield Membership("hidden", [Grant(name, hidden=(*SHOWN, "name", "address")) for name, SHOWN in HIDDEN.items()])
    yield Membership("open", everything)


HIDDEN = {
    "Patient": ("birthDate", "gender", "active", "telecom", "contact", "extension", "identifier", "meta", "deceased[x]", "multipleBirth[x]"),
    "Observation": ("status", "code", "subject", "value[x]", "component", "meta"),
    "Encounter": ("status", "class", "subject", "period"),
    "Condition": ("subject", "code"),
    "DiagnosticReport": ("status", "subject", "conclusion", "code"),
}  # fmt: skip

PROJECTS = [
    {"resourceType": "Project", "id": "north", "name": "North", "link": [{"project": {"reference": "Project/west"}}]},
    {"resourceType": "Project", "id": "south", "name": "South"},
    {"resourceType": "Project", "id": "west", "name": "West", "exportedResourceType": ["Observation", "Encounter"]},
]

APP = """
CREATE SCHEMA app;
SET search_path = app;
CREATE TABLE patient (id text PRIMARY KEY, gone int, birth_date text, family jsonb, resource jsonb NOT NULL, note text,
    gender text GENERATED ALWAYS AS (resource ->> 'gender') STORED);
ALTER TABLE patient DROP COLUMN gone;
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL, status text GENERATED ALWAYS AS (resource ->> 'status') STORED);
CREATE TABLE encounter (id text PRIMARY KEY, resource jsonb NOT NULL) PARTITION BY HASH (id);
CREATE TABLE encounter_0 PARTITION OF encounter FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE encounter_1 PARTITION OF encounter FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE report (id text PRIMARY KEY, content text NOT NULL);
CREATE TABLE everything (kind text GENERATED ALWAYS AS (resource ->> 'resourceType') STORED, id text NOT NULL, resource jsonb NOT NULL);
CREATE TABLE patient_history (id text NOT NULL, version int NOT NULL, resource jsonb NOT NULL, PRIMARY KEY (id, version));
"""

PROTECT = """
SELECT fhir_access.protect('patient', 'Patient', derived_columns => '{"birth_date": "birthDate", "family": "name.family", "gender": "gender"}');
SELECT fhir_access.protect('observation', 'Observation');
SELECT fhir_access.protect('encounter', 'Encounter');
SELECT fhir_access.protect('report', 'DiagnosticReport', resource_column => 'content');
SELECT fhir_access.protect('everything', resource_type_column => 'kind');
SELECT fhir_access.protect('patient_history', 'Patient', history_of => 'patient', version_column => 'version');
CREATE INDEX ON patient ((resource ->> 'birthDate'));
CREATE INDEX ON patient (birth_date);
CREATE INDEX ON patient (gender, id);
CREATE INDEX ON patient ((resource ->> 'gender')) WHERE resource ? 'name';
CREATE INDEX ON patient USING gin (resource);
CREATE INDEX ON patient USING gin (to_tsvector('simple', resource ->> 'birthDate'));
CREATE INDEX ON observation USING gin (resource jsonb_path_ops);
CREATE INDEX ON observation ((resource ->> 'valueString'), id);
CREATE INDEX ON observation ((resource #>> '{subject,reference}'));
CREATE INDEX ON observation (status);
CREATE INDEX ON encounter ((resource #>> '{class,code}'));
CREATE INDEX ON report USING gin ((fhir_access.document(content)) jsonb_path_ops);
CREATE INDEX ON everything (kind, id);
CREATE INDEX ON everything USING gin (resource jsonb_path_ops);
CREATE STATISTICS of_patient ON (resource ->> 'birthDate'), (resource ->> 'gender') FROM patient;
CREATE STATISTICS of_observation ON (resource ->> 'valueString'), status FROM observation;
GRANT USAGE ON SCHEMA app TO inquirer;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA app TO inquirer;
"""

COPY = """
CREATE SCHEMA {schema};
SET search_path = {schema};
CREATE TABLE patient (id text PRIMARY KEY, birth_date text, family jsonb, resource jsonb, note text, gender text);
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb, status text);
CREATE TABLE encounter (id text PRIMARY KEY, resource jsonb);
CREATE TABLE report (id text PRIMARY KEY, content text);
CREATE TABLE everything (kind text, id text, resource jsonb);
CREATE TABLE patient_history (id text, version int, resource jsonb);
"""

# What stands around the tables, in the protected schema and in every copy.
AROUND = """
CREATE VIEW named AS SELECT id, resource, birth_date, family FROM patient WHERE resource ? 'name';
CREATE VIEW nested_named AS SELECT n.*, n.resource ->> 'birthDate' AS born FROM named n WHERE n.resource ->> 'gender' IS DISTINCT FROM 'other';
CREATE VIEW barrier WITH (security_barrier) AS SELECT id, resource, status FROM observation WHERE resource ->> 'status' = 'final' OR resource ? 'code';
CREATE VIEW with_patient WITH (security_invoker) AS
    SELECT o.id, o.resource, p.id AS patient, p.resource AS other
      FROM observation o LEFT JOIN patient p ON o.resource #>> '{subject,reference}' = 'Patient/' || p.id;
CREATE VIEW counted AS SELECT coalesce(resource ->> 'status', '-') AS id, jsonb_build_object('n', count(*), 'first', min(resource ->> 'valueString')) AS resource
    FROM observation GROUP BY 1;
CREATE FUNCTION all_patients() RETURNS SETOF patient LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT * FROM patient';
CREATE FUNCTION atomic_observations() RETURNS TABLE (id text, resource jsonb) LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC SELECT o.id, o.resource FROM observation o; END;
CREATE FUNCTION volatile_encounters() RETURNS SETOF encounter LANGUAGE sql VOLATILE AS 'SELECT * FROM encounter';
CREATE FUNCTION looped_reports() RETURNS TABLE (id text, resource jsonb) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY SELECT r.id, r.content::jsonb FROM report r;
END $$;
CREATE FUNCTION gender_of(patient_id text) RETURNS text LANGUAGE sql STABLE AS $$ SELECT p.resource ->> 'gender' FROM patient p WHERE p.id = $1 $$;
CREATE FUNCTION told(document jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT coalesce($1 ->> 'birthDate', $1 ->> 'valueString', $1 #>> '{class,code}') $$;
CREATE FUNCTION peeked(document jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 0.0001 AS $$
BEGIN
    RETURN md5(document::text);
END $$;
CREATE FUNCTION complained(document jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 0.0001 AS $$
BEGIN
    IF document #>> '{name,0,family}' LIKE 'CA%' OR document ->> 'valueString' = 'CANARY' OR document #>> '{class,display}' = 'CANARY' THEN
        RAISE EXCEPTION 'seen: %', document;
    END IF;
    RETURN document ? 'name';
END $$;
CREATE FUNCTION watched(document jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 0.0001 AS $$
BEGIN
    RAISE WARNING 'shown: %', md5(document::text);
    RETURN document ? 'name';
END $$;
CREATE FUNCTION glued(text, text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT concat($1, '|', $2) $$;
CREATE AGGREGATE glue(text) (SFUNC = glued, STYPE = text, INITCOND = '');
CREATE OPERATOR === (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = jsonb_contains);
"""

# Of each table, a function of whole rows that is inlined, and one that is not.
OF_ROWS = """
CREATE FUNCTION row_sql({table}) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT ($1).{column}::text $$;
CREATE FUNCTION row_plain({table}) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 0.0001 AS $$ BEGIN RETURN $1::text; END $$;
"""

TABLES = {"patient": "resource", "observation": "resource", "encounter": "resource", "report": "content", "everything": "resource", "patient_history": "resource"}


def insert(connection, table, columns, rows):
    if rows:
        marks = ", ".join(["%s"] * len(columns))
        connection.cursor().executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)


def build(superuser):
    """Makes everything."""
    rows = documents()
    patients = rows["Patient"]
    superuser.execute(APP)
    # Columns that repeat a part of the resource have it as a document says it.
    family = "INSERT INTO patient (id, birth_date, resource, note) VALUES (%s, %s, %s, %s)"
    with superuser.cursor() as cursor:
        cursor.executemany(family, [(row["id"], str(row.get("birthDate")), write(row), f"note {number % 3}") for number, row in enumerate(patients)])
    superuser.execute("UPDATE patient SET family = jsonb_path_query_array(resource, 'lax $.name[*].family')")
    for name, table in (("Observation", "observation"), ("Encounter", "encounter")):
        insert(superuser, table, ["id", "resource"], [(row["id"], write(row)) for row in rows[name]])
    reports = [(row["id"], f" {write(row)}") for row in rows["DiagnosticReport"]]
    insert(superuser, "report", ["id", "content"], [("broken", "{"), *reports, ("empty", "")])
    mixed = [row for of_type in rows.values() for row in of_type[::2]]
    insert(superuser, "everything", ["id", "resource"], [(row["id"], write(row)) for row in mixed])
    # An earlier version of every patient, which said something else, and one of a patient that is gone.
    versions = [(row["id"], 1, write(row)) for row in patients[::2]]
    versions += [(row["id"], 2, write(patients[number] | {"id": row["id"], "gender": row.get("gender", "female")})) for number, row in enumerate(patients[::2])]
    versions += [("gone", 1, write(patients[1] | {"id": "gone"}))]
    insert(superuser, "patient_history", ["id", "version", "resource"], versions)
    superuser.execute(AROUND)
    for table, column in TABLES.items():
        superuser.execute(OF_ROWS.format(table=table, column=column))
    superuser.execute(PROTECT)
    found = {}
    for project in PROJECTS:
        superuser.execute("INSERT INTO fhir_access.project (resource) VALUES (%s)", (json.dumps(project),))
    for membership in memberships():
        for table, document in membership.documents():
            superuser.execute(f"INSERT INTO fhir_access.{table} (resource) VALUES (%s)", (json.dumps(document),))
        copy(superuser, membership)
        found[membership.name] = membership
    superuser.execute("ANALYZE")
    return found


def copy(superuser, membership):
    """The tables as a membership may see them, as plain tables in the order in which the rows are stored."""
    superuser.execute(COPY.format(schema=f"copy_{membership.name}"))

    def stored(query):
        return superuser.execute(query).fetchall()

    patients = {id: read(text) for id, text in stored("SELECT id, resource::text FROM app.patient")}
    copied = []
    for id, birth_date, family, text, note, gender in stored("SELECT id, birth_date, family::text, resource::text, note, gender FROM app.patient"):
        seen = membership.seen(read(text))
        if seen:
            derived = (("birthDate", birth_date), ("name.family", family), ("gender", gender))
            birth_date, family, gender = (None if touches(seen[1], path) else value for path, value in derived)
            copied.append((id, birth_date, family, write(seen[0]), note, gender))
    insert(superuser, "patient", ["id", "birth_date", "family", "resource", "note", "gender"], copied)

    copied = []
    for id, text, status in stored("SELECT id, resource::text, status FROM app.observation"):
        seen = membership.seen(read(text))
        if seen:
            # A generated column of which nobody said what it repeats is not shown in a row with something hidden.
            copied.append((id, write(seen[0]), None if seen[1] else status))
    insert(superuser, "observation", ["id", "resource", "status"], copied)

    for table, key in (("encounter", "id"), ("everything", "kind, id")):
        copied = []
        for *keys, text in stored(f"SELECT {key}, resource::text FROM app.{table}"):
            seen = membership.seen(read(text))
            if seen:
                copied.append((*keys, write(seen[0])))
        insert(superuser, table, [*key.split(", "), "resource"], copied)

    for id, text in stored("SELECT id, content FROM app.report"):
        seen = membership.seen(read(text)) if text.endswith("}") else None
        if seen:
            # A text of which something is hidden is shown as jsonb prints it.
            shown, value = ("%s::jsonb::text", write(seen[0])) if seen[1] else ("%s", text)
            superuser.execute(f"INSERT INTO report VALUES (%s, {shown})", (id, value))

    copied = []
    for id, version, text in stored("SELECT id, version, resource::text FROM app.patient_history"):
        seen = membership.seen_version(read(text), patients.get(id))
        if seen:
            copied.append((id, version, write(seen[0])))
    insert(superuser, "patient_history", ["id", "version", "resource"], copied)
    superuser.execute(AROUND)
    for table, column in TABLES.items():
        superuser.execute(OF_ROWS.format(table=table, column=column))
