"""Random queries. Each is text that means the same in the protected schema and in a copy, as names are found by search_path.

Two kinds. A *total* query is made of expressions that raise no error whatever a document holds, in any order of evaluation, and
its result is determined but for the order where it does not sort. A *risky* one has a single expression that may fail, at a place
where it is evaluated for every row that passes a total condition: then whether it fails is determined, too.
"""

import random
from dataclasses import dataclass, field

# Sources of rows: their columns by type, and those that tell the rows apart.
SOURCES = {
    "patient": ({"id": "text", "resource": "jsonb", "birth_date": "text", "family": "jsonb", "note": "text", "gender": "text"}, ["id"]),
    "observation": ({"id": "text", "resource": "jsonb", "status": "text"}, ["id"]),
    "encounter": ({"id": "text", "resource": "jsonb"}, ["id"]),
    "report": ({"id": "text", "content": "document"}, ["id"]),
    "everything": ({"id": "text", "resource": "jsonb", "kind": "text"}, ["id"]),
    "patient_history": ({"id": "text", "version": "int", "resource": "jsonb"}, ["id", "version"]),
    "named": ({"id": "text", "resource": "jsonb", "birth_date": "text", "family": "jsonb"}, ["id"]),
    "nested_named": ({"id": "text", "resource": "jsonb", "born": "text"}, ["id"]),
    "barrier": ({"id": "text", "resource": "jsonb", "status": "text"}, ["id"]),
    "with_patient": ({"id": "text", "resource": "jsonb", "patient": "text", "other": "jsonb"}, ["id"]),
    "counted": ({"id": "text", "resource": "jsonb"}, ["id"]),
    "all_patients()": ({"id": "text", "resource": "jsonb", "birth_date": "text", "gender": "text"}, ["id"]),
    "atomic_observations()": ({"id": "text", "resource": "jsonb"}, ["id"]),
    "volatile_encounters()": ({"id": "text", "resource": "jsonb"}, ["id"]),
    "looped_reports()": ({"id": "text", "resource": "jsonb"}, ["id"]),
}
BASE = ["patient", "observation", "encounter", "report", "everything", "patient_history"]
WRITABLE = ["patient", "observation", "encounter"]

KEYS = ["name", "birthDate", "_birthDate", "gender", "active", "telecom", "address", "extension", "meta", "status", "code", "subject", "valueQuantity",
        "valueString", "_valueString", "valueInteger", "component", "period", "class", "type", "participant", "conclusion", "result", "resourceType",
        "id", "deceasedBoolean", "deceasedDateTime", "multipleBirthInteger", "onsetString", "onsetDateTime", "effectiveDateTime", "contact", "note"]  # fmt: skip
PATHS = ["{name,0,family}", "{name,0,given,0}", "{name,family}", "{name,0,_family,id}", "{address,0,city}", "{address,0,line,0}", "{telecom,0,value}",
         "{meta,project}", "{meta,accounts,0,reference}", "{subject,reference}", "{subject,display}", "{code,coding,0,code}", "{code,coding,0,display}",
         "{code,text}", "{valueQuantity,value}", "{valueQuantity,unit}", "{component,0,code,text}", "{component,0,valueQuantity,value}", "{period,start}",
         "{class,code}", "{class,display}", "{contact,0,name,family}", "{extension,0,valueString}", "{birthDate}", "{gender}", "{status}", "{valueString}"]  # fmt: skip
JSONPATHS = ["$.name[*].family", "$.name[*].given[*]", "$.**.display", "$.**.family", "$.birthDate", "$.gender", "$.valueQuantity.value", "$.valueQuantity",
             "$.component[*].valueQuantity.value", "$.component[*].code", "$.code.coding[*].code", "$.code.coding[*].display", "$.*", "$.name[*].keyvalue()",
             "$.address[*].line", "$.meta.project", "$.subject.*", "$.valueString", "$.period.start", "$.class.*", "$.status", "$.telecom[*].value",
             '$.name[*] ? (@.family starts with "C")', '$ ? (@.gender == "female").birthDate', "$.component[*] ? (exists (@.valueQuantity))",
             '$.** ? (@ == "CANARY")', "$.valueQuantity.value ? (@ > 10)", '$.birthDate ? (@ like_regex "^19")', "$.name.size()", "$.name.type()",
             "$.birthDate.type()"]  # fmt: skip
PREDICATES = ['$.gender == "female"', '$.name[*].family == "CANARY"', "exists ($.birthDate)", "$.valueQuantity.value > 1", '$.status == "final"',
              '$.**.family starts with "C"', "!exists ($.address)", '$.class.code == "AMB" || $.valueString == "CANARY"', '$.birthDate.type() == "string"']  # fmt: skip
DOCUMENTS = ['{"gender": "female"}', '{"status": "final"}', '{"name": [{"family": "CANARY"}]}', '{"birthDate": "1970-01-01"}', '{"active": true}',
             '{"valueQuantity": {"value": 1.1}}', '{"class": {"code": "AMB"}}', '{"code": {"coding": [{"code": "a"}]}}', "{}", '{"valueString": "CANARY"}',
             '{"subject": {"reference": "Patient/p1"}}', '{"meta": {"project": "north"}}', '{"_birthDate": {}}', '{"resourceType": "Patient"}']  # fmt: skip
