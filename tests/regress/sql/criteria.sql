-- Criteria: what each kind grants, what each refused kind is called, and that a wrongly typed element grants nothing.
\ir prologue.sql

DO $$
DECLARE
    type text;
BEGIN
    FOREACH type IN ARRAY '{Patient,Observation,Encounter,Condition,Coverage,AllergyIntolerance,Appointment,AuditEvent,CareTeam,Claim,Composition,
                            Group,Person,Procedure,Provenance,RelatedPerson,Schedule,Organization}'::text[] LOOP
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

-- The ids of the rows that the application sees under a policy with these criteria, and nothing else.
CREATE FUNCTION granted(criteria text, type text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    rows text;
BEGIN
    INSERT INTO fhir_access.access_policy (resource)
    VALUES (jsonb_build_object('resourceType', 'AccessPolicy', 'id', 'asked', 'resource',
                jsonb_build_array(jsonb_build_object('resourceType', split_part(criteria, '?', 1), 'criteria', criteria))))
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
    PERFORM fhir_access.set_session('{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/asked"}}');
    SET LOCAL ROLE app;
    EXECUTE format('SELECT string_agg(id, '' '' ORDER BY id COLLATE "C") FROM %I', lower(coalesce(type, split_part(criteria, '?', 1)))) INTO rows;
    RESET ROLE;
    RETURN rows;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- The row itself, and what is common to all types.
SELECT store('Patient', 'p1', '{"meta": {"project": "one", "tag": [{"system": "http://t", "code": "vip"}, {"code": "old"}], "source": "http://s/1"}}'),
       store('Patient', 'p2', '{"meta": {"project": "two", "tag": [{"system": "http://other", "code": "vip"}], "security": [{"code": "R"}], "profile": ["http://p"]}}'),
       store('Patient', 'p3', '{}') \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Patient?_id=p1', 'Patient?_id=p1,p3', 'Patient?_id=Patient/p2', 'Patient?_id:not=p1', 'Patient?_id=P1', 'Patient?_id=nobody',
                    'Patient?_project=one', 'Patient?_project=one,two', 'Patient?_project:missing=true', 'Patient?_project:not=one',
                    'Patient?_tag=vip', 'Patient?_tag=http://t|vip', 'Patient?_tag=http%3A%2F%2Ft%7Cvip', 'Patient?_tag=|old', 'Patient?_tag=|vip', 'Patient?_tag=http://t|',
                    'Patient?_tag:not=vip', 'Patient?_tag:missing=true', 'Patient?_tag:missing=false',
                    'Patient?_security=R', 'Patient?_security:not=R', 'Patient?_profile=http://p', 'Patient?_source=http://s/1', 'Patient?_source=http://s',
                    'Patient?_tag=vip&_project=two', 'Patient?_tag=vip&_tag=old', 'Patient?_id=p1&_id=p2']) WITH ORDINALITY t (c, n)
 ORDER BY n;
TRUNCATE patient;

