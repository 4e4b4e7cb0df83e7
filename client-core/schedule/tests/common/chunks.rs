//! Change chunks taken apart, put together and spoiled, as somebody would who means harm.
#![allow(dead_code, reason = "each test file uses its part")]

use automerge::{
    ActorId, Automerge, ReadDoc as _,
    transaction::{CommitOptions, Transaction},
};
use schedule::Week;
use sha2::{Digest as _, Sha256};

use super::ANN;

/// A chunk by its parts, to be built and spoiled by hand.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) dependencies: Vec<[u8; 32]>,
    pub(crate) actor: Vec<u8>,
    pub(crate) seq: u64,
    pub(crate) start_op: u64,
    pub(crate) time: Vec<u8>,
    pub(crate) message: Vec<u8>,
    pub(crate) others: Vec<Vec<u8>>,
    pub(crate) columns: Vec<(u64, Vec<u8>)>,
    pub(crate) trailing: Vec<u8>,
}

pub(crate) fn leb(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn sleb(mut value: i64, out: &mut Vec<u8>) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

pub(crate) fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut hashed = vec![kind];
    leb(body.len() as u64, &mut hashed);
    hashed.extend(body);
    let checksum = Sha256::digest(&hashed);
    let mut bytes = vec![0x85, 0x6f, 0x4a, 0x83];
    bytes.extend(&checksum[..4]);
    bytes.extend(hashed);
    bytes
}

/// The body of a chunk: where its header ends.
pub(crate) fn body(bytes: &[u8]) -> &[u8] {
    let mut at = 9;
    while bytes[at] & 0x80 != 0 {
        at += 1;
    }
    &bytes[at + 1..]
}

impl Parts {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        leb(self.dependencies.len() as u64, &mut out);
        self.dependencies.iter().for_each(|hash| out.extend(hash));
        leb(self.actor.len() as u64, &mut out);
        out.extend(&self.actor);
        leb(self.seq, &mut out);
        leb(self.start_op, &mut out);
        out.extend(&self.time);
        leb(self.message.len() as u64, &mut out);
        out.extend(&self.message);
        leb(self.others.len() as u64, &mut out);
        for other in &self.others {
            leb(other.len() as u64, &mut out);
            out.extend(other);
        }
        leb(self.columns.len() as u64, &mut out);
        for (spec, column) in &self.columns {
            leb(*spec, &mut out);
            leb(column.len() as u64, &mut out);
        }
        self.columns
            .iter()
            .for_each(|(_, column)| out.extend(column));
        out.extend(&self.trailing);
        frame(1, &out)
    }

    pub(crate) fn of(bytes: &[u8]) -> Self {
        struct Read<'a>(&'a [u8]);
        impl Read<'_> {
            fn take(&mut self, count: u64) -> Vec<u8> {
                let (taken, rest) = self.0.split_at(usize::try_from(count).unwrap());
                self.0 = rest;
                taken.to_vec()
            }
            fn leb(&mut self) -> u64 {
                let (mut value, mut shift) = (0, 0);
                loop {
                    let byte = self.take(1)[0];
                    value |= u64::from(byte & 0x7f) << shift;
                    shift += 7;
                    if byte & 0x80 == 0 {
                        return value;
                    }
                }
            }
            fn prefixed(&mut self) -> Vec<u8> {
                let length = self.leb();
                self.take(length)
            }
        }
        let mut read = Read(body(bytes));
        let count = read.leb();
        let dependencies = (0..count)
            .map(|_| read.take(32).try_into().unwrap())
            .collect();
        let actor = read.prefixed();
        let (seq, start_op) = (read.leb(), read.leb());
        let time = read.take(1);
        assert_eq!(time, [0]);
        let message = read.prefixed();
        let count = read.leb();
        let others = (0..count).map(|_| read.prefixed()).collect();
        let count = read.leb();
        let specs: Vec<_> = (0..count).map(|_| (read.leb(), read.leb())).collect();
        let columns = specs
            .into_iter()
            .map(|(spec, length)| (spec, read.take(length)))
            .collect();
        let trailing = read.0.to_vec();
        Self {
            dependencies,
            actor,
            seq,
            start_op,
            time,
            message,
            others,
            columns,
            trailing,
        }
    }

    pub(crate) fn column(&mut self, spec: u64) -> &mut Vec<u8> {
        if !self.columns.iter().any(|(known, _)| *known == spec) {
            let at = self
                .columns
                .iter()
                .filter(|(known, _)| *known < spec)
                .count();
            self.columns.insert(at, (spec, Vec::new()));
        }
        &mut self
            .columns
            .iter_mut()
            .find(|(known, _)| *known == spec)
            .unwrap()
            .1
    }
}

/// An Automerge document that holds what `week` holds, to write as a stranger's program would.
pub(crate) fn raw(week: &Week, actor: [u8; 16]) -> Automerge {
    Automerge::load(&week.save())
        .unwrap()
        .with_actor(ActorId::from(&actor[..]))
}

pub(crate) fn written(
    doc: &mut Automerge,
    options: CommitOptions,
    write: impl FnOnce(&mut Transaction<'_>),
) -> Vec<u8> {
    let mut transaction = doc.transaction();
    write(&mut transaction);
    let hash = transaction.commit_with(options).0.unwrap();
    doc.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec()
}

pub(crate) fn at_zero() -> CommitOptions {
    CommitOptions::default().with_time(0)
}

/// Spoils a change, keeping the checksum right so that the parser cannot rest on it.
pub(crate) fn spoil(change: &[u8], pick: &mut dyn FnMut(u64) -> u64) -> Vec<u8> {
    let mut n = |limit: usize| pick(limit.max(1) as u64) as usize;
    match n(4) {
        0 => {
            let mut inner = body(change).to_vec();
            for _ in 0..=n(3) {
                let at = n(inner.len());
                match n(4) {
                    0 => inner[at] ^= 1 << n(8),
                    1 => inner[at] = n(256) as u8,
                    2 => inner.insert(at, n(256) as u8),
                    _ => {
                        inner.remove(at);
                    }
                }
            }
            frame(1, &inner)
        }
        1 => {
            let mut parts = Parts::of(change);
            let which = n(parts.columns.len());
            let column = &mut parts.columns[which].1;
            let at = n(column.len());
            match n(3) {
                0 => column[at] = n(256) as u8,
                1 => column.insert(at, n(256) as u8),
                _ => column.truncate(at),
            }
            parts.columns.retain(|(_, column)| !column.is_empty());
            parts.bytes()
        }
        2 => {
            let mut parts = Parts::of(change);
            match n(6) {
                0 => parts.seq = n(5) as u64,
                1 => parts.start_op = parts.start_op.saturating_add(n(5) as u64).saturating_sub(2),
                2 => {
                    let at = n(16);
                    parts.actor[at] = n(256) as u8;
                }
                3 => parts.dependencies.clear(),
                4 => {
                    let which = n(parts.others.len());
                    if let Some(other) = parts.others.get_mut(which) {
                        *other = ANN.to_vec();
                    }
                }
                _ => {
                    let (a, b) = (n(parts.columns.len()), n(parts.columns.len()));
                    let column = parts.columns[a].1.clone();
                    parts.columns[b].1 = column;
                }
            }
            parts.bytes()
        }
        _ => {
            let mut bytes = change.to_vec();
            bytes.truncate(n(bytes.len()));
            let extra = n(20);
            bytes.extend((0..extra).map(|_| n(256) as u8));
            bytes
        }
    }
}
