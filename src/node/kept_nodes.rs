//! Nodes that outlive the statement they were made in: what a session's policies come to on a relation is parsed once.

use crate::registry::Protected;
use crate::session::Fingerprint;
use pgrx::prelude::*;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

/// Many are kept: little of the last block is to be unused.
const LARGEST_BLOCK: usize = 2 * 1024;

/// A memory context that nodes are kept in; they go with it.
pub struct Context(pg_sys::MemoryContext);

impl Context {
    /// An empty one, and in it a copy of `node`, which may be null.
    ///
    /// # Safety
    /// `node` must be null or a node.
    pub unsafe fn of(node: *const pg_sys::Node) -> (Context, *mut pg_sys::Node) {
        // SAFETY: the new context is a child of the current one until the copy is made, so that an error leaves nothing behind,
        // then of the one that lives as long as the backend.
        unsafe {
            let context = pg_sys::AllocSetContextCreateInternal(
                pg_sys::CurrentMemoryContext,
                c"fhir_access kept nodes".as_ptr(),
                pg_sys::ALLOCSET_SMALL_MINSIZE as usize,
                pg_sys::ALLOCSET_SMALL_INITSIZE as usize,
                LARGEST_BLOCK,
            );
            let copy = copy_into(context, node);
            pg_sys::MemoryContextSetParent(context, pg_sys::CacheMemoryContext);
            (Context(context), copy)
        }
    }

    /// A copy of `node` that lives as long as this.
    ///
    /// # Safety
    /// `node` must be a node.
    pub unsafe fn keep(&self, node: *const pg_sys::Node) -> *mut pg_sys::Node {
        // SAFETY: by the caller's promise; the context is there.
        unsafe { copy_into(self.0, node) }
    }

    /// How many bytes it takes.
    pub fn size(&self) -> usize {
        // SAFETY: the context is there as long as this.
        unsafe { pg_sys::MemoryContextMemAllocated(self.0, true) }
    }
}

/// # Safety
/// `context` must be a memory context, `node` null or a node.
unsafe fn copy_into(
    context: pg_sys::MemoryContext,
    node: *const pg_sys::Node,
) -> *mut pg_sys::Node {
    if node.is_null() {
        return std::ptr::null_mut();
    }
    // SAFETY: by the caller's promise. After an error PostgreSQL itself says which context is current.
    unsafe {
        let outer = pg_sys::CurrentMemoryContext;
        pg_sys::CurrentMemoryContext = context;
        let copy = pg_sys::copyObjectImpl(node.cast()).cast();
        pg_sys::CurrentMemoryContext = outer;
        copy
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: made above, deleted once; nobody has its nodes but whoever has this.
            unsafe { pg_sys::MemoryContextDelete(self.0) };
        }
    }
}

/// More than this, in bytes, is not kept for the next statement: to make it is little beside what it is used for.
const LARGEST: usize = 256 * 1024;

/// What the policies of so many sessions and relations come to is kept.
const MOST: usize = 128;

/// What was made for sessions on relations, the last used ones.
pub struct Recent<K, T> {
    used: u64,
    all: HashMap<(Fingerprint, pg_sys::Oid, K), Entry<T>>,
}

struct Entry<T> {
    used: u64,
    protected: Rc<Protected>,
    made: T,
    /// The nodes in it.
    _context: Option<Context>,
}

impl<K: Eq + Hash + Copy, T: Clone> Recent<K, T> {
    /// Nothing yet.
    pub fn new() -> Self {
        Recent {
            used: 0,
            all: HashMap::new(),
        }
    }

    /// What was made for this session on the relation, as it is protected now.
    pub fn get(&mut self, session: Fingerprint, protected: &Rc<Protected>, key: K) -> Option<T> {
        self.used = self.used.wrapping_add(1);
        let entry = self.all.get_mut(&(session, protected.relation, key))?;
        if !Rc::ptr_eq(&entry.protected, protected) {
            return None;
        }
        entry.used = self.used;
        Some(entry.made.clone())
    }

    /// Keeps what was made, unless it is large.
    pub fn put(
        &mut self,
        session: Fingerprint,
        protected: &Rc<Protected>,
        key: K,
        made: T,
        context: Option<Context>,
    ) {
        if context
            .as_ref()
            .is_some_and(|context| context.size() > LARGEST)
        {
            return;
        }
        let key = (session, protected.relation, key);
        if self.all.len() >= MOST && !self.all.contains_key(&key) {
            let oldest = self.all.iter().min_by_key(|(_, entry)| entry.used);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.all.remove(&oldest);
            }
        }
        let entry = Entry {
            used: self.used,
            protected: Rc::clone(protected),
            made,
            _context: context,
        };
        self.all.insert(key, entry);
    }
}