-- ---------------------------------------------------------------------------------------------------------------------
-- Tokens: exact, by code, system|code, |code and system|; case matters; text and display never match.
SELECT store('Observation', 'loinc', '{"status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6", "display": "Pulse"}], "text": "Systolic"}}'),
       store('Observation', 'both', '{"status": "amended", "code": {"coding": [{"system": "http://local", "code": "BP"}, {"system": "http://loinc.org", "code": "85354-9"}]}}'),
       store('Observation', 'bare', '{"status": "final", "code": {"coding": [{"code": "8480-6"}]}}'),
       store('Observation', 'text', '{"status": "Final", "code": {"text": "8480-6"}}'),
       store('Patient', 'ann', '{"active": true, "gender": "female", "identifier": [{"system": "urn:mrn", "value": "1"}, {"value": "x|y"}],
                                  "telecom": [{"system": "phone", "value": "555,1"}, {"system": "email", "value": "a@b.org"}], "deceasedBoolean": false}'),
       store('Patient', 'bob', '{"active": false, "gender": "male", "identifier": [{"system": "urn:ssn", "value": "1"}], "deceasedDateTime": "2020-01-01"}'),
       store('Patient', 'cid', '{}') \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Observation?code=8480-6', 'Observation?code=http://loinc.org|8480-6', 'Observation?code=|8480-6', 'Observation?code=http://loinc.org|',
                    'Observation?code=BP', 'Observation?code=bp', 'Observation?code=Systolic', 'Observation?code=Pulse', 'Observation?code=8480-6,BP',
                    'Observation?code:not=8480-6', 'Observation?status=final', 'Observation?status:not=final', 'Observation?code=BP&status=final',
                    'Patient?active=true', 'Patient?active=false', 'Patient?active:missing=true', 'Patient?active:not=true', 'Patient?gender=female,male',
                    'Patient?identifier=1', 'Patient?identifier=urn:mrn|1', 'Patient?identifier=urn:ssn|', 'Patient?identifier=|1', 'Patient?identifier=x\|y',
                    'Patient?phone=555\,1', 'Patient?phone=a@b.org', 'Patient?email=a@b.org', 'Patient?telecom=a@b.org',
                    'Patient?deceased=true', 'Patient?deceased=false']) WITH ORDINALITY t (c, n)
 ORDER BY n;
TRUNCATE patient, observation;

-- ---------------------------------------------------------------------------------------------------------------------
-- References: Type/id, a bare id of any type, an absolute URL; stored versioned and contained ones count as their Type/id.
SELECT store('Observation', 'plain', '{"subject": {"reference": "Patient/p"}}'),
       store('Observation', 'version', '{"subject": {"reference": "Patient/p/_history/3"}}'),
       store('Observation', 'contained', '{"subject": {"reference": "#c"}, "contained": [{"resourceType": "Patient", "id": "c"}]}'),
       store('Observation', 'dangling', '{"subject": {"reference": "#x"}}'),
       store('Observation', 'group', '{"subject": {"reference": "Group/p"}}'),
       store('Observation', 'url', '{"subject": {"reference": "http://example.org/fhir/Patient/p"}}'),
       store('Observation', 'longer', '{"subject": {"reference": "Patient/p2"}}'),
       store('Observation', 'logical', '{"subject": {"identifier": {"value": "p"}, "display": "Patient/p"}}'),
       store('Observation', 'none', '{"performer": [{"reference": "Practitioner/a"}, {"reference": "Patient/p"}]}') \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Observation?subject=Patient/p', 'Observation?subject=p', 'Observation?subject=Group/p', 'Observation?subject=Patient/c',
                    'Observation?subject=http://example.org/fhir/Patient/p', 'Observation?patient=Patient/p', 'Observation?patient=p',
                    'Observation?performer=Patient/p', 'Observation?performer=a', 'Observation?subject=Patient/p,Group/p',
                    'Observation?subject:not=Patient/p', 'Observation?subject:missing=true', 'Observation?subject:missing=false']) WITH ORDINALITY t (c, n)
 ORDER BY n;
TRUNCATE observation;

-- ---------------------------------------------------------------------------------------------------------------------
-- Strings: the beginning of any part, without regard to case and accents.
SELECT store('Patient', 'juergen', '{"name": [{"family": "Müller", "given": ["Jürgen", "Émile"]}], "address": [{"city": "São Paulo", "line": ["Ångström St. 1"]}]}'),
       store('Patient', 'mueller', '{"name": [{"family": "MULLER-Schmidt", "text": "Dr. Muller"}], "address": [{"state": "Sao Tome", "postalCode": "01234"}]}'),
       store('Patient', 'amuller', '{"name": [{"family": "Amuller", "prefix": ["Prof."], "suffix": ["Jr"]}]}'),
       store('Patient', 'percent', '{"name": [{"family": "100%_x"}]}'),
       store('Patient', 'empty', '{"name": [{"family": ""}]}') \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Patient?name=muller', 'Patient?name=MÜL', 'Patient?family=müller', 'Patient?given=emile', 'Patient?given=muller', 'Patient?name=dr', 'Patient?name=prof',
                    'Patient?name=jr', 'Patient?name=uller', 'Patient?name=100%25_', 'Patient?name=100%25x', 'Patient?address=sao', 'Patient?address-city=sao',
                    'Patient?address-state=SÃO', 'Patient?address=angstrom', 'Patient?address=0123', 'Patient?name:missing=true', 'Patient?name:not=muller',
                    'Patient?name=muller&given=jurgen', 'Patient?name=x,jr']) WITH ORDINALITY t (c, n)
 ORDER BY n;
