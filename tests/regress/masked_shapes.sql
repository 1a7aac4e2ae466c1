-- What the files masking_* share (\ir masked_shapes.sql): tables with something hidden, and copies of them that are masked by
-- hand. Every hidden value, and every row that is not granted, holds CANARY; the membership is "desk".
--
-- A file fills the table "shape" with queries and has them judged (\ir masked_verdicts.sql). Each is asked three times: by
-- the application of the protected tables; by a superuser of the copies; by an exempt role of the protected tables. It is
-- "exact" where the first two get the same rows, values or error, and it "hides" where the third gets another answer. What
-- a shape writes is rolled back.
\set ECHO none
SET client_min_messages = error;

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient
SELECT id, jsonb_build_object('resourceType', 'Patient', 'id', id, 'gender', CASE id WHEN 'p4' THEN 'male' ELSE 'female' END,
           'birthDate', 'CANARY 19' || id, '_birthDate', '{"id": "CANARY"}'::jsonb,
           'name', jsonb_build_array(jsonb_build_object('family', 'CANARY ' || id, '_family', '{"id": "CANARY"}'::jsonb, 'given', jsonb_build_array('Given ' || id))),
           'telecom', '[{"value": "CANARY 555"}]'::jsonb, 'multipleBirthInteger', 1.10)
  FROM unnest(ARRAY['p1', 'p2', 'p3', 'p4']) id;
UPDATE patient SET resource = resource - 'telecom' WHERE id IN ('p1', 'p2');

-- One column is gone, one is computed from the resource, one is not, one came later.
CREATE TABLE observation (
    id text PRIMARY KEY,
    gone text,
    resource jsonb NOT NULL,
    value text GENERATED ALWAYS AS (resource ->> 'valueString') STORED
);
ALTER TABLE observation DROP COLUMN gone;
INSERT INTO observation (id, resource)
SELECT 'o' || n, jsonb_build_object('resourceType', 'Observation', 'id', 'o' || n, 'status', CASE WHEN n < 5 THEN 'final' ELSE 'CANARY' END,
           'subject', jsonb_build_object('reference', 'Patient/p' || n, 'display', 'CANARY ' || n),
           'valueString', 'CANARY ' || (n * 7 % 5), '_valueString', '{"id": "CANARY"}'::jsonb, 'note', jsonb_build_array(jsonb_build_object('text', 'note ' || n % 2)))
  FROM generate_series(1, 5) n;
SELECT fhir_access.protect('patient', 'Patient') \g /dev/null
SELECT fhir_access.protect('observation', 'Observation') \g /dev/null
ALTER TABLE observation ADD COLUMN note text DEFAULT 'none';

INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "desk",
  "resource": [
    {"resourceType": "Patient", "criteria": "Patient?_id=p1,p2", "hiddenFields": ["name.family", "birthDate"]},
    {"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["name", "telecom", "birthDate"]},
    {"resourceType": "Observation", "criteria": "Observation?status=final", "hiddenFields": ["value[x]", "subject.display"]}
  ]}'), ('{"resourceType": "AccessPolicy", "id": "everything", "resource": [{"resourceType": "Patient"}, {"resourceType": "Observation"}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "%s", "accessPolicy": {"reference": "AccessPolicy/%s"}}', id, id)::jsonb
  FROM unnest(ARRAY['desk', 'everything']) id;

-- The copies, masked by hand.
CREATE SCHEMA masked;
CREATE TABLE masked.patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO masked.patient
SELECT id, CASE WHEN id IN ('p1', 'p2') THEN resource - '{birthDate,_birthDate}'::text[] #- '{name,0,family}' #- '{name,0,_family}'
                ELSE resource - '{birthDate,_birthDate,name,telecom}'::text[] END
  FROM patient WHERE id <> 'p4' ORDER BY id;
CREATE TABLE masked.observation (id text PRIMARY KEY, resource jsonb NOT NULL, value text, note text DEFAULT 'none');
INSERT INTO masked.observation
SELECT id, resource - '{valueString,_valueString}'::text[] #- '{subject,display}', NULL FROM observation WHERE id <> 'o5' ORDER BY id;

CREATE TABLE shape (number integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, query text NOT NULL);
CREATE TABLE answers (number integer, asked text, answer text);

-- Runs something where the protected tables are, and where the copies are.
CREATE FUNCTION in_both(command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    SET LOCAL search_path = masked, public;
    EXECUTE command;
    SET LOCAL search_path = public;
END $$;

-- All rows of a query, in its own order where it has one at its end; what it writes is rolled back.
CREATE FUNCTION answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    rows text[];
    one record;
BEGIN
    FOR one IN EXECUTE query LOOP
        rows := rows || one::text;
    END LOOP;
    IF query !~ 'ORDER BY [^)]*$' THEN
        rows := ARRAY(SELECT r FROM unnest(rows) r ORDER BY r COLLATE "C");
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'ZZ000';
EXCEPTION
    WHEN SQLSTATE 'ZZ000' THEN
        RETURN array_to_string(rows, chr(10), 'NULL');
    WHEN OTHERS THEN
        RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

GRANT ALL ON ALL TABLES IN SCHEMA public TO app, loader;
GRANT ALL ON SCHEMA public TO app;
RESET client_min_messages;
\set ECHO all
