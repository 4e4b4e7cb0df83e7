//! Comparing a number by telephone, for a code that travelled where others may read it.
//!
//! ```text
//! newcomer                         whoever hands the keys out
//!    commit to its nonce  ───────>
//!                         <───────  ask, with a nonce of its own
//!    open its nonce       ───────>
//!  both: number(genesis, newcomer's keys, both nonces)
//! ```
//! Neither can choose its nonce after seeing the other's: the newcomer is bound by what it committed
//! to, and who asks has asked before the newcomer opens. So somebody in between, who shows each side
//! another practice or another seat, guesses ten digits once. The form is that of short
//! authentication strings (Vaudenay, CRYPTO 2005).

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use sync_protocol::{DecodeError, Hash, OrgId, SeatGrant, SeatId};

use super::{
    cbor,
    derive::{derive, domain},
    secrets::SeatSecrets,
};

/// The kind of such a body in the keys feed: it follows those of rows and receipts.
const WORD: u8 = 5;
const CONTEXT: &str = "daybook/1 comparison";

/// A nonce, fresh for every newcomer.
pub type Nonce = [u8; 16];

/// What is said before the numbers are compared: a body of the keys feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Word {
    /// The newcomer binds itself.
    #[n(0)]
    Commit(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
    /// Who hands keys out has seen that.
    #[n(1)]
    Ask {
        /// The newcomer.
        #[n(0)]
        seat: SeatId,
        /// What the number will follow from.
        #[cbor(n(1), with = "minicbor::bytes")]
        nonce: Nonce,
    },
    /// The newcomer opens what it committed to, once.
    #[n(2)]
    Open {
        /// Who asked.
        #[n(0)]
        asked_by: SeatId,
        /// What the number follows from.
        #[cbor(n(1), with = "minicbor::bytes")]
        nonce: Nonce,
    },
}

/// Writes a body of the keys feed.
pub fn encode_word(word: &Word) -> Vec<u8> {
    cbor::to_versioned(&[(WORD, *word)])
}

/// Reads [`encode_word`].
pub fn decode_word(body: &[u8]) -> Result<Word, DecodeError> {
    let [(kind, word)]: [(u8, Word); 1] = cbor::from_versioned(body)?;
    if kind == WORD {
        Ok(word)
    } else {
        Err(DecodeError::NotCanonical)
    }
}

/// The nonce of a seat in the conversation about `newcomer`. It follows from the seat's secret, so
/// that it is the same after a restart and nobody else can tell it before.
pub fn nonce_of(secrets: &SeatSecrets, org: OrgId, newcomer: SeatId) -> Nonce {
    let context = [org.as_bytes().as_slice(), newcomer.as_bytes()].concat();
    *derive(
        secrets.signing.as_bytes(),
        domain::COMPARISON_NONCE,
        &context,
    )
}

/// What binds a newcomer to its nonce.
pub fn commitment(org: OrgId, newcomer: SeatId, nonce: Nonce) -> [u8; 32] {
    let bound = cbor::to_bytes(&(0_u8, org, newcomer, minicbor::bytes::ByteArray::from(nonce)));
    blake3::derive_key(CONTEXT, &bound)
}

/// Ten digits in two groups, from everything that both sides must see alike.
pub fn number(
    org: OrgId,
    genesis: Hash,
    newcomer: &SeatGrant,
    asked_by: SeatId,
    asked: Nonce,
    opened: Nonce,
) -> String {
    let nonces = (
        minicbor::bytes::ByteArray::from(asked),
        minicbor::bytes::ByteArray::from(opened),
    );
    let bound = cbor::to_bytes(&(1_u8, org, genesis, newcomer, asked_by, nonces));
    let digest = blake3::derive_key(CONTEXT, &bound);
    let mut first = [0; 8];
    first.copy_from_slice(digest.split_at(8).0);
    let digits = format!("{:010}", u64::from_be_bytes(first) % 10_000_000_000);
    let (left, right) = digits.split_at(5);
    format!("{left} {right}")
}

/// How far the conversation about a newcomer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The newcomer has not committed to anything yet.
    Begins,
    /// Somebody who hands keys out has to ask.
    ToAsk,
    /// The newcomer has to open; the smallest asker is named.
    ToOpen {
        /// Who asked.
        asked_by: SeatId,
    },
    /// Both can show the number.
    Opened {
        /// Who asked.
        asked_by: SeatId,
        /// Its nonce.
        asked: Nonce,
        /// The newcomer's.
        opened: Nonce,
    },
    /// It opened something else than it had committed to, or answered nobody: do not trust it.
    Broken,
}

