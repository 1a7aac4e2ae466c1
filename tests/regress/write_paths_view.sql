UPDATE :view SET note = 'm', resource = resource || '{"valueString": "mine", "issued": "2024", "language": "de"}' WHERE id IN ('a', 'gone', 'far') RETURNING *;
UPDATE :view SET note = 'm' WHERE id = 'fin';
\echo :LAST_ERROR_SQLSTATE
UPDATE :view SET resource = resource || '{"status": "cancelled"}' WHERE id = 'b';
\echo :LAST_ERROR_SQLSTATE
INSERT INTO :view (id, note, resource) VALUES ('new', 'n', stored('new', 'final', 'elsewhere')) RETURNING *;
INSERT INTO :view (id, note, resource) VALUES ('no', 'n', sent('no', 'cancelled'));
\echo :LAST_ERROR_SQLSTATE
INSERT INTO :view (id, note, resource) VALUES ('b', 'upserted', sent('b')) ON CONFLICT (id) DO UPDATE SET resource = excluded.resource, note = excluded.note || (:view.resource)::text RETURNING *;
INSERT INTO :view (id, note, resource) VALUES ('far', 'n', sent('far')) ON CONFLICT (id) DO UPDATE SET note = (:view)::text;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO :view (id, note, resource) VALUES ('far', 'n', sent('far')) ON CONFLICT DO NOTHING RETURNING *;
DELETE FROM :view WHERE resource::text LIKE '%CANARY%' OR note = 'CANARY' RETURNING *;
DELETE FROM :view WHERE id IN ('b', 'far') RETURNING *;
SELECT * FROM differences('observation');
