//! Tagging: the project, the accounts and the compartments of a resource are set here, whatever its writer says of them.
//!
//! On create the accounts are the policy's compartment, then the accounts of the patients the resource belongs to. On
//! update a Patient keeps its own, and other resources follow their patients'. Only an admin's word counts.
//! `meta.compartment`, in resources that have it, lists the project, the accounts and these patients.

mod meta;
mod patients;
mod unpacked;

use crate::error::{Error, Result};
use crate::node::expr::ROW;
use crate::node::privilege::AsOwner;
use crate::node::relation::{self, Column, OpenRelation};
use crate::node::row::{self, JsonbDatum};
use crate::node::scan::{self, Sought};
use crate::predicate::{Style, Writer, identifier};
use crate::registry::{self, Protected};
use crate::session::Session;
use crate::triggers::row::holds_project;
use access_policy::Interaction;
use access_policy::fields::FieldSet;
use fhir_search::{Candidate, Predicate, Test};
use jsonb::{Node, Value};
use meta::Edit;
use pgrx::prelude::*;
use std::borrow::Cow;

const COMPARTMENT: &str = "compartment";

/// The new document as it is stored, or `None` where nothing changes. `said` is the project that the row names beside it.
/// Where fields that may not be written have been taken out of it, `tagged_before` is what it was before: the tags are ours, and
/// stay.
pub fn on_create(
    session: &Session,
    protected: &Protected,
    new: Value<'_>,
    said: Option<String>,
    tagged_before: Option<Value<'_>>,
) -> Result<Option<Vec<u8>>> {
    let access = &session.access;
    let project = if access.super_admin {
        match (
            meta_member(new, "project"),
            said.or_else(|| access.project.clone()),
        ) {
            (None, Some(project)) => Edit::Set(text(project)),
            _ => Edit::Keep,
        }
    } else {
        match &access.project {
            Some(project) => Edit::Set(text(project.clone())),
            None => Edit::Remove,
        }
    };
    let accounts = match said_by_admin(session, new) {
        Some(accounts) => accounts,
        None => {
            let mut accounts: Vec<String> = access.compartment.iter().cloned().collect();
            if !is_patient(protected, new) {
                add_new(
                    &mut accounts,
                    accounts_of_patients(session, protected, new)?.unwrap_or_default(),
                );
            }
            accounts.into_iter().map(reference).collect()
        }
    };
    tagged(protected, tagged_before, new, project, accounts)
}

/// Do the tags of a resource depend on what it holds in these fields?
pub fn looks_at(resource_type: &str, fields: &FieldSet) -> bool {
    let members = fhir_search::members_with_patients(resource_type);
    let own = ["meta", "id", "resourceType"];
    members.chain(own).any(|member| fields.touches(member))
}

/// As [`on_create`], for a row that replaces `old`. `moved` is the project that a super admin gives it beside the document.
pub fn on_update(
    session: &Session,
    protected: &Protected,
    [old, new]: [Value<'_>; 2],
    moved: Option<Option<String>>,
) -> Result<Option<Vec<u8>>> {
    let project = if session.access.super_admin {
        match moved {
            Some(Some(project)) => Edit::Set(text(project)),
            Some(None) => Edit::Remove,
            None => Edit::Keep,
        }
    } else {
        match meta_member(old, "project") {
            Some(project) => Edit::Set(Node::Value(project)),
            None => Edit::Remove,
        }
    };
    let accounts = match said_by_admin(session, new) {
        Some(accounts) => accounts,
        None if is_patient(protected, new) => {
            accounts_in(old).into_iter().map(Node::Value).collect()
        }
        None => match accounts_of_patients(session, protected, new)? {
            Some(accounts) => accounts.into_iter().map(reference).collect(),
            None => accounts_in(old).into_iter().map(Node::Value).collect(),
        },
    };
    tagged(protected, Some(old), new, project, accounts)
}

/// The new document with the project and the accounts as given, and with the compartments that follow from them where it or
/// the old one has any.
fn tagged<'a>(
    protected: &Protected,
    old: Option<Value<'a>>,
    new: Value<'a>,
    project: Edit<'a>,
    accounts: Vec<Node<'a>>,
) -> Result<Option<Vec<u8>>> {
    let is_kept = |document: Value<'_>| meta_member(document, COMPARTMENT).is_some();
    let compartment = if is_kept(new) || old.is_some_and(is_kept) {
        let compartments = compartments(protected, new, &project, &accounts);
        Edit::list(compartments.into_iter().map(reference).collect())
    } else {
        Edit::Keep
    };
    let account = accounts.first().cloned().map_or(Edit::Remove, Edit::Set);
    let edits = [
        ("project", project),
        ("account", account),
        ("accounts", Edit::list(accounts)),
        (COMPARTMENT, compartment),
    ];
    meta::rewrite(new, edits)
}