WORDS = ["CANARY", "female", "final", "1970-01-01", "a", "x", "Cook", "Patient/p1", "", "north", "17", "AMB", "p1", "o3", "t", "kg"]
LIKES = ["%CANARY%", "C%", "%19%", "_", "%e%", "%\"family\"%", "Patient/%", "%"]
WORDS_OF_TEXT = ["canary", "female | male", "well & all", "!cook", "1970", "an:*"]
RISKY_TYPES = ["int", "numeric", "date", "boolean", "timestamptz", "uuid", "int[]", "interval", "json", "jsonpath", "bytea", "inet", "float8", "regtype"]


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


@dataclass
class Item:
    """What stands in FROM under an alias. `nullable` tells nothing to the generator: NULL is a value like any other."""

    alias: str
    columns: dict
    keys: list
    source: str = ""

    @property
    def is_table(self):
        return self.source in BASE


@dataclass
class Generated:
    text: str
    # Is the order of the result determined?
    ordered: bool = False
    # Of a risky query: what fails for one row, and where its rows come from.
    probe: str = ""
    # Values of $1, …, for a query with parameters.
    parameters: list = field(default_factory=list)
    # Does the query only read, so that a cursor or COPY may run it?
    reads: bool = True
    locks: bool = False


class Grammar:
    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.aliases = 0
        self.ctes = []
        self.parameters = []
        self.allow_parameters = False
        self.budget = 3
        # What is written is tagged: `meta` is then what the database says.
        self.shows_meta = True
        # Conditions may call a function that tells what it is shown.
        self.watches = True

    # --- small things -------------------------------------------------------------------------------------------------

    def one(self, options):
        return self.chance.choice(options)

    def maybe(self, probability):
        return self.chance.random() < probability

    def alias(self, letter="t"):
        self.aliases += 1
        return f"{letter}{self.aliases}"

    def word(self):
        word = self.one(WORDS)
        if self.allow_parameters and self.maybe(0.5):
            self.parameters.append(word)
            return f"${len(self.parameters)}::text"
        return quoted(word)

    def path(self):
        return self.one(["(jsonpath " + quoted(self.one(JSONPATHS)) + ")"])

    # --- expressions --------------------------------------------------------------------------------------------------

    def column(self, scope, kind):
        found = [(item, name) for item in scope for name, of in item.columns.items() if of == kind]
        if not found:
            return None
        item, name = self.one(found)
        return f"{item.alias}.{name}"

    def document(self, scope):
        """An object, whenever it is not NULL."""
        texts = [f"{item.alias}.{name}::jsonb" for item in scope for name, kind in item.columns.items() if kind == "document"]
        # Only whole documents are objects for sure: derived columns may hold anything.
        found = [f"{item.alias}.{name}" for item in scope for name, kind in item.columns.items() if kind == "jsonb" and name in ("resource", "other")] + texts
        rows = [f"to_jsonb({item.alias})" for item in scope if item.is_table]
        if not found or (rows and self.maybe(0.08)):
            return f"({self.one(rows)})" if rows else "'{}'::jsonb"
        return f"({self.one(found)})" if self.shows_meta else f"({self.one(found)} - 'meta')"

    def jsonb(self, scope, depth=2):
        document = self.document(scope)
        pick = self.chance.randrange(13 if depth > 0 else 4)
        if pick == 0:
            return document
        if pick == 1:
            return f"({document} -> {quoted(self.one(KEYS))})"
        if pick == 2:
            return f"({document} #> {quoted(self.one(PATHS))})"
        if pick == 3:
            column = self.column(scope, "jsonb") if self.shows_meta else None
            return column or document
        if pick == 4:
            return f"jsonb_path_query_first({document}, {self.path()}, '{{}}', true)"
        if pick == 5:
            return f"jsonb_path_query_array({document}, {self.path()}, '{{}}', true)"
        if pick == 6:
            return f"({document} - {quoted(self.one(KEYS))})"
        if pick == 7:
            return f"({document} - ARRAY[{quoted(self.one(KEYS))}, {quoted(self.one(KEYS))}])"
        if pick == 8:
            return f"({document} || {quoted(self.one(DOCUMENTS))})"
        if pick == 9:
            return f"jsonb_build_object('a', {self.jsonb(scope, depth - 1)}, 'b', {self.text(scope, depth - 1)})"
        if pick == 10:
            return f"jsonb_strip_nulls({document})"
        if pick == 11:
            return f"jsonb_set({document}, '{{{self.one(KEYS)}}}', to_jsonb({self.text(scope, depth - 1)}))"
        return f"CASE WHEN {self.boolean(scope, depth - 1)} THEN {self.jsonb(scope, depth - 1)} END"

    def text(self, scope, depth=2):
        document = self.document(scope)
        pick = self.chance.randrange(24 if depth > 0 else 5)
        if pick <= 1:
            return f"({document} ->> {quoted(self.one(KEYS))})"
        if pick == 2:
            return f"({document} #>> {quoted(self.one(PATHS))})"
        if pick in (3, 4):
            column = self.column(scope, "text") or self.column(scope, "document")
            return column or f"({document} ->> 'id')"
        if pick == 5:
            return f"md5({document}::text)"
        if pick == 6:
            return f"left({self.jsonb(scope, depth - 1)}::text, {self.chance.randrange(1, 60)})"
        if pick == 7:
            return f"jsonb_typeof({self.jsonb(scope, depth - 1)})"
        if pick == 8:
            return f"(jsonb_path_query_first({document}, {self.path()}, '{{}}', true) #>> '{{}}')"
        if pick == 9:
            return f"coalesce({self.text(scope, depth - 1)}, {self.word()})"
        if pick == 10:
            return f"lower({self.text(scope, depth - 1)})"
        if pick == 11:
            return f"CASE WHEN {self.boolean(scope, depth - 1)} THEN {self.text(scope, depth - 1)} ELSE {self.text(scope, depth - 1)} END"
        if pick == 12:
            return f"told({document})"
        if pick == 13:
            return f"peeked({self.jsonb(scope, depth - 1)})"
        if pick in (14, 15, 16, 17):
            rows = [item.alias for item in scope if item.is_table]
            if rows:
                row = self.one(rows)
                return self.one([f"md5({row}::text)", f"row_sql({row})", f"md5(row_plain({row}))", f"md5(row_to_json({row})::text)", f"md5(format('%s', {row}))",
                                 f"md5(row({row}.*)::text)", f"(to_jsonb({row}) #>> '{{resource,gender}}')"])  # fmt: skip
            return f"replace({self.text(scope, depth - 1)}, 'A', 'b')"
        if pick == 18:
            return f"gender_of({self.text(scope, depth - 1)})" if self.spend() else f"upper({self.text(scope, depth - 1)})"
        if pick == 19:
            return f"jsonb_pretty({self.jsonb(scope, 0)})"
        if pick == 20:
            return f"nullif({self.text(scope, depth - 1)}, {self.word()})"
        if pick == 21:
            return f"greatest({self.text(scope, depth - 1)}, {self.text(scope, depth - 1)})"
        if pick == 22 and self.spend():
            return self.scalar_subquery(scope)
        if pick == 23:
            return f"to_tsvector('simple', {self.text(scope, depth - 1)})::text"
        return f"concat({self.text(scope, depth - 1)}, '/', {self.text(scope, 0)})"

    def integer(self, scope, depth=2):
        pick = self.chance.randrange(7 if depth > 0 else 2)
        if pick == 0:
            return f"length({self.text(scope, depth - 1)})"
        if pick == 1:
            return f"jsonb_array_length(jsonb_path_query_array({self.document(scope)}, {self.path()}, '{{}}', true))"
        if pick == 2:
            return f"position('A' IN {self.text(scope, depth - 1)})"
        if pick == 3:
            return f"ascii({self.text(scope, depth - 1)})"
        if pick == 4 and self.spend():
            inner = self.item()
            return f"(SELECT count(*) FROM {inner.source} {inner.alias} WHERE {self.boolean([inner, *scope], depth - 1)})"
        if pick == 5:
            rows = [item.alias for item in scope if item.is_table]
            return f"num_nulls({self.one(rows)}.*)" if rows else "1"
        return f"CASE WHEN {self.boolean(scope, depth - 1)} THEN 1 ELSE {self.integer(scope, depth - 1)} END"

    def boolean(self, scope, depth=2):
        document = self.document(scope)
        watched = [item.alias for item in scope if item.is_table and "resource" in item.columns]
        if watched and self.watches and self.maybe(0.06):
            return f"watched({self.one(watched)}.resource)"
        pick = self.chance.randrange(33 if depth > 0 else 12)
        comparison = ["=", "<>", "<", ">", "<=", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"]
        if pick == 0:
            return f"({document} ? {self.one([quoted(self.one(KEYS)), self.word()])})"
        if pick == 1:
            return f"({document} ?{self.one('|&')} ARRAY[{quoted(self.one(KEYS))}, {quoted(self.one(KEYS))}])"
        if pick in (2, 3):
            return f"({document} @> {quoted(self.one(DOCUMENTS))})"
        if pick == 4:
            return f"({document} @? {quoted(self.one(JSONPATHS))})"
        if pick == 5:
            return f"({document} @@ {quoted(self.one(PREDICATES))})"
        if pick in (6, 7):
            return f"({self.text(scope, 0)} {self.one(comparison)} {self.word()})"
        if pick == 8:
            return f"({self.jsonb(scope, 0)} IS {self.one(['', 'NOT '])}NULL)"
        if pick == 9:
            return f"({self.text(scope, 0)} {self.one(['LIKE', 'ILIKE', 'NOT LIKE', '~~*'])} {quoted(self.one(LIKES))})"
        if pick == 10:
            return f"(to_tsvector('simple', {self.text(scope, 0)}) @@ to_tsquery('simple', {quoted(self.one(WORDS_OF_TEXT))}))"
        if pick == 11:
            return f"({self.text(scope, 0)} {self.one(['=', '<>'])} {self.one(['ANY', 'ALL'])} (ARRAY[{self.word()}, {self.word()}]))"
        if pick in (12, 13):
            return f"({self.boolean(scope, depth - 1)} {self.one(['AND', 'OR'])} {self.boolean(scope, depth - 1)})"
        if pick == 14:
            return f"(NOT {self.boolean(scope, depth - 1)})"
        if pick == 15:
            return f"({self.text(scope, depth - 1)} {self.one(comparison)} {self.text(scope, depth - 1)})"
        if pick == 16:
            return f"({self.jsonb(scope, depth - 1)} {self.one(comparison)} {self.jsonb(scope, depth - 1)})"
        if pick == 17:
            return f"({self.integer(scope, depth - 1)} {self.one(comparison)} {self.chance.randrange(30)})"
        if pick == 18:
            return f"({self.text(scope, depth - 1)} ~ {quoted(self.one(['CANARY', '^[a-m]', '[0-9]{4}', 'e.*e', '^$']))})"
        if pick == 19:
            return f"(({self.text(scope, 0)}, {self.text(scope, 0)}) {self.one(['<', '=', '>='])} ({self.word()}, {self.text(scope, 0)}))"
        if pick == 20:
            rows = [item.alias for item in scope if item.is_table]
            return f"({self.one(rows)} IS {self.one(['', 'NOT '])}NULL)" if rows else "true"
        if pick == 21:
            return f"({document} === {quoted(self.one(DOCUMENTS))})"
        if pick == 22:
            return f"({self.jsonb(scope, depth - 1)} @> {self.jsonb(scope, 0)})"
        if pick == 23:
            return f"({self.text(scope, depth - 1)} BETWEEN {self.word()} AND {self.word()})"
        if pick == 24:
            return f"(jsonb_path_exists({document}, {self.path()}, '{{}}', true) IS {self.one(['TRUE', 'NOT TRUE', 'UNKNOWN'])})"
        if pick == 25:
            return f"({self.text(scope, depth - 1)} IN ({self.word()}, {self.word()}, {self.text(scope, 0)}))"
        if pick == 26:
            return f"(ts_rank(to_tsvector('simple', {self.text(scope, 0)}), to_tsquery('simple', 'canary')) > 0)"
        if pick >= 27 and self.spend():
            return self.sublink(scope, depth)
        return f"({self.text(scope, 0)} IS {self.one(['', 'NOT '])}NULL)"

    def spend(self):
        """Subqueries cost: there are only so many in a query."""
        if self.budget <= 0:
            return False
        self.budget -= 1
        return True

    def item(self, sources=None):
        source = self.one(sources or [*BASE, *BASE, *SOURCES, *(name for name, *_ in self.ctes) , *(name for name, *_ in self.ctes)])
        columns, keys = SOURCES.get(source) or next((columns, keys) for name, columns, keys in self.ctes if name == source)
        return Item(self.alias(), dict(columns), list(keys), source)

    def sublink(self, scope, depth):
        inner = self.item()
        near = [inner, *scope] if self.maybe(0.6) else [inner]
        where = self.boolean(near, depth - 1)
        source = f"{inner.source} {inner.alias}"
        pick = self.chance.randrange(5)
        if pick <= 1:
            return f"({self.one(['', 'NOT '])}EXISTS (SELECT FROM {source} WHERE {where}))"
        if pick == 2:
            return f"({self.text(scope, 0)} {self.one(['', 'NOT '])}IN (SELECT {self.text([inner], 0)} FROM {source} WHERE {where}))"
        if pick == 3:
            return f"({self.text(scope, 0)} {self.one(['=', '<', '>', '<>'])} {self.one(['ANY', 'ALL'])} (SELECT {self.text([inner], 0)} FROM {source} WHERE {where}))"
        return f"(ARRAY(SELECT {self.text([inner], 0)} FROM {source} WHERE {where} ORDER BY 1) && ARRAY[{self.text(scope, 0)}, {self.word()}])"

    def scalar_subquery(self, scope):
        inner = self.item()
        where = self.boolean([inner, *scope], 0)
        source = f"{inner.source} {inner.alias}"
        return self.one([
            f"(SELECT {self.one(['min', 'max'])}({self.text([inner], 0)}) FROM {source} WHERE {where})",
            f"(SELECT string_agg({self.text([inner], 0)}, ',' ORDER BY {self.keys([inner])}) FROM {source} WHERE {where})",
            f"(SELECT {self.text([inner], 0)} FROM {source} WHERE {where} ORDER BY {self.keys([inner])} LIMIT 1)",
            f"(SELECT count(*)::text FROM {source} WHERE {where})",
        ])  # fmt: skip

    def any_expression(self, scope, depth=2):
        pick = self.chance.randrange(8)
        if pick <= 2:
            return self.text(scope, depth)
        if pick <= 4:
            return self.jsonb(scope, depth)
        if pick == 5:
            return self.integer(scope, depth)
        if pick == 6:
            return self.boolean(scope, depth)
        rows = [item.alias for item in scope if item.is_table]
        return self.one(rows) if rows else self.text(scope, depth)

    def keys(self, scope):
        return ", ".join(f"{item.alias}.{key}" for item in scope for key in item.keys)

    def order(self, scope):
        """A full order: what rows are compared by, then their keys."""
        parts = [f"{self.one([self.text, self.boolean, self.integer])(scope, 1)} {self.one(['', 'DESC', 'NULLS FIRST', 'DESC NULLS LAST'])}" for _ in range(self.chance.randrange(3))]
        return ", ".join([*parts, self.keys(scope)])

    # --- FROM ---------------------------------------------------------------------------------------------------------

    def sources(self):
        """What stands in FROM, and its items."""
        first = self.item()
        text, scope = self.wrapped(first), [first]
        for _ in range(self.one([0, 0, 0, 1, 1, 2])):
            kind = self.chance.randrange(6)
            if kind == 0:
                lateral = self.lateral(scope)
                if lateral is not None:
                    text += lateral[0]
                    scope.append(lateral[1])
                    continue
            if len(scope) >= 3:
                break
            other = self.item()
            right = self.wrapped(other)
            join = self.one(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"])
            if join == "CROSS JOIN":
                if len(scope) > 1:
                    join = "JOIN"
                else:
                    text, scope = f"{text} CROSS JOIN {right}", [*scope, other]
                    continue
            equal = self.one([
                f"{scope[0].alias}.id = {other.alias}.id",
                f"{scope[0].alias}.id < {other.alias}.id",
                f"{self.document([scope[0]])} ->> 'gender' = {self.document([other])} ->> 'gender'",
                f"{self.document([scope[0]])} ->> 'status' = {self.document([other])} ->> 'status'",
                f"{self.text([scope[0]], 0)} = {self.text([other], 0)}",
                f"{self.text([scope[0]], 1)} = {self.text([other], 1)}",
                f"{self.document([scope[0]])} #>> '{{subject,reference}}' = 'Patient/' || {other.alias}.id",
            ])  # fmt: skip
            if join == "FULL JOIN":
                # PostgreSQL takes no other condition, unless it can make a simpler join of it; a mask may keep it from that.
                equal = f"{scope[0].alias}.id = {other.alias}.id"
            elif self.maybe(0.4):
                equal += f" AND {self.boolean([*scope, other], 1)}"
            text, scope = f"{text} {join} {right} ON {equal}", [*scope, other]
        return text, scope

    def wrapped(self, item):
        """An item as it is, or as a subquery with a condition."""
        if item.is_table and self.maybe(0.15):
            inner = Item(self.alias("s"), item.columns, item.keys, item.source)
            barrier = self.one(["", " OFFSET 0", f" ORDER BY {self.keys([inner])}"])
            text = f"(SELECT * FROM {item.source} {inner.alias} WHERE {self.boolean([inner], 1)}{barrier}) {item.alias}"
            item.source = ""
            return text
        return f"{item.source} {item.alias}"

    def lateral(self, scope):
        alias, document = self.alias("l"), self.document(scope)
        pick = self.chance.randrange(4)
        if pick == 0:
            text = f" CROSS JOIN LATERAL (SELECT f.item AS v, f.n::int AS n FROM jsonb_path_query({document}, {self.path()}, '{{}}', true) WITH ORDINALITY f (item, n)) {alias}"
            return text, Item(alias, {"v": "jsonb", "n": "int"}, ["n"])
        if pick == 1:
            text = f" LEFT JOIN LATERAL (SELECT e.key AS k, e.value AS v FROM jsonb_each({document}) e WHERE e.key < 'n') {alias} ON true"
            return text, Item(alias, {"k": "text", "v": "jsonb"}, ["k"])
        if pick == 2:
            text = f' CROSS JOIN LATERAL (SELECT x.gender, x."birthDate" AS born, x.status FROM jsonb_to_record({document}) AS x (gender text, "birthDate" text, status text)) {alias}'
            return text, Item(alias, {"gender": "text", "born": "text", "status": "text"}, [])
        inner = self.item(BASE)
        condition = self.one([f"{inner.alias}.id = {scope[0].alias}.id", f"{self.text([inner], 0)} = {self.text(scope, 0)}"])
        columns = f"{inner.alias}.id, {self.jsonb([inner], 1)} AS v, {self.text([inner], 1)} AS w"
        limit = f" ORDER BY {self.keys([inner])} LIMIT {self.chance.randrange(1, 4)}" if "version" not in inner.keys else ""
        text = f" CROSS JOIN LATERAL (SELECT {columns} FROM {inner.source} {inner.alias} WHERE {condition}{limit}) {alias}"
        keys = ["id", "v", "w"]
        return text, Item(alias, {"id": "text", "v": "jsonb", "w": "text"}, keys)

    # --- queries ------------------------------------------------------------------------------------------------------

    def total(self):
        self.allow_parameters = self.maybe(0.25)
        with_ = self.with_clause() if self.maybe(0.25) else ""
        form = self.one([self.plain, self.plain, self.plain, self.grouped, self.grouped, self.grouping_sets, self.windowed, self.distinct_on, self.set_operation, self.whole, self.locking])
        query = form()
        query.text = with_ + query.text
        query.parameters = self.parameters
        return query

    def with_clause(self):
        parts = []
        recursive = self.maybe(0.25)
        for _ in range(self.one([1, 1, 2])):
            inner = self.item(BASE)
            name = self.alias("c")
            key = self.keys([inner])
            hint = self.one(["", "MATERIALIZED ", "NOT MATERIALIZED "])
            columns = f"{inner.alias}.id, {self.document([inner])} AS resource, {self.text([inner], 1)} AS w"
            if "version" in inner.keys:
                columns += f", {inner.alias}.version"
            parts.append(f"{name} AS {hint}(SELECT {columns} FROM {inner.source} {inner.alias} WHERE {self.boolean([inner], 1)})")
            of = {"id": "text", "resource": "jsonb", "w": "text"} | ({"version": "int"} if "version" in inner.keys else {})
            self.ctes.append((name, of, [part.split(".")[1] for part in key.split(", ")]))
        if recursive:
            start, step = self.item(["patient", "observation"]), self.item(["patient", "observation", "encounter"])
            name = self.alias("r")
            parts.append(
                f"{name} (id, resource, n) AS (SELECT {start.alias}.id, {start.alias}.resource, 1 FROM {start.source} {start.alias} WHERE {self.boolean([start], 0)} "
                f"UNION ALL SELECT {step.alias}.id, {step.alias}.resource, r.n + 1 FROM {name} r JOIN {step.source} {step.alias} "
                f"ON {step.alias}.resource #>> '{{subject,reference}}' = 'Patient/' || r.id OR {step.alias}.resource #>> '{{gender}}' = r.resource #>> '{{nothing}}' WHERE r.n < 3)"
            )
            self.ctes.append((name, {"id": "text", "resource": "jsonb", "n": "int"}, ["id", "n"]))
        return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(parts)} "

    def where(self, scope, probability=0.6):
        return f" WHERE {self.boolean(scope)}" if self.maybe(probability) else ""

    def plain(self):
        text, scope = self.sources()
        outputs = ", ".join(self.any_expression(scope) for _ in range(self.chance.randrange(1, 4)))
        distinct = self.maybe(0.12)
        where = self.where(scope)
        if distinct:
            outputs = ", ".join(self.text(scope) for _ in range(2))
            return Generated(f"SELECT DISTINCT {outputs} FROM {text}{where} ORDER BY 1, 2", ordered=True)
        # Rows of equal keys are not told apart by them: everything that is shown is part of the order.
        if self.maybe(0.5) and all(item.keys for item in scope):
            key = self.order(scope)
            unique = self.is_unique(scope)
            limit = f" LIMIT {self.chance.randrange(1, 12)} OFFSET {self.chance.randrange(3)}" if unique and self.maybe(0.4) else ""
            return Generated(f"SELECT {outputs} FROM {text}{where} ORDER BY {key}{limit}", ordered=unique)
        return Generated(f"SELECT {outputs} FROM {text}{where}")

    def is_unique(self, scope):
        """Do the keys tell all rows apart? Not those of sources that may have several rows of a key."""
        doubtful = {"everything", "with_patient", "counted"} | {name for name, *_ in self.ctes}
        return all(item.keys and item.source not in doubtful and not item.alias.startswith("l") for item in scope)

    def whole(self):
        item = self.item(BASE)
        where = self.where([item])
        output = self.one([f"{item.alias}", f"{item.alias}.*", f"row({item.alias}.*)", f"row_to_json({item.alias})", f"({item.alias}).id, {item.alias}::text"])
        return Generated(f"SELECT {output} FROM {item.source} {item.alias}{where} ORDER BY {self.keys([item])}, {item.alias}::text", ordered=True)

    def locking(self):
        item = self.item(["patient", "observation", "encounter"])
        lock = self.one(["FOR UPDATE", "FOR SHARE", "FOR NO KEY UPDATE", "FOR KEY SHARE"])
        outputs = ", ".join(self.any_expression([item], 1) for _ in range(2))
        return Generated(f"SELECT {outputs} FROM {item.source} {item.alias}{self.where([item])} ORDER BY {self.keys([item])} {lock}", ordered=True, locks=True)

    def aggregate(self, scope):
        order = self.keys(scope) if self.is_unique(scope) else None
        filtered = f" FILTER (WHERE {self.boolean(scope, 1)})" if self.maybe(0.3) else ""
        text = self.text(scope, 1)
        options = [
            f"count(*){filtered}", f"count({text}){filtered}", f"count(DISTINCT {text}){filtered}", f"min({text}){filtered}", f"max({text}){filtered}",
            f"bool_or({self.boolean(scope, 1)}){filtered}", f"bool_and({self.boolean(scope, 1)}){filtered}", f"sum({self.integer(scope, 1)}){filtered}",
            f"string_agg({text}, ',' ORDER BY {text}){filtered}", f"percentile_disc(0.5) WITHIN GROUP (ORDER BY {text}){filtered}",
            f"mode() WITHIN GROUP (ORDER BY {text}){filtered}", f"rank({self.word()}) WITHIN GROUP (ORDER BY coalesce({text}, '')){filtered}",
            f"avg({self.integer(scope, 1)}){filtered}",
        ]  # fmt: skip
        if order:
            options += [
                f"md5(array_agg({self.jsonb(scope, 1)} ORDER BY {order}){filtered}::text)", f"md5(jsonb_agg({scope[0].alias} ORDER BY {order}){filtered}::text)",
                f"glue({text} ORDER BY {order}){filtered}", f"md5(json_object_agg({scope[0].alias}.id, {self.jsonb(scope, 0)} ORDER BY {order}){filtered}::text)",
                f"(array_agg({scope[0].alias}.id ORDER BY {text}, {order}){filtered})[1]",
            ]  # fmt: skip
        return self.one(options)

    def grouped(self):
        text, scope = self.sources()
        keys = [self.text(scope, 1), self.text(scope, 0)][: self.chance.randrange(1, 3)]
        aggregates = ", ".join(self.aggregate(scope) for _ in range(self.chance.randrange(1, 4)))
        where = self.where(scope, 0.5)
        kind = self.chance.randrange(5)
        if kind == 0:
            return Generated(f"SELECT {aggregates} FROM {text}{where}")
        inner = f"SELECT {', '.join(f'{key} AS k{number}' for number, key in enumerate(keys))}, {scope[0].alias} AS w FROM {text}{where}"
        if kind == 1 and len(keys) == 2:
            sets = self.one(["GROUPING SETS ((k0), (k1), ())", "CUBE (k0, k1)", "ROLLUP (k0, k1)"])
            return Generated(f"SELECT k0, k1, grouping(k0, k1), count(*), min(md5(w::text)) FROM ({inner}) g GROUP BY {sets}")
        having = f" HAVING {self.one(['count(*) > 1', f'bool_or({self.boolean(scope, 1)})'])}" if self.maybe(0.3) else ""
        places = ", ".join(str(number + 1) for number in range(len(keys)))
        return Generated(f"SELECT {', '.join(keys)}, {aggregates} FROM {text}{where} GROUP BY {places}{having} ORDER BY {places}", ordered=True)

    def grouping_sets(self):
        """Totals by expressions and by whole columns, with outputs that are made of these."""
        text, scope = self.sources()
        if "patient_history" in text:
            # Refused by name, where entries hide different fields.
            return self.grouped()
        self.budget = 0
        columns = [f"{item.alias}.{name}" for item in scope for name, kind in item.columns.items() if kind in ("text", "jsonb") and name not in ("family", "v")]
        first = self.one(columns) if columns and self.maybe(0.6) else self.text(scope, 0)
        # No function of a row: PostgreSQL inlines it, and takes what is shown for it where it then reads alike, in a copy only.
        second = self.text(scope, 0)
        shown = self.one([f"coalesce({first}::text, 'none')", f"length({first}::text)", f"md5({first}::text)", f"({first} IS NULL)", f"{first}::text || {self.word()}"])
        sets = self.one(["GROUPING SETS ((1), (2), ())", "CUBE (1, 2)", "ROLLUP (1, 2)", "ROLLUP (2, 1)"]).replace("1", first).replace("2", second)
        having = f" HAVING {first} IS {self.one(['', 'NOT '])}NULL" if self.maybe(0.2) else ""
        outputs = f"{shown}, {second}, grouping({first}, {second}), {self.aggregate(scope)}"
        return Generated(f"SELECT {outputs} FROM {text}{self.where(scope, 0.4)} GROUP BY {sets}{having}")

    def windowed(self):
        item = self.item(["patient", "observation", "encounter", "report", "named", "barrier"])
        scope = [item]
        key = self.keys(scope)
        partition = f"PARTITION BY {self.text(scope, 1)} " if self.maybe(0.6) else ""
        rows = f"{partition}ORDER BY {self.text(scope, 1)} {self.one(['', 'DESC'])}, {key}"
        peers = f"{partition}ORDER BY {self.text(scope, 1)}"
        frame = self.one(["", " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW"])
        groups = self.one(["", " RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", " GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW", " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING"])
        outputs = [
            f"row_number() OVER ({rows})", f"lag({self.text(scope, 1)}) OVER ({rows})", f"lead({self.text(scope, 1)}, 2, {self.word()}) OVER ({rows})",
            f"first_value({self.text(scope, 1)}) OVER ({rows}{frame})", f"nth_value({self.jsonb(scope, 1)}, 2) OVER ({rows}{frame})",
            f"count(*) OVER ({peers}{groups})", f"rank() OVER ({peers})", f"dense_rank() OVER ({peers})", f"min({self.text(scope, 1)}) OVER ({peers}{groups})",
            f"ntile(3) OVER ({rows})", f"count(*) FILTER (WHERE {self.boolean(scope, 1)}) OVER ({peers}{groups})", f"sum({self.integer(scope, 1)}) OVER ({rows}{frame})",
        ]  # fmt: skip
        chosen = ", ".join(self.chance.sample(outputs, 2))
        return Generated(f"SELECT {key}, {chosen} FROM {item.source} {item.alias}{self.where(scope, 0.4)} ORDER BY {key}", ordered=True)

    def distinct_on(self):
        text, scope = self.sources()
        if not self.is_unique(scope):
            return self.grouped()
        first = self.text(scope, 1)
        outputs = ", ".join(self.any_expression(scope, 1) for _ in range(2))
        return Generated(f"SELECT DISTINCT ON ({first}) {first}, {outputs} FROM {text}{self.where(scope, 0.4)} ORDER BY {first}, {self.keys(scope)}", ordered=True)

    def set_operation(self):
        parts = []
        for _ in range(self.one([2, 2, 3])):
            text, scope = self.sources()
            parts.append(f"(SELECT {self.text(scope)}, {self.text(scope, 1)} FROM {text}{self.where(scope, 0.5)})")
        operators = ["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "EXCEPT ALL", "INTERSECT ALL"]
        text = parts[0]
        for part in parts[1:]:
            text += f" {self.one(operators)} {part}"
        return Generated(f"{text} ORDER BY 1, 2", ordered=True)

    # --- what may fail ------------------------------------------------------------------------------------------------

    def failing(self, item):
        """An expression that fails for some documents."""
        scope = [item]
        document = self.document(scope)
        text = self.one([f"({document} ->> {quoted(self.one(KEYS))})", f"({document} #>> {quoted(self.one(PATHS))})"])
        pick = self.chance.randrange(15)
        options = [
            f"{text}::{self.one(RISKY_TYPES)}", f"{text}::{self.one(RISKY_TYPES)}", f"{text}::{self.one(RISKY_TYPES)}",
            f"1 / (length({text}) - {self.chance.randrange(12)})", f"jsonb_array_length({document} -> {quoted(self.one(KEYS))})",
            f"jsonb_path_query_first({document}, 'strict {self.one(JSONPATHS)}')", f"({document} -> {quoted(self.one(KEYS))})::{self.one(['int', 'numeric', 'boolean', 'float8'])}",
            f"jsonb_set({document}, {quoted(self.one(PATHS))}, '1')", f"({document} -> {quoted(self.one(KEYS))}) - {self.one(['0', quoted('family')])}",
            f"complained({document})", f"('x' ~ {text})", f"decode({text}, 'hex')", f"chr(length({text}) - {self.chance.randrange(12)})",
            f"jsonb_insert({document}, '{{{self.one(KEYS)}}}', '1')", f"to_tsquery({text})",
        ]  # fmt: skip
        return options[pick]

    def risky(self):
        """Every row that passes a total condition is asked, and none but these."""
        item = self.item([*BASE, "all_patients()", "volatile_encounters()", "barrier"])
        expression = self.failing(item)
        source = f"{item.source} {item.alias}"
        where = f" WHERE {self.boolean([item], 1)}" if self.maybe(0.3) else ""
        probe = f"SELECT {expression} FROM {source}{where or ' WHERE true'} AND {item.alias}.id = %s"
        key = self.keys([item])
        forms = [
            f"SELECT {key}, {expression} FROM {source}{where}", f"SELECT {key}, {expression} FROM {source}{where} ORDER BY {key}",
            f"SELECT {key} FROM {source}{where} ORDER BY ({expression})::text, {key}", f"SELECT ({expression})::text, count(*) FROM {source}{where} GROUP BY 1",
            f"SELECT count({expression}) FROM {source}{where}", f"SELECT max(({expression})::text) FROM {source}{where}",
            f"WITH m AS MATERIALIZED (SELECT {expression} AS e FROM {source}{where}) SELECT count(e) FROM m",
            f"SELECT DISTINCT ({expression})::text FROM {source}{where}", f"SELECT count(({expression})::text) OVER (PARTITION BY ({expression})::text) FROM {source}{where}",
            f"SELECT {key} FROM {source}{where} ORDER BY {key} LIMIT (SELECT 3 + 0 * count({expression}) FROM {source}{where})",
        ]  # fmt: skip
        if not where and item.source in BASE:
            forms += [f"SELECT {key} FROM {source} WHERE ({expression}) IS NOT NULL"] * 3
        if where and item.source in BASE:
            forms.append(f"SELECT {key}, {expression} FROM {source}{where} AND {item.alias}.id = {quoted(self.one(['p1', 'p2', 'o3', 'o7', 'e4', 'd5', 'c1']))}")
        form = self.one(forms)
        ordered = form.endswith(f"ORDER BY {key}") or " LIMIT (" in form
        return Generated(form, ordered=ordered and item.source != "everything", probe=probe)

    # --- what writes --------------------------------------------------------------------------------------------------

    def writing(self):
        """A statement that changes rows and returns them; what it changes is hidden from nobody."""
        self.watches = False
        item = self.item(WRITABLE)
        scope, source = [item], f"{item.source} {item.alias}"
        where = self.boolean(scope)
        outputs = ", ".join([f"{item.alias}.id", *(self.any_expression(scope, 1) for _ in range(2))])
        other = self.item()
        nearby = self.boolean([item, other], 1)
        self.shows_meta = False
        new = Item(item.alias, {"id": "text", "resource": "jsonb"}, ["id"])
        returned = ", ".join([f"{item.alias}.id", *(self.any_expression([new], 1) for _ in range(2))])
        language = f"""{item.alias}.resource || '{{"language": "de"}}'"""
        delete = f"DELETE FROM {source} WHERE {where} RETURNING {outputs}"
        update = f"UPDATE {source} SET resource = {language} WHERE {where} RETURNING {returned}"
        used = f"DELETE FROM {source} WHERE EXISTS (SELECT FROM {other.source} {other.alias} WHERE {nearby}) RETURNING {outputs}"
        cte = f"WITH w AS ({self.one([delete, update])}) SELECT * FROM w"
        counted = f"WITH w AS ({self.one([delete, update])}) SELECT count(*), min(id) FROM w"
        insert = (
            f"INSERT INTO {item.source} AS {item.alias} (id, resource) SELECT id || 'n', jsonb_set(resource, '{{id}}', to_jsonb(id || 'n')) "
            f"FROM {item.source} ORDER BY id LIMIT 2 RETURNING {returned}"
        )
        return Generated(self.one([delete, update, update, used, cte, counted, insert]), reads=False, locks=True)