TRUNCATE patient;

-- ---------------------------------------------------------------------------------------------------------------------
-- The patient compartment: in each type the elements of its R4 definition, accounts, and the patient itself. Each row is
-- named after the element that puts it in, or with "not-" in front after one that does not.
SELECT store('Patient', 'x', '{}'),
       store('Patient', 'link', '{"link": [{"other": {"reference": "Patient/x"}, "type": "seealso"}]}'),
       store('Patient', 'account', '{"meta": {"account": {"reference": "Patient/x"}}}'),
       store('Patient', 'accounts', '{"meta": {"accounts": [{"reference": "Organization/o"}, {"reference": "Patient/x"}]}}'),
       store('Patient', 'not-x2', '{}'),
       store('Patient', 'not-practitioner', '{"generalPractitioner": [{"reference": "Patient/x"}]}'),
       store('Observation', 'subject', '{"subject": {"reference": "Patient/x"}}'),
       store('Observation', 'performer', '{"performer": [{"reference": "Practitioner/a"}, {"reference": "Patient/x"}]}'),
       store('Observation', 'version', '{"subject": {"reference": "Patient/x/_history/2"}}'),
       store('Observation', 'not-focus', '{"focus": [{"reference": "Patient/x"}]}'),
       store('Observation', 'not-group', '{"subject": {"reference": "Group/x"}}'),
       store('Encounter', 'subject', '{"subject": {"reference": "Patient/x"}}'),
       store('Encounter', 'not-participant', '{"participant": [{"individual": {"reference": "Patient/x"}}]}'),
       store('Condition', 'subject', '{"subject": {"reference": "Patient/x"}}'),
       store('Condition', 'asserter', '{"asserter": {"reference": "Patient/x"}}'),
       store('Condition', 'not-recorder', '{"recorder": {"reference": "Patient/x"}}'),
       store('Coverage', 'policyHolder', '{"policyHolder": {"reference": "Patient/x"}}'),
       store('Coverage', 'subscriber', '{"subscriber": {"reference": "Patient/x"}}'),
       store('Coverage', 'beneficiary', '{"beneficiary": {"reference": "Patient/x"}}'),
       store('Coverage', 'payor', '{"payor": [{"reference": "Patient/x"}]}'),
       store('AllergyIntolerance', 'patient', '{"patient": {"reference": "Patient/x"}}'),
       store('AllergyIntolerance', 'recorder', '{"recorder": {"reference": "Patient/x"}}'),
       store('AllergyIntolerance', 'asserter', '{"asserter": {"reference": "Patient/x"}}'),
       store('Appointment', 'actor', '{"participant": [{"actor": {"reference": "Patient/x"}}]}'),
       store('AuditEvent', 'agent', '{"agent": [{"who": {"reference": "Patient/x"}}]}'),
       store('AuditEvent', 'entity', '{"entity": [{"what": {"reference": "Patient/x"}}]}'),
       store('CareTeam', 'subject', '{"subject": {"reference": "Patient/x"}}'),
       store('CareTeam', 'participant', '{"participant": [{"member": {"reference": "Patient/x"}}]}'),
       store('Claim', 'patient', '{"patient": {"reference": "Patient/x"}}'),
       store('Claim', 'payee', '{"payee": {"party": {"reference": "Patient/x"}}}'),
       store('Composition', 'subject', '{"subject": {"reference": "Patient/x"}}'),
       store('Composition', 'author', '{"author": [{"reference": "Patient/x"}]}'),
       store('Composition', 'attester', '{"attester": [{"party": {"reference": "Patient/x"}}]}'),
       store('Group', 'member', '{"member": [{"entity": {"reference": "Patient/x"}}]}'),
       store('Person', 'patient', '{"link": [{"target": {"reference": "Patient/x"}}]}'),
       store('Procedure', 'subject', '{"subject": {"reference": "Patient/x"}}'),
       store('Procedure', 'performer', '{"performer": [{"actor": {"reference": "Patient/x"}}]}'),
       store('Provenance', 'target', '{"target": [{"reference": "Patient/x"}]}'),
       store('RelatedPerson', 'patient', '{"patient": {"reference": "Patient/x"}}'),
       store('Schedule', 'actor', '{"actor": [{"reference": "Patient/x"}]}'),
       store('Organization', 'account', '{"meta": {"account": {"reference": "Patient/x"}}}'),
       store('Organization', 'not-contact', '{"partOf": {"reference": "Patient/x"}}') \g /dev/null
