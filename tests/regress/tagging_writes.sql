-- New rows, without tags of the writer's and with such.
INSERT INTO patient VALUES ('p1', '{"resourceType": "Patient", "id": "p1"}');
INSERT INTO patient VALUES ('p2', '{"resourceType": "Patient", "id": "p2",
    "meta": {"project": "elsewhere", "tag": [{"code": "t"}], "accounts": [{"reference": "Organization/evil"}], "compartment": [{"reference": "Patient/evil"}]}}') RETURNING resource;
INSERT INTO observation VALUES ('o1', '{"resourceType": "Observation", "id": "o1", "subject": {"reference": "Patient/acme"}}');
INSERT INTO observation VALUES ('o2', '{"resourceType": "Observation", "id": "o2",
    "meta": {"project": "elsewhere", "tag": [{"code": "t"}], "accounts": [{"reference": "Organization/evil"}], "compartment": [{"reference": "Patient/evil"}]}}') RETURNING resource;
SELECT * FROM metas();
-- Updates, and an upsert that updates.
UPDATE patient SET resource = '{"resourceType": "Patient", "id": "p2", "gender": "other",
    "meta": {"project": "elsewhere", "tag": [{"code": "t"}], "accounts": [{"reference": "Organization/evil"}], "compartment": [{"reference": "Patient/evil"}]}}' WHERE id = 'p2' RETURNING resource;
UPDATE observation SET resource = resource || '{"status": "final",
    "meta": {"project": "elsewhere", "tag": [{"code": "t"}], "accounts": [{"reference": "Organization/evil"}], "compartment": [{"reference": "Patient/evil"}]}}' WHERE id = 'o2' RETURNING resource;
INSERT INTO patient VALUES ('p2', '{"resourceType": "Patient", "id": "p2", "gender": "male",
    "meta": {"project": "elsewhere", "tag": [{"code": "t"}], "accounts": [{"reference": "Organization/evil"}], "compartment": [{"reference": "Patient/evil"}]}}') ON CONFLICT (id) DO UPDATE SET resource = excluded.resource RETURNING resource;
SELECT * FROM metas();
