//! The indexes of a relation, as far as lookups can use them: what each of their columns holds.

use super::relation::{Column, OpenRelation};
use crate::registry::{TypeSource, Types};
use pgrx::PgList;
use pgrx::prelude::*;
use std::ffi::CStr;

/// An index function of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyFunction {
    Earliest,
    Latest,
    Lowest,
    Highest,
    Unit,
    Strings,
    Uris,
    Tokens,
    Targets,
}

impl KeyFunction {
    const NAMES: [(KeyFunction, &'static str); 9] = [
        (KeyFunction::Earliest, "earliest"),
        (KeyFunction::Latest, "latest"),
        (KeyFunction::Lowest, "lowest"),
        (KeyFunction::Highest, "highest"),
        (KeyFunction::Unit, "unit"),
        (KeyFunction::Strings, "strings"),
        (KeyFunction::Uris, "uris"),
        (KeyFunction::Tokens, "tokens"),
        (KeyFunction::Targets, "targets"),
    ];

    /// Its name in SQL, without the schema.
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(function, _)| *function == self)
            .map_or("", |(_, name)| name)
    }

    /// The one that this function is, if it is one of those in the extension's schema.
    pub fn of(function: pg_sys::Oid, schema: pg_sys::Oid) -> Option<KeyFunction> {
        // SAFETY: look-ups in the catalogs; a name is a C string.
        unsafe {
            if function.to_u32() < pg_sys::FirstNormalObjectId
                || pg_sys::get_func_namespace(function) != schema
            {
                return None;
            }
            let name = pg_sys::get_func_name(function);
            (!name.is_null())
                .then(|| Self::from_name(&CStr::from_ptr(name).to_string_lossy()))
                .flatten()
        }
    }

    /// The function of this name.
    pub fn from_name(name: &str) -> Option<KeyFunction> {
        Self::NAMES
            .iter()
            .find(|(_, found)| *found == name)
            .map(|(function, _)| *function)
    }
}

/// How the values of a column are indexed: by an operator class, under the collation that comparisons have by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyClass {
    /// btree, in order, by the type's own operators.
    Ordered,
    /// gin `fhir_access.prefix_ops`: `^@`, `@~`, `?|`.
    Prefixes,
    /// gin `jsonb_ops` or `jsonb_path_ops`: `@>`.
    Document,
}

/// What a column of an index holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexedKey {
    /// The document itself, for containment.
    Document,
    /// What says of which type the row is, in a table of several types.
    Type,
    /// An index function on the resource.
    Function {
        /// Which one.
        function: KeyFunction,
        /// Its second argument, letter by letter.
        paths: String,
        /// How its values are indexed.
        class: KeyClass,
    },
    /// A column of the table, by its number, in a btree.
    Column(i16),
    /// Anything else.
    Other,
}

/// An index whose columns are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The index.
    pub oid: pg_sys::Oid,
    /// Its name, without the schema.
    pub name: String,
    /// Can lookups use it: is it a complete btree or gin index on all rows? The others have no keys here.
    pub usable: bool,
    /// The access method.
    pub method: pg_sys::Oid,
    /// Its columns, in order, without those that are only included.
    pub keys: Vec<IndexedKey>,
}

impl Index {
    /// Is it a GIN index on the document itself?
    pub fn is_document_gin(&self) -> bool {
        self.keys.contains(&IndexedKey::Document)
    }

    /// Is it a btree index that starts with the row's type?
    pub fn is_btree_on_type(&self) -> bool {
        self.method == pg_sys::BTREE_AM_OID && self.keys.first() == Some(&IndexedKey::Type)
    }

    /// Is it a btree index that starts with exactly these columns?
    pub fn is_btree_on(&self, keys: &[(KeyFunction, &str)]) -> bool {
        self.keys.len() >= keys.len()
            && keys
                .iter()
                .zip(&self.keys)
                .all(|((function, paths), key)| key.is(*function, paths, KeyClass::Ordered))
    }

    /// Is it a btree index that starts with this column?
    pub fn leads_with(&self, column: &Column) -> bool {
        self.keys.first() == Some(&IndexedKey::Column(column.number))
    }

    /// Is it a GIN index that has this function among its columns, with an operator class that serves it?
    pub fn is_gin_on(&self, function: KeyFunction, paths: &str) -> bool {
        self.keys
            .iter()
            .any(|key| key.is(function, paths, KeyClass::Prefixes))
    }
}

