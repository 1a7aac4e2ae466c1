-- What the files about criteria share (\ir granted.sql): who is granted what, and whether an index changes it.
\set ECHO none
SET client_min_messages = warning;

-- Tables for resources of these types.
CREATE FUNCTION hold(VARIADIC types text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    type text;
BEGIN
    FOREACH type IN ARRAY types LOOP
        EXECUTE format('CREATE TABLE %I (id text PRIMARY KEY, resource jsonb NOT NULL)', lower(type));
        PERFORM fhir_access.protect(lower(type)::regclass, type);
    END LOOP;
END $$;

-- Stores a resource as a superuser does: as it is.
CREATE FUNCTION store(type text, id text, resource jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %I VALUES ($1, $2)', lower(type))
      USING id, jsonb_build_object('resourceType', type, 'id', id) || resource;
END $$;

-- A policy with one entry.
CREATE FUNCTION policy(id text, criteria text) RETURNS jsonb LANGUAGE sql
    RETURN jsonb_build_object('resourceType', 'AccessPolicy', 'id', id, 'resource',
               jsonb_build_array(jsonb_build_object('resourceType', split_part(criteria, '?', 1), 'criteria', criteria)));

-- The ids of the rows that the application sees under a policy with these criteria, and nothing else.
CREATE FUNCTION granted(criteria text, type text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    rows text;
BEGIN
    INSERT INTO fhir_access.access_policy (resource) VALUES (policy('asked', criteria))
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
    PERFORM fhir_access.set_session('{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/asked"}}');
    SET LOCAL ROLE app;
    EXECUTE format('SELECT string_agg(id, '' '' ORDER BY id COLLATE "C") FROM %I', lower(coalesce(type, split_part(criteria, '?', 1)))) INTO rows;
    RESET ROLE;
    RETURN rows;
END $$;

-- What the application is granted by each of these criteria, asked once without the indexes that are advised for them, and
-- once with all of them: the number of indexes, and of the criteria whose rows are others then.
CREATE FUNCTION with_indexes(criteria text[], OUT asked int, OUT indexes int, OUT different int) LANGUAGE plpgsql AS $$
DECLARE
    before text[] := ARRAY(SELECT granted(c) FROM unnest(criteria) WITH ORDINALITY t (c, n) ORDER BY n);
    statement text;
BEGIN
    INSERT INTO fhir_access.access_policy (resource) SELECT policy('advised-' || n, c) FROM unnest(criteria) WITH ORDINALITY t (c, n);
    asked := cardinality(criteria);
    indexes := 0;
    FOR statement IN SELECT a.statement FROM fhir_access.index_advice() a LOOP
        EXECUTE statement;
        indexes := indexes + (statement LIKE 'CREATE INDEX %')::int;
    END LOOP;
    DELETE FROM fhir_access.access_policy WHERE id LIKE 'advised-%';
    SET LOCAL enable_seqscan = off;
    SELECT count(*) INTO different FROM unnest(criteria, before) AS t (c, b) WHERE granted(c) IS DISTINCT FROM b;
    RESET enable_seqscan;
END $$;

RESET client_min_messages;
\set ECHO all
