//! The settings (GUCs): who is asking, from where, and how strict we are.
//!
//! `membership` and `client_ip` are `SUSET`: only a superuser, or a role with `GRANT SET ON PARAMETER`, may set them;
//! `ALTER ROLE … SET` binds a database user who cannot change them. So are the limits on FHIRPath. Everybody may set
//! `readonly_violation` and `mark_redacted`, which grant nothing.

use crate::hooks::kept_plans;
use crate::{audit, session};
use fhirpath::Limits;
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};
use pgrx::prelude::*;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::net::IpAddr;

static MEMBERSHIP: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));
static CLIENT_IP: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));
static REQUIRE_POLICY: GucSetting<bool> = GucSetting::<bool>::new(false);
static READONLY_VIOLATION: GucSetting<ReadonlyViolation> =
    GucSetting::<ReadonlyViolation>::new(ReadonlyViolation::Restore);
static HIDE_NARRATIVE: GucSetting<bool> = GucSetting::<bool>::new(false);
static MARK_REDACTED: GucSetting<bool> = GucSetting::<bool>::new(false);
static LEAKPROOF_OPERATORS: GucSetting<bool> = GucSetting::<bool>::new(false);
static AUDIT: GucSetting<audit::Level> = GucSetting::<audit::Level>::new(audit::Level::Off);
static KEPT_PLANS: GucSetting<i32> = GucSetting::<i32>::new(32 * 1024);
static FHIRPATH_STEPS: GucSetting<i32> = GucSetting::<i32>::new(1_000_000);
static FHIRPATH_LENGTH: GucSetting<i32> = GucSetting::<i32>::new(64 * 1024);
static FHIRPATH_DEPTH: GucSetting<i32> = GucSetting::<i32>::new(128);

/// What becomes of a write that has other values for hidden and readonly fields.
#[derive(Clone, Copy, PartialEq, Eq, PostgresGucEnum)]
pub enum ReadonlyViolation {
    /// What it has for them is ignored.
    #[name = c"restore"]
    Restore,
    /// It is refused.
    #[name = c"error"]
    Error,
}

/// Settings that need no privilege.
const FOR_EVERYBODY: [&str; 2] = [
    "fhir_access.mark_redacted",
    "fhir_access.readonly_violation",
];

/// The longest membership that a session may carry in the setting itself, in bytes.
const MEMBERSHIP_LIMIT: usize = 1 << 20;

/// `fhir_access.membership` as it stands: empty, an id, a reference, or a whole document.
pub fn membership() -> String {
    text(&MEMBERSHIP)
}

/// `fhir_access.client_ip` as it stands: empty or an address.
pub fn client_ip() -> String {
    text(&CLIENT_IP)
}

/// `fhir_access.require_policy`: is a membership without any policy an error?
pub fn require_policy() -> bool {
    REQUIRE_POLICY.get()
}

/// `fhir_access.readonly_violation`
pub fn readonly_violation() -> ReadonlyViolation {
    READONLY_VIOLATION.get()
}

/// `fhir_access.hide_narrative`: does the narrative go where something else is hidden?
pub fn hide_narrative() -> bool {
    HIDE_NARRATIVE.get()
}

/// `fhir_access.mark_redacted`: does what is shown say that something may be hidden of it?
pub fn mark_redacted() -> bool {
    MARK_REDACTED.get()
}

/// `fhir_access.leakproof_operators`: may a statement's own conditions use indexes below row security's?
pub fn leakproof_operators() -> bool {
    LEAKPROOF_OPERATORS.get()
}

/// `fhir_access.audit`: what goes to the server's log.
pub fn audit() -> audit::Level {
    AUDIT.get()
}

/// `fhir_access.kept_plans`: how much memory the plans may take that are kept across switches of membership, in bytes.
pub fn kept_plans() -> usize {
    usize::try_from(KEPT_PLANS.get())
        .unwrap_or(0)
        .saturating_mul(1024)
}

/// `fhir_access.fhirpath_steps`: how much work the evaluation of one expression may be.
pub fn fhirpath_steps() -> u64 {
    u64::try_from(FHIRPATH_STEPS.get()).unwrap_or(0)
}

/// `fhir_access.fhirpath_length` and `.fhirpath_depth`: how large an expression may be.
pub fn fhirpath_limits() -> Limits {
    let size = |setting: &'static GucSetting<i32>| usize::try_from(setting.get()).unwrap_or(0);
    Limits {
        length: size(&FHIRPATH_LENGTH),
        depth: size(&FHIRPATH_DEPTH),
        ..Limits::default()
    }
}

