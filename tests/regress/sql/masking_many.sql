-- Many instances of a policy: what all of them hide is hidden, and where they differ the first that grants a row decides,
-- however often their masks are kept for the next statement.
\ir prologue.sql
\set ECHO none
SET client_min_messages = error;
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO observation
SELECT 'o' || n, jsonb_build_object('resourceType', 'Observation', 'id', 'o' || n, 'status', 'final', 'subject', jsonb_build_object('reference', 'Patient/p' || n % 200),
           'valueString', 'CANARY ' || n, 'note', jsonb_build_array(jsonb_build_object('text', 'note ' || n)))
  FROM generate_series(1, 600) AS n;
SELECT fhir_access.protect('observation', 'Observation') \g /dev/null
INSERT INTO fhir_access.access_policy (resource)
SELECT jsonb_build_object('resourceType', 'AccessPolicy', 'id', id, 'resource', jsonb_build_array(jsonb_build_object(
           'resourceType', 'Observation', 'criteria', 'Observation?subject=%patient', 'hiddenFields', hidden)))
  FROM (VALUES ('value', '["value[x]"]'::jsonb), ('both', '["value[x]", "note"]'), ('status', '["value[x]", "status"]')) AS p (id, hidden);
-- A membership with an instance for each patient from the first to the last, of a policy for each ten of them in turn.
CREATE FUNCTION care(id text, first int, last int, VARIADIC policies text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO fhir_access.project_membership (resource)
    SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', id, 'access', jsonb_agg(jsonb_build_object(
               'policy', jsonb_build_object('reference', 'AccessPolicy/' || policies[1 + n / 10 % cardinality(policies)]),
               'parameter', jsonb_build_array(jsonb_build_object('name', 'patient', 'valueReference', jsonb_build_object('reference', 'Patient/p' || n)))) ORDER BY n))
      FROM generate_series(first, last) AS n
$$;
SELECT care('same', 0, 149, 'value'), care('mixed', 0, 149, 'value', 'both', 'status'), care('one', 7, 7, 'both') \g /dev/null
GRANT SELECT, UPDATE ON observation TO app;
\set ECHO all
\c - app
PREPARE seen AS SELECT count(*) AS rows, count(resource -> 'valueString') AS "values", count(resource -> 'note') AS notes, count(resource -> 'status') AS statuses,
    count(resource #> '{meta,security}') AS marks FROM observation;

SET fhir_access.membership = 'same';
EXECUTE seen;
EXECUTE seen;
SELECT resource FROM observation WHERE id = 'o407';
SELECT count(*) FROM observation WHERE resource ->> 'valueString' LIKE 'CAN_RY%';
-- Fields by the instance that grants the row.
SET fhir_access.membership = 'mixed';
EXECUTE seen;
EXECUTE seen;
SELECT id, resource - 'resourceType' - 'id' AS resource FROM observation WHERE id IN ('o5', 'o15', 'o25', 'o175') ORDER BY id;
SET fhir_access.membership = 'one';
EXECUTE seen;
SET fhir_access.membership = 'same';
EXECUTE seen;
SET fhir_access.mark_redacted = on;
EXECUTE seen;
SET fhir_access.mark_redacted = off;
EXECUTE seen;
-- A row that is found by an upsert has been asked nothing before.
INSERT INTO observation VALUES ('o107', '{"resourceType": "Observation", "id": "o107", "subject": {"reference": "Patient/p7"}, "valueString": "own"}')
    ON CONFLICT (id) DO UPDATE SET resource = observation.resource || '{"note": []}' RETURNING resource;
INSERT INTO observation VALUES ('o199', '{"resourceType": "Observation", "id": "o199", "subject": {"reference": "Patient/p7"}}')
    ON CONFLICT (id) DO UPDATE SET resource = observation.resource RETURNING resource;
UPDATE observation SET resource = resource || '{"note": []}' WHERE id = 'o8' RETURNING resource;
