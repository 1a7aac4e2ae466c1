-- create without read: who may write a row and not see it writes it, and learns nothing of what is stored.
\ir prologue.sql

CREATE TABLE report (id text PRIMARY KEY DEFAULT gen_random_uuid(), number bigint GENERATED ALWAYS AS IDENTITY UNIQUE, resource jsonb NOT NULL);
CREATE TABLE device (id text PRIMARY KEY, resource jsonb NOT NULL, serial text GENERATED ALWAYS AS (resource ->> 'serialNumber') STORED);
SELECT fhir_access.protect('report', 'DiagnosticReport'), fhir_access.protect('device', 'Device');
INSERT INTO report (id, resource) VALUES ('stored', '{"resourceType": "DiagnosticReport", "status": "final", "conclusion": "CANARY"}');
INSERT INTO device VALUES ('stored', '{"resourceType": "Device", "status": "active", "serialNumber": "CANARY"}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "sender", "resource": [
    {"resourceType": "DiagnosticReport", "criteria": "DiagnosticReport?status=final", "interaction": ["create"]}]}'),
('{"resourceType": "AccessPolicy", "id": "clerk", "resource": [
    {"resourceType": "Device", "criteria": "Device?status=active", "interaction": ["create"]},
    {"resourceType": "Device", "criteria": "Device?manufacturer=ours", "interaction": ["search"], "hiddenFields": ["serialNumber"]}]}'),
('{"resourceType": "AccessPolicy", "id": "updater", "resource": [
    {"resourceType": "DiagnosticReport", "interaction": ["create", "update", "delete"]}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', p, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || p))
  FROM unnest('{sender,clerk,updater}'::text[]) p;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app;

\c - app
SET fhir_access.membership = 'sender';
-- It is written, as often as one likes and in every form, and is not there for its writer.
INSERT INTO report (resource) VALUES ('{"resourceType": "DiagnosticReport", "status": "final"}');
INSERT INTO report (id, resource) SELECT 'r' || n, '{"resourceType": "DiagnosticReport", "status": "final"}' FROM generate_series(1, 2) n;
COPY report (id, resource) FROM STDIN;
r3	{"resourceType": "DiagnosticReport", "status": "final"}
\.
MERGE INTO report r USING (VALUES ('r4')) AS v (id) ON r.id = v.id
    WHEN NOT MATCHED THEN INSERT (id, resource) VALUES (v.id, '{"resourceType": "DiagnosticReport", "status": "final"}');
SELECT count(*) FROM report;
SELECT fhir_access.read('DiagnosticReport', 'r1');
INSERT INTO report (id, resource) VALUES ('r5', '{"resourceType": "DiagnosticReport", "status": "preliminary"}');
-- RETURNING reads: refused, with the reason, whatever it is to return of the row.
INSERT INTO report (resource) VALUES ('{"resourceType": "DiagnosticReport", "status": "final"}') RETURNING resource;
INSERT INTO report (resource) VALUES ('{"resourceType": "DiagnosticReport", "status": "final"}') RETURNING id;
INSERT INTO report (resource) VALUES ('{"resourceType": "DiagnosticReport", "status": "final"}') RETURNING ctid;
INSERT INTO report (resource) VALUES ('{"resourceType": "DiagnosticReport", "status": "final"}') RETURNING xmin;
INSERT INTO report (resource) VALUES ('{"resourceType": "DiagnosticReport", "status": "final"}') RETURNING tableoid;
INSERT INTO report (resource) VALUES ('{"resourceType": "DiagnosticReport", "status": "final"}') RETURNING report;
INSERT INTO report (resource) VALUES ('{"resourceType": "DiagnosticReport", "status": "final"}') RETURNING (SELECT count(*) FROM report);
INSERT INTO report (resource) VALUES ('{"resourceType": "DiagnosticReport", "status": "final"}') RETURNING 1 AS "nothing of the row";
WITH new AS (INSERT INTO report (resource) VALUES ('{"resourceType": "DiagnosticReport", "status": "final"}') RETURNING number) SELECT * FROM new;
-- The number that it has drawn itself is nobody's secret.
SELECT currval('report_number_seq') > 0 AS drawn;

-- Upserts. What is stored is not found, so that nothing is done to it; that the key is taken is told, as everywhere.
INSERT INTO report (id, resource) VALUES ('stored', '{"resourceType": "DiagnosticReport", "status": "final"}') ON CONFLICT DO NOTHING;
INSERT INTO report (id, resource) VALUES ('stored', '{"resourceType": "DiagnosticReport", "status": "final"}');
INSERT INTO report (id, resource) VALUES ('stored', '{"resourceType": "DiagnosticReport", "status": "final"}')
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
INSERT INTO report (id, resource) VALUES ('new', '{"resourceType": "DiagnosticReport", "status": "final"}')
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
INSERT INTO report AS r (id, resource) VALUES ('stored', '{"resourceType": "DiagnosticReport", "status": "final"}')
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource WHERE r.resource ->> 'conclusion' = 'CANARY';
-- Nor may it change or remove what it has written.
UPDATE report SET resource = '{"resourceType": "DiagnosticReport", "status": "final"}';
DELETE FROM report;
DELETE FROM report WHERE true RETURNING *;

-- Update and delete without search reach nothing either.
SET fhir_access.membership = 'updater';
UPDATE report SET resource = resource || '{"status": "amended"}';
DELETE FROM report;
INSERT INTO report (id, resource) VALUES ('stored', '{"resourceType": "DiagnosticReport", "status": "final"}')
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource RETURNING report.resource;

-- Where search grants some of the rows that may be created, RETURNING gives those, as a SELECT would: masked.
SET fhir_access.membership = 'clerk';
INSERT INTO device VALUES ('d1', '{"resourceType": "Device", "status": "active", "serialNumber": "CANARY", "manufacturer": "ours"}')
    RETURNING resource, serial, device, (device).resource ->> 'serialNumber' AS number;
INSERT INTO device VALUES ('d2', '{"resourceType": "Device", "status": "active", "serialNumber": "CANARY", "manufacturer": "theirs"}') RETURNING id;
INSERT INTO device VALUES ('d2', '{"resourceType": "Device", "status": "active", "serialNumber": "CANARY", "manufacturer": "theirs"}');
SELECT * FROM device;
INSERT INTO device VALUES ('d3', '{"resourceType": "Device", "status": "inactive", "manufacturer": "ours"}') RETURNING id;
-- All that was written is there, whole.
\c - postgres
SELECT count(*) FILTER (WHERE id ~ '^r\d$') AS named, count(*) FILTER (WHERE resource ->> 'status' <> 'final') AS other FROM report;
SELECT id, resource, serial FROM device ORDER BY id;