/// Everything that was said, by newcomer.
#[derive(Debug, Default)]
pub struct Comparisons {
    talks: BTreeMap<SeatId, Talk>,
}

#[derive(Debug, Default)]
struct Talk {
    commit: Option<[u8; 32]>,
    asked: BTreeMap<SeatId, Nonce>,
    opened: Option<(SeatId, Nonce)>,
}

impl Comparisons {
    /// Takes in a word. The first commitment, the first question of each asker and the first
    /// opening count; what a newcomer opened, it has said for good.
    pub fn hear(&mut self, author: SeatId, word: Word) {
        match word {
            Word::Commit(commitment) => {
                let talk = self.talks.entry(author).or_default();
                talk.commit.get_or_insert(commitment);
            }
            Word::Ask { seat, nonce } => {
                let talk = self.talks.entry(seat).or_default();
                if seat != author && talk.opened.is_none() {
                    talk.asked.entry(author).or_insert(nonce);
                }
            }
            Word::Open { asked_by, nonce } => {
                let talk = self.talks.entry(author).or_default();
                talk.opened.get_or_insert((asked_by, nonce));
            }
        }
    }

    /// How far the conversation about a newcomer is.
    pub fn stage(&self, org: OrgId, newcomer: SeatId) -> Stage {
        let Some(talk) = self.talks.get(&newcomer) else {
            return Stage::Begins;
        };
        let Some(commit) = talk.commit else {
            return Stage::Begins;
        };
        match (talk.opened, talk.asked.first_key_value()) {
            (None, None) => Stage::ToAsk,
            (None, Some((asked_by, _))) => Stage::ToOpen {
                asked_by: *asked_by,
            },
            (Some((asked_by, opened)), _) => match talk.asked.get(&asked_by) {
                Some(asked) if commitment(org, newcomer, opened) == commit => Stage::Opened {
                    asked_by,
                    asked: *asked,
                    opened,
                },
                _ => Stage::Broken,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: OrgId = OrgId::from_bytes([1; 16]);
    const NEW: SeatId = SeatId::from_bytes([2; 16]);
    const OWNER: SeatId = SeatId::from_bytes([3; 16]);

    #[test]
    fn words_are_read_back_and_rows_are_no_words() {
        for word in [
            Word::Commit([7; 32]),
            Word::Ask {
                seat: NEW,
                nonce: [8; 16],
            },
            Word::Open {
                asked_by: OWNER,
                nonce: [9; 16],
            },
        ] {
            let body = encode_word(&word);
            assert_eq!(decode_word(&body).unwrap(), word);
            for cut in 0..body.len() {
                assert!(decode_word(&body[..cut]).is_err());
            }
        }
        assert!(decode_word(&super::super::encode_rows(&[])).is_err());
    }

    #[test]
    fn who_opens_something_else_than_it_committed_to_is_broken() {
        let said = |open: Nonce, asked_by| {
            let mut talk = Comparisons::default();
            assert_eq!(talk.stage(ORG, NEW), Stage::Begins);
            talk.hear(NEW, Word::Commit(commitment(ORG, NEW, [5; 16])));
            assert_eq!(talk.stage(ORG, NEW), Stage::ToAsk);
            let (seat, nonce) = (NEW, [6; 16]);
            talk.hear(OWNER, Word::Ask { seat, nonce });
            // A second question of the same asker, and a second commitment, change nothing.
            let other = [7; 16];
            talk.hear(OWNER, Word::Ask { seat, nonce: other });
            talk.hear(NEW, Word::Commit([0; 32]));
            assert_eq!(talk.stage(ORG, NEW), Stage::ToOpen { asked_by: OWNER });
            let nonce = open;
            talk.hear(NEW, Word::Open { asked_by, nonce });
            talk.stage(ORG, NEW)
        };
        let good = said([5; 16], OWNER);
        let asked_by = OWNER;
        let (asked, opened) = ([6; 16], [5; 16]);
        assert_eq!(
            good,
            Stage::Opened {
                asked_by,
                asked,
                opened
            }
        );
        assert_eq!(said([4; 16], OWNER), Stage::Broken);
        assert_eq!(said([5; 16], NEW), Stage::Broken, "nobody asked");
    }
}