/// The document without what is set here; `None` where it has nothing of it.
pub fn untagged(document: Value<'_>) -> Result<Option<Vec<u8>>> {
    let edits = ["project", "account", "accounts", COMPARTMENT].map(|name| (name, Edit::Remove));
    meta::rewrite(document, edits)
}

/// What Medplum lists as a resource's compartments: its project, its accounts, and the patients it belongs to.
fn compartments(
    protected: &Protected,
    document: Value<'_>,
    project: &Edit<'_>,
    accounts: &[Node<'_>],
) -> Vec<String> {
    let project = match project {
        Edit::Set(Node::String(id)) => Some(id.to_string()),
        Edit::Set(Node::Value(Value::String(id))) => Some((*id).to_owned()),
        Edit::Keep => meta_member(document, "project")
            .and_then(|id| id.as_str())
            .map(str::to_owned),
        _ => None,
    };
    let mut found: Vec<String> = project
        .map(|id| format!("Project/{id}"))
        .into_iter()
        .collect();
    add_new(&mut found, accounts.iter().filter_map(account_of).collect());
    let itself = is_patient(protected, document)
        .then(|| document.as_object()?.get("id")?.as_str().map(str::to_owned))
        .flatten();
    let patients = referenced_patients(protected, document);
    let patients = itself.into_iter().chain(patients);
    add_new(
        &mut found,
        patients.map(|id| format!("Patient/{id}")).collect(),
    );
    found
}

fn is_patient(protected: &Protected, document: Value<'_>) -> bool {
    protected.type_of(document) == Some("Patient")
}

/// The ids of the patients that a document of the table belongs to.
fn referenced_patients(protected: &Protected, document: Value<'_>) -> Vec<String> {
    protected
        .type_of(document)
        .map(|resource_type| fhir_search::referenced_patients(resource_type, document))
        .unwrap_or_default()
}

/// The accounts that an admin's document names; `None` where it names none, or its writer is no admin.
fn said_by_admin<'a>(session: &Session, document: Value<'a>) -> Option<Vec<Node<'a>>> {
    if !(session.access.admin || session.access.super_admin) {
        return None;
    }
    let accounts = accounts_in(document);
    (!accounts.is_empty()).then(|| accounts.into_iter().map(Node::Value).collect())
}

/// `meta.account` and what `meta.accounts` has besides, in this order.
fn accounts_in(document: Value<'_>) -> Vec<Value<'_>> {
    let mut accounts: Vec<Value<'_>> = meta_member(document, "account").into_iter().collect();
    if let Some(Value::Array(others)) = meta_member(document, "accounts") {
        for other in others.iter() {
            let known = accounts
                .iter()
                .any(|account| reference_of(*account) == reference_of(other));
            if !known {
                accounts.push(other);
            }
        }
    }
    accounts
}

fn meta_member<'a>(document: Value<'a>, name: &str) -> Option<Value<'a>> {
    let Value::Object(document) = document else {
        return None;
    };
    let Some(Value::Object(meta)) = document.get("meta") else {
        return None;
    };
    meta.get(name).filter(|value| !matches!(value, Value::Null))
}

/// The accounts of the patients that `document` belongs to, as far as they are stored in a protected table; `None` where
/// none of them is.
fn accounts_of_patients(
    session: &Session,
    protected: &Protected,
    document: Value<'_>,
) -> Result<Option<Vec<String>>> {
    let patients = referenced_patients(protected, document);
    if patients.is_empty() {
        return Ok(None);
    }
    if let Some(known) = patients::recall(session, &patients) {
        return Ok(known);
    }
    // A patient of another project has nothing to do with this one, whatever its id.
    let reach = session.reach("Patient", Interaction::Search)?;
    let mut found = None;
    for table in registry::relations_of("Patient")? {
        let Some(table) = registry::protected(table)? else {
            continue;
        };
        for accounts in stored_accounts(&table, &patients, &reach.scope)? {
            add_new(found.get_or_insert_with(Vec::new), accounts);
        }
    }
    patients::remember(session, patients, &found);
    Ok(found)
}

