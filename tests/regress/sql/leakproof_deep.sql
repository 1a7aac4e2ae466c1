-- A plan that is deep takes stack before a row is met: it has no twins, which would ask there for what is left.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'gender', CASE WHEN n < 3 THEN 'female' ELSE 'male' END, 'birthDate', '1950-01-01') FROM generate_series(1, 300) n;
CREATE INDEX by_born ON patient ((resource ->> 'birthDate'));
VACUUM ANALYZE patient;
SELECT fhir_access.protect('patient', 'Patient') \g /dev/null
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender:not=male"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "women", "accessPolicy": {"reference": "AccessPolicy/women"}}');
-- Is an index asked, below so many nodes for functions that return sets, each of which is given what the next one gives? In a subquery's expression they count, too.
CREATE FUNCTION asks_index(nested integer, within text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN SELECT ' || format(within, 'SELECT ' || repeat('generate_series(1, ', nested) || '1' || repeat(')', nested) || $x$ FROM patient WHERE resource ->> 'birthDate' = '1950-01-01'$x$) LOOP
        IF line LIKE '%Index Cond%' THEN RETURN true; END IF;
    END LOOP;
    RETURN false;
END $$;

\c - app
SET fhir_access.membership = 'women';
SET enable_seqscan = off;
SELECT nested, asks_index(nested, '* FROM (%s) s') AS subquery, asks_index(nested, 'ARRAY(%s)') AS expression FROM (VALUES (1), (400), (600)) n (nested);
SELECT asks_index(300, 'ARRAY(%1$s)') AS once, asks_index(300, 'ARRAY(%1$s), ARRAY(%1$s)') AS twice;
