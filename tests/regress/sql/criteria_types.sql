-- What every type has: _id, _lastUpdated, _tag, _security, _profile, _source, _project, and the five compartments of R4.
\ir prologue.sql
\ir granted.sql
SELECT hold('Patient', 'Practitioner', 'RelatedPerson', 'Encounter', 'Device', 'Observation', 'Appointment', 'Account', 'Bundle', 'Organization', 'Medication');

-- ---------------------------------------------------------------------------------------------------------------------
SELECT store('Medication', 'a', '{"meta": {"lastUpdated": "2024-03-01T10:00:00.000Z", "project": "one", "source": "http://lab.org/sys/1", "profile": ["http://hl7.org/med|1.0", "http://b.org/med"],
                                           "tag": [{"system": "http://t", "code": "vip", "display": "Important"}], "security": [{"system": "http://s", "code": "R"}]}}'),
       store('Medication', 'b', '{"meta": {"lastUpdated": "2024-03-02T00:30:00+02:00", "project": "two", "source": "http://lab.org/sys", "profile": ["http://hl7.org/med"], "security": [{"system": "http://s", "code": "N"}]}}'),
       store('Medication', 'c', '{}') \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Medication?_id=a', 'Medication?_id=a,c,nobody', 'Medication?_id=Medication/b', 'Medication?_id:not=a', 'Medication?_id=A',
                    'Medication?_lastUpdated=2024-03-01', 'Medication?_lastUpdated=ge2024-03-01T22:30Z', 'Medication?_lastUpdated=lt2024-03-01T22:30Z', 'Medication?_lastUpdated:missing=true', 'Medication?_lastUpdated=ge2024-03-01&_lastUpdated=lt2024-03-01T12:00',
                    'Medication?_tag=vip', 'Medication?_tag=http://t|vip', 'Medication?_tag=|vip', 'Medication?_tag=http://t|', 'Medication?_tag:not=vip', 'Medication?_tag:missing=true', 'Medication?_tag:text=import',
                    'Medication?_security=R,N', 'Medication?_security=http://s|R', 'Medication?_security:not=http://s|R', 'Medication?_security:missing=false',
                    'Medication?_profile=http://hl7.org/med', 'Medication?_profile=http://hl7.org/med|1.0', 'Medication?_profile=http://b.org/med', 'Medication?_profile:not=http://b.org/med', 'Medication?_profile:missing=true',
                    'Medication?_source=http://lab.org/sys', 'Medication?_source:below=http://lab.org/sys', 'Medication?_source:above=http://lab.org/sys/1', 'Medication?_source:missing=true',
                    'Medication?_project=one', 'Medication?_project=Project/two', 'Medication?_project=one,two', 'Medication?_project:not=one', 'Medication?_project:missing=true',
                    'Medication?_tag=vip&_security=R&_project=one', 'Medication?_id=a&_id=b']) WITH ORDINALITY t (c, n) ORDER BY n;
SELECT * FROM with_indexes('{Medication?_id=a,"Medication?_id=a,c,nobody",Medication?_lastUpdated=2024-03-01,Medication?_lastUpdated=ge2024-03-01T22:30Z,Medication?_lastUpdated=lt2024-03-01T22:30Z,Medication?_tag=vip,Medication?_tag=http://t|vip,Medication?_tag=|vip,
                             Medication?_tag=http://t|,Medication?_tag:text=import,"Medication?_security=R,N",Medication?_profile=http://hl7.org/med,Medication?_source=http://lab.org/sys,Medication?_source:below=http://lab.org/sys,Medication?_project=one,
                             "Medication?_project=one,two",Medication?_tag=vip&_security=R&_project=one}');
-- Where the id column holds something else than text, an id that does not fit there is nobody's.
CREATE TABLE numbered (key int PRIMARY KEY, doc jsonb NOT NULL);
CREATE TABLE named (key uuid PRIMARY KEY, doc jsonb NOT NULL);
SELECT fhir_access.protect('numbered', 'Task', 'doc', 'key'), fhir_access.protect('named', 'Slot', 'doc', 'key');
INSERT INTO numbered SELECT n, jsonb_build_object('resourceType', 'Task', 'id', n::text) FROM generate_series(1, 3) AS n;
INSERT INTO named SELECT format('00000000-0000-4000-8000-00000000000%s', n)::uuid, jsonb_build_object('resourceType', 'Slot', 'id', format('00000000-0000-4000-8000-00000000000%s', n)) FROM generate_series(1, 3) AS n;
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "keys", "resource": [
    {"resourceType": "Task", "criteria": "Task?_id=2,02,x,99999999999999999999"}, {"resourceType": "Slot", "criteria": "Slot?_id=00000000-0000-4000-8000-000000000002,2,00000000-0000-4000-8000-00000000000X"}]}');
SET ROLE app;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/keys"}}';
SELECT key FROM numbered;
SELECT key FROM named;
SELECT type, predicate FROM unnest('{Slot,Task}'::text[]) AS type, fhir_access.explain(type);
RESET ROLE;
RESET fhir_access.membership;

