//! What happened, in terms of this project.

use std::net::IpAddr;

use crate::{TOKEN, json, text};

/// What was done, or tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One resource by its id.
    Read,
    /// One version of a resource.
    Vread,
    /// A statement that reads.
    Search,
    /// The versions of a resource.
    History,
    /// A new resource.
    Create,
    /// A changed resource.
    Update,
    /// A removed resource, or all of a table.
    Delete,
    /// The end of a transaction or of a part of it.
    Transaction,
    /// None of these: somebody may not even begin.
    Access,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 9] = [
        Kind::Read,
        Kind::Vread,
        Kind::Search,
        Kind::History,
        Kind::Create,
        Kind::Update,
        Kind::Delete,
        Kind::Transaction,
        Kind::Access,
    ];

    /// The kind of a FHIR interaction that policies know.
    pub fn of_interaction(code: &str) -> Option<Kind> {
        let interactions = Kind::ALL.into_iter().take(7);
        interactions
            .into_iter()
            .find(|kind| kind.code() == Some(code))
    }

    /// Its code in FHIR's `restful-interaction`.
    pub(crate) fn code(self) -> Option<&'static str> {
        match self {
            Kind::Read => Some("read"),
            Kind::Vread => Some("vread"),
            Kind::Search => Some("search"),
            Kind::History => Some("history"),
            Kind::Create => Some("create"),
            Kind::Update => Some("update"),
            Kind::Delete => Some("delete"),
            Kind::Transaction => Some("transaction"),
            Kind::Access => None,
        }
    }

    /// Its code in FHIR's `audit-event-action`.
    pub(crate) fn action(self) -> &'static str {
        match self {
            Kind::Create => "C",
            Kind::Read | Kind::Vread | Kind::History => "R",
            Kind::Update => "U",
            Kind::Delete => "D",
            Kind::Search | Kind::Transaction | Kind::Access => "E",
        }
    }
}

/// How it went, as FHIR's `audit-event-outcome` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was permitted.
    Success,
    /// It was refused, as a policy says.
    Refused,
    /// It was refused because protection is not as it must be, or it was undone.
    Failure,
}

impl Outcome {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Outcome::Success => "0",
            Outcome::Refused => "4",
            Outcome::Failure => "8",
        }
    }
}

/// Who did it, from where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    /// `ProjectMembership/id`, where one is set.
    pub membership: Option<String>,
    /// The membership's profile, `Type/id`, where it is known.
    pub profile: Option<String>,
    /// The database role that it is done as.
    pub role: String,
    /// The database role that logged in.
    pub session_role: String,
    /// What the application calls itself.
    pub application: String,
    /// Where the client is, if that is known.
    pub address: Option<IpAddr>,
    /// The database.
    pub database: String,
}

/// Something more about an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// What it is.
    pub name: &'static str,
    /// The name or number itself.
    pub value: String,
}

/// What it was done to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entity {
    /// The FHIR type.
    pub resource_type: Option<String>,
    /// The id within the type.
    pub id: Option<String>,
    /// The relation.
    pub relation: Option<String>,
    /// More about it.
    pub details: Vec<Detail>,
}

impl Entity {
    /// The same with one more detail.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Entity {
        let value = value.into();
        self.details.push(Detail { name, value });
        self
    }
}

/// One line.
#[derive(Debug)]
pub struct Event<'a> {
    /// What happened.
    pub kind: Kind,
    /// How it went.
    pub outcome: Outcome,
    /// When, in microseconds since 1970.
    pub recorded: i64,
    /// Why, in words that hold no value of a document.
    pub description: Option<String>,
    /// Who.
    pub actor: &'a Actor,
    /// The policies that permitted it, as `AccessPolicy/id`.
    pub policies: Vec<String>,
    /// To what.
    pub entities: Vec<Entity>,
}

impl Event<'_> {
    /// An event without particulars.
    pub fn new(kind: Kind, outcome: Outcome, actor: &Actor) -> Event<'_> {
        Event {
            kind,
            outcome,
            recorded: 0,
            description: None,
            actor,
            policies: Vec::new(),
            entities: Vec::new(),
        }
    }

    /// The whole line: [`TOKEN`] and the AuditEvent.
    pub fn line(&self) -> String {
        let mut line = TOKEN.to_owned();
        text::push_ascii(&mut line, &json::of(self));
        line
    }
}
