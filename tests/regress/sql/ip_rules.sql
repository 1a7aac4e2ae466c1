-- IP rules: over all policies of a membership, in order, the first that matches decides; none matching is allowed.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES ('homer', '{"resourceType": "Patient", "id": "homer"}');
SELECT fhir_access.protect('patient', 'Patient');

-- A policy with rules, written 'value action, …', and a membership with that name that has it.
CREATE FUNCTION make(name text, rules text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO fhir_access.access_policy (resource)
    SELECT jsonb_build_object('resourceType', 'AccessPolicy', 'id', name, 'resource', '[{"resourceType": "Patient"}]'::jsonb, 'ipAccessRule',
               jsonb_agg(jsonb_build_object('value', split_part(r, ' ', 1), 'action', split_part(r, ' ', 2)) ORDER BY n))
      FROM unnest(string_to_array(rules, ', ')) WITH ORDINALITY t (r, n);
    INSERT INTO fhir_access.project_membership (resource)
    SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', name, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || name));
$$;
SELECT make('order', '10.0.0.1 block, 10. allow, * block'),
       make('shadowed', '10. allow, 10.0.0.1 block'),
       make('exact', '203.0.113.7 allow, * block'),
       make('two', '8.8 allow, * block'),
       make('dot', '8.8. allow, * block'),
       make('one', '9 allow, * block'),
       make('three', '192.168.1 allow, * block'),
       make('cidr', '10.1.0.0/16 allow, 172.16.0.0/12 allow, 203.0.113.7/32 allow, * block'),
       make('everything4', '0.0.0.0/0 block'),
       make('six', '2001:db8::/32 allow, fe80::1 allow, * block'),
       make('mapped', '::ffff:203.0.113.7 allow, ::ffff:10.0.0.0/104 allow, * block'),
       make('open', '198.51.100.9 block'),
       make('everybody', '* allow');

-- The verdict on an address under a membership.
CREATE FUNCTION verdict(name text, address text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fhir_access.set_session(name, address);
    RETURN (SELECT regexp_replace(ip_verdict, ' by AccessPolicy/\w+ ipAccessRule', '') FROM fhir_access.session());
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- What matches what.
SELECT name, address, verdict(name, address)
  FROM (VALUES (1, 'order', '10.0.0.1'), (2, 'order', '10.0.0.2'), (3, 'order', '11.0.0.1'),
               (4, 'shadowed', '10.0.0.1'), (5, 'shadowed', '11.0.0.1'),
               (6, 'exact', '203.0.113.7'), (7, 'exact', '203.0.113.70'), (8, 'exact', '203.0.113.77'), (9, 'exact', '3.0.113.7'),
               (10, 'two', '8.8.0.1'), (11, 'two', '8.80.0.1'), (12, 'two', '88.0.0.1'), (13, 'two', '1.8.8.1'),
               (15, 'dot', '8.8.255.255'), (16, 'dot', '8.88.0.1'), (17, 'dot', '8.7.8.8'),
               (18, 'one', '9.255.0.1'), (19, 'one', '90.0.0.1'),
               (20, 'three', '192.168.1.200'), (21, 'three', '192.168.10.1'),
               (22, 'cidr', '10.1.255.255'), (23, 'cidr', '10.2.0.0'), (24, 'cidr', '172.31.255.255'), (25, 'cidr', '172.32.0.0'),
               (26, 'cidr', '203.0.113.7'), (27, 'cidr', '203.0.113.8'),
               (28, 'everything4', '1.2.3.4'), (29, 'everything4', '2001:db8::1'),
               (30, 'six', '2001:db8::1'), (31, 'six', '2001:0DB8:ffff::'), (32, 'six', '2001:db9::1'), (33, 'six', 'fe80::1'), (34, 'six', '10.0.0.1'),
               (35, 'mapped', '203.0.113.7'), (36, 'mapped', '::ffff:203.0.113.7'), (37, 'mapped', '::ffff:cb00:7107'), (38, 'mapped', '10.9.9.9'),
               (39, 'mapped', '11.9.9.9'), (40, 'exact', '::ffff:203.0.113.7'), (41, 'two', '::ffff:8.8.4.4'),
               (42, 'open', '198.51.100.9'), (43, 'open', '198.51.100.10'), (44, 'everybody', '198.51.100.9')) t (n, name, address)
 ORDER BY n;

-- An unknown address, here the other end of a Unix socket: only `*` matches it, and if nothing does the session is refused.
SELECT name, verdict(name, NULL) FROM unnest('{order,everything4,open,everybody}'::text[]) AS name;
SET ROLE app;
SET fhir_access.membership = 'open';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = 'exact';
SELECT id FROM patient;
SET fhir_access.membership = 'everybody';
SELECT id FROM patient;

-- A blocked address is refused in every statement and in what explains rights; session() tells the verdict.
SET fhir_access.membership = 'open';
SET fhir_access.client_ip = '198.51.100.9';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO patient VALUES ('x', '{"resourceType": "Patient", "id": "x"}');
SELECT * FROM fhir_access.explain('Patient');
SELECT * FROM fhir_access.check('Patient/homer', 'search');
SELECT membership, client_ip, ip_verdict FROM fhir_access.session();

-- The rules are asked whenever the session changes: also between two runs of one prepared statement.
SET fhir_access.client_ip = '198.51.100.10';
PREPARE patients AS SELECT id FROM patient;
EXECUTE patients;
SET fhir_access.client_ip = '198.51.100.9';
EXECUTE patients;
\echo :LAST_ERROR_SQLSTATE
BEGIN;
SET LOCAL fhir_access.client_ip = '198.51.100.10';
EXECUTE patients;
COMMIT;
EXECUTE patients;
-- And when a document changes.
SET fhir_access.client_ip = '198.51.100.10';
EXECUTE patients;
\! psql -X -q -c "UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{ipAccessRule,0,value}', '\"198.51.100.\"') WHERE id = 'open'"
EXECUTE patients;
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;

-- Rules of several policies are one list, in the order of the policies.
SET ROLE app;
SET fhir_access.client_ip = '203.0.113.7';
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/exact"},
    "access": [{"policy": {"reference": "AccessPolicy/everybody"}}]}';
SELECT ip_verdict FROM fhir_access.session();
SET fhir_access.client_ip = '203.0.113.8';
SELECT ip_verdict FROM fhir_access.session();
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/everybody"},
    "access": [{"policy": {"reference": "AccessPolicy/exact"}}]}';
