//! Questions about a masked document that the stored one answers alike: they are asked of the stored one, so that its indexes
//! serve them. `access_policy::fields::Sight` says which; here are the expressions that ask them.
//!
//! A question is a chain of calls down to the column: `resource -> 'name' -> 'given' @> '["Ann"]'`. It keeps the column only as
//! a whole, where the answer of its last call is proved to be the same: what the calls before hand on may hold what is hidden.
//! All the functions are strict, and say of NULL the same on either side.

use super::Rewriter;
use crate::catalog::catalog;
use crate::node::index::KeyFunction;
use crate::node::{constant, origin, relation, row, tree};
use access_policy::fields::{Sight, Spot};
use pgrx::PgList;
use pgrx::prelude::*;
use std::rc::Rc;

/// More calls in a chain than these, or more steps in a path, are not looked at.
const MOST: usize = 40;

/// What a call asks of a document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    /// A member or an element by one key, as jsonb or text.
    Part,
    /// `#>`, `#>>`: a part by its path.
    Path,
    /// The same as `['name'][0]`.
    Subscripts,
    /// `@>`
    Contains,
    /// `?`, `?|`, `?&`
    Has,
    /// `@?`, `@@`: whether a JSON path finds something, or is true.
    Found,
    /// What a JSON path finds.
    Items,
    /// Whether there is a value, which kind it is, how many elements it has.
    Kind,
    /// The keys of an index of ours.
    Keys,
}

/// A call that asks a document.
struct Call {
    question: Question,
    document: *mut pg_sys::Node,
    /// The document's place among the arguments.
    place: usize,
    /// What is asked for.
    asked: Vec<*mut pg_sys::Node>,
    /// What else is said: variables of a JSON path, and whether it is silent.
    others: Vec<*mut pg_sys::Node>,
}

impl Rewriter {
    /// What a call becomes that asks a masked document for nothing that may be hidden: the same call of the stored document.
    /// `None` where that cannot be proved, or where it asks something else.
    ///
    /// # Safety
    /// `node` must be a node of the tree that is being walked.
    pub(super) unsafe fn stored(&mut self, node: *mut pg_sys::Node) -> Option<*mut pg_sys::Node> {
        // SAFETY: by the caller's promise.
        unsafe {
            let sight = self.sight(&call(node)?)?;
            let settled = self.settled(node)?;
            self.is_same(&call(settled)?, &sight)
                .then(|| self.kept(settled))
        }
    }

    /// A copy of a chain in which what it asks for are constants; `None` where it asks for something else. What is proved is of
    /// these values, so the plan must hold them: a function that claims to be immutable may say something else when it is asked again.
    ///
    /// # Safety
    /// As above.
    unsafe fn settled(&self, node: *mut pg_sys::Node) -> Option<*mut pg_sys::Node> {
        // SAFETY: the copy is ours to change; its calls are looked at as what their tags say.
        unsafe {
            let copy: *mut pg_sys::Node = pg_sys::copyObjectImpl(node.cast()).cast();
            let mut part = copy;
            for _ in 0..MOST {
                if pgrx::is_a(part, pg_sys::NodeTag::T_Var) {
                    return Some(copy);
                }
                let call = call(part)?;
                let (list, document) = match (*part).type_ {
                    pg_sys::NodeTag::T_OpExpr => {
                        ((*part.cast::<pg_sys::OpExpr>()).args, Some(call.place))
                    }
                    pg_sys::NodeTag::T_FuncExpr => {
                        ((*part.cast::<pg_sys::FuncExpr>()).args, Some(call.place))
                    }
                    pg_sys::NodeTag::T_SubscriptingRef => {
                        let subscripts = part.cast::<pg_sys::SubscriptingRef>();
                        ((*subscripts).refupperindexpr, None)
                    }
                    _ => (std::ptr::null_mut(), None),
                };
                let mut list = PgList::<pg_sys::Node>::from_pg(list);
                for place in (0..list.len()).filter(|place| Some(*place) != document) {
                    let constant = constant::of(self.root, list.get_ptr(place)?)?;
                    list.replace_ptr(place, constant.cast_mut().cast());
                }
                part = call.document;
            }
            None
        }
    }