impl IndexedKey {
    fn is(&self, function: KeyFunction, paths: &str, class: KeyClass) -> bool {
        matches!(self, IndexedKey::Function { function: found, paths: on, class: has }
            if *found == function && on == paths && *has == class)
    }
}

/// All indexes of `relation`, those of a partitioned table too.
pub fn indexes(relation: &OpenRelation, columns: &KeyColumns<'_>) -> Vec<Index> {
    // SAFETY: the relation is open; the list is a copy.
    let oids: Vec<pg_sys::Oid> = unsafe {
        let list = pg_sys::RelationGetIndexList(relation.as_ptr());
        PgList::<std::ffi::c_void>::from_pg(list)
            .iter_oid()
            .collect()
    };
    oids.into_iter()
        .map(|oid| describe(&OpenIndex::open(oid), columns))
        .collect()
}

/// What an index may be made of.
#[derive(Clone, Copy)]
pub struct KeyColumns<'a> {
    /// The column that holds the resource.
    pub resource: &'a Column,
    /// What says of which type a row is.
    pub types: &'a Types,
    /// Where our functions are.
    pub schema: pg_sys::Oid,
}

/// The operator family `uuid_ops` of btree, whose number PostgreSQL's headers do not name.
const UUID_BTREE_FAM_OID: u32 = 2968;

/// An open index with a lock held to the end of the transaction, as the planner holds it; closed when dropped.
pub struct OpenIndex {
    relation: pg_sys::Relation,
}

impl OpenIndex {
    /// Opens the index `oid` with an AccessShareLock.
    pub fn open(oid: pg_sys::Oid) -> OpenIndex {
        // SAFETY: index_open raises an error where there is no such index.
        let relation =
            unsafe { pg_sys::index_open(oid, pg_sys::AccessShareLock as pg_sys::LOCKMODE) };
        OpenIndex { relation }
    }
}

impl OpenIndex {
    /// What is compared in it, and under which collation, where it is a complete btree index of this column alone that any
    /// snapshot may use, by the order of `text` or `uuid`.
    pub fn key_of(&self, column: i16) -> Option<(pg_sys::Oid, pg_sys::Oid)> {
        // SAFETY: an open index has its pg_index row, and for each key column an input type and a collation.
        unsafe {
            let form = &*(*self.relation).rd_index;
            let is_simple = form.indisvalid
                && form.indisready
                && !form.indcheckxmin
                && form.indnkeyatts == 1
                && form.indkey.values.as_slice(1).first() == Some(&column)
                && (*(*self.relation).rd_rel).relam == pg_sys::BTREE_AM_OID;
            if !is_simple {
                return None;
            }
            let compared = *(*self.relation).rd_opcintype;
            let family = *(*self.relation).rd_opfamily;
            let by_default = match compared {
                pg_sys::TEXTOID => family == pg_sys::TEXT_BTREE_FAM_OID,
                pg_sys::UUIDOID => family == pg_sys::Oid::from(UUID_BTREE_FAM_OID),
                _ => false,
            };
            by_default.then_some((compared, *(*self.relation).rd_indcollation))
        }
    }
}

impl Drop for OpenIndex {
    fn drop(&mut self) {
        // As for OpenRelation.
        if !std::thread::panicking() {
            // SAFETY: opened in `open`, closed once, the lock stays.
            unsafe { pg_sys::index_close(self.relation, pg_sys::NoLock as pg_sys::LOCKMODE) };
        }
    }
}

