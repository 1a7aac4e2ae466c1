-- Wrong and hostile documents, by each way in: accepted as they are, to the digit, or refused with an SQLSTATE that says why;
-- those that somebody exempt has stored are read, judged and written without harm. The backend lives through all of it.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb);
SELECT fhir_access.protect('patient', 'Patient');
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "clinic"}');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "desk", "compartment": {"reference": "Organization/desk"},
  "resource": [
    {"resourceType": "Patient", "criteria": "Patient?name=nobody&birthdate=gt1900&telecom=x|y&address-city=z&general-practitioner=Practitioner/x"},
    {"resourceType": "Patient", "criteria": "Patient?active=true&_compartment=Organization/desk", "hiddenFields": ["telecom", "name.family", "extension.extension.valueString"], "readonlyFields": ["gender", "contact.name"],
     "writeConstraint": [{"language": "text/fhirpath", "expression": "descendants().count() > 0 and name.where(given = ''zz'').empty() and (%before.empty() or %before.children().count() > 0)"}]}
  ]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
  ('{"resourceType": "ProjectMembership", "id": "desk", "project": {"reference": "Project/clinic"}, "accessPolicy": {"reference": "AccessPolicy/desk"}}');
-- The process that everything below must leave alive.
SELECT pg_backend_pid() AS backend \gset
SELECT current_setting('data_directory') || '/fhir_access_bad_documents' AS file \gset
SET fhir_access.membership = 'desk';