    /// How the documents look that a call asks, at the end of its chain.
    ///
    /// # Safety
    /// `call` must be a call in the tree that is being walked.
    unsafe fn sight(&self, call: &Call) -> Option<Rc<Sight>> {
        // SAFETY: nodes are looked at as what their tags say.
        unsafe {
            let mut document = call.document;
            for _ in 0..MOST {
                if pgrx::is_a(document, pg_sys::NodeTag::T_Var) {
                    let var = document.cast::<pg_sys::Var>();
                    let (mask, level, _) = self.mask(var)?;
                    // Subscripts cannot say that they are ours, and columns do not when they become those of a child.
                    let is_lost = call.question == Question::Subscripts
                        && relation::may_have_children(mask.relation());
                    // Part of what is grouped by must stay part of it.
                    return match level.in_totals || is_lost {
                        true => None,
                        false => mask.sight((*var).varattno),
                    };
                }
                document = self::call(document)?.document;
            }
            None
        }
    }

    /// Is the answer of a call the same on both documents?
    ///
    /// # Safety
    /// As above; `sight` must be that of the document.
    unsafe fn is_same(&self, call: &Call, sight: &Sight) -> bool {
        // SAFETY: by the caller's promise.
        let is_same = unsafe {
            match call.question {
                Question::Part | Question::Path | Question::Subscripts => {
                    self.part(call, sight).map(|part| part.is_same())
                }
                _ => self
                    .place(call.document, sight)
                    .and_then(|place| self.answer(call, &place)),
            }
        };
        // The finished plan is not asked for what these read: it must be nothing.
        // SAFETY: by the caller's promise.
        let is_constant =
            |node: &*mut pg_sys::Node| unsafe { constant::of(self.root, *node).is_some() };
        is_same == Some(true) && call.others.iter().all(is_constant)
    }

    /// Of the calls that do not give a part of the document: is the answer the same, asked at a place?
    ///
    /// # Safety
    /// As above.
    unsafe fn answer(&self, call: &Call, place: &Spot<'_>) -> Option<bool> {
        // SAFETY: constants are read as what their types say, which the functions' arguments are of.
        unsafe {
            if call.question == Question::Kind {
                return Some(true);
            }
            let asked = &*constant::of(self.root, *call.asked.first()?)?;
            if asked.constisnull {
                return None;
            }
            Some(match (call.question, asked.consttype) {
                (Question::Contains, pg_sys::JSONBOID) => {
                    place.contains(row::JsonbDatum::new(asked.constvalue).value().ok()?)
                }
                (Question::Has, pg_sys::TEXTOID) => place.has(&text(asked)),
                (Question::Has, _) => texts(asked)?.iter().all(|key| place.has(key)),
                (Question::Found, pg_sys::JSONPATHOID) => place.items(&text(asked)).is_some(),
                (Question::Items, pg_sys::JSONPATHOID) => place
                    .items(&text(asked))
                    .is_some_and(|place| place.is_same()),
                (Question::Keys, pg_sys::TEXTOID) => place.keys(&text(asked).parse().ok()?),
                _ => return None,
            })
        }
    }

