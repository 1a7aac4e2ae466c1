-- The operators on texts, asked of a column of a table's own: under a policy the planner does not look into statistics of all rows for
-- them. By `^@` and `@~` it could be asked for any beginning or part of what hidden rows hold.
\ir prologue.sql
CREATE TABLE one (id text PRIMARY KEY, resource jsonb NOT NULL, tags text[]);
CREATE TABLE two (LIKE one INCLUDING ALL);
INSERT INTO one SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'gender', CASE WHEN n < 10 THEN 'female' ELSE 'male' END), CASE WHEN n < 10 THEN '{shown}' WHEN n % 10 = 0 THEN '{first}' ELSE ARRAY['other' || n] END FROM generate_series(1, 1000) n;
INSERT INTO two SELECT id, resource, CASE WHEN tags = '{first}' THEN '{second}' ELSE tags END FROM one;
ANALYZE one, two;
SELECT fhir_access.protect('one', 'Patient'), fhir_access.protect('two', 'Patient') \g /dev/null
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender:not=male"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "women", "accessPolicy": {"reference": "AccessPolicy/women"}}');
CREATE FUNCTION expects(source text, condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE format('EXPLAIN (FORMAT json) SELECT FROM %s WHERE %s', source, condition) INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END $$;
CREATE TABLE question (source text, condition text);
INSERT INTO question
SELECT source, format('tags OPERATOR(fhir_access.%s) %L', operator, texts)
  FROM unnest(ARRAY['%I', '(SELECT tags FROM %I OFFSET 0) s', '(SELECT 1) o LEFT JOIN %I t ON true']) source, unnest(ARRAY['^@', '@~']) operator, unnest(ARRAY['{fir}', '{sec}', '{shown}']) texts;
GRANT SELECT ON question TO app;

-- Without a policy it does.
SELECT source, condition, expects(format(source, 'one'), condition) AS one, expects(format(source, 'two'), condition) AS two FROM question WHERE source = '%I';
\c - app
SET fhir_access.membership = 'women';
SELECT source, condition, expects(format(source, 'one'), condition) AS one, expects(format(source, 'two'), condition) AS two FROM question;
