-- What the files about indexes share (\ir indexes.sql), after granted.sql.
\set ECHO none
SET client_min_messages = warning;

-- A policy with an entry for each of these criteria.
CREATE FUNCTION entries(id text, criteria text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO fhir_access.access_policy (resource)
    SELECT jsonb_build_object('resourceType', 'AccessPolicy', 'id', entries.id, 'resource',
               jsonb_agg(jsonb_strip_nulls(jsonb_build_object('resourceType', split_part(c, '?', 1), 'criteria', CASE WHEN c LIKE '%?%' THEN c END)) ORDER BY n))
      FROM unnest(criteria) WITH ORDINALITY t (c, n)
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource
$$;

-- What indexes are advised for a policy with an entry for each of these criteria. (Statistics are the subject of estimates.sql.)
CREATE FUNCTION advised(VARIADIC criteria text[]) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT entries('asked', criteria);
    SELECT statement FROM fhir_access.index_advice() WHERE statement LIKE 'CREATE INDEX %' ORDER BY statement
$$;

-- The rows of a table that the application sees under that policy: how many, and which.
CREATE FUNCTION seen(relation regclass, OUT many bigint, OUT which text) LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE app;
    EXECUTE format('SELECT count(*), md5(string_agg(id::text, '','' ORDER BY id)) FROM %s', relation) INTO many, which;
    RESET ROLE;
END $$;

-- How the planner finds the application's rows under a policy with an entry for each of these criteria; how many they are;
-- whether they are others where no index is used, or where none is there; and what else is advised.
CREATE FUNCTION served(VARIADIC criteria text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    relation regclass := lower(split_part(criteria[1], '?', 1))::regclass;
    now record;
    scanned record;
    unindexed record;
    statement text;
BEGIN
    PERFORM entries('asked', criteria), fhir_access.set_session('{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/asked"}}');
    SET LOCAL ROLE app;
    RETURN QUERY EXECUTE format('EXPLAIN (COSTS OFF) SELECT id FROM %s', relation);
    RESET ROLE;
    now := seen(relation);
    SET LOCAL enable_indexscan = off;
    SET LOCAL enable_indexonlyscan = off;
    SET LOCAL enable_bitmapscan = off;
    scanned := seen(relation);
    RESET enable_indexscan;
    RESET enable_indexonlyscan;
    RESET enable_bitmapscan;
    BEGIN
        FOR statement IN SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index WHERE indrelid = relation AND NOT indisprimary LOOP
            EXECUTE statement;
        END LOOP;
        unindexed := seen(relation);
        RAISE EXCEPTION 'undo';
    EXCEPTION WHEN raise_exception THEN
    END;
    RETURN NEXT format('%s rows%s%s', now.many, CASE WHEN now IS DISTINCT FROM scanned THEN ', OTHERS WHERE NO INDEX IS USED' END,
                       CASE WHEN now IS DISTINCT FROM unindexed THEN ', OTHERS WHERE NO INDEX IS THERE' END);
    RETURN QUERY SELECT 'advised: ' || a.statement FROM fhir_access.index_advice() a WHERE a.statement LIKE 'CREATE INDEX %' ORDER BY 1;
END $$;

RESET client_min_messages;
\set ECHO all
