//! What was used last, within a bound. What is asked for or added belongs to the present generation; when that weighs half of what all may,
//! the next one begins, and what neither it nor the one before has asked for goes. Nothing is moved: of a thousand values that come again
//! in turn each is where it was.

use super::quick::QuickMap;
use std::borrow::Borrow;
use std::cell::Cell;
use std::hash::Hash;

/// Values by their keys, each with what it weighs.
pub struct Generations<K, V> {
    all: QuickMap<K, Entry<V>>,
    /// The present generation, and what it weighs.
    present: Cell<u64>,
    weight: Cell<usize>,
    /// The generation in which was looked for what may go.
    swept: u64,
}

struct Entry<V> {
    value: V,
    weight: usize,
    /// The last generation that asked for it.
    used: Cell<u64>,
}

impl<K, V> Default for Generations<K, V> {
    fn default() -> Self {
        Generations {
            all: QuickMap::default(),
            present: Cell::new(1),
            weight: Cell::new(0),
            swept: 1,
        }
    }
}

impl<K: Eq + Hash, V> Generations<K, V> {
    /// The value with this key, without a note that it was asked for.
    pub fn peek<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.all.get(key).map(|entry| &entry.value)
    }

    /// The value with this key.
    pub fn get(&self, key: &K, most: usize) -> Option<&V> {
        let entry = self.all.get(key)?;
        if entry.used.get() != self.present.get() {
            self.take_in(entry.weight, most / 2);
            entry.used.set(self.present.get());
        }
        Some(&entry.value)
    }

    /// Keeps a value, unless it alone is more than a half. All together weigh no more than `most` after this.
    pub fn put(&mut self, key: K, value: V, weight: usize, most: usize) {
        self.remove(&key);
        let half = most / 2;
        if weight > half {
            return;
        }
        self.take_in(weight, half);
        let present = self.present.get();
        if self.swept != present {
            self.swept = present;
            self.all
                .retain(|_, entry| entry.used.get().saturating_add(1) >= present);
        }
        let used = Cell::new(present);
        let entry = Entry {
            value,
            weight,
            used,
        };
        self.all.insert(key, entry);
    }

    /// Makes room in the present generation, or begins the next one.
    fn take_in(&self, weight: usize, half: usize) {
        let together = self.weight.get().saturating_add(weight);
        if together > half {
            self.present.set(self.present.get().saturating_add(1));
            self.weight.set(weight);
        } else {
            self.weight.set(together);
        }
    }

    /// Forgets the value with this key.
    pub fn remove(&mut self, key: &K) {
        self.take(key);
    }

    /// The value with this key, which is kept no longer.
    pub fn take(&mut self, key: &K) -> Option<V> {
        let entry = self.all.remove(key)?;
        self.give_up(&entry);
        Some(entry.value)
    }

    fn give_up(&self, entry: &Entry<V>) {
        if entry.used.get() == self.present.get() {
            self.weight
                .set(self.weight.get().saturating_sub(entry.weight));
        }
    }

    /// Forgets what `good` says no to.
    pub fn retain(&mut self, good: impl Fn(&V) -> bool) {
        let mut all = std::mem::take(&mut self.all);
        all.retain(|_, entry| {
            let is_good = good(&entry.value);
            if !is_good {
                self.give_up(entry);
            }
            is_good
        });
        self.all = all;
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// What they weigh.
    pub fn weight(&self) -> usize {
        self.all.values().map(|entry| entry.weight).sum()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Generations::default();
    }

    /// Is there nothing?
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}
