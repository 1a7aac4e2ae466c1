//! Trees back to text: canonical spacing and quoting, only the parentheses that are needed.

use std::fmt;

use crate::ast::{Ast, Expr, Name, NodeId};
use crate::literal::CalendarUnit;
use crate::operator::{self, Precedence};
use crate::text;

/// A part of an expression that prints itself; from [`Ast::display`].
#[derive(Clone, Copy, Debug)]
pub struct Printed<'a> {
    ast: &'a Ast,
    id: NodeId,
}

/// What is still to be written. The list of these takes the place of recursion.
enum Work<'a> {
    /// A node, in parentheses if it binds weaker than this.
    Node(NodeId, Precedence),
    Text(&'static str),
    Name(&'a Name),
}

impl<'a> Printed<'a> {
    pub(crate) fn new(ast: &'a Ast, id: NodeId) -> Self {
        Self { ast, id }
    }
}

impl fmt::Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The next thing to write is at the end.
        let mut work = vec![Work::Node(self.id, operator::ANY)];
        while let Some(next) = work.pop() {
            match next {
                Work::Text(text) => f.write_str(text)?,
                Work::Name(name) => write_name(f, name.as_str())?,
                Work::Node(id, minimum) => {
                    let Some(node) = self.ast.get(id) else {
                        continue;
                    };
                    let start = work.len();
                    let parentheses = precedence(&node.expr) < minimum;
                    if parentheses {
                        work.push(Work::Text("("));
                    }
                    if let Expr::Literal(literal) = &node.expr {
                        write!(f, "{literal}")?;
                    } else {
                        parts(&node.expr, &mut work);
                    }
                    if parentheses {
                        work.push(Work::Text(")"));
                    }
                    if let Some(added) = work.get_mut(start..) {
                        added.reverse();
                    }
                }
            }
        }
        Ok(())
    }
}

fn precedence(expr: &Expr) -> Precedence {
    match expr {
        Expr::Unary { .. } => operator::UNARY,
        Expr::Binary { op, .. } => op.precedence(),
        Expr::Type { .. } => operator::TYPE,
        _ => operator::TERM,
    }
}

/// Appends the parts of an expression in reading order; literals have none.
fn parts<'a>(expr: &'a Expr, work: &mut Vec<Work<'a>>) {
    match expr {
        Expr::Literal(_) => {}
        Expr::External(name) => work.extend([Work::Text("%"), Work::Name(name)]),
        Expr::Special { base, special } => {
            dotted(*base, work);
            work.push(Work::Text(special.symbol()));
        }
        Expr::Member { base, name } => {
            dotted(*base, work);
            work.push(Work::Name(name));
        }
        Expr::Call { base, name, args } => {
            dotted(*base, work);
            work.extend([Work::Name(name), Work::Text("(")]);
            for (position, arg) in args.iter().enumerate() {
                if position > 0 {
                    work.push(Work::Text(", "));
                }
                work.push(Work::Node(*arg, operator::ANY));
            }
            work.push(Work::Text(")"));
        }
        Expr::Index { base, index } => work.extend([
            Work::Node(*base, operator::TERM),
            Work::Text("["),
            Work::Node(*index, operator::ANY),
            Work::Text("]"),
        ]),
        Expr::Unary { op, operand } => work.extend([
            Work::Text(op.symbol()),
            Work::Node(*operand, operator::UNARY),
        ]),
        Expr::Binary { op, left, right } => work.extend([
            Work::Node(*left, op.precedence()),
            Work::Text(" "),
            Work::Text(op.symbol()),
            Work::Text(" "),
            Work::Node(*right, op.precedence() + 1),
        ]),
        Expr::Type {
            op,
            operand,
            type_name,
        } => {
            work.extend([
                Work::Node(*operand, operator::TYPE),
                Work::Text(" "),
                Work::Text(op.symbol()),
                Work::Text(" "),
            ]);
            for (position, part) in type_name.parts().iter().enumerate() {
                if position > 0 {
                    work.push(Work::Text("."));
                }
                work.push(Work::Name(part));
            }
        }
    }
}

fn dotted(base: Option<NodeId>, work: &mut Vec<Work<'_>>) {
    if let Some(base) = base {
        work.extend([Work::Node(base, operator::TERM), Work::Text(".")]);
    }
}

/// Writes a name, in backticks unless every N1 parser reads it without.
fn write_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let keyword = matches!(
        name,
        "true" | "false" | "and" | "or" | "xor" | "implies" | "div" | "mod"
    ) || CalendarUnit::from_word(name).is_some();
    if plain && !keyword {
        f.write_str(name)
    } else {
        text::write_quoted(f, name, '`')
    }
}
