//! The functions of the language: names, arguments, and what they are about.

/// Which part of the evaluator a function belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Works on a collection of items (N1 §5.1 to §5.3, §5.8 and FHIR's own).
    Collection,
    /// One value to one value or a few (N1 §5.5 to §5.7): empty input, or an empty argument, gives empty.
    Scalar,
}

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// An expression whose value is taken once.
    Value,
    /// An expression that is evaluated for each item.
    Each,
    /// The name of a type.
    Type,
}

macro_rules! functions {
    ($($(#[$doc:meta])* $variant:ident $name:literal $group:ident $least:literal [$($argument:ident)*]),* $(,)?) => {
        /// A function that expressions may call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)] // the names say it; N1 and FHIR define them
        pub enum Function {
            $($(#[$doc])* $variant),*
        }

        impl Function {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The function with this name; case matters.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),*
                }
            }

            /// Which part of the evaluator it belongs to.
            #[must_use]
            pub fn group(self) -> Group {
                match self {
                    $(Self::$variant => Group::$group),*
                }
            }

            /// How many arguments it needs at least.
            #[must_use]
            pub fn least(self) -> usize {
                match self {
                    $(Self::$variant => $least),*
                }
            }

            /// What its arguments are, as many as it can take; [`most`](Self::most) says which take any number of the last.
            #[must_use]
            pub fn arguments(self) -> &'static [Argument] {
                match self {
                    $(Self::$variant => &[$(Argument::$argument),*]),*
                }
            }
        }
    };
}

impl Function {
    /// How many arguments it can take; `None` is any number.
    #[must_use]
    pub fn most(self) -> Option<usize> {
        match self {
            Self::Sort | Self::Coalesce => None,
            _ => Some(self.arguments().len()),
        }
    }
}

functions! {
    // N1 §5.1 Existence
    Empty "empty" Collection 0 [],
    Exists "exists" Collection 0 [Each],
    All "all" Collection 1 [Each],
    AllTrue "allTrue" Collection 0 [],
    AnyTrue "anyTrue" Collection 0 [],
    AllFalse "allFalse" Collection 0 [],
    AnyFalse "anyFalse" Collection 0 [],
    SubsetOf "subsetOf" Collection 1 [Value],
    SupersetOf "supersetOf" Collection 1 [Value],
    Count "count" Collection 0 [],
    Distinct "distinct" Collection 0 [],
    IsDistinct "isDistinct" Collection 0 [],
    // N1 §5.2 Filtering and projection
    Where "where" Collection 1 [Each],
    Select "select" Collection 1 [Each],
    Repeat "repeat" Collection 1 [Each],
    OfType "ofType" Collection 1 [Type],
    Coalesce "coalesce" Collection 1 [Value],
    // N1 §5.3 Subsetting
    Single "single" Collection 0 [],
    First "first" Collection 0 [],
    Last "last" Collection 0 [],
    Tail "tail" Collection 0 [],
    Skip "skip" Collection 1 [Value],
    Take "take" Collection 1 [Value],
    Intersect "intersect" Collection 1 [Value],
    Exclude "exclude" Collection 1 [Value],
    // N1 §5.4 Combining
    Union "union" Collection 1 [Value],
    Combine "combine" Collection 1 [Value],
    // N1 §5.5 Conversion
    Iif "iif" Collection 2 [Each Each Each],
    ToBoolean "toBoolean" Scalar 0 [],
    ConvertsToBoolean "convertsToBoolean" Scalar 0 [],
    ToInteger "toInteger" Scalar 0 [],
    ConvertsToInteger "convertsToInteger" Scalar 0 [],
    ToDecimal "toDecimal" Scalar 0 [],
    ConvertsToDecimal "convertsToDecimal" Scalar 0 [],
    ToDate "toDate" Scalar 0 [],
    ConvertsToDate "convertsToDate" Scalar 0 [],
    ToDateTime "toDateTime" Scalar 0 [],
    ConvertsToDateTime "convertsToDateTime" Scalar 0 [],
    ToTime "toTime" Scalar 0 [],
    ConvertsToTime "convertsToTime" Scalar 0 [],
    ToQuantity "toQuantity" Scalar 0 [Value],
    ConvertsToQuantity "convertsToQuantity" Scalar 0 [Value],
    ToString "toString" Scalar 0 [],
    ConvertsToString "convertsToString" Scalar 0 [],
    // N1 §5.6 Strings
    IndexOf "indexOf" Scalar 1 [Value],
    LastIndexOf "lastIndexOf" Scalar 1 [Value],
    Substring "substring" Scalar 1 [Value Value],
    StartsWith "startsWith" Scalar 1 [Value],
    EndsWith "endsWith" Scalar 1 [Value],
    Contains "contains" Scalar 1 [Value],
    Upper "upper" Scalar 0 [],
    Lower "lower" Scalar 0 [],
    Replace "replace" Scalar 2 [Value Value],
    Matches "matches" Scalar 1 [Value Value],
    MatchesFull "matchesFull" Scalar 1 [Value Value],
    ReplaceMatches "replaceMatches" Scalar 2 [Value Value Value],
    Length "length" Scalar 0 [],
    ToChars "toChars" Scalar 0 [],
    Encode "encode" Scalar 1 [Value],
    Decode "decode" Scalar 1 [Value],
    Escape "escape" Scalar 1 [Value],
    Unescape "unescape" Scalar 1 [Value],
    Trim "trim" Scalar 0 [],
    Split "split" Scalar 1 [Value],
    Join "join" Collection 0 [Value],
    // N1 §5.7 Mathematics
    Abs "abs" Scalar 0 [],
    Ceiling "ceiling" Scalar 0 [],
    Exp "exp" Scalar 0 [],
    Floor "floor" Scalar 0 [],
    Ln "ln" Scalar 0 [],
    Log "log" Scalar 1 [Value],
    Power "power" Scalar 1 [Value],
    Round "round" Scalar 0 [Value],
    Sqrt "sqrt" Scalar 0 [],
    Truncate "truncate" Scalar 0 [],
    // N1 §5.8 Tree navigation, §5.9 Utility
    Children "children" Collection 0 [],
    Descendants "descendants" Collection 0 [],
    Trace "trace" Collection 1 [Value Each],
    Now "now" Collection 0 [],
    TimeOfDay "timeOfDay" Collection 0 [],
    Today "today" Collection 0 [],
    DefineVariable "defineVariable" Collection 1 [Value Each],
    LowBoundary "lowBoundary" Scalar 0 [Value],
    HighBoundary "highBoundary" Scalar 0 [Value],
    Precision "precision" Scalar 0 [],
    Comparable "comparable" Scalar 1 [Value],
    // N1 §6.3 Types, §6.5 Boolean logic, §7 Aggregates
    Is "is" Collection 1 [Type],
    As "as" Collection 1 [Type],
    Type "type" Collection 0 [],
    Not "not" Collection 0 [],
    Aggregate "aggregate" Collection 1 [Each Value],
    Sort "sort" Collection 0 [Each],
    // FHIR R4 §2.9.0.7
    Extension "extension" Collection 1 [Value],
    HasValue "hasValue" Collection 0 [],
    GetValue "getValue" Collection 0 [],
    Resolve "resolve" Collection 0 [],
    ConformsTo "conformsTo" Collection 1 [Value],
    HtmlChecks "htmlChecks" Collection 0 [],
    MemberOf "memberOf" Collection 1 [Value],
}
