//! Every error a user can meet: one enum, mapped here to SQLSTATE, message, detail and hint, and raised here only.
//!
//! No variant carries a value of a protected document.

use access_policy::{AccessError, Finding, IpVerdict, Severity};
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
    Evaluation { message: String, excerpt: String },
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
    /// Something that only the owner of a table may do.
    #[error("must be owner of table {0}")]
    NotOwner(String),
    /// A setting in the connection's options that its user may not set.
    #[error("permission denied to set parameter \"{0}\"")]
    SettingDenied(String),
    /// A relation that cannot be protected.
    #[error("{message}")]
    WrongRelation { message: String, hint: String },
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
}

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
    fn code(&self) -> PgSqlErrorCode {
        match self {
            Error::Access(_) | Error::NoMembership | Error::Address { .. } | Error::Fence => {
                PgSqlErrorCode::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            }
            Error::NotPermitted { .. } | Error::NotOwner(_) | Error::SettingDenied(_) => {
                PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE
            }
            Error::InvalidDocument { .. }
            | Error::InvalidResource(_)
            | Error::Argument { .. }
            | Error::Expression { .. } => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            Error::Evaluation { .. } => PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
            Error::WrongRelation { .. } => PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
            Error::NoColumn { .. } => PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
            Error::NotReady { .. } => PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            Error::Unsupported(_) => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
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
            Error::Access(error) => error.hint().map(|hint| sentence(&hint)),
            Error::NoMembership => Some(
                "SET LOCAL fhir_access.membership = 'id' in each transaction, or bind a database user with ALTER ROLE … SET fhir_access.membership."
                    .to_owned(),
            ),
            Error::Address { address: None, .. } => Some(
                "The policies have IP rules: SET LOCAL fhir_access.client_ip = 'address' where the connection itself has none."
                    .to_owned(),
            ),
            Error::Address { .. } => Some("The rules are in the policies of the membership, in order.".to_owned()),
            Error::NotPermitted { hint, .. } => Some(
                hint.unwrap_or("SELECT * FROM fhir_access.check(reference, interaction) tells which entries apply.")
                    .to_owned(),
            ),
            Error::Expression { hint, .. } => hint.as_deref().map(sentence),
            Error::InvalidDocument { .. } => {
                Some("SELECT * FROM fhir_access.validate(document) lists every finding without writing.".to_owned())
            }
            Error::Argument { hint, .. } | Error::WrongRelation { hint, .. } | Error::NotReady { hint, .. } => {
                Some(hint.clone()).filter(|hint| !hint.is_empty())
            }
            Error::NoColumn { .. } => {
                Some("Name the columns with resource_column => … and id_column => ….".to_owned())
            }
            Error::Fence => Some("Run the statement again, or open the cursor again.".to_owned()),
            Error::SettingDenied(_) => Some("Connect without it in the options.".to_owned()),
            Error::InvalidResource(_)
            | Error::Unsupported(_)
            | Error::NotOwner(_)
            | Error::Evaluation { .. } => None,
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

    /// Raises this error in PostgreSQL; the statement ends here.
    pub fn raise(&self) -> ! {
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
