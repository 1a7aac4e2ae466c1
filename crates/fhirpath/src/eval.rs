//! The evaluator.
//!
//! It walks the flat tree: chains that lean to the left (`a.b.c`, `a or b or c`) in a loop, recursing only into other
//! operands, so that the stack it needs is bounded by [`Limits::depth`](crate::Limits::depth). Documents are read where
//! they lie.

mod boolean;
mod equality;
mod existence;
mod fault;
mod fhir;
mod filter;
mod operators;
mod sort;
mod subset;
mod utility;
mod variables;
mod work;

use smallvec::SmallVec;

pub use fault::{EvalError, Fault};
pub(crate) use work::Work;

use crate::ast::{NodeId, Special};
use crate::context::Context;
use crate::expression::Expression;
use crate::function::{Function, Group};
use crate::functions::{self, Regex};
use crate::item::{Item, Items};
use crate::navigate;
use crate::prepare::Op;
use crate::value::{Scalar, Text};
use variables::Variables;

pub(crate) type Result<T> = std::result::Result<T, EvalError>;

/// One evaluation.
pub(crate) struct Evaluation<'a> {
    expression: &'a Expression,
    context: &'a Context<'a>,
    work: Work<'a>,
    variables: Variables<'a>,
}

/// What names without a base refer to at some place of the expression.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'s, 'a> {
    /// The items at hand, `$this`.
    focus: &'s Items<'a>,
    /// `$index`
    index: Option<usize>,
    /// `$total`
    total: Option<&'s Items<'a>>,
}

impl<'s, 'a> Scope<'s, 'a> {
    /// The scope of an argument that is evaluated for one item.
    fn item(self, focus: &'s Items<'a>, index: usize) -> Self {
        Self {
            focus,
            index: Some(index),
            total: self.total,
        }
    }
}

/// A function call: what it is on, its arguments and where they are evaluated.
#[derive(Clone, Copy)]
struct Call<'s, 'a> {
    function: Function,
    arguments: &'a [NodeId],
    scope: Scope<'s, 'a>,
}

/// Evaluates the whole expression.
pub(crate) fn evaluate<'a>(
    expression: &'a Expression,
    context: &'a Context<'a>,
) -> Result<Items<'a>> {
    let evaluation = Evaluation {
        expression,
        context,
        work: Work::new(context.steps, context.check),
        variables: Variables::default(),
    };
    let focus: Items<'a> = evaluation.resource().into_iter().collect();
    let scope = Scope {
        focus: &focus,
        index: None,
        total: None,
    };
    evaluation.eval(expression.root(), scope)
}

