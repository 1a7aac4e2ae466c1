//! Every error a user can meet: one enum, mapped here to SQLSTATE, message, detail, hint and fields, and raised here only.
//!
//! No variant carries a value of a protected document. What each means is in the catalogue (`crates/errors`), which says
//! its SQLSTATE, too; a new error needs an entry there.

mod fields;

use crate::audit;
use crate::node::relation;
use access_policy::{AccessError, Finding, IpVerdict, Severity};
use errors::Kind;
use fields::Fields;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::net::IpAddr;

/// A refusal, with what its reader needs to act on it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The session has no usable membership, policy or address.
    #[error("{0}")]
    Access(#[from] AccessError),
    /// Nobody is asking.
    #[error("no membership is set for this session")]
    NoMembership,
    /// An IP rule blocks the client, or rules exist and nobody knows where it is.
    #[error("client address {} is {}", .address.map_or_else(|| "unknown".to_owned(), |address| address.to_string()), refused(.verdict))]
    Address {
        address: Option<IpAddr>,
        verdict: IpVerdict,
    },
    /// A write that the policies do not permit.
    #[error("{interaction} of {reference} is not permitted")]
    NotPermitted {
        interaction: &'static str,
        reference: String,
        detail: String,
        hint: Option<&'static str>,
    },
    /// A text that is no FHIRPath expression.
    #[error("invalid FHIRPath expression: {message}")]
    Expression {
        message: String,
        excerpt: String,
        hint: Option<String>,
    },
    /// A FHIRPath expression that has no value.
    #[error("the FHIRPath expression cannot be evaluated: {message}")]
    Evaluation {
        message: String,
        excerpt: String,
        hint: &'static str,
    },
    /// A document of ours that does not validate.
    #[error("invalid {document}: {first}")]
    InvalidDocument {
        document: String,
        first: String,
        details: Vec<String>,
    },
    /// A protected table holds or receives something that is not such a resource.
    #[error("{0}")]
    InvalidResource(String),
    /// An argument of one of our functions.
    #[error("{message}")]
    Argument { message: String, hint: String },
    /// A privilege of PostgreSQL's that the user lacks on a table that one of our functions reads.
    #[error("permission denied for table {0}")]
    NoPrivilege(String),
    /// Something that only the owner of a table may do.
    #[error("must be owner of table {0}")]
    NotOwner(String),
    /// A setting in the connection's options that its user may not set.
    #[error("permission denied to set parameter \"{0}\"")]
    SettingDenied(String),
    /// A relation that cannot be protected.
    #[error("{message}")]
    WrongRelation { message: String, hint: String },
    /// A relation that is not there (any more).
    #[error("relation with OID {0} does not exist")]
    NoRelation(u32),
    /// A column that `protect` was told of and that is not there.
    #[error("column \"{column}\" of relation \"{relation}\" does not exist")]
    NoColumn { relation: String, column: String },
    /// The library came too late, or a protected table is not in the state that protection needs.
    #[error("{message}")]
    NotReady { message: String, hint: String },
    /// A plan or cursor of another session context.
    #[error("this statement was prepared for another session context")]
    Fence,
    /// A shape of statement that the rewriter does not know.
    #[error("{0}")]
    Unsupported(String),
    /// A stored value that cannot be read.
    #[error("{0}")]
    Corrupted(String),
    /// Something that should not happen.
    #[error("internal error of fhir_access: {0}")]
    Internal(String),
    /// One of the above, about a relation.
    #[error("{error}")]
    About { place: Place, error: Box<Error> },
    /// One of the above, with what the audit trail tells of it.
    #[error("{error}")]
    Recorded {
        error: Box<Error>,
        about: Box<audit::About>,
    },
}

/// The relation that an error is about, and the column where one is concerned; by the names that they have in the catalogs.
#[derive(Debug)]
pub struct Place {
    schema: String,
    table: String,
    column: Option<String>,
}

/// The name of the visible policy, which stands for all that the policies do not permit.
const POLICY: &str = "fhir_access";

fn refused(verdict: &IpVerdict) -> String {
    match verdict {
        IpVerdict::Unknown => {
            "refused, because the policies have IP rules and none of them is for every address"
                .to_owned()
        }
        verdict => verdict.to_string(),
    }
}