-- ---------------------------------------------------------------------------------------------------------------------
-- Compartments: the row itself, its accounts, and what R4's definition of that compartment says of the type. Each row is named
-- after the element that puts it in, or with "not-" in front.
SELECT store('Patient', 'x', '{}'), store('Patient', 'link', '{"link": [{"other": {"reference": "Patient/x"}}]}'), store('Patient', 'general-practitioner', '{"generalPractitioner": [{"reference": "Practitioner/x"}]}'),
       store('Practitioner', 'x', '{}'), store('RelatedPerson', 'x', '{"patient": {"reference": "Patient/x"}}'), store('Device', 'x', '{"patient": {"reference": "Patient/x"}}'), store('Device', 'not-x2', '{}'),
       store('Encounter', 'x', '{"subject": {"reference": "Patient/x"}}'),
       store('Encounter', 'practitioner', '{"participant": [{"individual": {"reference": "Practitioner/x"}}]}'),
       store('Encounter', 'related', '{"participant": [{"individual": {"reference": "RelatedPerson/x"}}]}'),
       store('Encounter', 'not-part-of', '{"partOf": {"reference": "Encounter/x"}}'),
       store('Observation', 'patient-performer', '{"performer": [{"reference": "Practitioner/a"}, {"reference": "Patient/x"}]}'),
       store('Observation', 'practitioner-performer', '{"performer": [{"reference": "Practitioner/x"}]}'),
       store('Observation', 'related-performer', '{"performer": [{"reference": "RelatedPerson/x"}]}'),
       store('Observation', 'encounter', '{"encounter": {"reference": "Encounter/x"}}'),
       store('Observation', 'device', '{"device": {"reference": "Device/x"}}'),
       store('Observation', 'subject-device', '{"subject": {"reference": "Device/x"}}'),
       store('Observation', 'account', '{"meta": {"account": {"reference": "Device/x"}, "accounts": [{"reference": "Device/x"}, {"reference": "Encounter/x"}]}}'),
       store('Observation', 'not-focus', '{"focus": [{"reference": "Patient/x"}, {"reference": "Encounter/x"}]}'),
       store('Appointment', 'patient-actor', '{"participant": [{"actor": {"reference": "Patient/x"}}]}'),
       store('Appointment', 'practitioner-actor', '{"participant": [{"actor": {"reference": "Practitioner/x"}}]}'),
       store('Appointment', 'device-actor', '{"participant": [{"actor": {"reference": "Device/x"}}]}'),
       store('Account', 'patient', '{"subject": [{"reference": "Patient/x"}]}'), store('Account', 'device', '{"subject": [{"reference": "Device/x"}]}'), store('Account', 'not-owner', '{"owner": {"reference": "Patient/x"}}'),
       store('Organization', 'x', '{}'), store('Organization', 'account', '{"meta": {"account": {"reference": "Patient/x"}}}') \g /dev/null
SELECT c AS compartment, t AS type, granted(format('%s?_compartment=%s/x', t, c))
  FROM unnest('{Patient,Practitioner,RelatedPerson,Encounter,Device,Organization}'::text[]) WITH ORDINALITY a (c, n),
       unnest('{Account,Appointment,Device,Encounter,Observation,Organization,Patient,Practitioner,RelatedPerson}'::text[]) AS t
 WHERE granted(format('%s?_compartment=%s/x', t, c)) IS NOT NULL
 ORDER BY n, t;
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Observation?_compartment=x', 'Observation?_compartment=Patient/x,Device/x', 'Observation?_compartment=Patient/x&_compartment=Device/x', 'Observation?_compartment:not=Device/x', 'Appointment?_compartment=Patient/x&_compartment:not=Device/x',
                    'Patient?_compartment=Group/x', 'Observation?_compartment=Patient/nobody']) WITH ORDINALITY t (c, n) ORDER BY n;
SELECT * FROM with_indexes(ARRAY(SELECT format('%s?_compartment=%s', t, r) FROM unnest('{Patient/x,Practitioner/x,RelatedPerson/x,Encounter/x,Device/x,x,Organization/x}'::text[]) AS r,
                                        unnest('{Account,Appointment,Device,Encounter,Observation,Organization,Patient,Practitioner,RelatedPerson}'::text[]) AS t));
-- `*` is all types at once, by the same definitions.
SELECT count(*) AS different
  FROM unnest('{Account,Appointment,Device,Encounter,Observation,Organization,Patient,Practitioner,RelatedPerson}'::text[]) AS t, unnest('{Patient/x,Encounter/x,Device/x,x}'::text[]) AS r
 WHERE granted('*?_compartment=' || r, t) IS DISTINCT FROM granted(format('%s?_compartment=%s', t, r));

-- ---------------------------------------------------------------------------------------------------------------------
-- Bundle.composition: the first entry, where that is a Composition.
SELECT store('Bundle', 'first', '{"type": "document", "timestamp": "2020-01-01T00:00:00Z", "entry": [{"resource": {"resourceType": "Composition", "id": "c"}}, {"resource": {"resourceType": "Patient", "id": "p"}}]}'),
       store('Bundle', 'second', '{"type": "document", "entry": [{"resource": {"resourceType": "Patient", "id": "p"}}, {"resource": {"resourceType": "Composition", "id": "c"}}]}'),
       store('Bundle', 'other', '{"type": "document", "entry": [{"resource": {"resourceType": "Composition", "id": "d"}}]}'),
       store('Bundle', 'message', '{"type": "message", "entry": [{"resource": {"resourceType": "MessageHeader", "id": "c"}}]}'),
       store('Bundle', 'number', '{"entry": [7]}'), store('Bundle', 'empty', '{"entry": []}'), store('Bundle', 'none', '{}') \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Bundle?composition=Composition/c', 'Bundle?composition=c', 'Bundle?composition=c,d', 'Bundle?composition=Patient/p', 'Bundle?message=c', 'Bundle?composition:not=c', 'Bundle?composition:missing=true', 'Bundle?composition:missing=false',
                    'Bundle?timestamp=2020', 'Bundle?type=document']) WITH ORDINALITY t (c, n) ORDER BY n;
SELECT * FROM with_indexes('{Bundle?composition=Composition/c,Bundle?composition=c,"Bundle?composition=c,d",Bundle?message=c,Bundle?timestamp=2020,Bundle?type=document}');