    /// The place of what an expression gives.
    ///
    /// # Safety
    /// As above. The chain is no longer than [`MOST`].
    unsafe fn place<'s>(&self, node: *mut pg_sys::Node, sight: &'s Sight) -> Option<Spot<'s>> {
        // SAFETY: as above.
        unsafe {
            match pgrx::is_a(node, pg_sys::NodeTag::T_Var) {
                true => Some(sight.root()),
                false => self.part(&call(node)?, sight),
            }
        }
    }

    /// The place of the part that a call gives.
    ///
    /// # Safety
    /// As above.
    unsafe fn part<'s>(&self, call: &Call, sight: &'s Sight) -> Option<Spot<'s>> {
        // SAFETY: as above.
        unsafe {
            let mut place = self.place(call.document, sight)?;
            for asked in &call.asked {
                let asked = &*constant::of(self.root, *asked)?;
                if asked.constisnull {
                    return None;
                }
                place = match (call.question, asked.consttype) {
                    (Question::Part, pg_sys::TEXTOID) => place.member(&text(asked))?,
                    (Question::Part | Question::Subscripts, pg_sys::INT4OID) => place.element()?,
                    (Question::Subscripts, pg_sys::TEXTOID) => place.step(&text(asked))?,
                    (Question::Path, _) => {
                        let mut steps = texts(asked)?.into_iter();
                        steps.try_fold(place, |place, step| place.step(&step))?
                    }
                    _ => return None,
                };
            }
            match call.question {
                Question::Part | Question::Path | Question::Subscripts => Some(place),
                _ => None,
            }
        }
    }

    /// A chain with the column as it is stored, and all else in it rewritten.
    ///
    /// # Safety
    /// As above; the chain must be proved.
    unsafe fn kept(&mut self, node: *mut pg_sys::Node) -> *mut pg_sys::Node {
        // SAFETY: the copy is ours to change, and of the kind that its tag says.
        unsafe {
            let copy: *mut pg_sys::Node = pg_sys::copyObjectImpl(node.cast()).cast();
            // The check of the finished plan knows it by this.
            origin::stamp_one(copy);
            let Some(call) = call(node) else {
                return copy;
            };
            match (*node).type_ {
                pg_sys::NodeTag::T_OpExpr => {
                    let old = (*node.cast::<pg_sys::OpExpr>()).args;
                    (*copy.cast::<pg_sys::OpExpr>()).args = self.arguments(old, &call);
                }
                pg_sys::NodeTag::T_FuncExpr => {
                    let old = (*node.cast::<pg_sys::FuncExpr>()).args;
                    (*copy.cast::<pg_sys::FuncExpr>()).args = self.arguments(old, &call);
                }
                pg_sys::NodeTag::T_NullTest => {
                    (*copy.cast::<pg_sys::NullTest>()).arg = self.kept(call.document).cast();
                }
                pg_sys::NodeTag::T_SubscriptingRef => {
                    // The subscripts were found to be constants.
                    (*copy.cast::<pg_sys::SubscriptingRef>()).refexpr =
                        self.kept(call.document).cast();
                }
                _ => {}
            }
            copy
        }
    }

    /// The arguments of a kept call.
    ///
    /// # Safety
    /// As above.
    unsafe fn arguments(&mut self, old: *mut pg_sys::List, call: &Call) -> *mut pg_sys::List {
        // SAFETY: as above.
        unsafe {
            let mut new = std::ptr::null_mut();
            for (place, argument) in PgList::<pg_sys::Node>::from_pg(old).iter_ptr().enumerate() {
                let argument = match place == call.place {
                    true => self.kept(argument),
                    false => tree::mutate(argument, self),
                };
                new = pg_sys::lappend(new, argument.cast());
            }
            new
        }
    }
}

/// The call that a node is, if it asks a document.
///
/// # Safety
/// `node` must be null or a node of a query tree.
unsafe fn call(node: *mut pg_sys::Node) -> Option<Call> {
    // SAFETY: nodes are looked at as what their tags say.
    unsafe {
        if node.is_null() {
            return None;
        }
        match (*node).type_ {
            pg_sys::NodeTag::T_OpExpr => {
                let expression = &*node.cast::<pg_sys::OpExpr>();
                let (question, place) = of_operator(expression.opno.to_u32())?;
                with_arguments(question, place, expression.args)
            }
            pg_sys::NodeTag::T_FuncExpr => {
                let expression = &*node.cast::<pg_sys::FuncExpr>();
                let (question, place) = of_function(expression.funcid)?;
                with_arguments(question, place, expression.args)
            }
            pg_sys::NodeTag::T_NullTest => Some(Call {
                question: Question::Kind,
                document: (*node.cast::<pg_sys::NullTest>()).arg.cast(),
                place: 0,
                asked: Vec::new(),
                others: Vec::new(),
            }),
            pg_sys::NodeTag::T_SubscriptingRef => {
                let subscripts = &*node.cast::<pg_sys::SubscriptingRef>();
                let reads = subscripts.refassgnexpr.is_null()
                    && subscripts.reflowerindexpr.is_null()
                    && subscripts.refcontainertype == pg_sys::JSONBOID;
                reads.then(|| Call {
                    question: Question::Subscripts,
                    document: subscripts.refexpr.cast(),
                    place: 0,
                    asked: PgList::<pg_sys::Node>::from_pg(subscripts.refupperindexpr)
                        .iter_ptr()
                        .collect(),
                    others: Vec::new(),
                })
            }
            _ => None,
        }
    }
}

