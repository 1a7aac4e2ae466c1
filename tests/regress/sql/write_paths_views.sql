-- The paths of writing through views: whoever owns them, it is the session's membership that counts.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, note text, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation');
\ir write_paths.sql
SELECT fill('observation');
-- Of a superuser, of a role with BYPASSRLS, of one that is subject to policies, of whoever asks; a security barrier; with and
-- without a check.
CREATE VIEW of_superuser AS SELECT * FROM observation;
CREATE VIEW of_loader AS SELECT * FROM observation;
CREATE VIEW of_steward AS SELECT * FROM observation;
CREATE VIEW of_reader WITH (security_invoker) AS SELECT id, note, resource, resource ->> 'valueString' AS value FROM observation;
CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM of_superuser WHERE resource ->> 'valueString' IS NULL;
CREATE VIEW checked AS SELECT * FROM of_superuser WHERE resource ->> 'status' = 'preliminary' AND resource ->> 'valueString' IS NULL WITH CASCADED CHECK OPTION;
GRANT ALL ON observation TO loader, steward;
ALTER VIEW of_loader OWNER TO loader;
ALTER VIEW of_steward OWNER TO steward;
GRANT ALL ON of_superuser, of_loader, of_steward, of_reader, barrier, checked TO app;
\set ON_ERROR_ROLLBACK on

\c - app
SET fhir_access.membership = 'ward';
\set view of_superuser
BEGIN;
\ir write_paths_view.sql
ROLLBACK;
\set view of_loader
BEGIN;
\ir write_paths_view.sql
ROLLBACK;
\set view of_steward
BEGIN;
\ir write_paths_view.sql
ROLLBACK;
\set view of_reader
BEGIN;
\ir write_paths_view.sql
ROLLBACK;
\set view barrier
BEGIN;
\ir write_paths_view.sql
ROLLBACK;

-- WITH CHECK OPTION looks at what its user sees, so that a hidden value is never in its way nor shown by it.
BEGIN;
UPDATE checked SET resource = resource || '{"valueString": "mine"}' RETURNING id, resource;
UPDATE checked SET resource = resource || '{"status": "registered"}' WHERE id = 'a';
\echo :LAST_ERROR_SQLSTATE
INSERT INTO checked VALUES ('new', 'n', sent('new', 'preliminary') || '{"valueString": "mine"}') RETURNING resource;
INSERT INTO checked VALUES ('new2', 'n', sent('new2', 'registered'));
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM differences('observation');
ROLLBACK;

-- The condition of a view, which an upsert asks of the row that it finds, is asked of what its user sees: whether one of the
-- user's own is met tells nothing of what is hidden.
CREATE TEMP VIEW guess AS SELECT * FROM observation WHERE resource ->> 'valueString' = 'CANARY a';
CREATE TEMP VIEW wrong AS SELECT * FROM observation WHERE resource ->> 'valueString' = 'CANARY x';
CREATE TEMP VIEW right_one AS SELECT * FROM observation WHERE resource -> 'valueString' IS NULL;
BEGIN;
INSERT INTO guess VALUES ('a', 'guess', sent('a')) ON CONFLICT (id) DO UPDATE SET note = excluded.note;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO wrong VALUES ('a', 'wrong', sent('a')) ON CONFLICT (id) DO UPDATE SET note = excluded.note;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO right_one VALUES ('a', 'right', sent('a')) ON CONFLICT (id) DO UPDATE SET note = excluded.note;
SELECT * FROM differences('observation');
ROLLBACK;

-- What may be created or become so, and not be read, is not read back through a view either.
\c - postgres
UPDATE fhir_access.access_policy SET resource = jsonb_insert(resource, '{resource,0}',
    '{"resourceType": "Observation", "criteria": "Observation?status=entered-in-error", "interaction": ["create", "update"]}');
\c - app
SET fhir_access.membership = 'ward';
BEGIN;
INSERT INTO of_superuser VALUES ('blind', 'n', sent('blind', 'entered-in-error')) RETURNING *;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO of_superuser VALUES ('blind', 'n', sent('blind', 'entered-in-error'));
INSERT INTO of_superuser VALUES ('blind', 'n', sent('blind', 'entered-in-error')) ON CONFLICT (id) DO UPDATE SET note = 'x' RETURNING *;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO of_superuser VALUES ('a', 'n', sent('a')) ON CONFLICT (id) DO UPDATE SET resource = of_superuser.resource || '{"status": "entered-in-error"}' RETURNING *;
\echo :LAST_ERROR_SQLSTATE
UPDATE of_superuser SET resource = resource || '{"status": "entered-in-error"}' WHERE id = 'a' RETURNING *;
\echo :LAST_ERROR_SQLSTATE
UPDATE of_loader SET resource = sent('a', 'entered-in-error') WHERE id = 'a';
\echo :LAST_ERROR_SQLSTATE
-- As without a view: a statement that names no column of the row reads nothing back.
DELETE FROM observation WHERE id IN ('b', 'fin');
UPDATE of_superuser SET resource = sent('a', 'entered-in-error');
SELECT * FROM differences('observation');
ROLLBACK;

-- Triggers instead: they get what their user sees, and what they do is done as that user.
\c - postgres
CREATE VIEW instead AS SELECT * FROM observation;
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% old % new %', TG_OP, OLD, NEW;
    CASE TG_OP
        WHEN 'INSERT' THEN INSERT INTO observation VALUES (NEW.*);
        WHEN 'UPDATE' THEN UPDATE observation SET note = NEW.note, resource = NEW.resource WHERE id = OLD.id;
        ELSE DELETE FROM observation WHERE id = OLD.id; RETURN OLD;
    END CASE;
    RETURN NEW;
END $$;
CREATE TRIGGER instead INSTEAD OF INSERT OR UPDATE OR DELETE ON instead FOR EACH ROW EXECUTE FUNCTION instead();
GRANT ALL ON instead TO app;
\c - app
SET fhir_access.membership = 'ward';
BEGIN;
INSERT INTO instead VALUES ('new', 'n', stored('new', 'final', 'elsewhere'));
INSERT INTO instead VALUES ('no', 'n', sent('no', 'cancelled'));
\echo :LAST_ERROR_SQLSTATE
UPDATE instead SET resource = resource || '{"language": "de"}', note = 'm' WHERE id = 'a' RETURNING *;
UPDATE instead SET resource = resource || '{"language": "de"}' WHERE id = 'fin';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM instead WHERE id IN ('b', 'far') RETURNING *;
SELECT * FROM differences('observation');
ROLLBACK;
