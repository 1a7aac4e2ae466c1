-- The paths of writing past triggers and rules of the table's owner: before ours they prepare what is judged; after ours they
-- cannot get a row past the policies. Every statement is one of the writer's, with the writer's membership.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, note text, resource jsonb NOT NULL);
CREATE TABLE log (number int GENERATED ALWAYS AS IDENTITY, what text);
GRANT ALL ON log TO app;
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation');
\ir write_paths.sql
SELECT fill('observation');
\set ON_ERROR_ROLLBACK on

-- A trigger that does what the row's note says. Before ours ("a") what it does counts as sent; after ours ("zzzz") only row
-- security's own check is left.
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    CASE split_part(NEW.note, ' ', 2)
        WHEN 'skip' THEN RETURN NULL;
        WHEN 'rename' THEN NEW.id := 'far';
        WHEN 'become' THEN NEW.resource := NEW.resource || '{"id": "far"}';
        WHEN 'retype' THEN NEW.resource := NEW.resource || '{"resourceType": "Patient"}';
        WHEN 'null' THEN NEW.resource := NULL;
        WHEN 'forbid' THEN NEW.resource := NEW.resource || '{"status": "cancelled"}';
        WHEN 'move' THEN NEW.resource := jsonb_set(NEW.resource, '{meta}', '{"project": "elsewhere"}');
        WHEN 'set' THEN NEW.resource := NEW.resource || '{"language": "de", "valueString": "mine", "issued": "2024"}';
        WHEN 'write' THEN UPDATE observation SET note = 'written by trigger', resource = resource || '{"valueString": "mine"}' WHERE id IN ('b', 'far');
        WHEN 'switch' THEN
            PERFORM set_config('fhir_access.membership', 'other', true);
            UPDATE observation SET resource = resource || '{"valueString": "mine"}' WHERE id IN ('b', 'far');
            IF NEW.note NOT LIKE '%for good' THEN
                PERFORM set_config('fhir_access.membership', 'ward', true);
            END IF;
        ELSE NULL;
    END CASE;
    RETURN NEW;
END $$;
CREATE TRIGGER a_meddle BEFORE INSERT OR UPDATE ON observation FOR EACH ROW WHEN (NEW.note LIKE 'before %') EXECUTE FUNCTION meddle();
CREATE TRIGGER zzzz_meddle BEFORE INSERT OR UPDATE ON observation FOR EACH ROW WHEN (NEW.note LIKE 'after %') EXECUTE FUNCTION meddle();

\c - app
SET fhir_access.membership = 'ward';
\set VERBOSITY terse
-- Each against an update of a, an insert, and an upsert of a.
CREATE PROCEDURE pg_temp.attempt(note text) LANGUAGE plpgsql AS $$
DECLARE
    path text;
    difference text;
BEGIN
    FOREACH path IN ARRAY ARRAY[
        $q$UPDATE observation SET note = $1, resource = resource || '{"code": {}}' WHERE id = 'a' RETURNING observation::text$q$,
        $q$INSERT INTO observation VALUES ('new', $1, sent('new')) RETURNING observation::text$q$,
        $q$INSERT INTO observation VALUES ('a', $1, sent('a')) ON CONFLICT (id) DO UPDATE SET note = excluded.note, resource = excluded.resource || '{"code": {}}' RETURNING observation::text$q$]
    LOOP
        BEGIN
            EXECUTE path INTO difference USING note;
            RAISE NOTICE '% %: returned %', note, split_part(path, ' ', 1), difference;
            FOR difference IN SELECT d.id || ': ' || d.difference FROM differences('observation') d WHERE d.difference <> '=' LOOP
                RAISE NOTICE '    %', difference;
            END LOOP;
            RAISE SQLSTATE '0U000';
        EXCEPTION
            WHEN SQLSTATE '0U000' THEN
            WHEN OTHERS THEN RAISE NOTICE '% %: % %', note, split_part(path, ' ', 1), SQLSTATE, SQLERRM;
        END;
    END LOOP;
END $$;
CALL pg_temp.attempt('before skip');
CALL pg_temp.attempt('after skip');
CALL pg_temp.attempt('before rename');
CALL pg_temp.attempt('after rename');
CALL pg_temp.attempt('before become');
CALL pg_temp.attempt('before retype');
CALL pg_temp.attempt('before null');
CALL pg_temp.attempt('after null');
CALL pg_temp.attempt('before forbid');
CALL pg_temp.attempt('after forbid');
CALL pg_temp.attempt('before move');
CALL pg_temp.attempt('after move');
CALL pg_temp.attempt('before set');
CALL pg_temp.attempt('before write');
CALL pg_temp.attempt('after write');
CALL pg_temp.attempt('before switch');
CALL pg_temp.attempt('before switch for good');
CALL pg_temp.attempt('after switch for good');