SELECT resource_type, granted(resource_type || '?_compartment=Patient/x') FROM fhir_access.protected_relation ORDER BY resource_type COLLATE "C";
-- The same by `*`, which is one entry for all types.
SELECT count(*) AS different
  FROM fhir_access.protected_relation
 WHERE granted('*?_compartment=Patient/x', resource_type) IS DISTINCT FROM granted(resource_type || '?_compartment=Patient/x');
-- A bare id matches any type; a list is an OR; other compartments have their own definitions.
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Observation?_compartment=x', 'Encounter?_compartment=x', 'Observation?_compartment=Patient/x,Group/x', 'Observation?_compartment=Practitioner/a',
                    'Patient?_compartment=Organization/o', 'Observation?_compartment=Group/x', 'Coverage?_compartment=Patient/nobody', 'Group?_compartment=Group/member']) WITH ORDINALITY t (c, n)
 ORDER BY n;

-- ---------------------------------------------------------------------------------------------------------------------
-- An element of the wrong type is unknown: it grants nothing, with or without :not, and never raises.
TRUNCATE patient, observation;
SELECT store('Patient', 'good', '{"active": true, "gender": "female", "name": [{"family": "X"}], "identifier": [{"value": "1"}], "managingOrganization": {"reference": "Organization/o"}}') \g /dev/null
SELECT store('Patient', 'w' || n, jsonb_build_object('active', w, 'gender', w, 'name', w, 'identifier', w, 'managingOrganization', w, 'meta', w))
  FROM unnest('{"\"female\"",17,"{}","[]","[[]]","[1]","null","{\"reference\": 7}","[{\"value\": 1, \"family\": [\"X\"]}]","[{\"reference\": \"Organization/o\"}]","\"true\""}'::jsonb[]) WITH ORDINALITY t (w, n) \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Patient?active=true', 'Patient?gender=female', 'Patient?name=x', 'Patient?identifier=1', 'Patient?organization=Organization/o', 'Patient?_tag=a', 'Patient?_project=a',
                    'Patient?_compartment=Organization/o',
                    'Patient?active:not=false', 'Patient?gender:not=male', 'Patient?name:not=y', 'Patient?identifier:not=2', 'Patient?organization:not=Organization/p', 'Patient?_tag:not=a',
                    'Patient?gender:missing=true', 'Patient?gender:missing=false', 'Patient?name:missing=true', 'Patient?name:missing=false']) WITH ORDINALITY t (c, n)
 ORDER BY n;
-- Nor does a row that holds no object at all.
TRUNCATE patient;
INSERT INTO patient SELECT 'z' || n, w FROM unnest('{"null","[]","[{}]","\"x\"",1,true}'::jsonb[]) WITH ORDINALITY t (w, n);
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Patient?gender=female', 'Patient?gender:not=female', 'Patient?gender:missing=true', 'Patient?_compartment=Patient/q', 'Patient?name=x', 'Patient?organization:not=p']) WITH ORDINALITY t (c, n)
 ORDER BY n;

