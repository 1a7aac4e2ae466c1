-- Write constraints: only exactly one true permits. Each refusal says which constraint, and what it came to instead; no value of
-- a document is in it (they contain CANARY).
\ir prologue.sql
\set ECHO none
SET client_min_messages = warning;
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT FROM fhir_access.protect('observation', 'Observation');

-- What becomes of an update of one document under a policy with this constraint, or of its creation.
CREATE FUNCTION attempt(expression text, description text DEFAULT NULL, creates boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    document jsonb := '{"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "CANARY"}, "valueString": "CANARY",
        "issued": "CANARY", "category": [{"text": "CANARY"}, {"text": "CANARY 2"}], "contained": "CANARY"}';
    detail text;
    hint text;
BEGIN
    INSERT INTO fhir_access.access_policy (resource) VALUES (jsonb_build_object('resourceType', 'AccessPolicy', 'id', 'p', 'resource', jsonb_build_array(
        jsonb_build_object('resourceType', 'Patient'), jsonb_build_object('resourceType', 'Observation', 'writeConstraint', jsonb_build_array(
            '{"language": "text/fhirpath", "expression": "true"}'::jsonb,
            jsonb_strip_nulls(jsonb_build_object('language', 'text/fhirpath', 'expression', expression, 'description', description)))))))
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
    DELETE FROM observation;
    IF NOT creates THEN
        INSERT INTO observation VALUES ('o', document);
    END IF;
    PERFORM fhir_access.set_session('{"resourceType": "ProjectMembership", "profile": {"reference": "Practitioner/doc"}, "accessPolicy": {"reference": "AccessPolicy/p"}}');
    BEGIN
        SET LOCAL ROLE app;
        IF creates THEN
            INSERT INTO observation VALUES ('o', document);
        ELSE
            UPDATE observation SET resource = resource;
        END IF;
        RESET ROLE;
        RETURN 'permitted';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        RETURN concat_ws(E'\n', SQLSTATE || ': ' || SQLERRM, 'DETAIL: ' || nullif(detail, ''), 'HINT: ' || nullif(hint, ''));
    END;
END $$;
SET client_min_messages = error;
\set SHOW_CONTEXT never
\pset tuples_only on
\pset format unaligned
\set ECHO all

-- True.
SELECT attempt('true');
SELECT attempt('value = ''CANARY'' and %before.value = %after.value');
-- False.
SELECT attempt('status = ''draft''', 'only drafts');
SELECT attempt('status = ''draft''');
SELECT attempt('status = ''draft''', E'a description over\nseveral lines, with "quotes"; ' || repeat('long ', 100));
-- Empty.
SELECT attempt('subject.reference = %profile', 'of the writer');
SELECT attempt('subject.resolve().active');
SELECT attempt('true or {}');
SELECT attempt('true and {}');
-- No boolean. One item in the place of a boolean is no true here.
SELECT attempt('value', 'x');
SELECT attempt('children().where($this is code).single()');
SELECT attempt('descendants().where($this is CodeableConcept and text = ''CANARY 2'').single()');
-- Several.
SELECT attempt('category.select(text = ''CANARY'')');
-- An error.
SELECT attempt('(''x'' + category.text).exists()');
SELECT attempt('value > 1', 'larger');
SELECT attempt('category.single().text = ''x''');
SELECT attempt('value.matches(value + ''('')');
SELECT attempt('issued < now()');
SELECT attempt('%before.children().where($this is code).single() + 1 > 0');
-- What can never be one boolean is no policy: see constraint_validation.sql.
SELECT attempt('status');
-- Too much work.
SELECT attempt('(1 | 2).repeat($this + 1).exists()');

-- On create there is no stored row.
SELECT attempt('%before.exists().not() and %before.count() = 0 and %before.empty()', creates => true);
SELECT attempt('%before.exists()', 'nothing is created', creates => true);
SELECT attempt('%before.status != ''final''', creates => true);
SELECT attempt('%before.exists()');

-- ---------------------------------------------------------------------------------------------------------------------
-- Limits.
SHOW fhir_access.fhirpath_steps;
SET fhir_access.fhirpath_steps = 1000;
SELECT attempt('Observation.descendants().descendants().exists().not() or (1|2|3|4|5|6|7|8|9|10).select((1|2|3|4|5|6|7|8|9|10).select((1|2|3|4|5|6|7|8|9|10))).exists()');
SET fhir_access.fhirpath_steps = 1;
SET fhir_access.fhirpath_steps = 2147483647;
-- A statement's time limit ends what takes too long.
SET statement_timeout = '300ms';
SELECT attempt('(1|2).repeat($this + 1).exists()');
RESET statement_timeout;
RESET fhir_access.fhirpath_steps;

-- A policy is read within the limits of the session that uses it.
SET fhir_access.fhirpath_length = 256;
SELECT attempt(repeat(' ', 300) || 'true');
SELECT attempt('true');
SET fhir_access.fhirpath_depth = 16;
SELECT attempt(repeat('(', 17) || 'true' || repeat(')', 17));
SET fhir_access.fhirpath_depth = 129;
RESET fhir_access.fhirpath_length;
RESET fhir_access.fhirpath_depth;
SELECT attempt(repeat('(', 127) || 'true' || repeat(')', 127));
INSERT INTO observation VALUES ('limit', '{"resourceType": "Observation", "id": "limit"}');
BEGIN;
SET LOCAL fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/p"}}';
SET LOCAL ROLE app;
SELECT count(*) FROM observation;
SET LOCAL fhir_access.fhirpath_steps = 2000000;
ROLLBACK;
BEGIN;
SET LOCAL fhir_access.fhirpath_depth = 16;
SET LOCAL fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/p"}}';
SET LOCAL ROLE app;
SELECT count(*) FROM observation;
ROLLBACK;
