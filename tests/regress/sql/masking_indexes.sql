-- Indexes survive masking: what a statement asks of parts that no entry hides is asked of the stored document, and the
-- table's indexes serve. What may be hidden is asked of the masked document. Plans show which.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb);
INSERT INTO patient
SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'gender', CASE n % 500 WHEN 0 THEN 'other' ELSE 'female' END,
           'birthDate', to_char(date '1950-01-01' + n, 'YYYY-MM-DD'),
           'name', jsonb_build_array(jsonb_build_object('use', 'official', 'family', 'CANARY' || n, 'given', jsonb_build_array('Given' || n, 'Ann'))),
           'telecom', jsonb_build_array(jsonb_build_object('system', 'phone', 'value', 'CANARY' || n)),
           'identifier', jsonb_build_array(jsonb_build_object('system', 'urn:mrn', 'value', n::text)))
  FROM generate_series(1, 5000) AS n;
-- All sorts of documents, and none. A superuser stores them as they are.
INSERT INTO patient VALUES
    ('null', NULL),
    ('odd', '{"resourceType": "Patient", "id": "odd", "_birthDate": {"id": "CANARY"}, "telecom": {"value": "CANARY"}, "name": {"family": ["CANARY"], "given": "Ann"}, "gender": {"family": null},
              "contained": [{"resourceType": "Patient", "gender": "other", "telecom": "CANARY"}], "meta": {"tag": [{"code": "a"}]}}'),
    ('nested', '{"resourceType": "Patient", "id": "nested", "name": [[{"given": [["Ann"]], "family": "CANARY"}, [{"_family": "CANARY", "use": null}]], "name", 1.10], "0": "zero", "identifier": [[]]}'),
    ('deep', format('{"resourceType": "Patient", "id": "deep", "gender": "male", "name": [{"given": ["Ann"], "use": "usual"}, %s{"family": "CANARY", "given": ["Deep"]}%s]}', repeat('[', 200), repeat(']', 200))::jsonb);