-- After triggers, for rows and for statements with transition tables, write what their user may write.
\c - postgres
DROP TRIGGER a_meddle ON observation;
DROP TRIGGER zzzz_meddle ON observation;
CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        INSERT INTO log (what) SELECT TG_OP || ' ' || string_agg(id, ' ' ORDER BY id) FROM changed;
        INSERT INTO observation SELECT 'follows ' || id, 'n', sent('follows ' || id, note) FROM changed;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER follow_insert AFTER INSERT ON observation REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION follow();
CREATE TRIGGER follow_update AFTER UPDATE ON observation REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION follow();
CREATE TRIGGER follow_delete AFTER DELETE ON observation REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION follow();
\c - app
SET fhir_access.membership = 'ward';
\set VERBOSITY terse
BEGIN;
UPDATE observation SET note = 'final' WHERE id = 'a';
INSERT INTO observation VALUES ('x', 'final', sent('x')), ('y', 'cancelled', sent('y'));
\echo :LAST_ERROR_SQLSTATE
INSERT INTO observation VALUES ('x', 'final', sent('x'));
DELETE FROM observation WHERE id = 'a';
SELECT what FROM log ORDER BY number;
SELECT * FROM differences('observation');
ROLLBACK;

-- A constraint trigger that is put off until the transaction ends writes for the membership that the session has then.
\c - postgres
DROP TRIGGER follow_insert ON observation;
DROP TRIGGER follow_update ON observation;
DROP TRIGGER follow_delete ON observation;
CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ids text;
BEGIN
    IF NEW.note = 'later' THEN
        WITH changed AS (UPDATE observation SET note = 'by ' || current_setting('fhir_access.membership'), resource = resource || '{"valueString": "mine"}'
                          WHERE id IN ('b', 'far', 'gone') RETURNING id, resource ->> 'valueString' AS value)
        SELECT string_agg(id || coalesce(value, ''), ' ') INTO ids FROM changed;
        INSERT INTO log (what) VALUES (ids);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON observation DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION later();
\c - app
\set VERBOSITY terse
SET fhir_access.membership = 'ward';
BEGIN;
UPDATE observation SET note = 'later' WHERE id = 'a';
SET LOCAL fhir_access.membership = 'other';
SET CONSTRAINTS ALL IMMEDIATE;
SELECT what FROM log;
SELECT * FROM differences('observation');
ROLLBACK;
BEGIN;
UPDATE observation SET note = 'later' WHERE id = 'a';
SET LOCAL fhir_access.membership = '';
COMMIT;
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM differences('observation');

-- Rules: what they write instead and also, they write for the writer; what they get of the row is what the writer sees.
\c - postgres
DROP TRIGGER later ON observation;
CREATE RULE also_insert AS ON INSERT TO observation DO ALSO INSERT INTO log (what) VALUES ('insert ' || NEW.id || (NEW.resource ->> 'valueString'));
CREATE RULE also_delete AS ON DELETE TO observation DO ALSO INSERT INTO log (what) VALUES ('delete ' || OLD::text);
CREATE RULE also_update AS ON UPDATE TO observation WHERE NEW.note = 'rule' DO ALSO INSERT INTO log (what) SELECT 'update ' || OLD::text || o::text FROM observation o WHERE o.id = 'b' OR o.note = 'CANARY';
CREATE TABLE doorway (id text, status text);
CREATE RULE enter AS ON INSERT TO doorway DO INSTEAD INSERT INTO observation VALUES (NEW.id, 'rule', sent(NEW.id, NEW.status)) RETURNING id, resource::text;
CREATE RULE change AS ON UPDATE TO doorway DO INSTEAD UPDATE observation SET note = 'entered', resource = resource || jsonb_build_object('valueString', NEW.status) WHERE id = NEW.status;
CREATE RULE leave AS ON DELETE TO doorway DO INSTEAD DELETE FROM observation WHERE id IN ('b', 'far') RETURNING id, resource::text;
GRANT ALL ON doorway TO app;
ALTER TABLE doorway DISABLE RULE enter;
INSERT INTO doorway VALUES ('d', 'd');
ALTER TABLE doorway ENABLE RULE enter;
\c - app
\set VERBOSITY terse
SET fhir_access.membership = 'ward';
BEGIN;
INSERT INTO observation VALUES ('x', 'n', sent('x') || '{"valueString": "mine"}') RETURNING resource;
UPDATE observation SET note = 'rule' WHERE id = 'a';
DELETE FROM observation WHERE id IN ('x', 'far');
SELECT what FROM log ORDER BY number;
SELECT * FROM differences('observation');
ROLLBACK;
BEGIN;
INSERT INTO doorway VALUES ('x', 'final') RETURNING *;
INSERT INTO doorway VALUES ('y', 'cancelled') RETURNING *;
\echo :LAST_ERROR_SQLSTATE
UPDATE doorway SET status = 'a';
UPDATE doorway SET status = 'far';
UPDATE doorway SET status = 'fin';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM doorway RETURNING *;
SELECT * FROM differences('observation');
ROLLBACK;
