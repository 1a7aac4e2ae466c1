-- fhirpath(): what a FHIRPath expression comes to on a resource, for people who write policies.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES
    ('ann', '{"resourceType": "Patient", "id": "ann", "active": true, "gender": "female", "birthDate": "1970-02-28", "multipleBirthInteger": 2,
              "name": [{"use": "official", "family": "Ames", "given": ["Ann", "Bea"]}, {"given": ["Annie"]}],
              "telecom": [{"system": "phone", "value": "CANARY"}], "extension": [{"url": "http://x/weight", "valueDecimal": 1.10}]}'),
    ('bob', '{"resourceType": "Patient", "id": "bob", "_birthDate": {"extension": [{"url": "http://x/unknown", "valueBoolean": true}]}}');

-- A row for each item, in order: elements as they stand in the document, with the text of numbers.
SELECT * FROM patient p, fhir_access.fhirpath(p.resource, 'name.given') given ORDER BY id;
SELECT fhir_access.fhirpath(resource, 'name.first()') FROM patient;
SELECT id, fhir_access.fhirpath(resource, 'extension.value | multipleBirth') FROM patient;
SELECT id, fhir_access.fhirpath(resource, 'birthDate.extension.value') FROM patient;
-- Values that are made: numbers, strings, booleans, dates, quantities.
SELECT f FROM patient, fhir_access.fhirpath(resource, $$1 | 1.50 | 'a' | true | (birthDate + 1 year) | @T12:00 | 4 'mg' | {}$$) f WHERE id = 'ann';
SELECT f FROM patient, fhir_access.fhirpath(resource, 'name.given.count() | %resource.id | %ucum | $this.type().name') f WHERE id = 'ann';
-- Nothing is no row, NULL is nothing.
SELECT fhir_access.fhirpath(resource, 'photo') FROM patient;
SELECT fhir_access.fhirpath(NULL, 'photo'), fhir_access.fhirpath('{}', NULL);
-- What is no resource has no types, and can be asked all the same.
SELECT fhir_access.fhirpath('{"a": [1, {"b": 2}]}', 'a.b'), fhir_access.fhirpath('"text"', '$this'), fhir_access.fhirpath('[]', '$this');

-- A jsonb holds no U+0000, nor does a message: a text that has it can be asked about, and nothing more.
SELECT fhir_access.fhirpath('{}', $$'a\u0000b'.length() | 'a\u0000b'.contains('b')$$);
SELECT fhir_access.fhirpath('{}', $$'a\u0000b'$$);
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.fhirpath('{}', $$'610062'.decode('hex')$$);
SELECT fhir_access.fhirpath('{}', $$1 'm\u0000g'$$);
SELECT fhir_access.fhirpath('{}', $$%`a\u0000\nb`.exists()$$);
SELECT fhir_access.fhirpath('{}', $$`a\u0000b`()$$);

-- In conditions, one expression for each row.
SELECT id FROM patient WHERE EXISTS (SELECT FROM fhir_access.fhirpath(resource, 'name.where(use = ''official'').exists()') f WHERE f = 'true');
SELECT id, e, f FROM patient, unnest('{active,gender,id}'::text[]) e, fhir_access.fhirpath(resource, e) f ORDER BY id, e;

-- now() is the transaction's time.
SELECT f #>> '{}' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$' AS is_utc, abs(extract(epoch FROM (f #>> '{}')::timestamptz - now())) < 0.001 AS is_now FROM fhir_access.fhirpath('{}', 'now()') f;

-- A text that is no expression: 22023, and where.
SELECT fhir_access.fhirpath('{}', 'name.where(use = ''official''');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.fhirpath('{}', 'name = = ''x''');
SELECT fhir_access.fhirpath('{}', E'name\n  .given\n  .wher(true)');
SELECT fhir_access.fhirpath('{}', 'name.count(1)');
SELECT fhir_access.fhirpath('{}', '');
SELECT fhir_access.fhirpath('{}', repeat('(', 300));
SELECT fhir_access.fhirpath('{}', repeat('a', 70000));
-- An expression without a value: 22000, without a value of the document.
SELECT fhir_access.fhirpath(resource, 'name.given.single()') FROM patient WHERE id = 'ann';
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.fhirpath(resource, 'telecom.value > 5') FROM patient WHERE id = 'ann';
SELECT fhir_access.fhirpath(resource, '%before.exists()') FROM patient WHERE id = 'ann';
SELECT fhir_access.fhirpath('{}', '(1|2).repeat($this + 1)');
\echo :LAST_ERROR_SQLSTATE
SET statement_timeout = '300ms';
SET fhir_access.fhirpath_steps = 2147483647;
SELECT fhir_access.fhirpath('{}', '(1|2).repeat($this + 1)');
\echo :LAST_ERROR_SQLSTATE
RESET fhir_access.fhirpath_steps;
RESET statement_timeout;

-- It sees what its caller sees: no row and no field that a policy hides.
SELECT fhir_access.protect('patient', 'Patient');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "p", "resource": [{"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["telecom", "name.family"]}]}');
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/p"}}';
SET ROLE app;
SELECT id, fhir_access.fhirpath(resource, 'telecom | name') FROM patient;
SELECT id, f FROM patient, fhir_access.fhirpath(resource, 'telecom.exists() | descendants().where($this = ''CANARY'').count()') f;
SELECT count(*) FROM patient WHERE (SELECT f FROM fhir_access.fhirpath(resource, 'telecom.value.matches(''CAN'')') f) = 'true';
SELECT fhir_access.fhirpath(resource, 'telecom.value.exists() and telecom.value > 5') FROM patient;
SELECT fhir_access.fhirpath(to_jsonb(p) -> 'resource', 'telecom') FROM patient p;
UPDATE patient SET resource = resource WHERE (SELECT f FROM fhir_access.fhirpath(resource, 'telecom.exists()') f) = 'true';
