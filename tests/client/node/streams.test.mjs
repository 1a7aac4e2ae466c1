// Pipelines, cursors and COPY.
import assert from "node:assert/strict";
import { test } from "node:test";
import { from, to } from "pg-copy-streams";
import Cursor from "pg-cursor";
import { actingAs, column, connected, nobody, PATIENTS, refused, SEEN } from "./clinic.mjs";

test("a pipeline of several memberships", () =>
  connected(async (client) => {
    const turns = Array.from({ length: 20 }, (_, turn) => ["p1", "p2"][turn % 2]);
    const results = turns.map((membership) => {
      client.query("BEGIN");
      client.query("SELECT fhir_access.set_session($1)", [membership]);
      const patients = client.query({ name: "patients", text: PATIENTS });
      client.query("COMMIT");
      return patients;
    });
    (await Promise.all(results)).forEach((result, turn) => assert.deepEqual(column(result), SEEN[turns[turn]]));
    await nobody(client);
  }, { pipeline: true }));

test("several statements in one message", () =>
  connected(async (client) => {
    const results = await client.query(`BEGIN; SET LOCAL fhir_access.membership = 'p1'; ${PATIENTS};
      SET LOCAL fhir_access.membership = 'p2'; ${PATIENTS}; COMMIT`);
    assert.deepEqual([column(results[2]), column(results[4])], [SEEN.p1, SEEN.p2]);
    await nobody(client);
  }));

test("a cursor, some rows at a time", () =>
  connected((client) =>
    actingAs(client, "anna", async () => {
      const cursor = client.query(new Cursor("SELECT id, resource ? 'performer' AS shown FROM observation WHERE id > $1 ORDER BY id", ["anna-009"]));
      const sizes = [];
      for (let rows = await cursor.read(60); rows.length > 0; rows = await cursor.read(60)) {
        assert.ok(rows.every(({ id, shown }) => id.startsWith("anna-") && !shown));
        sizes.push(rows.length);
      }
      assert.deepEqual(sizes, [60, 60, 60, 10]);
      await cursor.close();
    }),
  ));

test("a declared cursor belongs to its membership", () =>
  connected((client) =>
    actingAs(client, "p1", async () => {
      await client.query("DECLARE rows CURSOR FOR SELECT id FROM observation ORDER BY id");
      assert.deepEqual(column(await client.query("FETCH 2 FROM rows")), ["anna-000", "anna-001"]);
      await client.query("SAVEPOINT s; SET LOCAL fhir_access.membership = 'p2'");
      const error = await refused(client.query("FETCH 2 FROM rows"));
      assert.equal(error.code, "28000");
      assert.match(error.message, /another session context/);
    }),
  ));

async function copied(client, statement) {
  const parts = [];
  for await (const part of client.query(to(statement))) parts.push(part);
  return Buffer.concat(parts);
}

for (const options of ["", "(FORMAT binary)", "(FORMAT csv, HEADER)"]) {
  test(`COPY TO ${options}`, async () => {
    const byHand = "SELECT id, resource - 'performer' AS resource FROM observation WHERE id LIKE 'anna-%' ORDER BY id";
    const expected = await connected((client) => copied(client, `COPY (${byHand}) TO STDOUT ${options}`), { user: process.env.PGUSER });
    await connected(async (client) => {
      await actingAs(client, "anna", async () => {
        assert.deepEqual(await copied(client, `COPY (SELECT * FROM observation ORDER BY id) TO STDOUT ${options}`), expected);
        assert.equal((await copied(client, `COPY observation TO STDOUT ${options}`)).length, expected.length);
      });
      assert.equal((await refused(copied(client, `COPY observation TO STDOUT ${options}`))).code, "28000");
    });
  });
}

const copyIn = (client, ...rows) =>
  new Promise((resolve, reject) => {
    const stream = client.query(from("COPY patient (id, resource) FROM STDIN"));
    stream.on("error", reject);
    stream.on("finish", () => resolve(stream.rowCount));
    stream.end(rows.map(([id, practitioner]) => `${id}\t${patient(id, practitioner)}\n`).join(""));
  });

const patient = (id, practitioner) =>
  JSON.stringify({ resourceType: "Patient", id, generalPractitioner: [{ reference: `Practitioner/${practitioner}` }] });

test("COPY FROM", () =>
  connected((client) =>
    actingAs(client, "p1", async () => {
      assert.equal(await copyIn(client, ["x", "p1"], ["y", "p1"]), 2);
      assert.deepEqual(column(await client.query(PATIENTS)), [...SEEN.p1, "x", "y"]);
      await client.query("DELETE FROM patient WHERE id IN ('x', 'y')");
    }),
  ));

test("COPY FROM is refused whole and names the row", () =>
  connected(async (client) => {
    await actingAs(client, "p1", async () => {
      const error = await refused(copyIn(client, ["x", "p1"], ["y", "p2"]));
      assert.deepEqual([error.code, error.where], ["42501", "COPY patient, row 2"]);
    });
    await actingAs(client, "p1", async () => assert.deepEqual(column(await client.query(PATIENTS)), SEEN.p1));
    assert.equal((await refused(copyIn(client, ["x", "p1"]))).code, "28000");
  }));
