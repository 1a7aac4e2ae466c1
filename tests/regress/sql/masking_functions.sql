-- Functions: put in the place of their call or not, in every language that is there, operators, casts and aggregates of users,
-- procedures and DO. Whoever calls, they get what the session may see.
\ir prologue.sql
\ir masked_shapes.sql

-- One statement that returns a value: PostgreSQL puts it in the place of the call.
SELECT in_both('CREATE FUNCTION inlined(o observation) RETURNS text LANGUAGE sql IMMUTABLE AS ''SELECT o.resource::text || coalesce(o.value, ''''none'''')''') \g /dev/null
SELECT in_both('CREATE FUNCTION inlined_atomic(o observation) RETURNS text LANGUAGE sql STABLE RETURN (o).resource ->> ''valueString''') \g /dev/null
SELECT in_both('CREATE FUNCTION part(document jsonb, name text DEFAULT ''valueString'') RETURNS text LANGUAGE sql IMMUTABLE AS ''SELECT document ->> name''') \g /dev/null
SELECT in_both('CREATE FUNCTION with_subquery(key text) RETURNS jsonb LANGUAGE sql STABLE AS ''SELECT resource FROM observation WHERE id = key''') \g /dev/null
SELECT in_both('CREATE FUNCTION with_subquery_atomic(key text) RETURNS observation LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM observation WHERE id = key; END') \g /dev/null
-- One that returns rows: likewise, unless something forbids it.
SELECT in_both('CREATE FUNCTION rows_of(status text DEFAULT ''final'', most integer DEFAULT 10) RETURNS SETOF observation LANGUAGE sql STABLE AS ''SELECT * FROM observation o WHERE o.resource ->> ''''status'''' = status ORDER BY o.id LIMIT most''') \g /dev/null
SELECT in_both('CREATE FUNCTION rows_atomic() RETURNS SETOF observation LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM observation; END') \g /dev/null
SELECT in_both('CREATE FUNCTION rows_immutable() RETURNS SETOF observation LANGUAGE sql IMMUTABLE AS ''SELECT * FROM observation''') \g /dev/null
SELECT in_both('CREATE FUNCTION rows_volatile() RETURNS SETOF observation LANGUAGE sql VOLATILE AS ''SELECT * FROM observation''') \g /dev/null
SELECT in_both('CREATE FUNCTION rows_strict(a integer) RETURNS SETOF observation LANGUAGE sql STABLE STRICT AS ''SELECT * FROM observation WHERE a = 1''') \g /dev/null
SELECT in_both('CREATE FUNCTION rows_setting() RETURNS SETOF observation LANGUAGE sql STABLE SET work_mem = ''8MB'' AS ''SELECT * FROM observation''') \g /dev/null
SELECT in_both('CREATE FUNCTION rows_table() RETURNS TABLE (document jsonb, whole observation, computed text) LANGUAGE sql STABLE AS ''SELECT resource, o, value FROM observation o''') \g /dev/null
SELECT in_both('CREATE FUNCTION rows_out(OUT document jsonb, OUT computed text) RETURNS SETOF record LANGUAGE sql STABLE AS ''SELECT resource, value FROM observation''') \g /dev/null
SELECT in_both('CREATE FUNCTION rows_record() RETURNS SETOF record LANGUAGE sql STABLE AS ''SELECT id, resource FROM observation''') \g /dev/null
SELECT in_both('CREATE FUNCTION nested(most integer) RETURNS TABLE (document jsonb, row_text text) LANGUAGE sql STABLE AS ''SELECT w.resource, inlined(a) FROM rows_of(most => nested.most) w JOIN rows_atomic() a USING (id)''') \g /dev/null
SELECT in_both('CREATE FUNCTION two_statements() RETURNS SETOF text LANGUAGE sql AS ''SELECT 1; SELECT o::text FROM observation o''') \g /dev/null
SELECT in_both('CREATE FUNCTION of_any(a anyelement, OUT same anyelement, OUT t text) LANGUAGE sql STABLE AS ''SELECT a, a::text''') \g /dev/null
SELECT in_both('CREATE FUNCTION many(VARIADIC a anyarray) RETURNS text LANGUAGE sql STABLE AS ''SELECT array_to_string(a, '''','''')''') \g /dev/null
SELECT in_both('CREATE FUNCTION writing() RETURNS SETOF observation LANGUAGE sql AS ''UPDATE observation SET note = resource::text RETURNING *''') \g /dev/null
-- plpgsql.
SELECT in_both('CREATE FUNCTION static() RETURNS SETOF observation LANGUAGE plpgsql AS ''BEGIN RETURN QUERY SELECT * FROM observation; END''') \g /dev/null
SELECT in_both('CREATE FUNCTION dynamic(q text) RETURNS SETOF observation LANGUAGE plpgsql AS ''BEGIN RETURN QUERY EXECUTE q; END''') \g /dev/null
SELECT in_both('CREATE FUNCTION looping() RETURNS SETOF text LANGUAGE plpgsql AS ''DECLARE o observation%ROWTYPE; d observation.resource%TYPE; BEGIN FOR o IN SELECT * FROM observation LOOP d := o.resource; RETURN NEXT o::text || d || coalesce(o.value, ''''none''''); END LOOP; END''') \g /dev/null
SELECT in_both('CREATE FUNCTION expression() RETURNS text LANGUAGE plpgsql AS ''DECLARE t text := (SELECT string_agg(resource::text, '''','''' ORDER BY id) FROM observation); BEGIN IF EXISTS (SELECT FROM observation WHERE value LIKE ''''CAN_RY%'''') THEN RETURN ''''found''''; END IF; RETURN t; END''') \g /dev/null
SELECT in_both('CREATE FUNCTION of_row(o observation) RETURNS text LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS ''BEGIN RETURN o.resource::text; END''') \g /dev/null
-- An operator, a cast, an aggregate and a window function of the user's.
SELECT in_both('CREATE OPERATOR ~~~ (RIGHTARG = observation, FUNCTION = inlined)') \g /dev/null
CREATE FUNCTION joined_text(a jsonb, b jsonb) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN a::text || b::text; END';
CREATE OPERATOR #+# (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = joined_text);
SELECT in_both('CREATE FUNCTION as_bytes(o observation) RETURNS bytea LANGUAGE plpgsql AS ''BEGIN RETURN convert_to(o.resource::text, ''''UTF8''''); END''') \g /dev/null
SELECT in_both('CREATE CAST (observation AS bytea) WITH FUNCTION as_bytes(observation)') \g /dev/null
SELECT in_both('CREATE FUNCTION gather(state text, o observation) RETURNS text LANGUAGE plpgsql AS ''BEGIN RETURN state || o.resource::text || coalesce(o.value, ''''none''''); END''') \g /dev/null
SELECT in_both('CREATE AGGREGATE gathered(observation) (SFUNC = gather, STYPE = text, INITCOND = ''x'')') \g /dev/null

