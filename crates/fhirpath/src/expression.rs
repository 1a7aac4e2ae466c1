//! An expression, ready to be evaluated.

use std::collections::HashSet;
use std::fmt;

use jsonb::Node;

use crate::ast::{Ast, Expr, Name, NodeId};
use crate::check::{CheckContext, check};
use crate::context::Context;
use crate::error::SyntaxError;
use crate::eval::{self, EvalError};
use crate::item::{Item, Items};
use crate::limits::Limits;
use crate::literal::Literal;
use crate::output;
use crate::prepare::{self, Builtin, Op};
use crate::span::Span;

/// An expression, parsed and prepared: functions, types and constant regular expressions are looked up once.
///
/// ```
/// use fhirpath::{Context, Expression, Limits, Variable, Verdict};
///
/// let expression = Expression::new("%before.exists() implies %before.status != 'final'", &Limits::default())?;
/// let stored = jsonb::from_json(r#"{"resourceType": "Observation", "status": "final"}"#).unwrap();
/// let stored = jsonb::Value::parse(&stored).unwrap();
///
/// let update = Context::new(None).variable("before", Variable::Document(Some(stored)));
/// assert_eq!(expression.verdict(&update), Verdict::False);
/// let create = Context::new(None).variable("before", Variable::Document(None));
/// assert_eq!(expression.verdict(&create), Verdict::True);
/// # Ok::<(), fhirpath::SyntaxError>(())
/// ```
pub struct Expression {
    source: Box<str>,
    ast: Ast,
    ops: Vec<Op>,
}

/// What an expression says as a condition: only exactly one boolean `true` is yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// One boolean: true.
    True,
    /// One boolean: false.
    False,
    /// No item.
    Empty,
    /// One item that is no boolean; the name of its type.
    NotBoolean(&'static str),
    /// Several items.
    Several,
    /// No value at all.
    Error(EvalError),
}

impl Expression {
    /// Parses and prepares.
    ///
    /// # Errors
    /// [`SyntaxError`] where the text is no expression, exceeds a limit, calls a function that does not exist or with a
    /// wrong number of arguments, or names a type that does not exist.
    pub fn new(source: &str, limits: &Limits) -> Result<Self, SyntaxError> {
        let ast = crate::parse_with(source, limits)?;
        let ops = prepare::prepare(&ast).map_err(|error| with_hint(error, source, &ast))?;
        Ok(Self {
            source: source.into(),
            ast,
            ops,
        })
    }

    /// The text.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The syntax tree.
    #[must_use]
    pub fn ast(&self) -> &Ast {
        &self.ast
    }

    /// The names of the variables that the caller has to give, in order of appearance, with repetitions: not those that
    /// FHIR and the language define, nor those that a `defineVariable()` with a literal name makes.
    pub fn variables(&self) -> impl Iterator<Item = &Name> {
        let literal_name = |id: &NodeId| match &self.ast.get(*id)?.expr {
            Expr::Literal(Literal::String(name)) => Some(&**name),
            _ => None,
        };
        let defined: HashSet<&str> = self
            .ast
            .nodes()
            .filter_map(|node| match &node.expr {
                Expr::Call { name, args, .. } if name.as_str() == "defineVariable" => {
                    args.first().and_then(literal_name)
                }
                _ => None,
            })
            .collect();
        self.ast.externals().filter(move |name| {
            Builtin::from_name(name.as_str()).is_none() && !defined.contains(name.as_str())
        })
    }

    /// The value as a condition.
    #[must_use]
    pub fn verdict(&self, context: &Context<'_>) -> Verdict {
        let items = match eval::evaluate(self, context) {
            Ok(items) => items,
            Err(error) => return Verdict::Error(error),
        };
        match items.as_slice() {
            [] => Verdict::Empty,
            [item] if item.is_boolean_without_value() => Verdict::Empty,
            [item] => match item.boolean() {
                Ok(Some(true)) => Verdict::True,
                Ok(Some(false)) => Verdict::False,
                Ok(None) => Verdict::NotBoolean(item.type_name()),
                Err(fault) => Verdict::Error(fault.into()),
            },
            _ => Verdict::Several,
        }
    }

    /// The value: its items in order as JSON. Parts of documents are as they are there; of values of the language,
    /// dates and times are strings, quantities are objects as FHIR writes them. A primitive that has only extensions is
    /// `null`.
    ///
    /// # Errors
    /// Where the expression has no value: see [`Fault`](crate::Fault).
    pub fn evaluate<'a>(&'a self, context: &'a Context<'a>) -> Result<Vec<Node<'a>>, EvalError> {
        let items = eval::evaluate(self, context)?;
        Ok(items.into_iter().map(output::node).collect())
    }

    /// As [`evaluate`](Self::evaluate), each item with the name of its type: `FHIR.code`, `System.Boolean`.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn evaluate_typed<'a>(
        &'a self,
        context: &'a Context<'a>,
    ) -> Result<Vec<(String, Node<'a>)>, EvalError> {
        let items: Items<'a> = eval::evaluate(self, context)?;
        let typed = |item: Item<'a>| (item.type_info().to_string(), output::node(item));
        Ok(items.into_iter().map(typed).collect())
    }

    /// A node, prepared.
    pub(crate) fn op(&self, id: NodeId) -> &Op {
        // Ids are those of this expression's tree, and there is one operation per node.
        self.ops.get(id.index()).unwrap_or(&Op::Empty)
    }

    pub(crate) fn span(&self, id: NodeId) -> Span {
        self.ast
            .get(id)
            .map_or_else(Span::default, |node| node.span)
    }

    pub(crate) fn root(&self) -> NodeId {
        self.ast.root()
    }
}

/// The same with what the static check would write instead.
fn with_hint(error: SyntaxError, source: &str, ast: &Ast) -> SyntaxError {
    let issues = check(source, ast, &CheckContext::default());
    let same = issues.into_iter().find(|issue| issue.span == error.span());
    match same.and_then(|issue| issue.hint) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}