CREATE INDEX by_gender ON patient ((resource ->> 'gender'));
CREATE INDEX by_born ON patient ((resource #>> '{birthDate}'));
CREATE INDEX by_given ON patient ((resource -> 'name' -> 0 -> 'given' ->> 0));
CREATE INDEX by_document ON patient USING gin (resource jsonb_path_ops);
CREATE INDEX by_keys ON patient USING gin (resource);
CREATE INDEX by_mrn ON patient USING gin (fhir_access.tokens(resource, 'identifier*:Identifier'));
CREATE INDEX by_family ON patient USING gin (fhir_access.strings(resource, 'name*.family:text'));
SELECT fhir_access.protect('patient', 'Patient');
ANALYZE patient;

CREATE TABLE observation (id text PRIMARY KEY, content jsonb);
INSERT INTO observation VALUES ('o1', '{"resourceType": "Observation", "id": "o1", "subject": {"reference": "Patient/p7"}, "valueString": "CANARY", "valueSet": "shown"}');
SELECT fhir_access.protect('observation', 'Observation', resource_column => 'content');

INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "desk",
  "resource": [{"resourceType": "Patient", "hiddenFields": ["birthDate", "name.family", "telecom"]},
               {"resourceType": "Observation", "hiddenFields": ["value[x]"]}]}'), ('{
  "resourceType": "AccessPolicy", "id": "two",
  "resource": [{"resourceType": "Patient", "criteria": "Patient?gender=other", "hiddenFields": ["birthDate"]},
               {"resourceType": "Patient", "hiddenFields": ["gender"]}]}'), ('{
  "resourceType": "AccessPolicy", "id": "ours",
  "resource": [{"resourceType": "Patient", "criteria": "Patient?gender=other", "hiddenFields": ["birthDate", "name.family", "telecom"]}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "%s", "accessPolicy": {"reference": "AccessPolicy/%s"}}', id, id)::jsonb
  FROM unnest(ARRAY['desk', 'two', 'ours']) id;

\c - app
SET fhir_access.membership = 'desk';
\pset format unaligned
\pset tuples_only on

-- ---------------------------------------------------------------------------------------------------------------------
-- A condition on what is shown: the index serves. The same on what is hidden: the masked document.
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'gender' = 'other';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' = '1960-01-01';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource #>> '{birthDate}' = '1960-01-01';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource @> '{"identifier": [{"system": "urn:mrn", "value": "7"}]}';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE '{"identifier": [{"system": "urn:mrn", "value": "7"}]}' <@ resource;
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource @> '{"telecom": [{"value": "CAN_RY7"}]}';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource <@ '{"gender": "other"}';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource @? '$.identifier[*] ? (@.system == "urn:mrn" && @.value == "7")';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource @@ '$.identifier.value == "7"';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource @? '$.telecom ? (@.value == "CAN_RY7")';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource @? '$.* ? (@.value == "CAN_RY7")';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ? 'contained';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ? 'telecom';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ? '0';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ?| '{0,meta}';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ?& '{0,telecom}';
-- A chain is as good as its end: of a name the given names are shown. An index function is as good as its paths.
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource -> 'name' -> 0 -> 'given' ->> 0 = 'Given7';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource -> 'name' @> '[{"given": ["Given7"]}]' AND resource -> 'name' -> 0 ->> 'family' = 'CAN_RY7';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource @> '{"name": [{"given": ["Given7"]}]}';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource @> '{"name": [{"family": "CAN_RY7"}]}';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE fhir_access.tokens(resource, 'identifier*:Identifier') @> '{urn:mrn|7}';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE fhir_access.strings(resource, 'name*.family:text') @> '{canary7}';
-- An order, and the parameters of a prepared statement.
EXPLAIN (COSTS OFF) SELECT id FROM patient ORDER BY resource ->> 'gender' LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM patient ORDER BY resource #>> '{birthDate}' LIMIT 1;
PREPARE contains(jsonb) AS SELECT id FROM patient WHERE resource @> $1;
EXPLAIN (COSTS OFF) EXECUTE contains('{"identifier": [{"value": "7"}]}');
EXPLAIN (COSTS OFF) EXECUTE contains('{"telecom": [{"value": "CAN_RY7"}]}');
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE contains('{"identifier": [{"value": "7"}]}');
RESET plan_cache_mode;
-- In a subquery, of the row outside; in a join.
EXPLAIN (VERBOSE, COSTS OFF) SELECT o.id, (SELECT p.resource ->> 'gender' || (o.content ->> 'valueSet') FROM patient p WHERE p.id = substr(o.content #>> '{subject,reference}', 9)),
       o.content -> 'valueString' FROM observation o;
-- Beside a policy's own condition as well: @> has a leakproof twin.
SET fhir_access.membership = 'ours';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource @> '{"identifier": [{"value": "7"}]}' AND resource ->> 'birthDate' > '1960';
-- Where entries hide different fields, all of them count.
SET fhir_access.membership = 'two';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource @> '{"identifier": [{"value": "7"}]}';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource @> '{"gender": "other"}';
-- An upsert finds a row of which nothing is known: whether it may be seen is asked first, whatever the part.
SET fhir_access.membership = 'ours';
EXPLAIN (VERBOSE, COSTS OFF) INSERT INTO patient VALUES ('p7', '{"resourceType": "Patient", "id": "p7"}')
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource WHERE patient.resource ->> 'id' = 'p7';

-- ---------------------------------------------------------------------------------------------------------------------
-- Everything that can be asked, of documents of all shapes, has the answer that masked documents give: each question is asked
-- of the table under the policy, and of a copy of it with masked documents. Shown are the questions whose answers differ, then how
-- many were asked and how many answers hold a hidden value.
\c - postgres
CREATE TABLE masked AS SELECT id, fhir_access.mask(resource, 'birthDate,name.family,telecom,Patient:birthDate,Patient:name.family,Patient:telecom,Observation:value[x]') AS resource FROM patient WHERE length(id) > 4 OR id IN ('odd', 'p7');
GRANT SELECT ON masked TO app;
CREATE TABLE question (expression text);
INSERT INTO question
SELECT format(form, key)
  FROM unnest(ARRAY['resource -> %L', 'resource ->> %L', 'resource -> %L IS NULL', 'resource ? %L', 'resource ?| ARRAY[%L, ''0'']', 'resource ?& ARRAY[''id'', %L]', 'resource[%L]', 'resource -> %L -> 0', 'resource -> %L ->> -1',
                    'resource -> %L -> 0 -> ''given''', 'resource -> %L -> 0 -> 1 -> 0 ->> ''use''', 'resource -> %L @> ''[{"given": ["Ann"]}]''', 'resource -> %L @? ''$.given''', 'jsonb_typeof(resource -> %L)',
                    'jsonb_extract_path(resource, %L, ''given'')', 'jsonb_extract_path_text(resource, %L, ''0'', ''use'')', 'resource #> ARRAY[%L, ''0'', ''0'']', 'resource #>> ARRAY[%L, ''1'', ''given'', ''0'']',
                    'resource #> ARRAY[''name'', ''0'', %L]', 'resource #>> ARRAY[''name'', %L]', 'resource[''name''][0][%L]', 'resource #> ARRAY[''name'', NULL, %L]', 'resource @> jsonb_build_object(%L, ''CANARY'')']) form,
       unnest(ARRAY['id', 'gender', 'birthDate', '_birthDate', 'name', 'telecom', 'family', '_family', 'given', 'use', 'meta', 'contained', 'identifier', '0', '-1', ' 1', '']) key
UNION ALL
SELECT format('resource @> %L', constant)
  FROM unnest(ARRAY['{}', '[]', '"Ann"', 'null', '{"gender": "other"}', '{"gender": {"family": null}}', '{"gender": {}}', '{"birthDate": "1960-01-01"}', '{"_birthDate": {}}', '{"name": {}}', '{"name": []}', '{"name": [{}]}', '{"name": [[]]}', '{"name": ["name"]}',
                    '{"name": [[{"given": [["Ann"]]}]]}', '{"name": [[{"family": "CANARY"}]]}', '{"name": [[[{"use": null}]]]}', '{"name": [[[{"_family": "CANARY"}]]]}', '{"name": [1.1]}', '{"name": {"given": "Ann"}}', '{"name": {"family": ["CANARY"]}}', '{"name": [{"use": "usual"}]}',
                    '{"telecom": {}}', '{"contained": [{}]}', '{"contained": [{"gender": "other"}]}', '{"meta": {"tag": [{"code": "a"}]}}', '{"identifier": [[]]}']) constant
UNION ALL
SELECT format(form, path)
  FROM unnest(ARRAY['resource @? %L', 'resource @@ %L', 'jsonb_path_exists(resource, %L, ''{"v": "Ann", "family": "CANARY"}'')', 'jsonb_path_query_array(resource, %L, ''{"v": "Ann"}'', true)', 'jsonb_path_query_first(resource -> ''name'', %L, ''{"v": "Ann"}'', true)', 'jsonb_path_match_tz(resource, %L, ''{"v": "Ann"}'', true)']) form,
       unnest(ARRAY['$', '$.name', '$.name.given', '$.name[*].given[*]', 'strict $.name[*].given[*]', '$.name.family', 'strict $.name.family', '$.birthDate', '$._birthDate', '$.given', '$[*].use', '$.* ? (@ == "CANARY")', '$.** ? (@ == "CANARY")', '$.name.*', '$.name.keyvalue()', '$.name.size()', '$.name[last].given',
                    '$.name[0 to last] ? (@.given == "Ann")', '$.name ? (@.given == $v).use', '$.name ? (exists(@.family))', '$.name ? (@.use == "usual" && !(@.given starts with "B"))', '$.name ? (@.family like_regex "^CAN")', '$ ? ($.birthDate > "1950").gender', '$.gender == "other"', '$.birthDate > "1950"', '($.birthDate > "1950") is unknown',
                    '($.gender == "male") is unknown', '$.name.type() == "array"', '$.gender.family', '$.telecom.type()', '$.telecom.value', '-$.name[2]', '$.name[2] + 1 > 2', '$.contained.gender', '$.meta.tag.code', '$.meta.security'])  path
UNION ALL
SELECT format('fhir_access.%s(resource, %L)', function, paths)
  FROM unnest(ARRAY['tokens', 'strings', 'uris', 'targets']) function,
       unnest(ARRAY['identifier*:Identifier', 'name*.family:text', 'name*.given*:text', 'name*[family="CANARY"].use:text', 'gender:text', 'telecom*:ContactPoint']) paths;
GRANT SELECT ON question TO app;
CREATE FUNCTION answers(relation regclass, expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    EXECUTE format('SELECT string_agg(id || ''='' || coalesce((%s)::text, ''NULL''), ''; '' ORDER BY id) FROM %s WHERE length(id) > 4 OR id IN (''odd'', ''p7'')', expression, relation) INTO found;
    RETURN found;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
\c - app
SET fhir_access.membership = 'desk';
SELECT expression, answers('patient', expression) AS under_policy, answers('masked', expression) AS of_masked FROM question
 WHERE answers('patient', expression) IS DISTINCT FROM answers('masked', expression);
SELECT count(*), count(*) FILTER (WHERE answers('patient', expression) LIKE '%CANARY%') AS canaries FROM question;

-- In each place of a statement, and through functions and casts.
SELECT lower(resource ->> 'gender') AS gender, count(*), count(resource -> 'name' -> 0 -> 'given'), count(resource ->> 'birthDate') FROM patient GROUP BY 1 ORDER BY 1;
SELECT id FROM patient WHERE (resource ->> 'id') COLLATE "C" > 'p4998' AND (resource #>> '{identifier,0,value}')::int > 4990 ORDER BY (resource -> 'identifier' -> 0 ->> 'value')::int DESC, (resource ->> 'birthDate')::date;
SELECT count(*) FROM patient p WHERE EXISTS (SELECT FROM patient q WHERE q.resource #>> '{name,0,given,0}' = 'Given7' AND p.resource -> 'name' -> 0 ->> 'family' = 'CANARY7');
-- Groups: what is taken out of what is grouped by is the same in each row of the group, and NULL in a total.
SELECT resource -> 'name' -> 0 ->> 'use' AS use, count(*) FROM patient WHERE resource ->> 'id' IN ('p7', 'deep') GROUP BY resource -> 'name' ORDER BY 1;
SELECT resource -> 'name' -> 0 ->> 'use' AS use, count(*) FROM patient WHERE resource ->> 'id' IN ('p7', 'deep') GROUP BY ROLLUP (resource -> 'name') ORDER BY 1;
SELECT resource ->> 'gender' AS gender, count(*) FROM patient WHERE resource ->> 'id' = 'p7' GROUP BY ROLLUP (resource);
EXPLAIN (COSTS OFF) SELECT resource -> 'name' -> 0 ->> 'use', count(*) FROM patient WHERE resource ->> 'gender' = 'other' GROUP BY ROLLUP (resource -> 'name');
BEGIN;
UPDATE patient SET resource['language'] = coalesce(resource -> 'birthDate', resource -> 'gender') WHERE resource ->> 'id' = 'p7' RETURNING resource ->> 'language', resource['birthDate'], resource -> 'name' -> 0;
ROLLBACK;

-- What was proved is what is asked: a function that claims to be immutable, and says something else when it is asked again, shows
-- nothing. Each answer is the number of rows in which something of a birth date came out.
CREATE TEMPORARY SEQUENCE asked;
CREATE FUNCTION pg_temp.fickle() RETURNS varchar LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE WHEN nextval('pg_temp.asked') < current_setting('fickle.from')::integer THEN 'gender' ELSE 'birthDate' END;
END $$;
CREATE FUNCTION pg_temp.births(expression text, turn integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    found bigint;
BEGIN
    PERFORM setval('pg_temp.asked', 1, false), set_config('fickle.from', turn::text, true);
    EXECUTE format('SELECT count(*) FROM patient WHERE id LIKE ''p10__'' AND (%s) ~ ''^"?[0-9]{4}-''', expression) INTO found;
    RETURN found;
END $$;
SELECT expression, sum(pg_temp.births(expression, turn)) AS shown
  FROM unnest(ARRAY['resource ->> pg_temp.fickle()', 'resource #>> ARRAY[pg_temp.fickle()]', 'resource[pg_temp.fickle()]::text', '(resource -> pg_temp.fickle())::text',
           'jsonb_extract_path_text(resource, pg_temp.fickle())']) expression,
       generate_series(1, 6) turn GROUP BY expression ORDER BY expression;
