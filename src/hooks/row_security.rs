//! `USING` and `WITH CHECK`: the predicates, as row security policies that PostgreSQL itself applies; and what they are, for
//! [`super::masking`], which fills them in when a session's plan is made.
//!
//! The predicate is a *restrictive* policy, so that no permissive policy of the table's owner can widen it; a permissive
//! policy that is always true stands beside it, because PostgreSQL closes a table that has none.

use super::masking::entry;
use super::{mark, statistics};
use crate::error::{Error, OrRaise, Result};
use crate::node::kept_nodes::{Context, Recent};
use crate::node::{expr, privilege, relation};
use crate::predicate::{Style, Writer};
use crate::registry::{self, Protected};
use crate::session::{Session, TableReach};
use access_policy::Interaction;
use pgrx::PgList;
use pgrx::prelude::*;
use std::cell::RefCell;
use std::ffi::CStr;
use std::mem::ManuallyDrop;
use std::rc::Rc;

/// The name of our policies in messages.
const POLICY: &CStr = c"fhir_access";
/// The name of the policy that decides what is read. A statement that returns what it wrote is checked against it too.
pub const SEARCH_POLICY: &CStr = c"fhir_access search";

type Hook = pg_sys::row_security_policy_hook_type;

static mut PREVIOUS_PERMISSIVE: Hook = None;
static mut PREVIOUS_RESTRICTIVE: Hook = None;

/// Installs the two hooks.
pub fn install() {
    // SAFETY: runs once per process, in _PG_init, before any statement.
    unsafe {
        PREVIOUS_PERMISSIVE = pg_sys::row_security_policy_hook_permissive;
        pg_sys::row_security_policy_hook_permissive = Some(permissive);
        PREVIOUS_RESTRICTIVE = pg_sys::row_security_policy_hook_restrictive;
        pg_sys::row_security_policy_hook_restrictive = Some(restrictive);
    }
}

/// A plain frame: see [`super::standard`].
unsafe extern "C-unwind" fn permissive(
    command: pg_sys::CmdType::Type,
    relation: pg_sys::Relation,
) -> *mut pg_sys::List {
    // SAFETY: called by PostgreSQL with an open relation; the previous hook gets the same arguments.
    unsafe { with_permissive(previous(PREVIOUS_PERMISSIVE, command, relation), relation) }
}

#[pg_guard]
unsafe extern "C-unwind" fn with_permissive(
    previous: *mut pg_sys::List,
    relation: pg_sys::Relation,
) -> *mut pg_sys::List {
    // SAFETY: as above.
    unsafe {
        if registry::protected((*relation).rd_id).or_raise().is_none() {
            return previous;
        }
        let always = || pg_sys::makeBoolConst(true, false);
        let everything = policy(POLICY, always(), always(), true);
        pg_sys::lappend(previous, everything.cast())
    }
}

