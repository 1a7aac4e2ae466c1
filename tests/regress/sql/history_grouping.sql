-- Grouping by the fields of versions, of which the current row may hide some: every group has its own fields, totals none.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE patient_history (id text, version int, resource jsonb NOT NULL, PRIMARY KEY (id, version));
SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.protect('patient_history', 'Patient', history_of => 'patient', version_column => 'version');
INSERT INTO patient_history SELECT 'p' || i, v, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || i, 'active', v > 1, 'gender', (ARRAY['female', 'male', 'other'])[1 + (i + v) % 3])
  FROM generate_series(1, 3) i, generate_series(1, 2) v;
INSERT INTO patient SELECT id, resource FROM patient_history WHERE version = 2;
SET client_min_messages = error;
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "split", "resource": [
  {"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["active"]}, {"resourceType": "Patient", "hiddenFields": ["language"]}]}');
RESET client_min_messages;
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/split"}}');
\c - app
SET fhir_access.membership = 'm';
SELECT id, version, resource -> 'gender' AS gender, resource -> 'active' AS active FROM patient_history ORDER BY 1, 2;

-- Groups, by the document and by parts of it.
SELECT resource ->> 'gender' AS gender, resource ->> 'active' AS active, count(*) FROM patient_history GROUP BY resource ORDER BY 1, 2;
SELECT upper(resource ->> 'gender') AS gender, count(*) FROM patient_history GROUP BY resource ->> 'gender' HAVING resource ->> 'gender' <> 'other' ORDER BY 1;
SELECT DISTINCT ON (resource ->> 'active') resource ->> 'active' AS active FROM patient_history ORDER BY resource ->> 'active';
-- With totals: of what is grouped by as a whole, in aggregates, and of fields from a subquery.
SELECT id, count(*), count(resource -> 'active') AS active FROM patient_history GROUP BY ROLLUP (id) ORDER BY 1;
SELECT resource, grouping(resource) AS total, count(*), min(resource ->> 'gender') FROM patient_history GROUP BY ROLLUP (resource) HAVING count(resource) > 1;
SELECT resource ->> 'gender' AS gender, resource ->> 'active' AS active, count(*) FROM patient_history GROUP BY CUBE (resource ->> 'gender', resource ->> 'active') ORDER BY 1, 2, 3;
SELECT upper(resource ->> 'gender') AS gender, upper(resource ->> 'active') AS active, count(*) FROM (SELECT * FROM patient_history) AS versions
 GROUP BY GROUPING SETS ((resource ->> 'gender'), (resource ->> 'active'), ()) ORDER BY 1, 2, 3;
WITH versions AS (SELECT resource ->> 'active' AS active FROM patient_history) SELECT upper(active) AS active, count(*) FROM versions GROUP BY ROLLUP (active) ORDER BY 1, 2;
-- Of a part of it, straight from the history, PostgreSQL would show some version's in a total: refused.
SELECT resource ->> 'active' AS active, count(*) FROM patient_history GROUP BY ROLLUP (resource);
\echo :LAST_ERROR_SQLSTATE
SELECT upper(resource ->> 'gender') AS gender, count(*) FROM patient_history GROUP BY CUBE (id, resource ->> 'gender');
SELECT count(*) FROM patient_history GROUP BY ROLLUP (resource) HAVING resource IS NULL;
SELECT count(*) FROM patient_history GROUP BY ROLLUP (resource ->> 'gender') ORDER BY upper(resource ->> 'gender');
SELECT rank() OVER (ORDER BY upper(resource ->> 'gender')) FROM patient_history GROUP BY ROLLUP (resource ->> 'gender');
SELECT upper(h::text), count(*) FROM patient_history h GROUP BY GROUPING SETS ((h), ());
SELECT resource -> 'id' AS id, count(*) FROM patient_history a JOIN patient_history b USING (resource) GROUP BY ROLLUP (resource);
SELECT resource -> 'id' AS id, count(*) FROM patient_history a FULL JOIN patient_history b USING (resource) GROUP BY ROLLUP (resource);
SELECT l.* FROM patient_history h, LATERAL (SELECT upper(h.resource ->> 'gender') AS gender, count(*) GROUP BY ROLLUP (h.resource ->> 'gender')) AS l;
CREATE TEMP VIEW totals AS SELECT upper(resource ->> 'gender') AS gender, count(*) FROM patient_history GROUP BY ROLLUP (resource ->> 'gender');
SELECT * FROM totals;
-- In the table of current rows, whose masks hold no subquery, only a subquery of the statement's own would show it.
SELECT upper(resource ->> 'gender') AS gender, count(*) FROM patient GROUP BY ROLLUP (resource ->> 'gender') ORDER BY 1;
SELECT (SELECT p.resource ->> 'gender') AS gender, count(*) FROM patient p GROUP BY ROLLUP (p.resource);
SELECT (SELECT p.id) AS id, count(*) FROM patient p GROUP BY ROLLUP (p.id) ORDER BY 1;
SELECT (SELECT p.resource ->> 'gender') AS gender, count(*) FROM (SELECT * FROM patient) p GROUP BY ROLLUP (p.resource) ORDER BY 1;
