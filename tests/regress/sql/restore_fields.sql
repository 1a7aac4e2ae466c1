-- Read, edit, write back: whatever a writer does with the document that it can see, hidden and readonly values stay what they
-- are, and stay with what they belong to. Hidden values begin with CANARY.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.protect('observation', 'Observation');
INSERT INTO patient VALUES ('ann', '{"resourceType": "Patient", "id": "ann", "birthDate": "1970-01-01", "_birthDate": {"extension": [{"url": "birthTime", "valueDateTime": "CANARY"}]},
  "name": [{"use": "official", "given": ["Ann", "Bea", "Cid"], "_given": [null, {"id": "g2", "extension": [{"url": "qualifier", "valueCode": "CANARY"}]}]}],
  "identifier": [{"system": "urn:mrn", "value": "CANARY 1"}, {"system": "urn:ssn", "value": "CANARY 2"}, {"system": "urn:visit"}],
  "telecom": [{"id": "t1", "system": "phone", "value": "555-1", "rank": 1.0}, {"id": "t2", "system": "email", "value": "a@example.org", "rank": 2}],
  "contact": [
    {"gender": "male", "address": {"city": "Berlin"}, "name": {"family": "CANARY A", "given": ["Al"]}},
    {"gender": "female", "address": {"city": "Bonn"}, "name": {"family": "CANARY B", "given": ["Bo"]}, "period": {"start": "2020"}},
    {"gender": "other", "address": {"city": "Bern"}, "name": {"given": ["Cy"]}}]}');
INSERT INTO observation VALUES ('o1', '{"resourceType": "Observation", "id": "o1", "status": "final", "valueQuantity": {"value": 1.10, "unit": "kg", "code": "CANARY"},
  "component": [
    {"code": {"text": "systolic"}, "valueQuantity": {"value": 120.0, "code": "CANARY s"}},
    {"code": {"text": "diastolic"}, "valueQuantity": {"value": 80.00, "code": "CANARY d"}},
    {"code": {"text": "note"}, "valueString": "calm", "_valueString": {"id": "v1"}}]}');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "desk",
  "resource": [
    {"resourceType": "Patient", "hiddenFields": ["identifier.value", "contact.name.family", "_birthDate", "name.given.extension"],
     "readonlyFields": ["telecom.value", "telecom.rank"]},
    {"resourceType": "Observation", "hiddenFields": ["valueQuantity.code", "component.value[x].code"], "readonlyFields": ["value[x]"]}
  ]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
  ('{"resourceType": "ProjectMembership", "id": "desk", "accessPolicy": {"reference": "AccessPolicy/desk"}}');
-- What is stored after the application has written, seen past the policies; then all is as before.
CREATE FUNCTION after_write(statement text, path text[], tab regclass DEFAULT 'patient') RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
    stored jsonb;
BEGIN
    BEGIN
        SET LOCAL ROLE app;
        PERFORM fhir_access.set_session('desk');
        EXECUTE statement;
        RESET ROLE;
        EXECUTE format('SELECT resource #> $1 FROM %s', tab) INTO stored USING path;
        RAISE restrict_violation;
    EXCEPTION WHEN restrict_violation THEN
    END;
    IF jsonb_typeof(stored) = 'array' THEN
        RETURN QUERY SELECT * FROM jsonb_array_elements(stored);
    ELSE
        RETURN NEXT stored;
    END IF;
END $$;

-- What the writer sees.
\c - app
SET fhir_access.membership = 'desk';
SELECT jsonb_pretty(resource) FROM patient;
SELECT resource FROM observation;
\c - postgres

-- Unchanged, or changed somewhere else: nothing is lost, not even a digit.
SELECT after_write($$UPDATE patient SET resource = resource$$, '{}') = resource AS same FROM patient;
SELECT after_write($$UPDATE observation SET resource = resource$$, '{}', 'observation') = resource AS same FROM observation;
SELECT after_write($$UPDATE patient SET resource = resource || '{"active": true}'$$, '{}') - 'active' = resource AS same FROM patient;

-- identifier.value. Reordered with a new one in front; the last one first, and another number of elements.
SELECT after_write($$UPDATE patient SET resource = resource || '{"identifier": [{"system": "urn:new", "value": "mine"}, {"system": "urn:ssn"}, {"system": "urn:visit"}, {"system": "urn:mrn"}]}'$$, '{identifier}');
-- One changed in its place keeps its value.
SELECT after_write($$UPDATE patient SET resource = jsonb_set(resource, '{identifier,0,system}', '"urn:mrn2"')$$, '{identifier}');
-- What is removed and holds a value stays, whole, at the end; what holds none may go.
SELECT after_write($$UPDATE patient SET resource = resource || '{"identifier": [{"system": "urn:ssn"}]}'$$, '{identifier}');
SELECT after_write($$UPDATE patient SET resource = resource - 'identifier'$$, '{identifier}');
-- One is removed and another appended: that is not the removed one.
SELECT after_write($$UPDATE patient SET resource = resource || '{"identifier": [{"system": "urn:ssn"}, {"system": "urn:visit"}, {"system": "urn:new"}]}'$$, '{identifier}');
-- Values that the writer makes up count for nothing.
SELECT after_write($$UPDATE patient SET resource = resource || '{"identifier": [{"system": "urn:ssn", "value": "CANARY 1"}, {"system": "urn:mrn", "value": null}, {"system": "urn:visit", "value": "mine"}]}'$$, '{identifier}');