fn describe(index: &OpenIndex, columns: &KeyColumns<'_>) -> Index {
    // SAFETY: an open index has its pg_index row, its expressions, and for each key column an operator family and a
    // collation.
    unsafe {
        let relation = index.relation;
        let form = &*(*relation).rd_index;
        let class = &*(*relation).rd_rel;
        let method = class.relam;
        let usable = form.indisvalid
            && form.indisready
            && [pg_sys::BTREE_AM_OID, pg_sys::GIN_AM_OID].contains(&method)
            && pg_sys::RelationGetIndexPredicate(relation).is_null();
        let mut keys = Vec::new();
        if usable {
            let count = usize::try_from(form.indnkeyatts).unwrap_or(0);
            let numbers = form.indkey.values.as_slice(count);
            let families = std::slice::from_raw_parts((*relation).rd_opfamily, count);
            let collations = std::slice::from_raw_parts((*relation).rd_indcollation, count);
            let expressions =
                PgList::<pg_sys::Node>::from_pg(pg_sys::RelationGetIndexExpressions(relation));
            let mut expressions = expressions.iter_ptr();
            for ((number, family), collation) in numbers.iter().zip(families).zip(collations) {
                // Column 0 is the next expression.
                let expression = if *number == 0 {
                    expressions.next()
                } else {
                    None
                };
                let default = [pg_sys::InvalidOid, pg_sys::DEFAULT_COLLATION_OID];
                let class =
                    key_class(*family, columns.schema).filter(|_| default.contains(collation));
                if is_type(*number, expression, columns) {
                    keys.push(IndexedKey::Type);
                    continue;
                }
                keys.push(match (class, expression) {
                    (Some(KeyClass::Document), None)
                        if *number == columns.resource.number
                            && columns.resource.type_oid == pg_sys::JSONBOID =>
                    {
                        IndexedKey::Document
                    }
                    (Some(KeyClass::Document), Some(expression))
                        if is_document(expression, columns) =>
                    {
                        IndexedKey::Document
                    }
                    (Some(class), Some(expression)) => key_function(expression, columns).map_or(
                        IndexedKey::Other,
                        |(function, paths)| IndexedKey::Function {
                            function,
                            paths,
                            class,
                        },
                    ),
                    _ if *number > 0 && method == pg_sys::BTREE_AM_OID => {
                        IndexedKey::Column(*number)
                    }
                    _ => IndexedKey::Other,
                });
            }
        }
        Index {
            oid: (*relation).rd_id,
            name: text(class.relname.data.as_ptr()),
            usable,
            method,
            keys,
        }
    }
}

/// Does a column of an index hold what says of which type a row is?
///
/// # Safety
/// `expression` must be the index's expression where `number` is 0.
unsafe fn is_type(
    number: i16,
    expression: Option<*mut pg_sys::Node>,
    columns: &KeyColumns<'_>,
) -> bool {
    match (columns.types, expression) {
        (Types::Many(TypeSource::Column { column, .. }), None) => number == column.number,
        // SAFETY: by the caller's promise.
        (Types::Many(TypeSource::Document), Some(expression)) => unsafe {
            is_document_type(expression, columns)
        },
        _ => false,
    }
}

/// Is it `resource ->> 'resourceType'`?
///
/// # Safety
/// `expression` must be an index's expression.
unsafe fn is_document_type(expression: *mut pg_sys::Node, columns: &KeyColumns<'_>) -> bool {
    /// `jsonb ->> text`
    const MEMBER_AS_TEXT: u32 = 3477;
    // SAFETY: by the caller's promise; each node is looked at as what its tag says.
    unsafe {
        if !pgrx::is_a(expression, pg_sys::NodeTag::T_OpExpr) {
            return false;
        }
        let call = &*expression.cast::<pg_sys::OpExpr>();
        let arguments = PgList::<pg_sys::Node>::from_pg(call.args);
        let (Some(row), Some(member)) = (arguments.get_ptr(0), arguments.get_ptr(1)) else {
            return false;
        };
        if call.opno.to_u32() != MEMBER_AS_TEXT
            || !pgrx::is_a(member, pg_sys::NodeTag::T_Const)
            || !is_document(row, columns)
        {
            return false;
        }
        let member = &*member.cast::<pg_sys::Const>();
        String::from_datum(member.constvalue, member.constisnull).as_deref() == Some("resourceType")
    }
}

/// What an operator family makes of a column.
fn key_class(family: pg_sys::Oid, schema: pg_sys::Oid) -> Option<KeyClass> {
    // SAFETY: the tuple is released after its fields were read; GETSTRUCT of a pg_opfamily tuple is a FormData_pg_opfamily.
    let (method, namespace, name) = unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::OPFAMILYOID as i32,
            pg_sys::Datum::from(family),
        );
        if tuple.is_null() {
            return None;
        }
        let form = &*(pg_sys::GETSTRUCT(tuple) as *const pg_sys::FormData_pg_opfamily);
        let found = (
            form.opfmethod,
            form.opfnamespace,
            text(form.opfname.data.as_ptr()),
        );
        pg_sys::ReleaseSysCache(tuple);
        found
    };
    let built_in = namespace == pg_sys::Oid::from(pg_sys::PG_CATALOG_NAMESPACE);
    match name.as_str() {
        "datetime_ops" | "numeric_ops" | "text_ops"
            if built_in && method == pg_sys::BTREE_AM_OID =>
        {
            Some(KeyClass::Ordered)
        }
        "jsonb_ops" | "jsonb_path_ops" if built_in && method == pg_sys::GIN_AM_OID => {
            Some(KeyClass::Document)
        }
        "prefix_ops" if namespace == schema && method == pg_sys::GIN_AM_OID => {
            Some(KeyClass::Prefixes)
        }
        _ => None,
    }
}

