"""Runs a query on both sides, under a membership and as a superuser over its masked copy, and compares.

Compared are rows as PostgreSQL prints them (in order where the query determines one, else as a multiset), the names and types of
columns, and errors: SQLSTATE, message, detail and context.

Which of several failing rows fails first depends on the plan. So a query that fails on both sides, with different words, is asked
row by row on the copy; what was said under the membership must be what one of the rows that it may see says there.

Besides, a function that costs next to nothing tells of every document that it is shown, whatever becomes of its row. Under the
membership these are documents of the copy, and no others.
"""

import os
import random
from dataclasses import dataclass

import psycopg
from grammar import BASE, Generated, Grammar
from psycopg.pq import DiagnosticField as Field
from psycopg.pq import ExecStatus as Status

# Settings that change plans and must change nothing else.
SWITCHES = [
    "enable_seqscan", "enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "enable_nestloop",
    "enable_hashagg", "enable_sort", "enable_material", "enable_memoize", "enable_incremental_sort", "enable_partitionwise_join", "geqo",
]  # fmt: skip
LIMITS = [
    "from_collapse_limit = 1", "join_collapse_limit = 1", "geqo_threshold = 2", "work_mem = '64kB'", "cursor_tuple_fraction = 0.01",
    "cpu_operator_cost = 1000", "seq_page_cost = 1e6", "random_page_cost = 0.001",
]  # fmt: skip
PARALLEL = [
    "force_parallel_mode = on", "parallel_setup_cost = 0", "parallel_tuple_cost = 0", "min_parallel_table_scan_size = 0",
    "min_parallel_index_scan_size = 0", "max_parallel_workers_per_gather = 2",
]  # fmt: skip

# How many queries are run under the same settings, and how many of these lots use parallel workers.
LOT = 25
PARALLEL_LOTS = 0.06


@dataclass
class Answer:
    columns: tuple = ()
    rows: tuple = ()
    error: tuple = ()


class Side:
    """One of the two sessions."""

    def __init__(self, user, settings):
        self.connection = psycopg.connect(user=user, autocommit=True)
        self.wire = self.connection.pgconn
        self.types = {}
        self.shown = set()
        self.connection.add_notice_handler(self.told)
        for setting in settings:
            self.do(setting)

    def told(self, notice):
        said = notice.message_primary or ""
        if said.startswith("shown: "):
            self.shown.add(said)

    def do(self, text):
        """A statement that must succeed."""
        answer = self.ask(text)
        assert not answer.error, (text, answer.error)
        return answer

    def ask(self, text, parameters=None):
        encoded = text.encode()
        if parameters:
            result = self.wire.exec_params(encoded, [value.encode() for value in parameters])
        else:
            result = self.wire.exec_(encoded)
        return self.answer(result)

    def answer(self, result):
        if result.status == Status.COPY_OUT:
            rows = []
            while True:
                count, data = self.wire.get_copy_data(0)
                if count < 0:
                    break
                rows.append((bytes(data),))
            result = self.wire.get_result()
            while self.wire.get_result() is not None:
                pass
            if result.status == Status.COMMAND_OK:
                return Answer((), tuple(rows))
        if result.status == Status.FATAL_ERROR:
            fields = (Field.SQLSTATE, Field.MESSAGE_PRIMARY, Field.MESSAGE_DETAIL, Field.CONTEXT)
            return Answer(error=tuple((result.error_field(part) or b"").decode() for part in fields))
        assert result.status in (Status.TUPLES_OK, Status.COMMAND_OK), result.status
        width = range(result.nfields)
        columns = tuple((result.fname(place), self.type_name(result.ftype(place)), result.fmod(place)) for place in width)
        rows = tuple(tuple(result.get_value(row, place) for place in width) for row in range(result.ntuples))
        return Answer(columns, rows or (() if width else (result.ntuples,)))

    def type_name(self, oid):
        """Row types have other numbers in every schema."""
        if oid < 16384:
            return oid
        if oid not in self.types:
            found = self.wire.exec_(f"SELECT typname FROM pg_catalog.pg_type WHERE oid = {oid}".encode())
            self.types[oid] = found.get_value(0, 0)
        return self.types[oid]


def run(side, query, style):
    """Runs a query in one of several ways; `style` is the same on both sides."""
    text, parameters = query.text, query.parameters
    if style == "generic" and not parameters:
        style = "prepared"
    if style == "simple" and not parameters:
        return side.ask(text)
    if style == "extended" or (parameters and style in ("simple", "cursor", "copy", "table")):
        return side.ask(text, parameters) if parameters else side.answer(side.wire.exec_params(text.encode(), None))
    if style in ("prepared", "generic"):
        side.do(f"SET plan_cache_mode = force_{'generic' if style == 'generic' else 'custom'}_plan")
        result = side.wire.prepare(b"", text.encode())
        if result.status != Status.COMMAND_OK:
            return side.answer(result)
        return side.answer(side.wire.exec_prepared(b"", [value.encode() for value in parameters] or None))
    if style == "cursor":
        try:
            declared = side.ask(f"BEGIN; DECLARE c SCROLL CURSOR FOR {text}; MOVE 3 FROM c; MOVE BACKWARD ALL FROM c")
            return declared if declared.error else side.ask("FETCH ALL FROM c")
        finally:
            side.do("ROLLBACK")
    if style == "copy":
        return side.ask(f"COPY ({text}) TO STDOUT")
    raise ValueError(style)