INSERT INTO shape (query) VALUES
    ('SELECT inlined(o) FROM observation o'),
    ('SELECT inlined_atomic(o), o.inlined_atomic FROM observation o'),
    ('SELECT part(resource), part(resource, name => ''status''), part(to_jsonb(o), ''value'') FROM observation o'),
    ('SELECT id FROM observation o WHERE part(resource) LIKE ''CAN_RY%'' OR inlined_atomic(o) > '''''),
    ('SELECT with_subquery(''o1''), with_subquery_atomic(''o2'')'),
    ('SELECT with_subquery(o.id), (with_subquery_atomic(o.id)).resource FROM observation o'),
    ('SELECT * FROM with_subquery(''o1'')'),
    ('SELECT * FROM with_subquery_atomic(''o1'')'),
    ('SELECT * FROM rows_of()'),
    ('SELECT r FROM rows_of(most => 2) r'),
    ('SELECT (rows_of(''final'', 1)).*'),
    ('SELECT rows_of()'),
    ('SELECT f.resource FROM patient p, LATERAL rows_of(CASE WHEN p.id <> '''' THEN ''final'' END) f'),
    ('SELECT * FROM rows_atomic() a LEFT JOIN rows_of() b ON a.value IS NOT DISTINCT FROM b.value AND a.resource = b.resource'),
    ('SELECT * FROM rows_atomic() WITH ORDINALITY'),
    ('SELECT * FROM ROWS FROM (rows_atomic(), rows_of())'),
    ('SELECT * FROM ROWS FROM (rows_out()) AS r (a, b)'),
    ('SELECT inlined(r) FROM rows_immutable() r'),
    ('SELECT * FROM rows_volatile() r WHERE r::text LIKE ''%o1%'''),
    ('SELECT * FROM rows_strict(1)'),
    ('SELECT * FROM rows_setting()'),
    ('SELECT * FROM rows_table()'),
    ('SELECT (t.whole).resource, t FROM rows_table() t'),
    ('SELECT * FROM rows_record() AS r (a text, b jsonb)'),
    ('SELECT * FROM nested(3)'),
    ('SELECT * FROM two_statements()'),
    ('SELECT (of_any(o)).*, of_any(o.resource) FROM observation o'),
    ('SELECT many(o, o), many(o.resource), many(VARIADIC ARRAY[o.value, o.resource::text]) FROM observation o'),
    ('SELECT writing()'),
    ('SELECT * FROM writing() w'),
    ('SELECT id FROM observation WHERE id IN (SELECT id FROM rows_atomic() WHERE value LIKE ''CAN_RY%'')'),
    ('SELECT (SELECT string_agg(r::text, '','' ORDER BY r.id) FROM rows_atomic() r WHERE r.id = o.id) FROM observation o'),
    ('WITH c AS MATERIALIZED (SELECT r FROM rows_of() r) SELECT inlined(r) FROM c'),
    ('SELECT static()'),
    ('SELECT * FROM static() WHERE value IS NULL'),
    ('SELECT * FROM dynamic(''SELECT * FROM observation'')'),
    ('SELECT * FROM dynamic(''TABLE observation'') d WHERE d.resource::text LIKE ''%CAN_RY%'''),
    ('SELECT * FROM looping()'),
    ('SELECT expression()'),
    ('SELECT id FROM observation o WHERE of_row(o) LIKE ''%CAN_RY%'''),
    ('SELECT of_row(o) FROM observation o ORDER BY of_row(o)'),
    ('SELECT ~~~ o FROM observation o'),
    ('SELECT resource #+# resource FROM observation'),
    ('SELECT a.id FROM observation a JOIN patient b ON (a.resource #+# b.resource) LIKE ''%CAN_RY%'''),
    ('SELECT o::bytea FROM observation o'),
    ('SELECT gathered(o ORDER BY id) FROM observation o'),
    ('SELECT id, gathered(o) OVER (ORDER BY id) FROM observation o');