/// Is `expression` the row's document: the resource column, or `document(column)` where that is text?
///
/// # Safety
/// `expression` must be an index's expression.
unsafe fn is_document(expression: *mut pg_sys::Node, columns: &KeyColumns<'_>) -> bool {
    // SAFETY: by the caller's promise; each node is looked at as what its tag says.
    unsafe {
        let is_column = |node: *mut pg_sys::Node| {
            let node = match pgrx::is_a(node, pg_sys::NodeTag::T_RelabelType) {
                true => (*node.cast::<pg_sys::RelabelType>()).arg.cast(),
                false => node,
            };
            pgrx::is_a(node, pg_sys::NodeTag::T_Var)
                && (*node.cast::<pg_sys::Var>()).varattno == columns.resource.number
        };
        if columns.resource.type_oid == pg_sys::JSONBOID {
            return is_column(expression);
        }
        let Some((name, arguments)) = our_call(expression, columns.schema) else {
            return false;
        };
        let column = arguments.get_ptr(0).filter(|_| arguments.len() == 1);
        name == DOCUMENT && column.is_some_and(is_column)
    }
}

/// The function that makes a document of a text.
pub const DOCUMENT: &str = "document";

/// The name and the arguments of a call of one of our own functions.
///
/// # Safety
/// `expression` must be a node.
pub unsafe fn our_call(
    expression: *mut pg_sys::Node,
    schema: pg_sys::Oid,
) -> Option<(String, PgList<pg_sys::Node>)> {
    // SAFETY: by the caller's promise; the node is looked at as what its tag says.
    unsafe {
        if !pgrx::is_a(expression, pg_sys::NodeTag::T_FuncExpr) {
            return None;
        }
        let call = &*expression.cast::<pg_sys::FuncExpr>();
        if pg_sys::get_func_namespace(call.funcid) != schema {
            return None;
        }
        let name = pg_sys::get_func_name(call.funcid);
        (!name.is_null()).then(|| (text(name), PgList::from_pg(call.args)))
    }
}

/// `function(document, 'paths')`, where `expression` is that.
///
/// # Safety
/// `expression` must be an index's expression.
pub unsafe fn key_function(
    expression: *mut pg_sys::Node,
    columns: &KeyColumns<'_>,
) -> Option<(KeyFunction, String)> {
    // SAFETY: by the caller's promise; each node is looked at as what its tag says.
    unsafe {
        let (name, arguments) = our_call(expression, columns.schema)?;
        let function = KeyFunction::from_name(&name)?;
        let (row, paths) = (arguments.get_ptr(0)?, arguments.get_ptr(1)?);
        if arguments.len() != 2
            || !is_document(row, columns)
            || !pgrx::is_a(paths, pg_sys::NodeTag::T_Const)
        {
            return None;
        }
        let paths = &*paths.cast::<pg_sys::Const>();
        if paths.consttype != pg_sys::TEXTOID {
            return None;
        }
        let paths = String::from_datum(paths.constvalue, paths.constisnull)?;
        Some((function, paths))
    }
}

/// # Safety
/// `text` must be a C string.
unsafe fn text(text: *const std::ffi::c_char) -> String {
    // SAFETY: by the caller's promise.
    unsafe { CStr::from_ptr(text).to_string_lossy().into_owned() }
}

/// What must hold of the rows in a partial index, each as a condition on the entry with this number; nothing for other indexes.
///
/// # Safety
/// `index` must be an index.
pub unsafe fn predicates(index: pg_sys::Oid, entry: pg_sys::Index) -> Vec<*mut pg_sys::Node> {
    // SAFETY: by the caller's promise; the list is a copy.
    unsafe {
        let list = pg_sys::RelationGetIndexPredicate(OpenIndex::open(index).relation);
        let entry = i32::try_from(entry).unwrap_or_default();
        pg_sys::ChangeVarNodes(list.cast(), 1, entry, 0);
        PgList::<pg_sys::Node>::from_pg(list).iter_ptr().collect()
    }
}
