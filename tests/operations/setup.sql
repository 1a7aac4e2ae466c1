-- Roles of the tests of operations; each test makes databases of its own with clinic.sql.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dumper') THEN
        -- A session of this one starts without the library, but with another that does no harm. ('' is not nothing here:
        -- it is stored as a list of one empty name.)
        CREATE ROLE unloaded LOGIN;
        ALTER ROLE unloaded SET session_preload_libraries = 'plpgsql';
        -- It may read everything, and is subject to the policies.
        CREATE ROLE dumper LOGIN;
        GRANT pg_read_all_data TO dumper;
        -- Migrations and bulk jobs.
        CREATE ROLE carrier LOGIN BYPASSRLS;
        -- The application.
        CREATE ROLE attendant LOGIN;
        GRANT SET ON PARAMETER fhir_access.membership, fhir_access.client_ip TO attendant;
    END IF;
END $$;