SELECT ip_verdict FROM fhir_access.session();
RESET ROLE;

-- ---------------------------------------------------------------------------------------------------------------------
-- Without the setting the address is the connection's: here the loopback interface.
\c - postgres 127.0.0.1
SET ROLE app;
SET fhir_access.membership = 'exact';
SELECT client_ip, ip_verdict FROM fhir_access.session();
SELECT id FROM patient;
SET fhir_access.client_ip = '203.0.113.7';
SELECT client_ip, ip_verdict FROM fhir_access.session();
SELECT id FROM patient;
RESET ROLE;

-- ---------------------------------------------------------------------------------------------------------------------
-- What is no address is refused when it is written, and when it is set.
SELECT v.path, value
  FROM unnest(ARRAY['', ' ', '.', '8..8', '8.8.8.8.', '8.8.8.8.8', '256.', '8.256', '08.8', '8.8.8.8/33', '8.8/16', '10.0.0.0/', '/8', '2001:db8::/129',
                    '2001:db8:', '::ffff:8.8', 'localhost', '*.*', '8.8.*', '8.8.8.8, 9.9.9.9', '-1', '0x08.8']) WITH ORDINALITY t (value, n)
  LEFT JOIN LATERAL fhir_access.validate(jsonb_build_object('resourceType', 'AccessPolicy', 'ipAccessRule',
            jsonb_build_array(jsonb_build_object('value', value, 'action', 'allow')))) v ON true
 ORDER BY n;
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "ipAccessRule": [
    {"value": "*", "action": "allow"}, {"value": "office", "action": "allow"}, {"value": "*"}, {"action": "block"}, {"value": "10.1.2.3/8", "action": "drop"}]}');
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.client_ip = '8.8.';
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.client_ip = '10.0.0.0/8';
SET fhir_access.client_ip = '*';