impl<'a> Evaluation<'a> {
    /// The value of a node: its left chain in a loop.
    fn eval(&self, id: NodeId, scope: Scope<'_, 'a>) -> Result<Items<'a>> {
        let mut chain: SmallVec<[NodeId; 8]> = SmallVec::new();
        let mut start = id;
        while let Some(left) = self.op(start).left() {
            chain.push(start);
            start = left;
        }
        let defined = self.variables.mark();
        let mut value = self
            .step(start, None, scope)
            .map_err(|error| self.at(error, start))?;
        while let Some(next) = chain.pop() {
            if self.op(next).is_operator() {
                self.variables.forget(defined);
            }
            value = self
                .step(next, Some(value), scope)
                .map_err(|error| self.at(error, next))?;
        }
        self.variables.forget(defined);
        Ok(value)
    }

    fn op(&self, id: NodeId) -> &'a Op {
        self.expression.op(id)
    }

    fn at(&self, error: EvalError, id: NodeId) -> EvalError {
        error.at(self.expression.span(id))
    }

    /// The value of a node whose left operand, if it has one, is known.
    fn step(&self, id: NodeId, left: Option<Items<'a>>, scope: Scope<'_, 'a>) -> Result<Items<'a>> {
        self.work.spend(1)?;
        match self.op(id) {
            Op::Empty => Ok(Items::new()),
            Op::Text(text) => Ok(one(Scalar::String(Text::Borrowed(text)))),
            Op::Literal(scalar) => {
                self.work.spend(scalar.cost())?;
                Ok(one(scalar.clone()))
            }
            Op::Invalid(fault) => Err(fault.clone().into()),
            Op::Resource => Ok(self.resource().into_iter().collect()),
            Op::Variable(name) => self.variable(name),
            Op::Special { special, .. } => self.special(*special, left, scope),
            Op::Root(type_id) => {
                self.work.spend(scope.focus.len() as u64)?;
                Ok(filter::of_root(scope.focus, *type_id))
            }
            Op::Member { name, .. } => {
                let mut out = Items::new();
                for item in left.as_ref().unwrap_or(scope.focus) {
                    navigate::child(item, name, &mut out, &self.work)?;
                }
                Ok(out)
            }
            Op::Call {
                function,
                arguments,
                regex,
                ..
            } => {
                let call = Call {
                    function: *function,
                    arguments,
                    scope,
                };
                let input = left.as_ref().unwrap_or(scope.focus);
                match function.group() {
                    Group::Collection => self.collection(call, input),
                    Group::Scalar => self.scalar(call, input, regex.as_deref()),
                }
            }
            Op::Typed { function, spec, .. } => {
                let input = left.as_ref().unwrap_or(scope.focus);
                self.work.spend(input.len() as u64)?;
                filter::typed(*function, *spec, input)
            }
            Op::Index { index, .. } => self.index(&left.unwrap_or_default(), *index, scope),
            Op::Unary { op, operand } => {
                operators::unary(*op, &self.eval(*operand, scope)?, &self.work)
            }
            Op::Binary { op, right, .. } => {
                self.binary(*op, left.unwrap_or_default(), *right, scope)
            }
        }
    }

    fn special(
        &self,
        special: Special,
        base: Option<Items<'a>>,
        scope: Scope<'_, 'a>,
    ) -> Result<Items<'a>> {
        match (special, base) {
            // `a.$this` is a.
            (Special::This, Some(base)) => Ok(base),
            (Special::This, None) => {
                self.work.spend(scope.focus.len() as u64)?;
                Ok(scope.focus.clone())
            }
            (Special::Index, _) => {
                let index = scope.index.ok_or(Fault::Other(
                    "$index has a value only inside the argument of a function such as where()",
                ))?;
                Ok(one(Scalar::Integer(count(index))))
            }
            (Special::Total, _) => {
                let total = scope.total.ok_or(Fault::Other(
                    "$total has a value only inside the argument of aggregate()",
                ))?;
                self.work.spend(total.len() as u64)?;
                Ok(total.clone())
            }
        }
    }

    /// A function from one value to one or a few. Without an input or an argument's value it has no value.
    fn scalar(
        &self,
        call: Call<'_, 'a>,
        input: &Items<'a>,
        regex: Option<&Regex>,
    ) -> Result<Items<'a>> {
        let name = call.function.name();
        let Some(item) = single(input, name)? else {
            return Ok(Items::new());
        };
        let Some(value) = item.scalar()? else {
            return operators::without_value(item, name);
        };
        let mut arguments: SmallVec<[Scalar<'a>; 2]> = SmallVec::new();
        for (place, id) in call.arguments.iter().enumerate() {
            let argument = self.eval(*id, call.scope)?;
            let Some(item) = single(&argument, name)? else {
                // N1 §5.6.2: an empty length is as good as none.
                if call.function == Function::Substring && place == 1 {
                    break;
                }
                return Ok(Items::new());
            };
            match item.scalar()? {
                Some(value) => arguments.push(value),
                None => return operators::without_value(item, name),
            }
        }
        let made = functions::call(call.function, &value, &arguments, regex, &self.work)?;
        self.work.spend(made.len() as u64)?;
        Ok(made.into_iter().map(Item::Scalar).collect())
    }

    /// The functions on collections.
    fn collection(&self, call: Call<'_, 'a>, input: &Items<'a>) -> Result<Items<'a>> {
        self.work.spend(input.len() as u64)?;
        match call.function {
            Function::Empty
            | Function::Exists
            | Function::All
            | Function::AllTrue
            | Function::AnyTrue
            | Function::AllFalse
            | Function::AnyFalse
            | Function::SubsetOf
            | Function::SupersetOf
            | Function::Count
            | Function::Distinct
            | Function::IsDistinct => self.existence(call, input),
            Function::Where | Function::Select | Function::Repeat | Function::Aggregate => {
                self.filter(call, input)
            }
            Function::Single
            | Function::First
            | Function::Last
            | Function::Tail
            | Function::Skip
            | Function::Take
            | Function::Intersect
            | Function::Exclude
            | Function::Union
            | Function::Combine
            | Function::Coalesce => self.subset(call, input),
            Function::Sort => self.sort(call, input),
            Function::Extension
            | Function::HasValue
            | Function::GetValue
            | Function::Resolve
            | Function::ConformsTo
            | Function::HtmlChecks
            | Function::MemberOf => self.fhir(call, input),
            _ => self.utility(call, input),
        }
    }

    /// The value of the argument at a position that the function is known to have; empty where it is left out.
    fn argument(&self, call: Call<'_, 'a>, position: usize) -> Result<Items<'a>> {
        match call.arguments.get(position) {
            Some(id) => self.eval(*id, call.scope),
            None => Ok(Items::new()),
        }
    }
}

fn one<'a>(scalar: Scalar<'a>) -> Items<'a> {
    let mut items = Items::new();
    items.push(Item::Scalar(scalar));
    items
}

fn boolean<'a>(value: bool) -> Items<'a> {
    one(Scalar::Boolean(value))
}

/// True, false, or nothing.
fn maybe<'a>(value: Option<bool>) -> Items<'a> {
    value.map_or_else(Items::new, boolean)
}

/// How many, as an Integer; collections are far smaller than that.
fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// The only item, if there is one; several are an error.
fn single<'s, 'a>(items: &'s Items<'a>, what: &'static str) -> Result<Option<&'s Item<'a>>> {
    match items.as_slice() {
        [] => Ok(None),
        [item] => Ok(Some(item)),
        _ => Err(Fault::Several(what).into()),
    }
}
