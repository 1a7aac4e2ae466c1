-- For the tests on real input: the role that reads through the extension, and what the expected answers are written
-- with. Nothing in the schema by_hand knows the extension; it is plain jsonb, for a superuser to use.

CREATE EXTENSION fhir_access;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'reader') THEN
        CREATE ROLE reader LOGIN;
        GRANT SET ON PARAMETER fhir_access.membership, fhir_access.client_ip TO reader;
    END IF;
END $$;

CREATE SCHEMA by_hand;

-- The document without what is at a path; arrays on the way are walked, the last name takes its _sibling with it.
CREATE FUNCTION by_hand.without(document jsonb, VARIADIC path text[]) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    name text := path[1];
BEGIN
    IF jsonb_typeof(document) = 'array' THEN
        RETURN (SELECT coalesce(jsonb_agg(by_hand.without(item, VARIADIC path) ORDER BY place), '[]')
                  FROM jsonb_array_elements(document) WITH ORDINALITY AS items (item, place));
    ELSIF jsonb_typeof(document) <> 'object' THEN
        RETURN document;
    ELSIF cardinality(path) = 1 THEN
        RETURN document - name - ('_' || name);
    ELSIF document ? name THEN
        RETURN jsonb_set(document, ARRAY[name], by_hand.without(document -> name, VARIADIC path[2:]));
    END IF;
    RETURN document;
END $$;

-- The document without any choice of an element: value[x] is valueQuantity, valueString, _valueString, ….
CREATE FUNCTION by_hand.without_choice(document jsonb, element text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(document) WHERE key !~ ('^_?' || element || '[A-Z]')
$$;

-- Likewise in each item of an array of the document.
CREATE FUNCTION by_hand.without_choice_in(document jsonb, list text, element text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN document ? list THEN jsonb_set(document, ARRAY[list],
        (SELECT coalesce(jsonb_agg(by_hand.without_choice(item, element) ORDER BY place), '[]')
           FROM jsonb_array_elements(document -> list) WITH ORDINALITY AS items (item, place)))
        ELSE document END
$$;
