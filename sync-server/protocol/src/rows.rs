//! Whose keys an entry of the keys feed holds. The rows are clear; what they wrap is not, and
//! nobody needs to open it to tell whom they are about.

use minicbor::Decoder;

use crate::{
    codec::VERSION,
    ids::{KeyId, SubjectId},
};

/// The number of a row with a subject's key; sealing.md has the others.
const SUBJECT: u64 = 2;

/// A subject key, as the key table shows it to everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubjectRow {
    /// The key.
    pub key: KeyId,
    /// Whose.
    pub subject: SubjectId,
    /// The number of the compartment it is used in.
    pub compartment: u64,
}

/// The subject keys in the body of an entry of the keys feed, with the number of all its rows.
/// Bytes that are no such body hold none.
pub fn subject_rows(body: &[u8]) -> (Vec<SubjectRow>, usize) {
    read(body).unwrap_or_default()
}

fn read(body: &[u8]) -> Option<(Vec<SubjectRow>, usize)> {
    let mut reader = Decoder::new(body);
    if reader.array().ok()? != Some(2) || reader.u8().ok()? != VERSION {
        return None;
    }
    let count = reader.array().ok()??;
    let (mut found, mut rows) = (Vec::new(), 0);
    for _ in 0..count {
        let fields = reader.array().ok()??;
        let kind = reader.u64().ok()?;
        let mut rest = fields.checked_sub(1)?;
        if kind == SUBJECT {
            let key = reader.bytes().ok()?.try_into().ok()?;
            let subject = reader.bytes().ok()?.try_into().ok()?;
            found.push(SubjectRow {
                key: KeyId::from_bytes(key),
                subject: SubjectId::from_bytes(subject),
                compartment: reader.u64().ok()?,
            });
            rest = rest.checked_sub(3)?;
        }
        for _ in 0..rest {
            reader.skip().ok()?;
        }
        rows += 1;
    }
    Some((found, rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_any_kind_hold_no_rows() {
        for body in [&b""[..], b"x", &[0x82, 1, 0x9f], &[0x82, 1, 0x9b, 0xff]] {
            assert_eq!(subject_rows(body), (Vec::new(), 0));
        }
    }
}
