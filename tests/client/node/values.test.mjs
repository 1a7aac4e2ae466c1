// What is read is what was stored, in text and in binary, masked or not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { actingAs, connected, raw } from "./clinic.mjs";

const superuser = { user: process.env.PGUSER };

/** A jsonb as it came over the wire: text, or in binary a version byte and the same text. */
function jsonText(value) {
  if (!Buffer.isBuffer(value)) return value;
  assert.equal(value[0], 1);
  return value.toString("utf8", 1);
}

for (const binary of [false, true]) {
  const format = binary ? "binary" : "text";

  test(`numbers keep their digits (${format})`, () =>
    connected((client) =>
      actingAs(client, "anna", async () => {
        const result = await client.query({ text: "SELECT resource FROM observation ORDER BY id", binary, types: raw, rowMode: "array" });
        assert.equal(result.rowCount, 200);
        result.rows.forEach(([value], number) => {
          const text = jsonText(value);
          assert.ok(text.includes(`"value": ${(50 + number / 10).toFixed(2)}}`), text);
          assert.ok(!text.includes("performer"));
        });
      }),
    ));

  test(`a masked document is the stored one without the hidden fields (${format})`, async () => {
    const byHand = "SELECT resource - 'telecom' #- '{name,0,given}' FROM patient ORDER BY id";
    const read = async (client, text) =>
      (await client.query({ text, binary, types: raw, rowMode: "array" })).rows.map(([value]) => jsonText(value));
    const expected = await connected((client) => read(client, byHand), superuser);
    const masked = await connected((client) => actingAs(client, "desk", () => read(client, "SELECT resource FROM patient ORDER BY id")));
    assert.deepEqual(masked, expected);
    assert.match(expected[1], /Öztürk/);
  });
}

test("what is written comes back", () =>
  connected((client) =>
    actingAs(client, "p1", async () => {
      const resource = `{"resourceType": "Observation", "id": "new", "performer": [{"reference": "Practitioner/p1"}],
                         "valueQuantity": {"value": 1.10, "low": -0.000000000000000000000000000012300}}`;
      const insert = "INSERT INTO observation (id, resource) VALUES ('new', $1) RETURNING resource::text AS stored, $1::jsonb::text AS sent";
      const { rows } = await client.query(insert, [resource]);
      assert.equal(rows[0].stored, rows[0].sent);
      assert.ok(rows[0].stored.includes('"value": 1.10') && rows[0].stored.includes("12300,"), rows[0].stored);
    }),
  ));

test("an update by one who does not see everything", () =>
  connected((client) =>
    actingAs(client, "desk", async () => {
      const { resource } = (await client.query("SELECT resource FROM patient WHERE id = 'anna'")).rows[0];
      assert.equal(resource.telecom, undefined);
      Object.assign(resource, { gender: "other", birthDate: "1999-09-09" });
      const returned = (await client.query("UPDATE patient SET resource = $1 WHERE id = 'anna' RETURNING resource", [resource])).rows[0].resource;
      assert.equal(returned.telecom, undefined);
      assert.equal(returned.birthDate, "1980-03-01");
      await client.query("SET LOCAL fhir_access.membership = 'p1'");
      const stored = (await client.query("SELECT resource FROM patient WHERE id = 'anna'")).rows[0].resource;
      assert.equal(stored.gender, "other");
      assert.equal(stored.telecom[0].value, "555-0101");
      assert.deepEqual(stored.name[0].given, ["Anna", "Lena"]);
    }),
  ));