/// A plain frame: see [`super::standard`].
unsafe extern "C-unwind" fn restrictive(
    command: pg_sys::CmdType::Type,
    relation: pg_sys::Relation,
) -> *mut pg_sys::List {
    // SAFETY: as above.
    unsafe {
        with_restrictive(
            previous(PREVIOUS_RESTRICTIVE, command, relation),
            command,
            relation,
        )
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn with_restrictive(
    previous: *mut pg_sys::List,
    command: pg_sys::CmdType::Type,
    relation: pg_sys::Relation,
) -> *mut pg_sys::List {
    // SAFETY: as above.
    unsafe {
        let protected = registry::protected((*relation).rd_id).or_raise();
        if protected.is_none() {
            check_unregistered(relation).or_raise();
            return previous;
        }
        // Statements are kept as they are rewritten, and are the same for all sessions: what theirs may find and leave behind, the
        // planner's hook puts in the place of this, which is marked. Nothing is found or left behind without.
        // (In a build for tests that switch the planner's hook off all is: its plans are to be refused whatever they would find.)
        let found = cfg!(feature = "switches");
        let closed = || mark::put(pg_sys::makeBoolConst(found, false), mark::OPEN);
        let ours = policy(name_for(command), closed(), closed(), false);
        pg_sys::lappend(previous, ours.cast())
    }
}

fn name_for(command: pg_sys::CmdType::Type) -> &'static CStr {
    match command {
        pg_sys::CmdType::CMD_SELECT => SEARCH_POLICY,
        _ => POLICY,
    }
}

/// Is this the condition of the marker policy, whatever the policy's name is now?
///
/// # Safety
/// `qual` must be null or a node.
pub unsafe fn is_marker(qual: *mut pg_sys::Node) -> bool {
    // SAFETY: a node's tag says what it is; names are C strings or null.
    unsafe {
        if qual.is_null() || !pgrx::is_a(qual, pg_sys::NodeTag::T_FuncExpr) {
            return false;
        }
        let function = (*qual.cast::<pg_sys::FuncExpr>()).funcid;
        let name = pg_sys::get_func_name(function);
        let schema = pg_sys::get_namespace_name(pg_sys::get_func_namespace(function));
        !name.is_null()
            && !schema.is_null()
            && CStr::from_ptr(name) == c"enforced"
            && CStr::from_ptr(schema)
                .to_bytes()
                .starts_with(b"fhir_access")
    }
}

/// A table that bears our policy and is not in the registry was protected once, or elsewhere: it stays closed.
///
/// # Safety
/// `relation` must be open.
unsafe fn check_unregistered(relation: pg_sys::Relation) -> Result<()> {
    // SAFETY: by the caller's promise.
    unsafe {
        let policies = (*relation)
            .rd_rsdesc
            .as_ref()
            .map_or(std::ptr::null_mut(), |policies| policies.policies);
        let ours = PgList::<pg_sys::RowSecurityPolicy>::from_pg(policies)
            .iter_ptr()
            .any(|policy| !(*policy).permissive && is_marker((*policy).qual.cast()));
        if !ours {
            return Ok(());
        }
        let oid = (*relation).rd_id;
        Err(Error::NotReady {
            message: format!(
                "{} has fhir_access's policy but is not registered as protected",
                relation::qualified_name(oid)
            ),
            hint: "Call fhir_access.protect() for it; or drop its policies and triggers of fhir_access.".to_owned(),
        }
        .about(oid))
    }
}

/// A plain frame, too.
///
/// # Safety
/// The arguments must be those of the hook that is being called.
unsafe fn previous(
    hook: Hook,
    command: pg_sys::CmdType::Type,
    relation: pg_sys::Relation,
) -> *mut pg_sys::List {
    match hook {
        // SAFETY: called as PostgreSQL would.
        Some(hook) => unsafe { hook(command, relation) },
        None => std::ptr::null_mut(),
    }
}

thread_local! {
    // Not dropped with the process, which has no memory contexts any more when it ends.
    static KNOWN: RefCell<ManuallyDrop<Recent<Asked, *mut pg_sys::Node>>> =
        RefCell::new(ManuallyDrop::new(Recent::new()));
}

/// What is asked of rows of a table of one type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Asked {
    /// Of stored rows, for them to be found.
    Found,
    /// Of rows that the interaction leaves behind.
    Left(Interaction),
}

/// The predicate, as it was made for the session before. What is asked of a table of all types depends on which of them a statement
/// wants: that is made each time.
fn known(
    session: &Session,
    protected: &Rc<Protected>,
    asked: Asked,
    make: impl FnOnce() -> Result<*mut pg_sys::Node>,
) -> Result<*mut pg_sys::Node> {
    if protected.one_type().is_none() {
        return make();
    }
    let known = KNOWN.with_borrow_mut(|known| known.get(session.fingerprint, protected, asked));
    if let Some(known) = known {
        // SAFETY: a node that is kept; the copy is the caller's.
        return Ok(unsafe { pg_sys::copyObjectImpl(known.cast()).cast() });
    }
    let made = make()?;
    // SAFETY: a node that was made just now.
    let (context, kept) = unsafe { Context::of(made) };
    KNOWN.with_borrow_mut(|known| {
        known.put(session.fingerprint, protected, asked, kept, Some(context));
    });
    Ok(made)
}

/// The stored rows of `protected` that a SELECT finds, as an expression over its row with `varno` 1. The rows an UPDATE or DELETE
/// finds are those that can be read: one that can be read but not changed is refused by the trigger, with a reason.
pub fn search_qual(
    session: &Session,
    protected: &Rc<Protected>,
    reach: &TableReach,
) -> Result<*mut pg_sys::Node> {
    known(session, protected, Asked::Found, || {
        let text = Writer::new(protected, Style::Exact).granted(&reach.predicate());
        // SAFETY: the expression is boolean.
        expression(protected, &text)
            .map(|qual| unsafe { mark::put(statistics::grant(qual), session.fingerprint) })
    })
}

