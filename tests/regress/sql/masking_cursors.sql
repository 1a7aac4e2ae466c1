-- Cursors of every kind, forwards and backwards, in SQL and in plpgsql.
\ir prologue.sql
\ir masked_shapes.sql
CREATE FUNCTION opened(name refcursor) RETURNS refcursor LANGUAGE plpgsql AS $$
BEGIN
    OPEN name SCROLL FOR SELECT o FROM observation o ORDER BY id;
    RETURN name;
END $$;
CREATE FUNCTION opened_by_owner(name refcursor) RETURNS refcursor LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    OPEN name FOR EXECUTE 'SELECT resource FROM observation ORDER BY id';
    RETURN name;
END $$;
GRANT SELECT ON observation TO steward;
ALTER FUNCTION opened_by_owner OWNER TO steward;

\c - app
SET fhir_access.membership = 'desk';
BEGIN;
DECLARE plain CURSOR FOR SELECT id, resource, value FROM observation ORDER BY value, id;
DECLARE scrolling SCROLL CURSOR FOR SELECT o FROM observation o ORDER BY id;
DECLARE insensitive INSENSITIVE SCROLL CURSOR FOR SELECT resource FROM patient ORDER BY resource ->> 'birthDate', id;
DECLARE found NO SCROLL CURSOR FOR SELECT id FROM observation WHERE resource::text LIKE '%CAN_RY%' OR value > '';
DECLARE held CURSOR WITH HOLD FOR SELECT o.*, o AS whole FROM observation o ORDER BY id;
DECLARE bits BINARY CURSOR FOR SELECT count(*) FROM observation WHERE value IS NOT NULL;
FETCH 2 FROM plain;
FETCH ALL FROM found;
FETCH LAST FROM scrolling;
FETCH BACKWARD 2 FROM scrolling;
FETCH ABSOLUTE 1 FROM scrolling;
FETCH RELATIVE 1 FROM scrolling;
FETCH PRIOR FROM scrolling;
MOVE FORWARD ALL IN scrolling;
FETCH BACKWARD ALL FROM scrolling;
FETCH ALL FROM insensitive;
FETCH BACKWARD 1 FROM insensitive;
FETCH 1 FROM held;

-- WHERE CURRENT OF writes the stored row, returns the masked one, and puts back what is hidden.
DECLARE current CURSOR FOR SELECT resource FROM observation WHERE id = 'o1' FOR UPDATE;
FETCH current;
UPDATE observation SET note = 'current', resource = resource || '{"device": {"display": "d"}}' WHERE CURRENT OF current RETURNING *;
DELETE FROM observation WHERE CURRENT OF current RETURNING observation;

-- Cursors of functions.
SELECT opened('of_function');
FETCH 2 FROM of_function;
FETCH BACKWARD 1 FROM of_function;
SELECT opened_by_owner('of_owner');
FETCH 1 FROM of_owner;
DO $$
DECLARE
    c CURSOR (key text) FOR SELECT o, o.resource, o.value FROM observation o WHERE id >= key ORDER BY id;
    found record;
    document jsonb;
    other refcursor;
BEGIN
    FOR found IN c('o3') LOOP
        RAISE NOTICE '%', found;
    END LOOP;
    OPEN other FOR EXECUTE 'SELECT resource FROM patient ORDER BY id';
    FETCH other INTO document;
    RAISE NOTICE '%', document;
END $$;
COMMIT;

-- What a held cursor keeps, it keeps masked.
FETCH ALL FROM held;
CLOSE held;

-- psql with FETCH_COUNT fetches through a cursor, too.
\set FETCH_COUNT 1
SELECT id, value, resource FROM observation ORDER BY id;
\unset FETCH_COUNT
\c - loader
SELECT id, value, note FROM observation ORDER BY id;
