//! Every criteria on every document of its type: SQL must see what the evaluator grants, without indexes and with them; and
//! of a share of them, the trigger that asks stored rows directly must find the same entry to decide.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::database;
use crate::documents::{self, Documents};
use crate::evaluate::Question;
use crate::generate::{Generated, Generator, kinds};
use crate::shrink::shrink;
use crate::table::Table;
use crate::truth::Truth;

const SEED: u64 = 20_130_114;
const PAIRS: usize = 400_000;

/// So many of the pairs are written, too.
const WRITTEN: usize = 100_000;

/// Of a hundred pairs of a kind, so many must be granted: where nothing is granted, agreement means little.
const GRANTED: usize = 5;
const GRANTED_IN_ALL: usize = 15;

/// Disagreements that are shown, each made as small as possible.
const SHOWN: usize = 30;

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    match env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number")),
        Err(_) => default,
    }
}

/// What the evaluator says of each document of the type, in their order.
type Verdicts = Vec<Truth>;

#[derive(Debug, Default)]
struct Count {
    criteria: usize,
    pairs: usize,
    granted: usize,
    unknown: usize,
}

impl Count {
    fn add(&mut self, verdicts: &Verdicts) {
        self.criteria += 1;
        self.pairs += verdicts.len();
        self.granted += verdicts
            .iter()
            .filter(|truth| **truth == Some(true))
            .count();
        self.unknown += verdicts.iter().filter(|truth| truth.is_none()).count();
    }
}

#[test]
fn sql_agrees_with_the_evaluator() {
    // With Result, the test runner would show a backtrace for what is no bug of the program.
    if let Err(error) = compare() {
        panic!("{error:#}");
    }
}

fn compare() -> Result<()> {
    let seed = setting("CRITERIA_SEED", SEED);
    let wanted = usize::try_from(setting("CRITERIA_PAIRS", PAIRS as u64))?;
    let table = Table::load()?;
    let documents = documents::all(&table, seed)?;
    let mut generator = Generator::new(&table, &documents, seed);
    let (mut criteria, mut pairs) = (Vec::new(), 0);
    while pairs < wanted {
        let next = generator.next();
        pairs += documents[&next.resource_type].len();
        criteria.push(next);
    }
    let verdicts = judge(&table, &documents, &criteria)?;
    report(seed, &documents, &criteria, &verdicts);

    let mut superuser = database::superuser()?;
    database::store(&mut superuser, &documents)?;
    let texts: Vec<_> = criteria
        .iter()
        .map(|criteria| (criteria.resource_type.clone(), criteria.text.clone()))
        .collect();
    let refused = database::write_policies(&mut superuser, &texts)?;
    for (n, said) in refused.iter().take(SHOWN) {
        println!("refused: {}\n  {said}", criteria[*n].text);
    }

    let pass = Pass {
        table: &table,
        documents: &documents,
        criteria: &criteria,
        verdicts: &verdicts,
        refused: &refused,
    };
    let without = pass.run(&mut superuser, "without indexes", &[])?;
    let wanted_writes = usize::try_from(setting("CRITERIA_WRITTEN", WRITTEN as u64))?;
    let written = pass.write(&mut superuser, wanted_writes)?;
    let begun = Instant::now();
    let indexes = database::make_advised_indexes(&mut superuser)?;
    println!(
        "| {indexes} indexes were advised and made, {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    let with = pass.run(
        &mut superuser,
        "with indexes",
        &["SET enable_seqscan = off"],
    )?;

    let scanned = database::scanned_indexes(&mut superuser)?;
    println!("| {scanned} of them were scanned");
    ensure!(
        refused.is_empty(),
        "{} criteria were refused",
        refused.len()
    );
    let disagreements = without + with + written;
    ensure!(disagreements == 0, "{disagreements} pairs disagree");
    ensure!(scanned > 0, "no advised index was scanned");
    enough(&criteria, &verdicts)
}