def result_of(answer, ordered):
    return (answer.columns, answer.rows if ordered else tuple(sorted(answer.rows, key=repr)), answer.error)


class Pair:
    """Both sides of one membership."""

    def __init__(self, membership, seed):
        self.membership, self.seed = membership, seed
        schema = f"copy_{membership}"
        self.asker = Side("inquirer", [f"SET fhir_access.membership = '{membership}'", "SET search_path = app"])
        self.copy = Side(os.environ["PGUSER"], [f"SET search_path = {schema}"])
        self.asker.do("SET client_min_messages = warning")
        self.copy.do("SET client_min_messages = error")
        documents = " UNION ALL ".join(f"SELECT resource FROM {table}" for table in BASE if table != "report")
        visible = self.copy.do(f"SELECT DISTINCT 'shown: ' || coalesce(md5(resource::text), '<NULL>') FROM ({documents}) documents UNION SELECT 'shown: <NULL>'")
        self.visible = {said.decode() for (said,) in visible.rows}
        self.counts = {"run": 0, "rows": 0, "errors": 0, "empty": 0, "shown": 0}
        self.differences = []

    def settle(self, lot):
        """Settings for the next lot of queries, other ones on each side."""
        self.settings = []
        for name, side in (("asker", self.asker), ("copy", self.copy)):
            chance = random.Random(f"{self.seed}/{self.membership}/settings/{lot}/{name}")
            chosen = [f"{switch} = off" for switch in SWITCHES if chance.random() < 0.2]
            chosen += [limit for limit in LIMITS if chance.random() < 0.15]
            if name == "asker" and chance.random() < PARALLEL_LOTS:
                chosen += PARALLEL
            for setting in SWITCHES + [part.split(" = ")[0] for part in [*LIMITS, *PARALLEL]]:
                side.do(f"RESET {setting}")
            for setting in chosen:
                side.do(f"SET {setting}")
            self.settings.append(chosen)

    def check(self, number):
        """Makes and compares the query with this number."""
        chance = random.Random(f"{self.seed}/{self.membership}/style/{number}")
        grammar = Grammar(f"{self.seed}/{self.membership}/{number}")
        kind = chance.random()
        writes = kind > 0.96 and self.membership in WRITERS
        query = grammar.writing() if writes else grammar.risky() if kind < 0.2 else grammar.total()
        styles = ["simple"] * 5 + ["extended", "prepared", "generic"] + ([] if query.locks or not query.reads else ["cursor", "copy"])
        style = chance.choice(styles)
        if query.locks:
            # One after the other: the answer is no deadlock.
            self.asker.do("BEGIN; SELECT pg_advisory_xact_lock(1)")
            self.copy.do("BEGIN")
        self.asker.shown.clear()
        seen, expected = run(self.asker, query, style), run(self.copy, query, style)
        if query.locks:
            self.asker.do("ROLLBACK")
            self.copy.do("ROLLBACK")
        self.counts["run"] += 1
        self.counts["errors"] += bool(expected.error)
        self.counts["rows"] += len(expected.rows)
        self.counts["empty"] += not expected.rows and not expected.error
        self.counts["shown"] += len(self.asker.shown)
        if not self.asker.shown <= self.visible:
            self.differences.append(f"query {number} of {self.membership} ({style}; settings {self.settings}) shows hidden documents to a function:\n{query.text}")
        if result_of(seen, query.ordered) == result_of(expected, query.ordered) or self.fails_alike(query, seen, expected):
            return
        self.differences.append(
            f"query {number} of {self.membership} ({style}; settings {self.settings}):\n{query.text}\nparameters {query.parameters}\n"
            f"seen     {first_difference(seen, expected)}\nexpected {first_difference(expected, seen)}"
        )

    def fails_alike(self, query, seen, expected):
        """Both fail, and what is said under the membership is said of a visible row on the copy, too."""
        if not (query.probe and seen.error and expected.error):
            return False
        ids = {id for table in BASE for (id,) in self.copy.do(f"SELECT id FROM {table}").rows}
        said = {self.copy.ask(query.probe.replace("%s", "'" + id.decode() + "'")).error for id in sorted(ids)}
        without_context = {error[:3] for error in said if error}
        return seen.error[:3] in without_context and expected.error[:3] in without_context


def first_difference(one, other):
    if one.error or one.columns != other.columns:
        return one.error or one.columns
    odd = [row for row in one.rows if row not in set(other.rows)]
    return f"{len(one.rows)} rows" + (f", such as {str(odd[0])[:1500]}" if odd else "")


# Memberships under which a change of an unhidden element, a copy of a row and a delete are permitted for every row that is seen, and
# change nothing of who decides: without projects and compartments, which tag what is written.
WRITERS = ["nested", "hidden", "open"]

MOST_DIFFERENCES = 5


def compare(membership, seed, numbers):
    """Compares the queries with these numbers; returns counts and differences."""
    pair = Pair(membership, seed)
    for number in numbers:
        if pair.counts["run"] % LOT == 0:
            pair.settle(number)
        pair.check(number)
        if len(pair.differences) >= MOST_DIFFERENCES:
            break
    return pair.counts, pair.differences