impl Error {
    fn kind(&self) -> Kind {
        match self {
            Error::Access(_) => Kind::Access,
            Error::NoMembership => Kind::NoMembership,
            Error::Address { .. } => Kind::Address,
            Error::Fence => Kind::Fence,
            Error::NotPermitted { .. } => Kind::NotPermitted,
            Error::NoPrivilege(_) => Kind::NoPrivilege,
            Error::NotOwner(_) => Kind::NotOwner,
            Error::SettingDenied(_) => Kind::SettingDenied,
            Error::InvalidDocument { .. } => Kind::InvalidDocument,
            Error::InvalidResource(_) => Kind::InvalidResource,
            Error::Argument { .. } => Kind::Argument,
            Error::Expression { .. } => Kind::Expression,
            Error::Evaluation { .. } => Kind::Evaluation,
            Error::WrongRelation { .. } => Kind::WrongRelation,
            Error::NoRelation(_) => Kind::NoRelation,
            Error::NoColumn { .. } => Kind::NoColumn,
            Error::NotReady { .. } => Kind::NotReady,
            Error::Unsupported(_) => Kind::Unsupported,
            Error::Corrupted(_) => Kind::Corrupted,
            Error::Internal(_) => Kind::Internal,
            Error::About { error, .. } | Error::Recorded { error, .. } => error.kind(),
        }
    }

    /// Its SQLSTATE.
    pub fn code(&self) -> PgSqlErrorCode {
        // As PostgreSQL packs them: six bits for each character, the first one lowest.
        let characters = self.kind().sqlstate().bytes().rev();
        let packed = characters.fold(0_i32, |packed, character| {
            packed << 6 | i32::from(character.wrapping_sub(b'0') & 0x3F)
        });
        PgSqlErrorCode::from(packed)
    }

    /// The same with the fields that name `relation`, if it is about one and does not name one already.
    pub fn about(self, relation: pg_sys::Oid) -> Error {
        self.about_place(relation, None)
    }

    /// As [`about`](Self::about), with the column that is concerned.
    pub fn about_column(self, relation: pg_sys::Oid, column: &str) -> Error {
        self.about_place(relation, Some(column))
    }

    fn about_place(self, relation: pg_sys::Oid, column: Option<&str>) -> Error {
        match self.kind() {
            Kind::NotPermitted
            | Kind::NoPrivilege
            | Kind::NotOwner
            | Kind::InvalidDocument
            | Kind::InvalidResource
            | Kind::WrongRelation
            | Kind::NoColumn
            | Kind::NotReady
            | Kind::Unsupported
            | Kind::Corrupted => {}
            _ => return self,
        }
        // What the audit trail tells stays outermost.
        let error = match self {
            Error::About { .. } => return self,
            Error::Recorded { error, about } => {
                let error = Box::new(error.about_place(relation, column));
                return Error::Recorded { error, about };
            }
            error => error,
        };
        let Some((schema, table)) = relation::names(relation) else {
            return error;
        };
        let column = match &error {
            Error::NoColumn { column, .. } => Some(column.clone()),
            _ => column.map(str::to_owned),
        };
        Error::About {
            place: Place {
                schema,
                table,
                column,
            },
            error: Box::new(error),
        }
    }

    fn fields(&self) -> Fields {
        let mut fields = Fields::default();
        match self {
            Error::Recorded { error, .. } => return error.fields(),
            Error::About { place, error } => {
                fields.table(&place.schema, &place.table);
                if let Some(column) = &place.column {
                    fields.column(column);
                }
                if error.kind() == Kind::NotPermitted {
                    fields.constraint(POLICY);
                }
            }
            _ => {}
        }
        fields
    }