fn text(setting: &'static GucSetting<Option<CString>>) -> String {
    current(setting)
        .map(|value| value.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// What the setting is now: until somebody assigns to it.
fn current<'a>(setting: &'static GucSetting<Option<CString>>) -> Option<&'a CStr> {
    // SAFETY: PostgreSQL's own variable, null or a C string, read by the backend's one thread.
    unsafe {
        let value = *setting.as_ptr();
        (!value.is_null()).then(|| CStr::from_ptr(value))
    }
}

/// Refuses a connection whose options name a setting that its user may not set. PostgreSQL would only warn, and fall back
/// to the setting's default instead of what an administrator has set for the role or the database.
fn check_connection_options() -> crate::error::Result<()> {
    // SAFETY: the array holds as many settings as PostgreSQL says; ours are placeholders until they are defined.
    unsafe {
        let count = usize::try_from(pg_sys::GetNumConfigOptions()).unwrap_or(0);
        for setting in std::slice::from_raw_parts(pg_sys::get_guc_variables(), count) {
            let name = CStr::from_ptr((**setting).name);
            let lower = name.to_string_lossy().to_ascii_lowercase();
            if (**setting).source != pg_sys::GucSource::PGC_S_CLIENT
                || !lower.starts_with("fhir_access.")
                || FOR_EVERYBODY.contains(&lower.as_str())
            {
                continue;
            }
            let may = pg_sys::pg_parameter_aclcheck(
                name.as_ptr(),
                pg_sys::GetUserId(),
                pg_sys::ACL_SET as pg_sys::AclMode,
            );
            if may != pg_sys::AclResult::ACLCHECK_OK {
                return Err(crate::error::Error::SettingDenied(
                    name.to_string_lossy().into_owned(),
                ));
            }
        }
        Ok(())
    }
}

/// Are refusals recorded, as far as can be told before the settings are defined? A connection's options stand in the way of
/// what an administrator has set: then they are.
fn is_audited() -> bool {
    // SAFETY: as above. Until it is defined, ours is a placeholder, which holds a text.
    unsafe {
        let count = usize::try_from(pg_sys::GetNumConfigOptions()).unwrap_or(0);
        let settings = std::slice::from_raw_parts(pg_sys::get_guc_variables(), count);
        settings.iter().any(|setting| {
            let name = CStr::from_ptr((**setting).name).to_string_lossy();
            if !name.eq_ignore_ascii_case("fhir_access.audit") {
                return false;
            }
            let is_off = || {
                let placeholder = setting.cast::<pg_sys::config_string>();
                let value = *(*placeholder).variable;
                value.is_null()
                    || CStr::from_ptr(value)
                        .to_bytes()
                        .eq_ignore_ascii_case(b"off")
            };
            (**setting).source == pg_sys::GucSource::PGC_S_CLIENT
                || ((**setting).vartype == pg_sys::config_type::PGC_STRING && !is_off())
        })
    }
}

