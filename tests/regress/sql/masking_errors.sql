-- Errors: of constraints, of casts and functions over hidden parts, of what a user writes. No message, detail, hint or context
-- holds a hidden value; and an error over a hidden part comes where it would come if the part were not there.
\ir prologue.sql
\ir masked_shapes.sql
SELECT in_both('CREATE FUNCTION complain(t text) RETURNS text LANGUAGE plpgsql AS ''BEGIN IF t IS NULL THEN RETURN ''''absent''''; END IF; RAISE EXCEPTION ''''found %'''', t USING DETAIL = t, HINT = t; END''') \g /dev/null
CREATE DOMAIN code AS text CHECK (VALUE !~ 'CAN_?RY');
CREATE DOMAIN short AS varchar(3);

INSERT INTO shape (query) VALUES
    ('SELECT (resource ->> ''valueString'')::integer FROM observation'),
    ('SELECT value::integer FROM observation'),
    ('SELECT value::date, value::timestamptz, value::boolean, value::numeric, value::uuid, value::inet, value::interval FROM observation'),
    ('SELECT value::jsonb FROM observation'),
    ('SELECT (''['' || (resource ->> ''valueString''))::json FROM observation'),
    ('SELECT value::xml FROM observation'),
    ('SELECT value::regclass, to_regclass(value) FROM observation'),
    ('SELECT value::code FROM observation'),
    ('SELECT (resource ->> ''valueString'')::short, value::bit(3), value::char(2) FROM observation'),
    ('SELECT value::int[], value::int4range, value::point, value::tsquery FROM observation'),
    ('SELECT value::observation FROM observation'),
    ('SELECT CAST(o.resource -> ''valueString'' AS integer) FROM observation o'),
    ('SELECT (resource -> ''birthDate'')::numeric FROM patient'),
    ('SELECT (resource ->> ''birthDate'')::date FROM patient'),
    ('SELECT to_date(resource ->> ''birthDate'', ''YYYY-MM-DD''), to_number(resource ->> ''birthDate'', ''99''), to_timestamp(resource ->> ''birthDate'', ''YYYY'') FROM patient'),
    ('SELECT 1 / length(resource ->> ''birthDate'') , 1 / (CASE WHEN resource ? ''birthDate'' THEN 0 ELSE 1 END) FROM patient'),
    ('SELECT id FROM observation WHERE 1 / (CASE WHEN value LIKE ''CAN_RY 2'' THEN 0 ELSE 1 END) = 1'),
    ('SELECT id FROM observation ORDER BY (resource ->> ''valueString'')::integer, id'),
    ('SELECT count(*) FROM observation GROUP BY value::integer'),
    ('SELECT id FROM observation WHERE ''a'' ~ (''(['' || value)'),
    ('SELECT regexp_replace(id, value || ''('', '''') FROM observation'),
    ('SELECT ''x'' LIKE value ESCAPE value FROM observation'),
    ('SELECT power(10, length(value) * 100)::numeric(3), (length(value) * 1000000000)::smallint FROM observation'),
    ('SELECT repeat(''x'', length(value) * 200000000), lpad('''', 2000000000 + length(value)) FROM observation'),
    ('SELECT jsonb_path_query(resource, ''strict $.valueString'') FROM observation'),
    ('SELECT jsonb_path_query(resource, ''$.valueString.double()'') FROM observation'),
    ('SELECT jsonb_path_query(resource, ''$.birthDate.datetime()'') FROM patient'),
    ('SELECT jsonb_path_exists(resource, ''strict $.subject.display'', ''{}'', true), resource @? ''strict $.valueString'', resource @@ ''$.valueString == 1'' FROM observation'),
    ('SELECT jsonb_path_query(resource, ''$.subject.display.keyvalue()'') FROM observation'),
    ('SELECT jsonb_array_elements(resource -> ''valueString'') FROM observation'),
    ('SELECT jsonb_each(resource -> ''valueString'') FROM observation'),
    ('SELECT jsonb_array_length(resource #> ''{subject,display}'') FROM observation'),
    ('SELECT jsonb_set(resource, ARRAY[''subject'', value], ''1''), resource #- ARRAY[''note'', resource ->> ''valueString''] FROM observation'),
    ('SELECT * FROM observation, jsonb_to_record(resource) AS r ("valueString" integer)'),
    ('SELECT jsonb_populate_record(NULL::observation, jsonb_build_object(''id'', value)), jsonb_object(ARRAY[value]) FROM observation'),
    ('SELECT complain(value), complain(resource ->> ''valueString'') FROM observation'),
    ('SELECT id FROM observation WHERE complain(resource #>> ''{subject,display}'') > ''b'''),
    ('SELECT a.id FROM observation a JOIN patient b ON complain(b.resource ->> ''birthDate'') = a.id'),
    ('SELECT max(value::integer), sum((resource ->> ''valueString'')::numeric) FROM observation'),
    ('SELECT string_agg(complain(value), '','') FROM observation'),
    ('SELECT lead(value::integer) OVER (ORDER BY id) FROM observation'),
    ('SELECT (SELECT value FROM observation WHERE value LIKE ''CAN_RY%'' OR value IS NULL)'),
    ('SELECT n FROM generate_series(1, 2) n LIMIT (SELECT min(length(value)) - 100 FROM observation)'),
    ('SELECT convert_from(decode(value, ''hex''), ''UTF8'') FROM observation'),
    ('SELECT nextval(value), currval(value) FROM observation'),
    ('SELECT to_char(now(), value) IS NULL, set_config(''nothing.'' || value, ''x'', true), current_setting(value) FROM observation'),
    ('WITH w AS (UPDATE observation SET note = value::integer RETURNING note) SELECT * FROM w'),
    ('WITH w AS (UPDATE observation SET note = ''x'' RETURNING complain(value), complain(resource ->> ''valueString'')) SELECT * FROM w'),
    ('WITH w AS (INSERT INTO observation AS o (id, resource) SELECT id, resource FROM observation ON CONFLICT (id) DO UPDATE SET note = complain(o.value) WHERE complain(o.resource ->> ''valueString'') > '''' RETURNING o.note) SELECT * FROM w');
\ir masked_verdicts.sql

-- Constraints. PostgreSQL tells neither rows nor keys of a table with row security.
\c - postgres
ALTER TABLE observation ADD CONSTRAINT no_bad_note CHECK (note <> 'bad'), ALTER note SET NOT NULL;
CREATE UNIQUE INDEX value_once ON observation (value);
CREATE UNIQUE INDEX string_once ON observation ((resource ->> 'valueString'), (resource ->> 'language'));
ALTER TABLE observation ADD CONSTRAINT one_device EXCLUDE USING btree ((resource #>> '{device,display}') WITH =);
CREATE TABLE child (id text PRIMARY KEY, patient text REFERENCES patient, resource jsonb NOT NULL);
SELECT fhir_access.protect('child', 'Device') \g /dev/null
INSERT INTO child VALUES ('CANARY', 'p1', '{"resourceType": "Device", "id": "CANARY", "lotNumber": "CANARY"}');
CREATE TABLE mine (id text PRIMARY KEY, value text REFERENCES observation (value));
GRANT ALL ON mine TO app;
\c - app
SET fhir_access.membership = 'desk';
UPDATE observation SET note = 'bad' WHERE id = 'o1';
UPDATE observation SET note = value WHERE id = 'o1';
UPDATE observation SET id = 'o2' WHERE id = 'o1';
UPDATE observation SET id = 'o5' WHERE id = 'o1';
INSERT INTO observation (id, resource) VALUES ('o5', '{"resourceType": "Observation", "id": "o5", "status": "final"}');
INSERT INTO observation (id, resource) VALUES (NULL, '{"resourceType": "Observation", "status": "final"}');
UPDATE observation SET resource = resource || '{"device": {"display": "same"}}';
DELETE FROM patient WHERE id = 'p1';
-- What is sent for something hidden is dropped before an index could find that it is there.
INSERT INTO observation (id, resource) VALUES ('n', '{"resourceType": "Observation", "id": "n", "status": "final", "valueString": "CAN\u0041RY 2", "language": "de"}') RETURNING id;
UPDATE observation SET resource = resource || '{"valueString": "CAN\u0041RY 2"}' WHERE id = 'o2' RETURNING id;
INSERT INTO mine SELECT id, value FROM observation RETURNING *;
DELETE FROM observation WHERE id = 'n';
-- Errors of COPY and of types name what was sent.
COPY observation (id, resource) FROM STDIN;
n1	{"resourceType": "Observation", "id": "n1", "status": "final", "valueString": "mine"}
o5	{"resourceType": "Observation", "id": "o5", "status": "final"}
\.
INSERT INTO observation (id, resource) VALUES ('n', '{"resourceType": "Observation", "valueString": mine}');

-- Expressions of the table itself are evaluated over the row as it is stored, with what was put back in it. Where one fails with
-- words that may quote it, the words are withheld: from the client, from a handler in a function, and from the log.
\c - postgres
ALTER TABLE observation ADD CONSTRAINT mixed CHECK (('["' || coalesce(resource ->> 'valueString', '') || '"' || coalesce(resource ->> 'language', '') || ']')::jsonb IS NOT NULL);
CREATE INDEX ON observation (((coalesce(resource ->> 'implicitRules', '') || coalesce(substr(resource ->> 'valueString', 8, 1), '0'))::integer));
ALTER TABLE patient ADD COLUMN number text GENERATED ALWAYS AS ((resource ->> 'language' || ' ' || (resource ->> 'birthDate'))::numeric::text) STORED;
CREATE FUNCTION named(t text) RETURNS oid LANGUAGE sql IMMUTABLE AS 'SELECT t::regclass';
ALTER TABLE patient ADD CONSTRAINT of_function CHECK (CASE WHEN resource ? 'implicitRules' THEN named(quote_ident(resource ->> 'birthDate')) END IS NULL);
\c - app
SET fhir_access.membership = 'desk';
UPDATE observation SET resource = resource || '{"language": "x"}' WHERE id = 'o1';
UPDATE observation SET resource = resource || '{"implicitRules": "CAN\u0041RY "}' WHERE id = 'o1';
\echo :LAST_ERROR_SQLSTATE
INSERT INTO observation (id, resource) VALUES ('o1', '{"resourceType": "Observation", "id": "o1", "status": "final"}') ON CONFLICT (id) DO UPDATE SET resource = excluded.resource || '{"language": "x"}';
\echo :LAST_ERROR_SQLSTATE
MERGE INTO observation o USING (VALUES ('o1')) v (id) ON v.id = o.id WHEN MATCHED THEN UPDATE SET resource = o.resource || '{"language": "x"}';
\echo :LAST_ERROR_SQLSTATE
UPDATE patient SET resource = resource || '{"language": "1"}' WHERE id = 'p1';
\echo :LAST_ERROR_SQLSTATE
UPDATE patient SET resource = resource || '{"implicitRules": "x"}' WHERE id = 'p1';
\echo :LAST_ERROR_SQLSTATE
DO $$
DECLARE
    message text;
    detail text;
    hint text;
    context text;
BEGIN
    UPDATE observation SET resource = resource || '{"language": "x"}' WHERE id = 'o1';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
    RAISE NOTICE '%', concat_ws(' | ', message, detail, hint, context);
END $$;
-- The session goes on, and errors of a statement's own are told as ever: where they come before a row is stored, where the row
-- hides nothing, and where the table has no expression that could quote.
UPDATE observation SET note = 'on' WHERE id = 'o1' RETURNING *;
SELECT 'x'::integer;
UPDATE observation SET note = ('x' || id)::integer;
UPDATE patient SET resource = resource || '{"active": "x"}', id = ('x' || id)::integer;
INSERT INTO observation (id, resource) VALUES ('n', '{"resourceType": "Observation", "id": "n", "status": "final", "language": "x"}');
SET fhir_access.membership = 'everything';
UPDATE observation SET resource = resource || '{"language": "not hidden"}' WHERE id = 'o1';
\c - loader
UPDATE observation SET resource = resource || '{"implicitRules": "x"}' WHERE id = 'o1';
\c - postgres
ALTER TABLE patient DROP COLUMN number, DROP CONSTRAINT of_function;
\c - app
SET fhir_access.membership = 'desk';
UPDATE patient SET resource = resource || jsonb_build_object('multipleBirthInteger', (CASE id WHEN 'p2' THEN 'x' ELSE '1' END)::integer);