-- ---------------------------------------------------------------------------------------------------------------------
-- Names and values that need quoting are names and values, whatever the session thinks of backslashes.
SELECT fhir_access.unprotect('person') \g /dev/null
CREATE TABLE "we""ird 'table" ("i""d" varchar PRIMARY KEY, "re'so\urce" jsonb NOT NULL);
SELECT fhir_access.protect('"we""ird ''table"', 'Person', $$re'so\urce$$, 'i"d') \g /dev/null
INSERT INTO "we""ird 'table" VALUES ('a', jsonb_build_object('resourceType', 'Person', 'gender', $$x\' OR 1=1 --$$, 'name', '[{"family": "B''\\"}]'::jsonb)),
                                    ('b', '{"resourceType": "Person", "id": "b"}');
INSERT INTO fhir_access.access_policy (resource) VALUES
(jsonb_build_object('resourceType', 'AccessPolicy', 'id', 'code', 'resource', jsonb_build_array(jsonb_build_object('resourceType', 'Person', 'criteria', $$Person?gender=x\\' OR 1=1 --$$)))),
(jsonb_build_object('resourceType', 'AccessPolicy', 'id', 'name', 'resource', jsonb_build_array(jsonb_build_object('resourceType', 'Person', 'criteria', $$Person?name=b'\\$$))));
SET ROLE app;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/code"}}';
SELECT predicate FROM fhir_access.explain('Person');
TABLE "we""ird 'table";
SET standard_conforming_strings = off;
TABLE "we""ird 'table";
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/name"}}';
SELECT predicate FROM fhir_access.explain('Person');
TABLE "we""ird 'table";
UPDATE "we""ird 'table" SET "re'so\urce" = "re'so\urce" || '{"active": true}' RETURNING "i""d";
RESET standard_conforming_strings;
RESET fhir_access.membership;
RESET ROLE;

-- ---------------------------------------------------------------------------------------------------------------------
-- What is not a condition on one resource, or not known, is refused by name when the policy is written.
SELECT c AS criteria, v.message
  FROM unnest(ARRAY['Location?near=1|2', 'Task?priority-order=1', 'ProjectMembership?profile-type=Patient', 'Observation?code:in=http://v', 'Observation?code:above=x', 'Observation?subject.name=x', 'Observation?subject:Patient.name=x', 'Patient?_has:Observation:patient:code=x',
                    'Patient?_text=x', 'Patient?_content=x', 'Patient?_list=x', 'Patient?_query=x', 'Patient?_filter=x', 'Patient?_type=Patient', 'Patient?_sort=name', 'Patient?_count=5',
                    'Patient?_include=*', 'Patient?_revinclude=*', 'Patient?_summary=true', 'Patient?_elements=id', 'Patient?_format=json', 'Patient?_total=none',
                    'Patient?_id:missing=true', 'Patient?_compartment:missing=true', 'Patient?_compartment=Nothing/x', 'Patient?_id=Observation/x', 'Patient?nam=x', 'Patient?phoneme=x',
                    'Patient?gender:nott=x', 'Patient?active=yes', 'Patient?_project=one two', '*?gender=male', '*?_id=x', '*?_project=x', 'Patent?name=x', 'Binary?_id=x']) WITH ORDINALITY t (c, n)
  LEFT JOIN LATERAL fhir_access.validate(jsonb_build_object('resourceType', 'AccessPolicy', 'resource',
                jsonb_build_array(jsonb_build_object('resourceType', split_part(c, '?', 1), 'criteria', c)))) v ON true
 ORDER BY n, v.message;
-- Dates and quantities may be asked for whether they are there.
TRUNCATE patient;
SELECT store('Patient', 'born', '{"birthDate": "1980"}'), store('Patient', 'unborn', '{}') \g /dev/null
SELECT c AS criteria, granted(c) FROM unnest(ARRAY['Patient?birthdate:missing=true', 'Patient?birthdate:missing=false']) AS c;