/// Defines the settings and reserves their prefix.
pub fn init() {
    if let Err(error) = check_connection_options() {
        if is_audited() {
            audit::denied_at_start(&error);
        }
        error.raise();
    }
    // SAFETY: the hooks are guarded functions with the signatures PostgreSQL expects.
    unsafe {
        GucRegistry::define_string_guc_with_hooks(
            c"fhir_access.membership",
            c"The ProjectMembership that statements of this session run under.",
            c"An id, a reference ProjectMembership/id, or a whole ProjectMembership as JSON. Empty: none, and protected tables are closed.",
            &MEMBERSHIP,
            GucContext::Suset,
            GucFlags::default(),
            Some(check_membership),
            Some(assign_membership),
            None,
        );
        GucRegistry::define_string_guc_with_hooks(
            c"fhir_access.client_ip",
            c"The address of the client on whose behalf this session runs.",
            c"Empty: the address of the database connection, as inet_client_addr() tells it.",
            &CLIENT_IP,
            GucContext::Suset,
            GucFlags::default(),
            Some(check_client_ip),
            Some(assign_client_ip),
            None,
        );
        GucRegistry::define_bool_guc_with_hooks(
            c"fhir_access.require_policy",
            c"Refuse a membership that names no policy.",
            c"Off: such a membership may do everything in its project, as in Medplum.",
            &REQUIRE_POLICY,
            GucContext::Suset,
            GucFlags::default(),
            None,
            Some(assign_require_policy),
            None,
        );
        GucRegistry::define_bool_guc_with_hooks(
            c"fhir_access.hide_narrative",
            c"Hide the narrative (text) of resources of which something else is hidden.",
            c"It may repeat what is hidden. The narratives of the resources inside go as well.",
            &HIDE_NARRATIVE,
            GucContext::Suset,
            GucFlags::default(),
            None,
            Some(assign_hide_narrative),
            None,
        );
        GucRegistry::define_bool_guc_with_hooks(
            c"fhir_access.mark_redacted",
            c"Show resources of which something may be hidden with HL7's security label REDACTED.",
            c"It is in meta.security of what is read, and is not stored when that is written back.",
            &MARK_REDACTED,
            GucContext::Userset,
            GucFlags::default(),
            None,
            Some(assign_mark_redacted),
            None,
        );
        GucRegistry::define_bool_guc_with_hooks(
            c"fhir_access.leakproof_operators",
            c"Use indexes for a statement's own conditions on protected tables, where these cannot leak.",
            c"Off: only for conditions of which PostgreSQL itself knows that, as under any row security.",
            &LEAKPROOF_OPERATORS,
            GucContext::Suset,
            GucFlags::default(),
            None,
            Some(assign_leakproof_operators),
            None,
        );
        GucRegistry::define_enum_guc(
            c"fhir_access.readonly_violation",
            c"What becomes of a write that has other values for hidden and readonly fields.",
            c"restore: what it has for them is ignored. error: it is refused, and the error names them.",
            &READONLY_VIOLATION,
            GucContext::Userset,
            GucFlags::default(),
        );
        GucRegistry::define_enum_guc(
            c"fhir_access.audit",
            c"What is recorded in the server's log, a line of JSON for each event.",
            c"denied: what is refused; writes: each row that is written, too; all: each statement that reads, too.",
            &AUDIT,
            GucContext::Suset,
            GucFlags::default(),
        );
        GucRegistry::define_int_guc_with_hooks(
            c"fhir_access.kept_plans",
            c"The memory that a session's plans may take which are kept for memberships that come again.",
            c"0: none is kept.",
            &KEPT_PLANS,
            0,
            1024 * 1024,
            GucContext::Suset,
            GucFlags::UNIT_KB,
            None,
            Some(assign_kept_plans),
            None,
        );
        GucRegistry::define_int_guc(
            c"fhir_access.fhirpath_steps",
            c"The steps that the evaluation of one FHIRPath expression may take.",
            c"A step is about one visited element, one operation or 64 bytes of text. A write constraint that takes more is not met.",
            &FHIRPATH_STEPS,
            1_000,
            i32::MAX,
            GucContext::Suset,
            GucFlags::default(),
        );
        GucRegistry::define_int_guc_with_hooks(
            c"fhir_access.fhirpath_length",
            c"The bytes that a FHIRPath expression may have.",
            c"A policy with a longer one does not validate.",
            &FHIRPATH_LENGTH,
            256,
            1024 * 1024,
            GucContext::Suset,
            GucFlags::default(),
            None,
            Some(assign_fhirpath_length),
            None,
        );
        GucRegistry::define_int_guc_with_hooks(
            c"fhir_access.fhirpath_depth",
            c"The parentheses, arguments and operators that a FHIRPath expression may have open at one place.",
            c"A policy with an expression that nests deeper does not validate.",
            &FHIRPATH_DEPTH,
            16,
            // What evaluates it recurses as deep: that much fits in what PostgreSQL keeps free below max_stack_depth.
            128,
            GucContext::Suset,
            GucFlags::default(),
            None,
            Some(assign_fhirpath_depth),
            None,
        );
        #[cfg(feature = "switches")]
        crate::hooks::switches::init();
        pg_sys::MarkGUCPrefixReserved(c"fhir_access".as_ptr());
    }
}

/// Accepts an empty value, an id, a reference, or something that looks like a JSON object; the document itself is
/// checked when it is first used, where its errors can name it.
#[pg_guard]
unsafe extern "C-unwind" fn check_membership(
    value: *mut *mut c_char,
    _extra: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: PostgreSQL passes a valid pointer to the proposed value.
    let Some(value) = (unsafe { proposed(value) }) else {
        return true;
    };
    let Ok(value) = value.to_str() else {
        return reject("The value is not valid UTF-8.");
    };
    if value.len() > MEMBERSHIP_LIMIT {
        return reject("A membership in this setting may have at most 1 MiB.");
    }
    let value = value.trim();
    if value.is_empty() || value.starts_with('{') {
        return true;
    }
    let id = value.strip_prefix("ProjectMembership/").unwrap_or(value);
    if session::is_id(id) {
        return true;
    }
    reject(
        "Expected a membership's id, a reference ProjectMembership/id, or a ProjectMembership as a JSON object.",
    )
}

