-- Rules and triggers. What rules and INSTEAD OF triggers get of a row is masked: they are part of the user's statement. Triggers
-- on a protected table see rows as they are stored, OLD and NEW and transition tables alike; so only the table's owner makes
-- them, and what they do with hidden parts is in the owner's hands.
\ir prologue.sql
\ir masked_shapes.sql
SET client_min_messages = error;
ALTER TABLE observation OWNER TO steward;
RESET client_min_messages;
GRANT TRIGGER ON observation TO app;
GRANT CREATE ON SCHEMA public TO steward;
CREATE TABLE log (n serial, message text);
GRANT SELECT, INSERT ON log TO app, steward;
GRANT USAGE ON SEQUENCE log_n_seq TO app, steward;

-- Rules on the table, on views, and instead of something.
CREATE RULE on_update AS ON UPDATE TO observation DO ALSO INSERT INTO log (message) VALUES ('update: ' || old::text || new.resource::text || coalesce(old.value, 'none'));
CREATE RULE on_delete AS ON DELETE TO observation WHERE old.value LIKE 'CAN_RY%' DO ALSO INSERT INTO log (message) VALUES ('found ' || old.id);
CREATE VIEW ruled AS SELECT * FROM observation;
CREATE RULE instead_update AS ON UPDATE TO ruled DO INSTEAD INSERT INTO log (message) SELECT 'instead: ' || old::text || o::text FROM observation o WHERE o.id = old.id;
CREATE RULE instead_insert AS ON INSERT TO ruled DO INSTEAD UPDATE observation SET note = new.note WHERE id = new.id RETURNING *;
CREATE RULE instead_delete AS ON DELETE TO ruled DO INSTEAD SELECT o FROM observation o WHERE id = old.id;
CREATE VIEW triggered AS SELECT * FROM observation;
CREATE FUNCTION log_instead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log (message) VALUES ('trigger ' || TG_OP || ': ' || coalesce(OLD::text, '') || coalesce(NEW::text, '') || coalesce(OLD.value, 'none'));
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER log_instead INSTEAD OF INSERT OR UPDATE OR DELETE ON triggered FOR EACH ROW EXECUTE FUNCTION log_instead();
GRANT SELECT, INSERT, UPDATE, DELETE ON ruled, triggered TO app;
\c - app
SET fhir_access.membership = 'desk';
UPDATE observation SET note = 'rule' WHERE id < 'o3' RETURNING *;
BEGIN;
DELETE FROM observation;
SELECT count(*) AS found FROM log WHERE message LIKE 'found%';
ROLLBACK;
UPDATE ruled SET note = 'instead' WHERE id = 'o1';
INSERT INTO ruled (id, note) VALUES ('o1', 'inserted') RETURNING *;
DELETE FROM ruled WHERE id = 'o2';
UPDATE triggered SET note = 'instead' WHERE id = 'o1' RETURNING *;
INSERT INTO triggered (id, note) VALUES ('o1', 'inserted') RETURNING *;
DELETE FROM triggered WHERE id = 'o2' AND value IS NULL RETURNING *;
DELETE FROM triggered WHERE value LIKE 'CAN_RY%';
SELECT message FROM log ORDER BY n;
SELECT count(*) FROM log WHERE message LIKE '%CAN_RY%';

-- The privilege TRIGGER does not make a trigger on a protected table.
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', OLD; RETURN NULL; END $$;
CREATE TRIGGER see AFTER UPDATE ON observation FOR EACH ROW EXECUTE FUNCTION see();
CREATE TRIGGER see AFTER UPDATE ON observation REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION see();
CREATE CONSTRAINT TRIGGER see AFTER UPDATE ON observation DEFERRABLE FOR EACH ROW EXECUTE FUNCTION see();
CREATE RULE see AS ON UPDATE TO observation DO ALSO SELECT old.*;
\echo :LAST_ERROR_SQLSTATE
CREATE TABLE child () INHERITS (observation);
\echo :LAST_ERROR_SQLSTATE
CREATE POLICY see ON observation USING (true);
\echo :LAST_ERROR_SQLSTATE
CREATE INDEX ON observation ((resource ->> 'valueString'));
\echo :LAST_ERROR_SQLSTATE

-- A trigger of the owner's: it counts what it finds in the stored rows, so that nothing of them comes out here.
\c - postgres
DROP RULE on_update ON observation;
DROP RULE on_delete ON observation;
SET ROLE steward;
CREATE FUNCTION count_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO log (message) VALUES (format('stored: OLD %s, NEW %s, of them hidden %s', (SELECT count(*) FROM old_rows), (SELECT count(*) FROM new_rows),
        (SELECT count(*) FROM new_rows WHERE value LIKE 'CAN' || 'ARY%')));
    RETURN NULL;
END $$;
CREATE TRIGGER count_rows AFTER UPDATE ON observation REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_rows();
RESET ROLE;
\c - app
SET fhir_access.membership = 'desk';
UPDATE observation SET note = 'counted' RETURNING observation;
SELECT message FROM log WHERE message LIKE 'stored%';

-- A trigger on a table of one's own sees what was put there: masked.
CREATE TABLE mine (id text, document jsonb, row_text text);
CREATE FUNCTION show_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% rows, % found', (SELECT count(*) FROM new_rows), (SELECT count(*) FROM new_rows n WHERE n::text LIKE '%CAN_RY%');
    RETURN NULL;
END $$;
CREATE TRIGGER show_rows AFTER INSERT ON mine REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION show_rows();
INSERT INTO mine SELECT id, resource, o::text FROM observation o;