\ir masked_verdicts.sql

-- Functions that run with the rights of others: of one who is subject to policies, they see what the session may see; of one
-- who is exempt, they see everything, and are trusted to show no more than they should.
\c - postgres
CREATE FUNCTION of_steward() RETURNS SETOF observation LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT * FROM observation';
CREATE FUNCTION of_steward_too() RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN QUERY EXECUTE ''SELECT o::text FROM observation o''; END';
CREATE FUNCTION of_exempt() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT count(value) FROM observation';
GRANT SELECT ON observation TO steward;
ALTER FUNCTION of_steward OWNER TO steward;
ALTER FUNCTION of_steward_too OWNER TO steward;
CREATE PROCEDURE telling(INOUT said text, key text DEFAULT 'o1') LANGUAGE plpgsql AS $$
DECLARE
    o observation;
BEGIN
    SELECT * INTO o FROM observation WHERE id = key;
    RAISE NOTICE '%', o;
    said := coalesce(o.value, 'nothing');
    COMMIT;
    RAISE NOTICE '%', (SELECT resource FROM observation WHERE id = key);
END $$;
CREATE PROCEDURE writing_procedure() LANGUAGE sql BEGIN ATOMIC UPDATE observation SET note = value RETURNING resource; END;
\c - app
SET fhir_access.membership = 'desk';
SELECT * FROM of_steward() ORDER BY id;
SELECT * FROM of_steward_too() t ORDER BY t LIMIT 1;
SELECT of_exempt() AS "values that an exempt function counts";
CALL telling(NULL);
CALL telling('x', key => 'o2');
CALL writing_procedure();
DO $$
DECLARE
    one record;
    documents jsonb[];
BEGIN
    FOR one IN EXECUTE 'SELECT o, value FROM observation o ORDER BY id LIMIT 1' LOOP
        RAISE NOTICE '%', one;
    END LOOP;
    documents := ARRAY(SELECT resource FROM observation ORDER BY id);
    RAISE NOTICE '%', documents[1];
    ASSERT NOT EXISTS (SELECT FROM observation WHERE resource::text LIKE '%CAN_RY%'), 'found';
    PERFORM 1 / count(*) FROM observation WHERE value LIKE 'CAN_RY%';
EXCEPTION WHEN division_by_zero THEN
    RAISE NOTICE 'nothing found: %', SQLERRM;
END $$;

-- A function that is asked as early as it can be gets masked rows, and only those that are granted. To claim that it leaks
-- nothing, and be asked of others too, takes a superuser.
CREATE FUNCTION pg_temp.spy(document jsonb) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS 'BEGIN RAISE NOTICE ''%'', document; RETURN true; END';
SELECT id FROM patient WHERE pg_temp.spy(resource) AND pg_temp.spy(to_jsonb(patient));
ALTER FUNCTION pg_temp.spy(jsonb) LEAKPROOF;
\echo :LAST_ERROR_SQLSTATE