/// The accounts of each of these patients that `table` holds, read past row security.
fn stored_accounts(
    table: &Protected,
    ids: &[String],
    scope: &Predicate,
) -> Result<Vec<Vec<String>>> {
    // Among rows of several types an id is not one row's.
    if let [id] = ids
        && table.one_type().is_some()
        && !scope.asks_for_id()
    {
        let sought = scan::by_id(table.relation, table.id.number, id, |relation, tuple| {
            accounts_in_row(table, relation, tuple, scope)
        });
        match sought {
            Sought::Found(accounts) => return Ok(accounts?.into_iter().collect()),
            Sought::Absent => return Ok(Vec::new()),
            Sought::Unanswered => {}
        }
    }
    let condition = Predicate::all([
        table.of_type("Patient"),
        Predicate::Id(ids.to_vec()),
        scope.clone(),
    ]);
    let writer = Writer::new(table, Style::Exact);
    let condition = writer.predicate(&condition);
    let query = format!(
        "SELECT {} FROM {} AS {ROW} WHERE {condition} ORDER BY {ROW}.{}",
        writer.resource(),
        relation::qualified_name(table.relation),
        identifier(&table.id.name),
    );
    let _owner = AsOwner::of_table(table.relation)?;
    Spi::connect(|client| {
        let mut found = Vec::new();
        for row in client.select(&query, None, &[])? {
            let Some(datum) = row
                .get_datum_by_ordinal(1)?
                .value::<pgrx::datum::AnyElement>()?
            else {
                continue;
            };
            // SAFETY: what the writer calls the row's document is jsonb.
            let resource = unsafe { JsonbDatum::new(datum.datum()) };
            found.push(resource.value().map(references_in).unwrap_or_default());
        }
        Ok::<_, pgrx::spi::SpiError>(found)
    })
    .map_err(|error| Error::Internal(error.to_string()))
}

/// The accounts of the patient in `tuple`, a row of `table`, where `scope` lets it count.
fn accounts_in_row(
    table: &Protected,
    relation: &OpenRelation,
    tuple: pg_sys::HeapTuple,
    scope: &Predicate,
) -> Result<Option<Vec<String>>> {
    let column = |number| {
        // SAFETY: the tuple is a row of the relation.
        unsafe { row::column(tuple, relation.tuple_desc(), number) }
    };
    let resource = column(table.resource.number);
    // SAFETY: the registry has checked the column's type; a stored row says which transaction wrote it.
    let resource = resource.and_then(|datum| unsafe {
        let writer = (*(*tuple).t_data).t_choice.t_heap.t_xmin;
        unpacked::read(table.format, datum, writer)
    });
    let Some(resource) = resource else {
        return Ok(None);
    };
    let document = row::parse(resource.bytes())?;
    let project = table.project.as_ref();
    let patient = Patient {
        document,
        project_column: project,
        project: project.and_then(|project| {
            // SAFETY: the datum is of the column's type.
            column(project.number).map(|datum| unsafe { row::output(datum, project.type_oid) })
        }),
    };
    let counts = scope.evaluate(&patient) == Some(true);
    Ok(counts.then(|| references_in(document)))
}

/// A stored patient, of whom predicates ask what the row says.
struct Patient<'a> {
    document: Value<'a>,
    project_column: Option<&'a Column>,
    project: Option<String>,
}

impl Candidate for Patient<'_> {
    fn has_id_of(&self, _ids: &[String]) -> Option<bool> {
        None
    }

    fn passes(&self, test: &Test) -> Option<bool> {
        match self.project_column {
            Some(column) => test.evaluate_beside(self.document, |asked| {
                holds_project(column, self.project.as_deref(), asked)
            }),
            None => test.evaluate(self.document),
        }
    }
}

fn references_in(document: Value<'_>) -> Vec<String> {
    accounts_in(document)
        .into_iter()
        .filter_map(reference_of)
        .collect()
}

fn reference_of(account: Value<'_>) -> Option<String> {
    match account {
        Value::Object(account) => match account.get("reference") {
            Some(Value::String(reference)) => Some(reference.to_owned()),
            _ => None,
        },
        _ => None,
    }
}

/// As [`reference_of`], of an account that is to be stored.
fn account_of(account: &Node<'_>) -> Option<String> {
    match account {
        Node::Value(account) => reference_of(*account),
        Node::Object(members) => members.iter().find_map(|(name, value)| match value {
            Node::String(to) if name == "reference" => Some(to.to_string()),
            _ => None,
        }),
        _ => None,
    }
}

fn add_new(accounts: &mut Vec<String>, more: Vec<String>) {
    for account in more {
        if !accounts.contains(&account) {
            accounts.push(account);
        }
    }
}

fn text<'a>(value: String) -> Node<'a> {
    Node::String(Cow::Owned(value))
}

fn reference<'a>(to: String) -> Node<'a> {
    Node::Object(vec![(Cow::Borrowed("reference"), text(to))])
}
