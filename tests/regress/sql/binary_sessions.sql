-- What a Binary is attached to is looked up while the statement runs, with the session's policies. A function in the
-- statement that switches the session must not mix two memberships: rows that one of them finds, and what the other may read.
\ir prologue.sql
CREATE TABLE document (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE "binary" (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('document', 'DocumentReference'), fhir_access.protect('binary', 'Binary');
INSERT INTO document SELECT 'd' || n, jsonb_build_object('resourceType', 'DocumentReference', 'id', 'd' || n) FROM generate_series(1, 3) n;
INSERT INTO "binary" SELECT 'b' || n, jsonb_build_object('resourceType', 'Binary', 'id', 'b' || n, 'securityContext',
                                                        jsonb_build_object('reference', 'DocumentReference/d' || n)) FROM generate_series(1, 3) n;
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "binaries", "resource": [{"resourceType": "Binary"}]}'),
('{"resourceType": "AccessPolicy", "id": "documents", "resource": [{"resourceType": "DocumentReference"}]}'),
('{"resourceType": "AccessPolicy", "id": "both", "resource": [{"resourceType": "DocumentReference"}, {"resourceType": "Binary"}]}');
INSERT INTO fhir_access.project_membership (resource)
    SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', id, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || id))
      FROM fhir_access.access_policy;

\c - app
CREATE FUNCTION pg_temp.switched(membership text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fhir_access.set_session(membership, NULL, false);
    RETURN membership;
END $$;
-- Neither of the two finds a Binary.
SET fhir_access.membership = 'binaries';
SELECT id FROM "binary";
SET fhir_access.membership = 'documents';
SELECT id FROM "binary";
-- Nor do both together, in one statement: in a join, a subquery, under a condition of its own.
SET fhir_access.membership = 'binaries';
SELECT id FROM (SELECT pg_temp.switched('documents') AS now OFFSET 0) AS s, "binary" WHERE now IS NOT NULL;
SHOW fhir_access.membership;
SELECT now, (SELECT count(*) FROM "binary" WHERE now IS NOT NULL) FROM (SELECT pg_temp.switched('documents') AS now OFFSET 0) AS s;
COPY (SELECT id FROM (SELECT pg_temp.switched('documents') AS now OFFSET 0) AS s, "binary" WHERE now IS NOT NULL) TO STDOUT;
UPDATE "binary" SET resource = resource || '{"data": "AAAA"}' FROM (SELECT pg_temp.switched('documents') AS now OFFSET 0) AS s WHERE now IS NOT NULL;

-- A function that switches back before the next row is asked is no reason to end, nor is one that asks in statements of its own,
-- by read() in an expression, too.
SET fhir_access.membership = 'both';
CREATE FUNCTION pg_temp.elsewhere(id text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    PERFORM fhir_access.set_session('binaries');
    found := concat_ws(' ', (SELECT string_agg(b.id, ' ') FROM "binary" b), fhir_access.read('Binary', id) ->> 'id',
                       (SELECT allowed FROM fhir_access.check('Binary/' || id, 'read')));
    PERFORM fhir_access.set_session('both');
    RETURN found;
END $$;
SELECT id, pg_temp.elsewhere(id) FROM "binary" ORDER BY id;
CREATE FUNCTION pg_temp.read_elsewhere(id text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    document jsonb;
BEGIN
    PERFORM fhir_access.set_session('both');
    document := fhir_access.read('Binary', id);
    PERFORM fhir_access.set_session('documents');
    RETURN document;
END $$;
SET fhir_access.membership = 'documents';
SELECT id, pg_temp.read_elsewhere('b' || right(id, 1)) ->> 'id' AS "binary" FROM document ORDER BY id;
