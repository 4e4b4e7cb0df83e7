//! Maps by id. Ids are random already: a short mix spreads them as well as a keyed hash, at a
//! fraction of its price, and only members of the practice choose any.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

pub(super) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<Mix>>;

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            let mixed = self.0.rotate_left(5) ^ u64::from_le_bytes(word);
            let mixed = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.0 = mixed ^ (mixed >> 32);
        }
    }
}
