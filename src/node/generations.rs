//! What was used last, within a bound: a cache of two halves. What is asked for moves to the young half; when that is full the old
//! half goes, and the young one is the old.

use super::quick::QuickMap;
use std::borrow::Borrow;
use std::hash::Hash;

/// Values by their keys, each with what it weighs.
pub struct Generations<K, V> {
    young: QuickMap<K, (V, usize)>,
    old: QuickMap<K, (V, usize)>,
    /// Of the young half.
    weight: usize,
}

impl<K, V> Default for Generations<K, V> {
    fn default() -> Self {
        Generations {
            young: QuickMap::default(),
            old: QuickMap::default(),
            weight: 0,
        }
    }
}

impl<K: Eq + Hash, V> Generations<K, V> {
    /// The value with this key, without a note that it was asked for.
    pub fn peek<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let kept = self.young.get(key).or_else(|| self.old.get(key));
        kept.map(|(value, _)| value)
    }

    /// The value with this key; both halves together weigh no more than `most` after this.
    pub fn get(&mut self, key: &K, most: usize) -> Option<&V> {
        if let Some((key, (value, weight))) = self.old.remove_entry(key) {
            self.put(key, value, weight, most);
        }
        self.young.get(key).map(|(value, _)| value)
    }

    /// Keeps a value, unless it alone is more than a half.
    pub fn put(&mut self, key: K, value: V, weight: usize, most: usize) {
        self.remove(&key);
        let half = most / 2;
        if weight > half {
            return;
        }
        if self.weight.saturating_add(weight) > half {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.weight = self.weight.saturating_add(weight);
        self.young.insert(key, (value, weight));
    }

    /// Forgets the value with this key.
    pub fn remove(&mut self, key: &K) {
        self.take(key);
    }

    /// The value with this key, which is kept no longer.
    pub fn take(&mut self, key: &K) -> Option<V> {
        let young = self.young.remove(key).map(|(value, weight)| {
            self.weight = self.weight.saturating_sub(weight);
            value
        });
        let old = self.old.remove(key).map(|(value, _)| value);
        young.or(old)
    }

    /// Forgets what `good` says no to.
    pub fn retain(&mut self, good: impl Fn(&V) -> bool) {
        self.old.retain(|_, (value, _)| good(value));
        let weight = &mut self.weight;
        self.young.retain(|_, (value, weighs)| {
            let is_good = good(value);
            if !is_good {
                *weight = weight.saturating_sub(*weighs);
            }
            is_good
        });
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// What they weigh.
    pub fn weight(&self) -> usize {
        let old: usize = self.old.values().map(|(_, weight)| weight).sum();
        self.weight.saturating_add(old)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Generations::default();
    }

    /// Is there nothing?
    pub fn is_empty(&self) -> bool {
        self.young.is_empty() && self.old.is_empty()
    }
}