/// # Safety
/// `arguments` must be a list of nodes.
unsafe fn with_arguments(
    question: Question,
    place: usize,
    arguments: *mut pg_sys::List,
) -> Option<Call> {
    // SAFETY: by the caller's promise.
    let arguments = unsafe { PgList::<pg_sys::Node>::from_pg(arguments) };
    let others = arguments.iter_ptr().enumerate();
    let mut asked = others
        .filter(|(other, _)| *other != place)
        .map(|(_, argument)| argument);
    Some(Call {
        question,
        document: arguments.get_ptr(place)?,
        place,
        asked: asked.by_ref().take(1).collect(),
        others: asked.collect(),
    })
}

/// PostgreSQL's operators on jsonb, by their OIDs, which are the same in all versions; and at which place the document stands.
fn of_operator(operator: u32) -> Option<(Question, usize)> {
    Some(match operator {
        // -> ->> with a key, and with an index
        3211 | 3477 | 3212 | 3481 => (Question::Part, 0),
        // #> #>>
        3213 | 3206 => (Question::Path, 0),
        // @> <@
        3246 => (Question::Contains, 0),
        3250 => (Question::Contains, 1),
        // ? ?| ?&
        3247..=3249 => (Question::Has, 0),
        // @? @@
        4012 | 4013 => (Question::Found, 0),
        _ => return None,
    })
}

/// The functions of these operators, and others.
fn of_function(function: pg_sys::Oid) -> Option<(Question, usize)> {
    Some(match function.to_u32() {
        // jsonb_object_field, jsonb_array_element, and as text
        3478 | 3214 | 3215 | 3216 => (Question::Part, 0),
        // jsonb_extract_path, and as text
        3217 | 3940 => (Question::Path, 0),
        // jsonb_contains, jsonb_contained
        4046 => (Question::Contains, 0),
        4050 => (Question::Contains, 1),
        // jsonb_exists, jsonb_exists_any, jsonb_exists_all
        4047..=4049 => (Question::Has, 0),
        // jsonb_path_exists, jsonb_path_match, those of the operators, and with time zones
        4005 | 4009..=4011 | 1177 | 2030 => (Question::Found, 0),
        // jsonb_path_query, _query_array, _query_first, and with time zones
        4006..=4008 | 1179 | 1180 | 2023 => (Question::Items, 0),
        // jsonb_typeof, jsonb_array_length
        3210 | 3207 => (Question::Kind, 0),
        _ => return is_index_function(function).then_some((Question::Keys, 0)),
    })
}

/// Is it one of ours that read what is at their paths, and nothing else?
fn is_index_function(function: pg_sys::Oid) -> bool {
    use KeyFunction::{Earliest, Highest, Latest, Lowest, Strings, Tokens, Unit, Uris};
    let found = catalog().and_then(|ours| KeyFunction::of(function, ours.schema));
    found.is_some_and(|found| {
        [
            Earliest, Latest, Lowest, Highest, Unit, Strings, Uris, Tokens,
        ]
        .contains(&found)
    })
}

/// The text of a constant.
///
/// # Safety
/// `constant` must not be NULL.
unsafe fn text(constant: &pg_sys::Const) -> String {
    // SAFETY: by the caller's promise.
    unsafe { row::output(constant.constvalue, constant.consttype) }
}

/// The texts in an array; `None` where one is NULL.
///
/// # Safety
/// `constant` must not be NULL.
unsafe fn texts(constant: &pg_sys::Const) -> Option<Vec<String>> {
    // SAFETY: by the caller's promise.
    unsafe {
        let (element, values) = constant::elements(constant, MOST)?;
        let values = values.into_iter();
        values
            .map(|value| value.map(|value| row::output(value, element)))
            .collect()
    }
}