-- contact.name.family. Removed the first, moved the second and edited it, appended one: the edited one is still known.
SELECT after_write($$UPDATE patient SET resource = jsonb_set(resource, '{contact}', jsonb_build_array(resource #> '{contact,2}',
    jsonb_set(resource #> '{contact,1}', '{address,city}', '"Bremen"'), '{"gender": "male", "name": {"given": ["Di"], "family": "mine"}}'::jsonb))$$, '{contact}');
-- The name is gone from one, and is a text in another: the family name comes back.
SELECT after_write($$UPDATE patient SET resource = jsonb_set(resource #- '{contact,0,name}', '{contact,1,name}', '"Bo"')$$, '{contact}');

-- Elements with an id are known by it, whatever else changes: telecom.value and telecom.rank are readonly.
SELECT after_write($$UPDATE patient SET resource = resource || '{"telecom": [{"id": "t2", "system": "url", "value": "mine", "rank": 1},
    {"id": "t3", "system": "fax", "value": "mine"}, {"id": "t1", "use": "home", "rank": 1.00}]}'$$, '{telecom}');

-- A hidden _birthDate, and extensions of given names, which follow the names that they belong to.
SELECT after_write($$UPDATE patient SET resource = jsonb_set(resource - 'birthDate', '{_birthDate}', '{"id": "mine"}')$$, '{_birthDate}');
SELECT after_write($$UPDATE patient SET resource = jsonb_set(resource, '{name,0,given}', '["Bea", "Ann", "Dot", "Cid"]') #- '{name,0,_given}'$$, '{name}');
SELECT after_write($$UPDATE patient SET resource = jsonb_set(resource, '{name,0,given,1}', '"Beate"')$$, '{name}');
SELECT after_write($$UPDATE patient SET resource = jsonb_set(resource #- '{name,0,_given}', '{name,0,given}', '["Ann"]')$$, '{name}');

-- Choices: another type than the stored one is dropped where the whole choice is readonly; in components, where a part of it
-- is hidden, the part stays beside what is new.
SELECT after_write($$UPDATE observation SET resource = resource - 'valueQuantity' || '{"valueString": "mine", "_valueString": {"id": "mine"}}'$$, '{}', 'observation') - 'component' AS resource;
SELECT after_write($$UPDATE observation SET resource = jsonb_set(resource #- '{component,1,valueQuantity}', '{component,1,valueString}', '"high"')$$, '{component}', 'observation');
-- A client that writes numbers its own way: systolic and diastolic change places.
SELECT after_write($$UPDATE observation SET resource = resource || '{"component": [{"code": {"text": "diastolic"}, "valueQuantity": {"value": 80}},
    {"code": {"text": "systolic"}, "valueQuantity": {"value": 120}}, {"code": {"text": "note"}, "valueString": "calm", "_valueString": {"id": "v1"}}]}'$$, '{component}', 'observation');

-- An array of ten thousand, written back in reverse: each element keeps its own.
UPDATE patient SET resource = resource || jsonb_build_object('identifier',
    (SELECT jsonb_agg(jsonb_build_object('system', 'urn:' || i, 'value', 'CANARY ' || i)) FROM generate_series(1, 10000) i));
SELECT count(*) AS elements, count(*) FILTER (WHERE 'CANARY ' || substr(e ->> 'system', 5) = e ->> 'value') AS right_ones,
       min(e ->> 'system') FILTER (WHERE place = 1) AS first_one
  FROM after_write($$UPDATE patient SET resource = resource || jsonb_build_object('identifier',
      (SELECT jsonb_agg(e ORDER BY place DESC) FROM jsonb_array_elements(resource -> 'identifier') WITH ORDINALITY t (e, place)))$$, '{identifier}') WITH ORDINALITY t (e, place);

-- Nested deeply beside a field: no matter. Around a field: null from the level on at which none is looked for, and it cannot be written to.
UPDATE patient SET resource = jsonb_set(resource - 'identifier' - 'contact', '{contact}', ('[{"name": {"family": "CANARY", "x": ' || repeat('[', 3000) || repeat(']', 3000) || '}}]')::jsonb);
SELECT s #>> '{name,family}' AS family, length(s::text) AS length FROM after_write($$UPDATE patient SET resource = resource || '{"active": true}'$$, '{contact}') s;
UPDATE patient SET resource = jsonb_set(resource, '{contact}', (repeat('[', 200) || '{"name": {"family": "CANARY"}}' || repeat(']', 200))::jsonb);
\c - app
SET fhir_access.membership = 'desk';
SELECT trim('[]' FROM resource ->> 'contact') AS contact FROM patient;
UPDATE patient SET resource = resource || '{"active": true}';
\echo :LAST_ERROR_SQLSTATE
