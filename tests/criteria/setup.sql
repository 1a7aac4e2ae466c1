-- The database that criteria are tried in. The runner runs this in it, as superuser; tables come from the program.

CREATE EXTENSION fhir_access;

-- Whoever asks: subject to row security, and may say for whom.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'asker') THEN
        CREATE ROLE asker LOGIN;
        GRANT SET ON PARAMETER fhir_access.membership TO asker;
    END IF;
END $$;

CREATE SCHEMA stored;
GRANT USAGE ON SCHEMA stored TO asker;
ALTER DEFAULT PRIVILEGES IN SCHEMA stored GRANT SELECT, UPDATE ON TABLES TO asker;
