//! The kinds of documents, as data: their containers and what each may hold.
//!
//! The order of containers is part of the genesis bytes: it never changes, and nothing is added.

use crate::safety::Schema;

/// What a container may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    /// An unsigned number up to this.
    Number { most: u64 },
    /// Bytes up to this length.
    Bytes { most: usize },
    /// The name of an IANA time zone.
    Zone,
    /// Written by replicas for themselves only, never received.
    Local,
}

/// A kind of document.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Separates its genesis from other kinds'.
    pub(crate) domain: &'static str,
    pub(crate) schema: Schema,
    /// Containers in the order the genesis makes them.
    pub(crate) containers: &'static [(&'static str, Rule)],
}

/// The counter of the first container: the genesis writes the document's name before them.
pub(crate) const FIRST_CONTAINER: u64 = 2;
pub(crate) const NAME: &str = "key";

impl Layout {
    /// What may be put into the container that the genesis operation `counter` made.
    pub(crate) fn rule(&self, counter: u64) -> Option<Rule> {
        let index = usize::try_from(counter.checked_sub(FIRST_CONTAINER)?).ok()?;
        self.containers.get(index).map(|(_, rule)| *rule)
    }

    pub(crate) fn genesis_actor(&self, name: &[u8]) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_derive_key(self.domain);
        hasher.update(name);
        let mut actor = [0; 16];
        hasher.finalize_xof().fill(&mut actor);
        actor
    }
}

/// Longest bytes of a placement: 32 occupancies and two short names.
pub(crate) const MAX_PLACEMENT: usize = 2 * 1024;
/// Longest bytes of a decision: what an entry still carries.
pub(crate) const MAX_DECISION: usize = 32 * 1024;

pub(crate) const CLAIMS: usize = 0;
pub(crate) const PLACEMENTS: usize = 1;
pub(crate) const STATES: usize = 2;
pub(crate) const DECISIONS: usize = 3;
pub(crate) const POINTERS: usize = 4;
pub(crate) const ZONES: usize = 5;

/// A week: claims by appointment id in three containers (origin, placement, state), decisions by
/// decision id, pointers by appointment id, and the site's zone.
pub(crate) static WEEK: Layout = Layout {
    domain: "daybook schedule week genesis v1",
    schema: Schema::Schedule,
    containers: &[
        ("claims", Rule::Number { most: 0xffff }),
        (
            "placements",
            Rule::Bytes {
                most: MAX_PLACEMENT,
            },
        ),
        ("states", Rule::Number { most: 0xff }),
        ("decisions", Rule::Bytes { most: MAX_DECISION }),
        ("pointers", Rule::Number { most: 999_999 }),
        ("zones", Rule::Local),
    ],
};

pub(crate) const CAPACITIES: usize = 0;
pub(crate) const SITES: usize = 1;

/// The grid: capacity by resource id, zone by location id.
pub(crate) static GRID: Layout = Layout {
    domain: "daybook grid genesis v1",
    schema: Schema::Grid,
    containers: &[
        ("capacities", Rule::Number { most: 0xffff }),
        ("sites", Rule::Zone),
    ],
};

/// The 16 bytes behind a container's key: 32 lower-case hexadecimal digits, nothing else.
pub(crate) fn parse_key(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != 32 {
        return None;
    }
    let nibble = |digit: &u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut key = [0; 16];
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = (nibble(high)? << 4) | nibble(low)?;
    }
    Some(key)
}

/// The key of these 16 bytes.
pub(crate) fn write_key(key: [u8; 16]) -> String {
    conflict_rules::ids::hex(key)
}

/// Whether this is the exact name of a zone in the bundled tzdata.
pub(crate) fn is_zone(name: &str) -> bool {
    conflict_rules::placement::time_zone(name).is_some_and(|zone| zone.iana_name() == Some(name))
}
