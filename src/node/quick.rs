//! A quick hasher for the backend's own tables, which are asked several times in each statement. What is found by it is compared, as in any
//! table; who makes keys that collide makes his own session slow.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A table with the quick hasher.
pub type QuickMap<K, V> = HashMap<K, V, Quick>;

/// Mixes numbers quickly.
#[derive(Default)]
pub struct Mixer(u64);

impl Mixer {
    fn mix(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(26) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        let (chunks, rest) = bytes.as_chunks::<8>();
        let (blocks, chunks) = chunks.as_chunks::<4>();
        if !blocks.is_empty() {
            // Four at a time, which do not wait for each other.
            let mut lanes = [0, 1, 2, 3].map(Mixer);
            for block in blocks {
                for (lane, chunk) in lanes.iter_mut().zip(block) {
                    lane.mix(u64::from_ne_bytes(*chunk));
                }
            }
            for lane in lanes {
                self.mix(lane.finish());
            }
        }
        for chunk in chunks {
            self.mix(u64::from_ne_bytes(*chunk));
        }
        if !rest.is_empty() {
            let mut number = [0; 8];
            for (to, from) in number.iter_mut().zip(rest) {
                *to = *from;
            }
            self.mix(u64::from_ne_bytes(number));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.mix(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.mix(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.mix(number);
    }

    fn write_i32(&mut self, number: i32) {
        self.mix(number.cast_unsigned().into());
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// Makes [`Mixer`]s that begin with a number of this table's own.
#[derive(Clone)]
pub struct Quick(u64);

impl Default for Quick {
    fn default() -> Self {
        Quick(RandomState::new().build_hasher().finish())
    }
}

impl BuildHasher for Quick {
    type Hasher = Mixer;

    fn build_hasher(&self) -> Mixer {
        Mixer(self.0)
    }
}
