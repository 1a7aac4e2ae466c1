//! The catalogue of errors: which there are, why they come, what to do about them.
//!
//! The extension takes the SQLSTATE of each error from its [`Kind`]. `docs/errors.md` is written from [`ENTRIES`], and a test
//! holds them against what PostgreSQL prints in `tests/regress/expected/errors.out`: no error there is unknown here, and
//! none here is missing there without a reason.

mod entries;
mod shape;
mod table;

pub use entries::ENTRIES;
pub use shape::matches;
pub use table::document;

/// The kinds, each with its SQLSTATE: the type, the list of all, and the SQLSTATE of each.
macro_rules! kinds {
    ($($(#[$about:meta])* $name:ident = $sqlstate:literal,)*) => {
        /// The kinds of errors that the extension raises: one for each variant of its error type.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$about])* $name,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            /// The SQLSTATE that such an error has.
            pub const fn sqlstate(self) -> &'static str {
                match self {
                    $(Kind::$name => $sqlstate,)*
                }
            }
        }
    };
}

kinds! {
    /// The membership or its documents cannot be used.
    Access = "28000",
    /// Nobody is asking.
    NoMembership = "28000",
    /// The client's address is refused.
    Address = "28000",
    /// A plan or cursor of another session context.
    Fence = "28000",
    /// The policies do not permit a write.
    NotPermitted = "42501",
    /// A privilege that is missing for one of our functions.
    NoPrivilege = "42501",
    /// Something that only the owner of a table may do.
    NotOwner = "42501",
    /// A setting in the connection's options.
    SettingDenied = "42501",
    /// A document of ours that does not validate.
    InvalidDocument = "22023",
    /// A row that does not hold what its protected table is for.
    InvalidResource = "22023",
    /// An argument of one of our functions.
    Argument = "22023",
    /// A text that is no FHIRPath expression.
    Expression = "22023",
    /// A FHIRPath expression without a value.
    Evaluation = "22000",
    /// A relation that cannot be protected, or is not.
    WrongRelation = "42809",
    /// A relation that is not there.
    NoRelation = "42P01",
    /// A column that is not there.
    NoColumn = "42703",
    /// Something that protection stands on is missing.
    NotReady = "55000",
    /// A statement that cannot be enforced.
    Unsupported = "0A000",
    /// A stored value that cannot be read.
    Corrupted = "XX001",
    /// Something that should not happen.
    Internal = "XX000",
}

/// Who raises an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The extension's code.
    Extension(Kind),
    /// The script that `CREATE EXTENSION` runs, with this SQLSTATE.
    Script(&'static str),
    /// PostgreSQL itself, with this SQLSTATE.
    PostgreSql(&'static str),
}

/// Whether the regression test `errors` raises it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raised {
    /// Yes.
    Yes,
    /// No, and why not.
    No(&'static str),
}

/// One error, as a reader meets it.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Who raises it.
    pub source: Source,
    /// The message, with `…` for what changes.
    pub message: &'static str,
    /// Why it comes, as a sentence.
    pub cause: &'static str,
    /// What to do about it, in sentences.
    pub cure: &'static str,
    /// Whether it is tested, and where.
    pub raised: Raised,
}

impl Entry {
    /// Its SQLSTATE.
    pub const fn sqlstate(&self) -> &'static str {
        match self.source {
            Source::Extension(kind) => kind.sqlstate(),
            Source::Script(sqlstate) | Source::PostgreSql(sqlstate) => sqlstate,
        }
    }

    /// Does it describe an error with this SQLSTATE and message?
    pub fn describes(&self, sqlstate: &str, message: &str) -> bool {
        self.sqlstate() == sqlstate && matches(self.message, message)
    }
}