/// Asks the evaluator, on all processors.
fn judge(table: &Table, documents: &Documents, criteria: &[Generated]) -> Result<Vec<Verdicts>> {
    let of = |criteria: &Generated| -> Result<Verdicts> {
        let question = Question::new(table, &criteria.text)?;
        documents[&criteria.resource_type]
            .iter()
            .map(|document| question.holds(document))
            .collect::<Result<_>>()
            .with_context(|| criteria.text.clone())
    };
    let workers = thread::available_parallelism()?.get();
    let share = criteria.len().div_ceil(workers);
    thread::scope(|scope| {
        let workers: Vec<_> = criteria
            .chunks(share)
            .map(|share| scope.spawn(move || share.iter().map(of).collect::<Result<Vec<_>>>()))
            .collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.join().expect("a worker ended badly")?);
        }
        Ok(all)
    })
}

/// Counts by the name that a criteria has.
fn counts<'c>(
    criteria: &'c [Generated],
    verdicts: &[Verdicts],
    names: impl Fn(&'c Generated) -> Vec<&'c str>,
) -> BTreeMap<&'c str, Count> {
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    for (criteria, verdicts) in criteria.iter().zip(verdicts) {
        for name in names(criteria).into_iter().collect::<BTreeSet<_>>() {
            counts.entry(name).or_default().add(verdicts);
        }
    }
    counts
}

fn report(seed: u64, documents: &Documents, criteria: &[Generated], verdicts: &[Verdicts]) {
    let count: usize = documents.values().map(Vec::len).sum();
    println!(
        "| seed {seed}: {count} documents of {} types",
        documents.len()
    );
    if documents::folder().is_none() {
        println!("| HL7's examples and Synthea's patients are not here: grown documents only");
    }
    println!(
        "| {:<14} {:>8} {:>8} {:>8} {:>8}",
        "", "criteria", "pairs", "granted", "unknown"
    );
    let line = |name: &str, count: &Count| {
        let Count {
            criteria,
            pairs,
            granted,
            unknown,
        } = count;
        println!("| {name:<14} {criteria:>8} {pairs:>8} {granted:>8} {unknown:>8}");
    };
    for (name, count) in counts(criteria, verdicts, |criteria| vec![criteria.kind]) {
        line(name, &count);
    }
    for (_, count) in counts(criteria, verdicts, |_| vec![""]) {
        line("all", &count);
    }
    for (name, count) in counts(criteria, verdicts, |criteria| {
        criteria.forms.iter().map(String::as_str).collect()
    }) {
        line(name, &count);
    }
}

/// Were there enough pairs of each kind that are granted?
fn enough(criteria: &[Generated], verdicts: &[Verdicts]) -> Result<()> {
    let counts = counts(criteria, verdicts, |criteria| vec![criteria.kind, "all"]);
    for kind in kinds().chain(["all"]) {
        let count = counts
            .get(kind)
            .with_context(|| format!("no criteria of kind {kind}"))?;
        let least = if kind == "all" {
            GRANTED_IN_ALL
        } else {
            GRANTED
        };
        ensure!(
            count.granted * 100 >= count.pairs * least,
            "of {} pairs of kind {kind} only {} are granted",
            count.pairs,
            count.granted
        );
    }
    Ok(())
}

/// A criteria without its type and its values: disagreements that share it are most likely the same.
fn names(criteria: &str) -> Vec<&str> {
    let (_, query) = criteria.split_once('?').unwrap_or_default();
    query
        .split('&')
        .map(|condition| condition.split('=').next().unwrap_or_default())
        .collect()
}

/// The same questions, however the tables are indexed.
struct Pass<'a> {
    table: &'a Table,
    documents: &'a Documents,
    criteria: &'a [Generated],
    verdicts: &'a [Verdicts],
    refused: &'a BTreeMap<usize, String>,
}