-- By INSERT, UPDATE, upsert and COPY, each as the application, and what is stored then, seen past the policies. What was accepted
-- is "exact" where it is what was sent, less what is hidden, and with the tags that it gets.
CREATE FUNCTION way(way text, document text, file text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    stored jsonb;
    sent jsonb;
BEGIN
    BEGIN
        IF way IN ('UPDATE', 'upsert') THEN
            INSERT INTO patient VALUES ('d', '{"resourceType": "Patient", "id": "d", "active": true, "telecom": [{"value": 1.10}], "meta": {"project": "clinic", "accounts": [{"reference": "Organization/desk"}]}}');
        ELSIF way = 'COPY' THEN
            EXECUTE format('COPY (SELECT ''d'', %L) TO %L', document, file);
        END IF;
        SET LOCAL ROLE app_with_files;
        CASE way
            WHEN 'INSERT' THEN INSERT INTO patient VALUES ('d', document::jsonb);
            WHEN 'UPDATE' THEN UPDATE patient SET resource = document::jsonb WHERE id = 'd';
            WHEN 'upsert' THEN INSERT INTO patient VALUES ('d', document::jsonb) ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
            WHEN 'COPY' THEN EXECUTE format('COPY patient FROM %L', file);
        END CASE;
        RESET ROLE;
        SELECT resource INTO stored FROM patient WHERE id = 'd';
        sent := document::jsonb;
        RAISE SQLSTATE '0U000';
    EXCEPTION
        WHEN SQLSTATE '0U000' THEN
            RETURN CASE WHEN (stored - 'meta' - 'telecom')::text = (sent - 'meta' - 'telecom')::text AND stored #>> '{meta,project}' = 'clinic'
                         AND (stored -> 'telecom')::text IS NOT DISTINCT FROM CASE WHEN way IN ('UPDATE', 'upsert') THEN '[{"value": 1.10}]' END
                        THEN 'exact' ELSE 'other: ' || left((stored - 'meta')::text, 150) END;
        WHEN OTHERS THEN
            RETURN SQLSTATE || ' ' || left(SQLERRM, 120);
    END;
END $$;
-- The ways that come to the same are named together.
CREATE FUNCTION ways(document text, file text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT string_agg(way, ', ' ORDER BY number) || ': ' || outcome
      FROM unnest('{INSERT,UPDATE,upsert,COPY}'::text[]) WITH ORDINALITY w (way, number), way(w.way, document, file) AS outcome
     GROUP BY outcome ORDER BY min(number) $$;
BEGIN;
CREATE ROLE app_with_files IN ROLE app, pg_read_server_files;

-- What is no resource of this table, and no JSON.
\pset format unaligned
\pset tuples_only on
SELECT coalesce(document, 'NULL') || E'\n    ' || outcome FROM unnest(ARRAY[
    NULL, '[]', 'null', '"Patient"', '7', 'true', '{}', '[{"resourceType": "Patient", "id": "d", "active": true}]',
    '{"resourceType": null, "id": "d", "active": true}', '{"resourceType": 7, "id": "d", "active": true}', '{"resourceType": ["Patient"], "id": "d", "active": true}',
    '{"resourceType": "patient", "id": "d", "active": true}', '{"resourceType": "Observation", "id": "d", "active": true}', '{"resourcetype": "Patient", "id": "d", "active": true}',
    '{"resourceType": "Patient", "id": null, "active": true}', '{"resourceType": "Patient", "id": 7, "active": true}', '{"resourceType": "Patient", "id": ["d"], "active": true}',
    '{"resourceType": "Patient", "id": "D", "active": true}', '{"resourceType": "Patient", "id": "", "active": true}', '{"resourceType": "Patient", "id": "d\u0000", "active": true}',
    '{"resourceType": "Patient", "id": "d", "active": true', '{"resourceType": "Patient", "id": "d", "active": true,}', '{"resourceType": "Patient", "id": "d", "active": true, "x": NaN}',
    '{"resourceType": "Patient", "id": "d", "active": "true"}', '{"resourceType": "Patient", "id": "d", "active": [true]}', '{"resourceType": "Patient", "id": "d"}'
  ]) WITH ORDINALITY d (document, number), ways(document, :'file') outcome ORDER BY number;
-- Keys that are there twice: PostgreSQL keeps the last.
SELECT document || E'\n    ' || outcome FROM unnest(ARRAY[
    '{"resourceType": "Observation", "resourceType": "Patient", "id": "x", "id": "d", "active": false, "active": true, "telecom": "mine", "telecom": "mine, too"}',
    '{"resourceType": "Patient", "resourceType": "Observation", "id": "d", "active": true}',
    '{"resourceType": "Patient", "id": "d", "id": "x", "active": true}'
  ]) WITH ORDINALITY d (document, number), ways(document, :'file') outcome ORDER BY number;

-- Values, in a document that is written anew because something hidden is sent with it.
SELECT left(value, 80) || CASE WHEN length(value) > 80 THEN '… ' || length(value) ELSE '' END || E'\n    ' || outcome
  FROM unnest(ARRAY['1.10', '1E+2', '1e-2', '-0', '-0.00', '0.0e5', '1e400', '-1e-400', '1e131071', '1e131072', '1e-16383', '1e-16384', '1e999999999', '1e-999999999', '12345678901234567890.12345678901234567890', '01', '+1', '.5', '1.', '0x1',
    '"\u0000"', '"\ud800"', '"\udc00\ud800"', '"\ud83d\ude00"', '"\ud83d\ud83d"', '"\uffff\u0001\u007f"', '"' || chr(1) || '"', '"' || chr(127) || chr(65534) || '"', '{"": ""}', '{"": {"": [{"": null}]}}', '{"\u0000": 1}',
    '{"' || repeat('k', 65536) || '": 1}', '{"' || repeat(E'\\u0001', 65536) || '": 1}', '"' || repeat('x', 1000000) || '"', '[' || repeat('{}, ', 100000) || '{}]',
    '{' || (SELECT string_agg('"k' || n || '": ' || n, ', ') FROM generate_series(1, 100000) n) || '}',
    repeat('[', 5000) || repeat(']', 5000), repeat('{"a": ', 5000) || '{}' || repeat('}', 5000), repeat('[', 100000) || repeat(']', 100000)]) WITH ORDINALITY v (value, number),
       ways('{"resourceType": "Patient", "id": "d", "active": true, "telecom": ["mine"], "x": ' || value || '}', :'file') outcome ORDER BY number;

-- In and around elements that criteria, hidden and readonly fields, constraints and tags look into.
SELECT element || ': ' || left(value, 60) || E'\n    ' || outcome
  FROM unnest('{name,extension,contact,meta,birthDate,generalPractitioner,address,contained,_birthDate,telecom,gender}'::text[]) WITH ORDINALITY e (element, place),
       unnest(ARRAY['null', '"x"', '7', '[[[]]]', '{"family": [], "extension": 7, "name": null, "accounts": {}, "reference": ["Patient/x"]}',
                    repeat('[', 120) || repeat(']', 120), repeat('[', 5000) || '{"family": 1}' || repeat(']', 5000), repeat('{"extension": ', 5000) || '1' || repeat('}', 5000)]) WITH ORDINALITY v (value, number),
       ways('{"resourceType": "Patient", "id": "d", "active": true, "' || element || '": ' || value || '}', :'file') outcome ORDER BY place, number;
SELECT format('rm %L', :'file') AS remove \gset
COPY (SELECT) TO PROGRAM :'remove';
ROLLBACK;
\pset format aligned
\pset tuples_only off

-- Stored by somebody exempt: what the application sees of them, and what becomes of its writes.
CREATE TEMP TABLE stored (id text, document jsonb);
INSERT INTO stored VALUES ('none', NULL), ('null', 'null'), ('array', '[]'), ('text', '"x"'), ('empty', '{}'), ('other', '{"resourceType": "Observation", "active": true}'), ('id', '{"resourceType": "Patient", "id": 7, "active": true}');
INSERT INTO stored SELECT element || ' ' || name, '{"resourceType": "Patient", "active": true, "telecom": "CANARY"}'
       || replace(replace('{"' || element || '": ' || value || '}', 'FAMILY', CASE element WHEN 'name' THEN 'CANARY' ELSE 'shown' END), 'VALUE', CASE element WHEN 'extension' THEN 'CANARY' ELSE 'shown' END)::jsonb
  FROM unnest('{name,extension,contact,meta,birthDate,generalPractitioner,address,contained,identifier}'::text[]) element,
       (VALUES ('flat', '[[], {}, null, 7, "x", {"family": "FAMILY", "given": {}, "extension": [{"valueString": "VALUE"}]}]'),
               ('arrays', repeat('[', 5000) || '{"family": "FAMILY", "extension": [{"valueString": "VALUE"}], "name": "x", "value": "x", "reference": "Patient/x/_history/1"}' || repeat(']', 5000)),
               ('objects', repeat('{"extension": ', 5000) || '[{"extension": [{"valueString": "shown"}]}]' || repeat('}', 5000))) v (name, value);
UPDATE stored SET document = jsonb_set(document, '{meta}', '{"project": "clinic", "account": {"reference": "Organization/desk"}}') WHERE id NOT LIKE 'meta%' AND jsonb_typeof(document) = 'object';
INSERT INTO patient TABLE stored;
SET ROLE app;
SELECT id, length(resource::text) AS length, resource::text LIKE '%CANARY%' AS leaks, left(resource::text, 40) AS begins, fhir_access.read('Patient', id) = resource AS read_is_same FROM patient ORDER BY id COLLATE "C";
SELECT id, (c).allowed FROM patient, fhir_access.check('Patient/' || id, 'update') c ORDER BY id COLLATE "C";
CREATE FUNCTION pg_temp.touch(which text, change jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    UPDATE patient SET resource = CASE WHEN change IS NULL THEN resource ELSE resource || change END WHERE id = which;
    RETURN CASE WHEN FOUND THEN 'updated' ELSE 'not found' END;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || left(SQLERRM, 120);
END $$;
SELECT id, pg_temp.touch(id, NULL) AS unchanged, pg_temp.touch(id, '{"language": "de"}') AS changed FROM patient ORDER BY id COLLATE "C";
RESET ROLE;
-- What was updated is what it was, and the language.
SELECT count(*) AS rows, count(*) FILTER (WHERE p.resource ? 'language') AS changed,
       count(*) FILTER (WHERE CASE jsonb_typeof(p.resource) WHEN 'object' THEN p.resource - 'language' - 'meta' ELSE p.resource END::text
                        IS DISTINCT FROM CASE jsonb_typeof(s.document) WHEN 'object' THEN s.document - 'meta' ELSE s.document END::text) AS damaged
  FROM patient p JOIN stored s USING (id);
-- FHIRPath on each of them.
CREATE FUNCTION fhirpath_outcome(document jsonb, expression text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM length(o::text) FROM fhir_access.fhirpath(document, expression) o;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT expression, count(*) FILTER (WHERE outcome IS NULL) AS fine, min(outcome) AS refused
  FROM unnest(ARRAY['descendants().count()', 'children().children().count()', 'repeat(extension).count()', 'repeat($this.children()).count()', 'name = extension', 'name ~ name', '(name | extension).count()', 'name.combine(extension).distinct().count()',
                    '%resource.where($this is Patient).name', 'contained.meta', 'name.subsetOf(name)', 'extension(''x'').value', 'birthDate.toString()']) WITH ORDINALITY e (expression, number),
       LATERAL (SELECT fhirpath_outcome(document, expression) AS outcome FROM stored) o GROUP BY number, expression ORDER BY number;
SELECT pg_backend_pid() = :backend AS alive;
