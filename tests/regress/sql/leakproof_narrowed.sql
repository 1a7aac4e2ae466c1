-- Restrictive policies of the table's owner hide rows as ours do. Where they may raise errors or notices, no condition of a statement
-- comes before them: else they would tell which hidden rows it has found.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL, weight numeric, born date, at timestamptz);
INSERT INTO patient SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'gender', CASE n % 2 WHEN 0 THEN 'male' ELSE 'female' END, 'birthDate', '1950-01-' || n), n % 3, '2000-01-01', '2000-01-01' FROM generate_series(10, 16) n;
CREATE INDEX by_born ON patient ((resource ->> 'birthDate'));
CREATE INDEX by_path ON patient USING gin (resource jsonb_path_ops);
ANALYZE patient;
SELECT fhir_access.protect('patient', 'Patient') \g /dev/null
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender:not=male"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "women", "accessPolicy": {"reference": "AccessPolicy/women"}}');
CREATE FUNCTION own(id text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'asked about a row'; RETURN true; END $$;

-- Silent ones are no hindrance.
CREATE POLICY own ON patient AS RESTRICTIVE USING (weight < 2 AND id <> 'p11');
\c - app
SET fhir_access.membership = 'women';
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-12';
SELECT id FROM patient WHERE resource ->> 'birthDate' > '1950-01-12';

-- One that is given a column
\c - postgres
ALTER POLICY own ON patient USING (own(id));
\c - app
SET fhir_access.membership = 'women';
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-12';
SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-12';
SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-30';

-- One that is given none
\c - postgres
ALTER POLICY own ON patient USING (weight = current_setting('my.weight')::numeric OR born = current_date);
\c - app
SET fhir_access.membership = 'women';
SET my.weight = 'heavy';
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-12';
SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-12';
SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-30';

-- What PostgreSQL concludes of their equalities and the statement's: comparisons that it puts together itself
\c - postgres
ALTER POLICY own ON patient USING (weight = 1 AND born = at);
\c - app
SET fhir_access.membership = 'women';
SET my.zero = '0';
SET enable_seqscan = off;
SELECT count(*) FROM patient WHERE weight = CASE WHEN resource ->> 'birthDate' = '1950-01-12' THEN 1 / current_setting('my.zero')::numeric END;
SELECT count(*) FROM patient WHERE weight = CASE WHEN resource ->> 'birthDate' = '1950-01-30' THEN 1 / current_setting('my.zero')::numeric END;
SELECT count(*) FROM patient WHERE born = CASE WHEN resource ->> 'birthDate' = '1950-01-12' THEN current_setting('my.zero')::date END;
SELECT count(*) FROM patient WHERE born = CASE WHEN resource ->> 'birthDate' = '1950-01-30' THEN current_setting('my.zero')::date END;
EXPLAIN (COSTS OFF) SELECT count(*) FROM patient WHERE born = CASE WHEN resource ->> 'birthDate' = '1950-01-12' THEN current_setting('my.zero')::date END;

-- Policies of somebody's own tables, of which PostgreSQL concludes equalities that are asked as early as row security's conditions.
\c - postgres
DROP POLICY own ON patient;
ALTER TABLE patient ADD words tsvector;
UPDATE patient SET words = to_tsvector('simple', 'w' || right(id, 2));
CREATE INDEX by_words ON patient USING gin (words);
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "one", "resource": [{"resourceType": "Patient", "criteria": "Patient?_id=p13"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "one", "accessPolicy": {"reference": "AccessPolicy/one"}}');
\c - app
SET fhir_access.membership = 'one';
SET enable_seqscan = off;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SET cpu_operator_cost = 1000;
SET random_page_cost = 0;
SET seq_page_cost = 0;
CREATE FUNCTION pg_temp.key() RETURNS text LANGUAGE plpgsql STABLE COST 1e-30 AS $$ BEGIN RETURN 'a'; END $$;
CREATE FUNCTION pg_temp.tells() RETURNS text LANGUAGE plpgsql STABLE COST 1e-30 AS $$ BEGIN RAISE NOTICE 'asked about a row'; RETURN 'a'; END $$;
CREATE TEMP TABLE own (key text, id text);
INSERT INTO own VALUES ('a', 'p13');
ALTER TABLE own ENABLE ROW LEVEL SECURITY;
ALTER TABLE own FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON own USING (key = COALESCE(pg_temp.key(), 'b'));
SELECT p.id FROM own, patient p WHERE p.words @@ 'w12'::tsquery AND own.key = CASE WHEN p.id IS NULL THEN 'b' ELSE pg_temp.tells() END AND p.id = own.id;
SELECT p.id FROM own, patient p WHERE p.words @@ 'w30'::tsquery AND own.key = CASE WHEN p.id IS NULL THEN 'b' ELSE pg_temp.tells() END AND p.id = own.id;
