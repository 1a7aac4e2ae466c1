// Connections to the clinic of ../setup.sql; libpq's variables say where it is.
import assert from "node:assert/strict";
import pg from "pg";

export const SEEN = { p1: ["anna", "ben"], p2: ["carla"], anna: ["anna"], desk: ["anna", "ben", "carla"] };
export const PATIENTS = "SELECT id FROM patient ORDER BY id";

/** A connection as the application's role, for as long as `work` takes. */
export async function connected(work, options = {}) {
  const client = new pg.Client({ user: "driver", ...options });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** A transaction under a membership, rolled back at the end unless told to commit. */
export async function actingAs(client, membership, work, { end = "ROLLBACK", ip = null } = {}) {
  await client.query("BEGIN");
  try {
    await client.query("SELECT fhir_access.set_session($1, $2)", [membership, ip]);
    return await work(client);
  } finally {
    await client.query(end);
  }
}

/** The first column of every row. */
export const column = (result) => result.rows.map((row) => Object.values(row)[0]);

/** The error that a query raises. */
export async function refused(query) {
  try {
    await query;
  } catch (error) {
    return error;
  }
  assert.fail("it was not refused");
}

export const nobody = async (client) => assert.equal((await refused(client.query(PATIENTS))).code, "28000");

/** Values as the server sends them. */
export const raw = { getTypeParser: () => (value) => value };
