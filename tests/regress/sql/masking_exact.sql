-- What is not hidden stays as it is, byte by byte: digits of numbers, order of members, escapes, what is empty, what is null. The
-- masked document, its text and its binary form are compared with what "-" and "#-" leave of it, and, where a path goes
-- through arrays, with a slow function that takes it out step by step.
\ir prologue.sql

-- A field goes with its sibling, and so does a field within it; arrays are gone through at every level.
CREATE FUNCTION without(document jsonb, path text[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    IF jsonb_typeof(document) = 'array' THEN
        RETURN coalesce((SELECT jsonb_agg(without(item, path) ORDER BY n) FROM jsonb_array_elements(document) WITH ORDINALITY e (item, n)), '[]');
    ELSIF jsonb_typeof(document) <> 'object' THEN
        RETURN document;
    ELSIF cardinality(path) = 1 THEN
        RETURN document - ARRAY[path[1], '_' || path[1]];
    END IF;
    FOREACH name IN ARRAY ARRAY[path[1], '_' || path[1]] LOOP
        IF document ? name THEN
            document := jsonb_set(document, ARRAY[name], without(document -> name, path[2:]));
        END IF;
    END LOOP;
    RETURN document;
END $$;

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE FUNCTION document(id text, members text) RETURNS void LANGUAGE sql AS
    $$ INSERT INTO patient VALUES (id, format('{"resourceType": "Patient", "id": %s, %s}', to_json(id), members)::jsonb) $$;
\o /dev/null
SELECT document('numbers', '"a": [1.10, 1e2, 1E-7, 0.1000, -0, -0.0, 0.0e5, 1.0, 100, 1e400, 123456789012345678901234567890.1234567890, -1.50e-10, 9007199254740993]');
SELECT document('numbers in name', '"name": [{"family": 1.10, "given": [1.10, 2.0, 1e2], "use": 0.10}], "birthDate": 1e400, "multipleBirthInteger": 1.10');
SELECT document('escapes', '"name": [{"family": "\u00e9\ud83d\ude00\u0001\"\\\/\b\f\n\r\t", "text": "\u00e9\ud83d\ude00\u0001\"\\\/\b\f\n\r\t\u2028"}], "b": "\\u0041"');
SELECT document('empty', '"name": [{}], "telecom": [], "contact": {}, "address": [[]], "b": "", "c": null, "": {"": ""}');
SELECT document('empty after', '"name": [{"family": "x"}], "contact": [{"name": {"family": "x"}}], "communication": [{"language": {}}]');
SELECT document('nulls', '"name": null, "birthDate": null, "_birthDate": null, "contact": [null, {"name": null}, null], "telecom": [null, {"value": null}]');
SELECT document('other shapes', '"name": {"family": "x", "given": "y"}, "contact": "text", "telecom": 1, "address": true, "birthDate": {"family": "x"}');
SELECT document('arrays of arrays', '"name": [[{"family": "x", "given": ["a"]}], [[{"family": "y"}, 1, "t", null, true]]], "contact": [{"name": [{"family": "z"}, [{"family": "z"}]]}]');
SELECT document('names like it', '"Name": 1, "names": 2, "name ": 3, "nam": 4, "_name": {"family": 5}, "__name": 6, "name.family": 7, "birthdate": 8, "birthDate_": 9, "_": 10');
SELECT document('siblings', '"_name": [{"id": "x"}], "birthDate": "x", "_birthDate": {"extension": [{"url": "u", "valueString": "v"}]}, "name": [{"_family": {"id": "i"}, "given": ["a", null], "_given": [null, {"id": "g"}]}]');
SELECT document('order', '"zz": 1, "a": 2, "bb": 3, "name": [{"z": 1, "family": "f", "aaa": 2, "m": 3}], "ccc": 4, "A": 5, "é": 6, "ab": 7');
SELECT document('twice', '"name": [{"family": "first"}], "name": [{"family": "second", "use": "a", "use": "b"}]');
SELECT document('long', format('"name": [%s], "note": %s, %s', (SELECT string_agg(format('{"family": "f%s", "given": ["%s", 1.10]}', n, repeat('g', n % 300)), ',') FROM generate_series(1, 2000) n),
    to_json(repeat('long ', 30000)), (SELECT string_agg(format('"%s": {"family": [%s, {"family": 1.0}]}', md5(n::text), n), ',') FROM generate_series(1, 500) n)));
SELECT document('deep', '"contact": ' || repeat('[{"name": {"family": "x", "given": 1.10, "contact": ', 60) || '0.50' || repeat('}}]', 60));
SELECT document('long keys', format('"%s": 1, "%s": {"family": 1.10}, "name": [{"%s": 2, "family": "x"}]', repeat('k', 5000), repeat('name', 500), repeat('family', 500)));
SELECT document('lengths', (SELECT string_agg(format('"k%s": "%s"', n, repeat('x', n)), ',') FROM generate_series(0, 300) n) || ', "name": [' || (SELECT string_agg(format('{"family": "%s", "text": "%s"}', repeat('f', n), repeat('t', 300 - n)), ',') FROM generate_series(0, 300) n) || ']');
SELECT document('random ' || i, (SELECT string_agg(format('%s: %s', to_json((ARRAY['name', '_name', 'birthDate', 'contact', 'telecom', 'é', 'x.y', '', 'photo'])[1 + (n * i * 7) % 9]), inner_value), ',')
    FROM (SELECT n, (ARRAY['1.10', 'null', '{"family": 1.0, "value": [1e2]}', '[{"family": "x", "given": [0.10]}, {"value": "\u00e9"}]', '{"name": [{"family": 1}, {"_family": 2, "use": -0.0}]}', '[]', '{}', '[[{"family": {"family": 3.30}}]]', '""'])[1 + (n * n + i * 11) % 9] AS inner_value
            FROM generate_series(1, 3 + i % 7) n) s)) FROM generate_series(1, 500) i;
\o
SELECT count(*) AS documents, max(length(resource::text)) > 500000 AS "a long one" FROM patient;
SELECT fhir_access.protect('patient', 'Patient') \g /dev/null

-- Memberships that hide different fields, and what each should leave.
CREATE TABLE expected (membership text, id text, resource jsonb);
GRANT SELECT ON expected TO app;
CREATE FUNCTION hides(membership text, VARIADIC paths text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    path text;
BEGIN
    INSERT INTO fhir_access.access_policy (resource) VALUES (jsonb_build_object('resourceType', 'AccessPolicy', 'id', membership,
        'resource', jsonb_build_array(jsonb_build_object('resourceType', 'Patient', 'hiddenFields', paths))));
    INSERT INTO fhir_access.project_membership (resource) VALUES (jsonb_build_object('resourceType', 'ProjectMembership', 'id', membership,
        'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || membership)));
    INSERT INTO expected SELECT membership, p.id, p.resource FROM patient p;
    FOREACH path IN ARRAY paths LOOP
        UPDATE expected e SET resource = without(e.resource, string_to_array(path, '.')) WHERE e.membership = hides.membership;
    END LOOP;
    RETURN (SELECT count(*) FROM expected e JOIN patient p USING (id) WHERE e.membership = hides.membership AND e.resource <> p.resource);
END $$;
SET client_min_messages = error;
SELECT hides('nothing-there', 'maritalStatus') AS "documents that change", hides('top', 'name') AS top, hides('two', 'birthDate', 'name') AS two, hides('nested', 'name.family') AS nested,
       hides('deep', 'contact.name.family', 'name.given', 'telecom.value') AS deep, hides('most', 'name', 'contact', 'telecom', 'address', 'birthDate', 'photo', 'multipleBirthInteger') AS most,
       hides('both', 'name', 'name.family') AS "both";
RESET client_min_messages;
-- By hand, where no array is in between.
SELECT bool_and(p.resource - '{name,_name}'::text[] = e.resource) AS top FROM patient p JOIN expected e USING (id) WHERE membership = 'top';
SELECT bool_and(p.resource - '{name,_name,birthDate,_birthDate}'::text[] = e.resource) AS two FROM patient p JOIN expected e USING (id) WHERE membership = 'two';
SELECT bool_and(p.resource #- '{name,family}' #- '{name,_family}' #- '{_name,family}' = e.resource) AS nested FROM patient p JOIN expected e USING (id) WHERE membership = 'nested' AND jsonb_typeof(p.resource -> 'name') = 'object';

-- The same text and the same bytes, from the column, from the row, through a cursor and a copy.
\c - app
CREATE FUNCTION pg_temp.compared(OUT membership text, OUT documents bigint, OUT same_text bigint, OUT same_bytes bigint, OUT same_rows bigint, OUT same_values bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
    FOREACH membership IN ARRAY ARRAY['nothing-there', 'top', 'two', 'nested', 'deep', 'most', 'both'] LOOP
        PERFORM set_config('fhir_access.membership', membership, true);
        SELECT count(*), count(*) FILTER (WHERE p.resource::text = e.resource::text), count(*) FILTER (WHERE jsonb_send(p.resource) = jsonb_send(e.resource)),
               count(*) FILTER (WHERE p::text = ROW(e.id, e.resource)::text AND to_jsonb(p)::text = jsonb_build_object('id', e.id, 'resource', e.resource)::text),
               count(*) FILTER (WHERE p.resource = e.resource AND p.resource @> e.resource AND jsonb_hash(p.resource) = jsonb_hash(e.resource) AND pg_column_size(p.resource || '{}') = pg_column_size(e.resource || '{}'))
          INTO documents, same_text, same_bytes, same_rows, same_values
          FROM patient p JOIN expected e ON e.id = p.id AND e.membership = compared.membership;
        RETURN NEXT;
    END LOOP;
END $$;
SELECT * FROM pg_temp.compared();

-- To be seen: digits, escapes, what is empty.
SET fhir_access.membership = 'nested';
SELECT resource FROM patient WHERE id IN ('numbers', 'numbers in name', 'escapes', 'empty', 'empty after', 'nulls', 'other shapes', 'names like it', 'order') ORDER BY id COLLATE "C";
SET fhir_access.membership = 'deep';
SELECT resource FROM patient WHERE id IN ('siblings', 'arrays of arrays', 'twice') ORDER BY id COLLATE "C";
-- And what is stored stays so when it is written back.
UPDATE patient SET resource = resource || '{"active": true}' WHERE id NOT IN ('long');
\c - postgres
SELECT count(*) AS documents, count(*) FILTER (WHERE (p.resource - 'active')::text <> (e.resource)::text) AS changed
  FROM patient p JOIN (SELECT id, resource FROM expected WHERE membership = 'nothing-there') e USING (id) WHERE id <> 'long';