impl Pass<'_> {
    /// Shows and counts the pairs that disagree.
    fn run(&self, superuser: &mut Client, name: &str, settings: &[&str]) -> Result<usize> {
        let mut asker = database::asker()?;
        for client in [&mut asker, superuser] {
            for setting in settings {
                client.batch_execute(setting)?;
            }
        }
        let begun = Instant::now();
        let mut disagreements = 0;
        let mut shown = BTreeSet::new();
        for (n, (criteria, verdicts)) in self.criteria.iter().zip(self.verdicts).enumerate() {
            if self.refused.contains_key(&n) {
                continue;
            }
            let seen = match database::seen(&mut asker, &criteria.resource_type, &n.to_string()) {
                Ok(seen) => seen,
                Err(error) => {
                    println!("{name}: {}\n  {error}", criteria.text);
                    disagreements += verdicts.len();
                    continue;
                }
            };
            for (document, verdict) in self.documents[&criteria.resource_type].iter().zip(verdicts)
            {
                let is_seen = document["id"].as_str().is_some_and(|id| seen.contains(id));
                if is_seen == (*verdict == Some(true)) {
                    continue;
                }
                disagreements += 1;
                if shown.len() < SHOWN && shown.insert((names(&criteria.text), *verdict, is_seen)) {
                    self.show(superuser, name, criteria, document, *verdict, is_seen)?;
                }
            }
        }
        println!(
            "| {name}: {disagreements} pairs disagree, {:.1} s",
            begun.elapsed().as_secs_f64()
        );
        Ok(disagreements)
    }

    /// Updates each document under criteria that are spread over all: counts the pairs for which the trigger lets another
    /// entry decide than the evaluator says.
    fn write(&self, superuser: &mut Client, wanted: usize) -> Result<usize> {
        let mut asker = database::asker()?;
        let begun = Instant::now();
        let all: usize = self.verdicts.iter().map(Vec::len).sum();
        let step = all.div_ceil(wanted.max(1)).max(1);
        let (mut pairs, mut disagreements, mut shown) = (0, 0, 0);
        let some = self.criteria.iter().zip(self.verdicts).enumerate();
        for (n, (criteria, verdicts)) in some.step_by(step) {
            if self.refused.contains_key(&n) {
                continue;
            }
            let resource_type = &criteria.resource_type;
            database::write_deciding_policy(superuser, n, resource_type, &criteria.text)?;
            let decided = match database::decided(&mut asker, resource_type, n) {
                Ok(decided) => decided,
                Err(error) => {
                    println!("written: {}\n  {error}", criteria.text);
                    disagreements += verdicts.len();
                    continue;
                }
            };
            for (document, verdict) in self.documents[resource_type].iter().zip(verdicts) {
                let decides = document["id"]
                    .as_str()
                    .is_some_and(|id| decided.contains(id));
                pairs += 1;
                if decides == (*verdict == Some(true)) {
                    continue;
                }
                disagreements += 1;
                if shown < SHOWN {
                    shown += 1;
                    println!(
                        "written: the evaluator says {verdict:?}, the trigger {decides}\n  {}\n  {document}",
                        criteria.text
                    );
                }
            }
        }
        superuser.batch_execute("VACUUM")?;
        println!(
            "| {pairs} pairs written: {disagreements} disagree, {:.1} s",
            begun.elapsed().as_secs_f64()
        );
        Ok(disagreements)
    }

    fn show(
        &self,
        superuser: &mut Client,
        name: &str,
        criteria: &Generated,
        document: &Value,
        verdict: Truth,
        is_seen: bool,
    ) -> Result<()> {
        let sees = if is_seen {
            "sees it"
        } else {
            "does not see it"
        };
        println!("{name}: the evaluator says {verdict:?}, SQL {sees}");
        let disagrees = |criteria: &str, documents: &[Value]| {
            let resource_type = criteria.split('?').next().unwrap_or_default();
            let question = Question::new(self.table, criteria)?;
            let seen = database::would_see(superuser, resource_type, criteria, documents)?;
            documents
                .iter()
                .map(|document| {
                    let is_seen = document["id"].as_str().is_some_and(|id| seen.contains(id));
                    let verdict = question.holds(document)?;
                    Ok(verdict != Some(is_seen) && (is_seen || verdict == Some(true)))
                })
                .collect()
        };
        let (text, document) = shrink(&criteria.text, document, disagrees)?;
        println!("  {text}\n  {document}");
        if text != criteria.text {
            println!("  of {}", criteria.text);
        }
        Ok(())
    }
}