    /// More than its message says.
    pub fn detail(&self) -> Option<String> {
        match self {
            Error::About { error, .. } | Error::Recorded { error, .. } => error.detail(),
            Error::NotPermitted { detail, .. } => Some(sentence(detail)),
            Error::InvalidDocument { details, .. } if !details.is_empty() => {
                Some(details.join("\n"))
            }
            Error::Expression { excerpt, .. } | Error::Evaluation { excerpt, .. } => {
                Some(excerpt.clone())
            }
            Error::Fence => Some(
                "The session's membership, client address or policies changed after it was planned or its cursor was opened."
                    .to_owned(),
            ),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Error::About { error, .. } | Error::Recorded { error, .. } => error.hint(),
            Error::Access(error) => error.hint().map(|hint| sentence(&hint)),
            Error::NoMembership => Some(
                "SET LOCAL fhir_access.membership = 'id' in each transaction, or bind a database user with ALTER ROLE … SET fhir_access.membership."
                    .to_owned(),
            ),
            Error::Address { address: None, .. } => Some(
                "The policies have IP rules: SET LOCAL fhir_access.client_ip = 'address' where the connection itself has none."
                    .to_owned(),
            ),
            Error::Address { .. } => Some("If the client may come from there, correct the rules; if it is elsewhere, SET LOCAL fhir_access.client_ip = 'address'.".to_owned()),
            Error::NotPermitted { hint, .. } => Some(
                hint.unwrap_or("SELECT * FROM fhir_access.check(reference, interaction) tells which entries apply.")
                    .to_owned(),
            ),
            Error::Expression { hint: Some(hint), .. } => Some(sentence(hint)),
            Error::Expression { hint: None, .. } => {
                Some("Write FHIRPath, as in name.where(use = 'official').exists().".to_owned())
            }
            Error::Evaluation { hint, .. } => Some((*hint).to_owned()),
            Error::InvalidDocument { .. } => {
                Some("SELECT * FROM fhir_access.validate(document) lists every finding without writing.".to_owned())
            }
            Error::Argument { hint, .. } | Error::WrongRelation { hint, .. } | Error::NotReady { hint, .. } => {
                Some(hint.clone()).filter(|hint| !hint.is_empty())
            }
            Error::NoColumn { .. } => {
                Some("Name columns that the table has; those of the resource and of its id with resource_column => … and id_column => ….".to_owned())
            }
            Error::Fence => Some("Run the statement again, or open the cursor again.".to_owned()),
            Error::SettingDenied(name) => Some(format!(
                "Connect without it in the options; or have a superuser GRANT SET ON PARAMETER {name} to the role."
            )),
            Error::InvalidResource(_) => Some(
                "A row holds one resource: a JSON object with the table's \"resourceType\", and without \"id\" or with its row's, which never changes."
                    .to_owned(),
            ),
            Error::NoPrivilege(_) => Some(
                "GRANT SELECT on the table to the user; policies say what it may read there."
                    .to_owned(),
            ),
            Error::NotOwner(_) => Some("Let the table's owner or a superuser do it.".to_owned()),
            Error::NoRelation(_) => Some("Name a table that is there.".to_owned()),
            Error::Unsupported(_) => Some(
                "Write the statement in another way. Where it reaches a child of a table that is not protected, protect that one, too."
                    .to_owned(),
            ),
            Error::Corrupted(_) => Some("Look at the row as a superuser, and restore it from a backup.".to_owned()),
            Error::Internal(_) => Some("Please report it to the authors of fhir_access.".to_owned()),
        }
    }

    /// The first error among `findings` in front, the others in the detail, each with its excerpt; `None` when there is no error.
    pub fn from_findings(document: &str, findings: &[Finding]) -> Option<Error> {
        let mut errors = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error);
        let first = errors.next()?;
        let mut details: Vec<String> = first.excerpt.iter().cloned().collect();
        for other in errors {
            details.push(other.to_string());
            details.extend(other.excerpt.clone());
        }
        Some(Error::InvalidDocument {
            document: document.to_owned(),
            first: first.to_string(),
            details,
        })
    }

    /// The same error, with what the audit trail should tell of it. What it knows already stays.
    pub fn recorded(self, about: audit::About) -> Error {
        let (error, about) = match self {
            Error::Recorded {
                error,
                about: known,
            } => (error, known.or(about)),
            error => (Box::new(error), about),
        };
        let about = Box::new(about);
        Error::Recorded { error, about }
    }

    /// Raises this error in PostgreSQL; the statement ends here.
    pub fn raise(&self) -> ! {
        audit::denied(self);
        fields::attach(self.code(), self.fields());
        let mut report = ErrorReport::new(self.code(), self.to_string(), "fhir_access");
        if let Some(detail) = self.detail() {
            report = report.set_detail(detail);
        }
        if let Some(hint) = self.hint() {
            report = report.set_hint(hint);
        }
        report.report(PgLogLevel::ERROR);
        unreachable!("ereport(ERROR) does not return")
    }
}

/// Details and hints are sentences in PostgreSQL; some parts of ours write phrases. A name at the beginning stays as it is.
fn sentence(text: &str) -> String {
    let word = text.split(' ').next().unwrap_or_default();
    let mut letters = text.chars();
    let first = letters.next().unwrap_or_default();
    let first: String = if word.contains(['_', '.', '(']) {
        first.to_string()
    } else {
        first.to_uppercase().collect()
    };
    let end = if text.ends_with(['.', '?', ';', '!']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{end}", letters.as_str())
}

/// What our functions return: [`OrRaise::or_raise`] turns an error into a PostgreSQL error.
pub type Result<T> = std::result::Result<T, Error>;

/// Leaves Rust with a PostgreSQL error where there is one.
pub trait OrRaise<T> {
    /// The value, or the end of the statement.
    fn or_raise(self) -> T;
}

impl<T> OrRaise<T> for Result<T> {
    fn or_raise(self) -> T {
        match self {
            Ok(value) => value,
            Err(error) => error.raise(),
        }
    }
}