/// The rows that an interaction may leave behind, likewise; `types` are those that a table of all types is asked for.
pub fn written_qual(
    session: &Session,
    protected: &Rc<Protected>,
    interaction: Interaction,
    types: Option<&[&'static str]>,
) -> Result<*mut pg_sys::Node> {
    known(session, protected, Asked::Left(interaction), || {
        let reach = session.reach_on(protected, interaction, types)?;
        let text = Writer::new(protected, Style::Exact)
            .for_new_rows()
            .granted(&reach.predicate());
        expression(protected, &text)
    })
}

/// Is `qual` the condition of a restrictive policy that the table's owner put on `relation`, as it stands for the range
/// table entry with this number of `query`? Only of one that PostgreSQL has put there itself: the condition of a view may read
/// like a policy for other roles or other commands, and must not be asked of the stored row.
///
/// # Safety
/// `relation` must be open, `qual` a node, and `query` have such an entry.
pub unsafe fn is_users_policy(
    relation: pg_sys::Relation,
    query: *const pg_sys::Query,
    entry: *const pg_sys::RangeTblEntry,
    number: i32,
    qual: *mut pg_sys::Node,
) -> bool {
    // SAFETY: the policies of an open relation stay while it is open; they are copied before they are changed.
    unsafe {
        let Some(policies) = (*relation).rd_rsdesc.as_ref() else {
            return false;
        };
        let user = entry::effective_user(entry);
        let commands = commands((*query).resultRelation == number, query, entry);
        privilege::role_is_subject(user)
            && PgList::<pg_sys::RowSecurityPolicy>::from_pg(policies.policies)
                .iter_ptr()
                .any(|policy| {
                    if (*policy).permissive
                        || (*policy).qual.is_null()
                        || !commands.contains(&((*policy).polcmd as u8))
                        || !is_for((*policy).roles, user)
                    {
                        return false;
                    }
                    let condition =
                        pg_sys::copyObjectImpl((*policy).qual.cast()).cast::<pg_sys::Node>();
                    pg_sys::ChangeVarNodes(condition, 1, number, 0);
                    pg_sys::equal(condition.cast(), qual.cast())
                })
    }
}

/// The commands, as `pg_policy.polcmd` has them, whose policies PostgreSQL asks about the rows that it finds for an entry.
///
/// # Safety
/// `entry` must be an entry of `query`.
unsafe fn commands(
    is_target: bool,
    query: *const pg_sys::Query,
    entry: *const pg_sys::RangeTblEntry,
) -> Vec<u8> {
    // SAFETY: by the caller's promise.
    let (command, rights) = unsafe { ((*query).commandType, (*entry).requiredPerms) };
    let needs = |right: u32| rights & pg_sys::AclMode::from(right) != 0;
    let mut commands = vec![b'*'];
    if !is_target {
        commands.push(b'r');
        if needs(pg_sys::ACL_UPDATE) {
            // SELECT … FOR UPDATE and its like.
            commands.push(b'w');
        }
        return commands;
    }
    match command {
        pg_sys::CmdType::CMD_UPDATE => commands.push(b'w'),
        pg_sys::CmdType::CMD_DELETE => commands.push(b'd'),
        _ => {}
    }
    if needs(pg_sys::ACL_SELECT) {
        commands.push(b'r');
    }
    commands
}

/// Is a policy for these roles one for `user`?
///
/// # Safety
/// `roles` must be an array of OIDs, as the policies of a relation have it.
unsafe fn is_for(roles: *mut pg_sys::ArrayType, user: pg_sys::Oid) -> bool {
    // SAFETY: by the caller's promise.
    let roles = unsafe {
        Vec::<pg_sys::Oid>::from_datum(pg_sys::Datum::from(roles), roles.is_null())
            .unwrap_or_default()
    };
    roles.into_iter().any(|role| {
        // SAFETY: a look-up in the catalogs; role 0 is PUBLIC.
        role == pg_sys::InvalidOid || unsafe { pg_sys::has_privs_of_role(user, role) }
    })
}

/// A predicate over the row of a table, from its text; a constant does not take a parser.
fn expression(protected: &Protected, text: &str) -> Result<*mut pg_sys::Node> {
    match text {
        "true" | "false" => {
            // SAFETY: makes a node in the current memory context.
            Ok(unsafe { pg_sys::makeBoolConst(text == "true", false) })
        }
        text => expr::parse_for(protected.relation, text),
    }
}

fn policy(
    name: &CStr,
    using: *mut pg_sys::Node,
    check: *mut pg_sys::Node,
    permissive: bool,
) -> *mut pg_sys::RowSecurityPolicy {
    // SAFETY: palloc0 gives a zeroed struct, every field of which is set; role 0 is PUBLIC.
    unsafe {
        let policy = pg_sys::palloc0(size_of::<pg_sys::RowSecurityPolicy>())
            .cast::<pg_sys::RowSecurityPolicy>();
        let mut public = pg_sys::Datum::from(0_u32);
        (*policy).policy_name = pg_sys::pstrdup(name.as_ptr());
        (*policy).polcmd = b'*' as std::ffi::c_char;
        (*policy).roles = pg_sys::construct_array(
            &mut public,
            1,
            pg_sys::OIDOID,
            size_of::<pg_sys::Oid>() as i32,
            true,
            b'i' as std::ffi::c_char,
        );
        (*policy).permissive = permissive;
        (*policy).qual = using.cast();
        (*policy).with_check_qual = check.cast();
        (*policy).hassublinks = false;
        policy
    }
}

/// The checks on what a statement writes through a range table entry that PostgreSQL exempts; `varno` 1. As PostgreSQL has it,
/// a statement that reads what it writes (`RETURNING`, `WHERE`) may leave only rows that it may read.
///
/// # Safety
/// `entry` must be the entry of `query` that it writes to.
pub unsafe fn checks(
    session: &Session,
    protected: &Rc<Protected>,
    query: *const pg_sys::Query,
    entry: *const pg_sys::RangeTblEntry,
) -> Result<Vec<*mut pg_sys::WithCheckOption>> {
    use pg_sys::WCOKind::{WCO_RLS_CONFLICT_CHECK, WCO_RLS_INSERT_CHECK, WCO_RLS_UPDATE_CHECK};
    // SAFETY: by the caller's promise.
    let (command, upsert, reads) = unsafe {
        let reads = (*entry).requiredPerms & pg_sys::ACL_SELECT as pg_sys::AclMode != 0;
        ((*query).commandType, !(*query).onConflict.is_null(), reads)
    };
    let inserts = (WCO_RLS_INSERT_CHECK, Interaction::Create);
    let updates = (WCO_RLS_UPDATE_CHECK, Interaction::Update);
    let written = match command {
        pg_sys::CmdType::CMD_INSERT if !upsert => vec![inserts],
        pg_sys::CmdType::CMD_INSERT | pg_sys::CmdType::CMD_MERGE => vec![inserts, updates],
        pg_sys::CmdType::CMD_UPDATE => vec![updates],
        _ => Vec::new(),
    };
    let found = upsert.then_some((WCO_RLS_CONFLICT_CHECK, Interaction::Search, POLICY));
    written
        .into_iter()
        .flat_map(|(kind, interaction)| {
            let read = reads.then_some((kind, Interaction::Search, SEARCH_POLICY));
            [Some((kind, interaction, POLICY)), read]
        })
        .flatten()
        .chain(found)
        .map(|(kind, interaction, name)| {
            let qual = written_qual(session, protected, interaction, None)?;
            // SAFETY: palloc0 gives a zeroed node, every field of which that matters is set.
            unsafe {
                let check = pg_sys::palloc0(size_of::<pg_sys::WithCheckOption>())
                    .cast::<pg_sys::WithCheckOption>();
                (*check).type_ = pg_sys::NodeTag::T_WithCheckOption;
                (*check).kind = kind;
                (*check).relname = pg_sys::get_rel_name(protected.relation);
                (*check).polname = pg_sys::pstrdup(name.as_ptr());
                (*check).qual = mark::put(qual, session.fingerprint);
                Ok(check)
            }
        })
        .collect()
}