#[pg_guard]
unsafe extern "C-unwind" fn check_client_ip(
    value: *mut *mut c_char,
    _extra: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: PostgreSQL passes a valid pointer to the proposed value.
    let Some(value) = (unsafe { proposed(value) }) else {
        return true;
    };
    let valid = value
        .to_str()
        .is_ok_and(|value| value.is_empty() || value.parse::<IpAddr>().is_ok());
    valid || reject("Expected an IPv4 or IPv6 address, or an empty string.")
}

/// # Safety
/// `value` must be the pointer that PostgreSQL passed to a check hook.
unsafe fn proposed<'a>(value: *mut *mut c_char) -> Option<&'a CStr> {
    // SAFETY: by the caller's promise; the string outlives the hook call.
    unsafe { (!(*value).is_null()).then(|| CStr::from_ptr(*value)) }
}

fn reject(detail: &str) -> bool {
    if let Ok(detail) = CString::new(detail) {
        // SAFETY: pstrdup copies the text into PostgreSQL's memory, where the GUC machinery reads it after this hook.
        unsafe { pg_sys::GUC_check_errdetail_string = pg_sys::pstrdup(detail.as_ptr()) };
    }
    false
}

#[pg_guard]
unsafe extern "C-unwind" fn assign_membership(value: *const c_char, _extra: *mut c_void) {
    // SAFETY: PostgreSQL passes the new value, a C string or null.
    let new = unsafe { (!value.is_null()).then(|| CStr::from_ptr(value)) };
    if current(&MEMBERSHIP) != new {
        session::membership_changed(&new.unwrap_or_default().to_string_lossy());
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn assign_client_ip(value: *const c_char, _extra: *mut c_void) {
    // SAFETY: as above.
    unsafe { assign_text(&CLIENT_IP, value) }
}

#[pg_guard]
unsafe extern "C-unwind" fn assign_require_policy(value: bool, _extra: *mut c_void) {
    if value != REQUIRE_POLICY.get() {
        session::context_changed();
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn assign_hide_narrative(value: bool, _extra: *mut c_void) {
    if value != HIDE_NARRATIVE.get() {
        session::context_changed();
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn assign_mark_redacted(value: bool, _extra: *mut c_void) {
    if value != MARK_REDACTED.get() {
        session::plans_changed();
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn assign_leakproof_operators(value: bool, _extra: *mut c_void) {
    if value != LEAKPROOF_OPERATORS.get() {
        session::plans_changed();
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn assign_kept_plans(value: i32, _extra: *mut c_void) {
    if value < KEPT_PLANS.get() {
        kept_plans::forget_all();
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn assign_fhirpath_length(value: i32, _extra: *mut c_void) {
    assign_limit(&FHIRPATH_LENGTH, value);
}

#[pg_guard]
unsafe extern "C-unwind" fn assign_fhirpath_depth(value: i32, _extra: *mut c_void) {
    assign_limit(&FHIRPATH_DEPTH, value);
}

/// Policies are read again, within the new limit.
fn assign_limit(setting: &'static GucSetting<i32>, value: i32) {
    if value != setting.get() {
        session::documents_changed();
    }
}

/// # Safety
/// `value` must be the pointer that PostgreSQL passed to an assign hook.
unsafe fn assign_text(setting: &'static GucSetting<Option<CString>>, value: *const c_char) {
    // SAFETY: by the caller's promise.
    let new = (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) });
    if current(setting) != new {
        session::context_changed();
    }
}

/// Sets one of our settings for the session or the transaction, with the rights of the current user.
pub fn set(name: &CStr, value: &str, is_local: bool) -> crate::error::Result<()> {
    let value = CString::new(value).map_err(|_| crate::error::Error::Argument {
        message: format!(
            "the value for {} contains a NUL character",
            name.to_string_lossy()
        ),
        hint: "No id and no JSON document has one.".to_owned(),
    })?;
    let action: c_int = if is_local {
        pg_sys::GucAction::GUC_ACTION_LOCAL
    } else {
        pg_sys::GucAction::GUC_ACTION_SET
    } as c_int;
    // SAFETY: both strings are NUL-terminated and outlive the call; the context is the one a SET statement would use.
    unsafe {
        let context = if pg_sys::superuser() {
            pg_sys::GucContext::PGC_SUSET
        } else {
            pg_sys::GucContext::PGC_USERSET
        };
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            context,
            pg_sys::GucSource::PGC_S_SESSION,
            action as pg_sys::GucAction::Type,
            true,
            0,
            false,
        );
    }
    Ok(())
}
