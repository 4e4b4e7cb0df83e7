//! A person's answer to a clash, as one grow-only value.
//!
//! A verdict binds to a claim **at a placement** (its hash): move the claim and the verdict no
//! longer speaks of it; whatever happens to other claims, it stands. Nothing is written back into
//! claims: what a decision does is derived, see [`crate::effective`].

use std::collections::BTreeSet;

use minicbor::{Decoder, Encoder};

use crate::{
    ids::{AppointmentId, DecisionId},
    placement::{Placement, PlacementHash},
};

/// Most verdicts in one decision.
pub const MAX_VERDICTS: usize = 64;
/// Most decisions that one names as seen.
pub const MAX_SEEN: usize = 256;
/// Longest encoding accepted.
pub const MAX_BYTES: usize = 320 * 1024;
const VERSION: u8 = 1;

/// What somebody with the right to decide has answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decision {
    /// Random, new for every decision.
    pub id: DecisionId,
    /// The seat that decided.
    pub seat: [u8; 16],
    /// At least one, at most [`MAX_VERDICTS`], and at most one per claim and placement.
    pub verdicts: Vec<Verdict>,
    /// The decisions about these claims that its author had before them; it supersedes them.
    pub seen: BTreeSet<DecisionId>,
}

/// What becomes of a claim at a placement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It stays.
    Keep {
        /// Which claim.
        claim: AppointmentId,
        /// At which placement it was found.
        placement: PlacementHash,
    },
    /// It goes elsewhere.
    Move {
        /// Which claim.
        claim: AppointmentId,
        /// At which placement it was found.
        placement: PlacementHash,
        /// Where to.
        to: Placement,
    },
    /// It is called off. With two concurrent placements, that one of them is given up.
    Cancel {
        /// Which claim.
        claim: AppointmentId,
        /// At which placement it was found.
        placement: PlacementHash,
    },
    /// Both stay although they overlap.
    AllowOverlap {
        /// One claim at its placement.
        a: (AppointmentId, PlacementHash),
        /// The other.
        b: (AppointmentId, PlacementHash),
    },
}

/// Why bytes or parts are no decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    /// Not the encoding of a decision.
    #[error("not a decision this program can read")]
    Malformed,
    /// Written by a newer program.
    #[error("decision version {0} is newer than this program")]
    NewerVersion(u8),
    /// No verdict.
    #[error("a decision says something about at least one appointment")]
    NoVerdict,
    /// More than [`MAX_VERDICTS`] verdicts.
    #[error("a decision has at most {MAX_VERDICTS} verdicts")]
    TooManyVerdicts,
    /// More than [`MAX_SEEN`] seen decisions.
    #[error("a decision names at most {MAX_SEEN} earlier ones")]
    TooManySeen,
    /// Two different verdicts for one claim at one placement, or a pair of one claim with itself.
    #[error("a decision says one thing per appointment")]
    SaysTwoThings,
}

impl Verdict {
    /// The claims at placements that it speaks of: one, or two for an allowed overlap.
    pub fn subjects(&self) -> impl Iterator<Item = (AppointmentId, PlacementHash)> {
        let (first, second) = match self {
            Self::Keep { claim, placement }
            | Self::Move {
                claim, placement, ..
            }
            | Self::Cancel { claim, placement } => ((*claim, *placement), None),
            Self::AllowOverlap { a, b } => (*a, Some(*b)),
        };
        std::iter::once(first).chain(second)
    }
}

impl Decision {
    /// Whether its parts are within the limits and say one thing per claim and placement.
    /// Whoever writes one checks first; [`Decision::from_bytes`] refuses what fails.
    pub fn check(&self) -> Result<(), DecisionError> {
        if self.verdicts.is_empty() {
            return Err(DecisionError::NoVerdict);
        }
        if self.verdicts.len() > MAX_VERDICTS {
            return Err(DecisionError::TooManyVerdicts);
        }
        if self.seen.len() > MAX_SEEN {
            return Err(DecisionError::TooManySeen);
        }
        // Staying is compatible with an allowed overlap, and overlaps may be allowed with several.
        let mut leaves = BTreeSet::new();
        let mut stays = BTreeSet::new();
        for verdict in &self.verdicts {
            let once = match verdict {
                Verdict::Keep { claim, placement } => {
                    stays.insert((*claim, *placement));
                    true
                }
                Verdict::Move {
                    claim, placement, ..
                }
                | Verdict::Cancel { claim, placement } => leaves.insert((*claim, *placement)),
                Verdict::AllowOverlap { a, b } => {
                    stays.extend([*a, *b]);
                    a.0 != b.0
                }
            };
            if !once {
                return Err(DecisionError::SaysTwoThings);
            }
        }
        if leaves.is_disjoint(&stays) {
            Ok(())
        } else {
            Err(DecisionError::SaysTwoThings)
        }
    }

    /// Its one encoding: a CBOR array of version, id, seat, verdicts and seen ids in order.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        // Writing to a vector cannot fail.
        let _ = self.encode_into(&mut Encoder::new(&mut bytes));
        bytes
    }

    fn encode_into<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(5)?
            .u8(VERSION)?
            .encode(self.id)?
            .bytes(&self.seat)?;
        e.array(self.verdicts.len() as u64)?;
        for verdict in &self.verdicts {
            match verdict {
                Verdict::Keep { claim, placement } => {
                    e.array(3)?.u8(0)?.encode(claim)?.encode(placement)?;
                }
                Verdict::Move {
                    claim,
                    placement,
                    to,
                } => {
                    e.array(4)?.u8(1)?.encode(claim)?.encode(placement)?;
                    e.bytes(&to.to_bytes())?;
                }
                Verdict::Cancel { claim, placement } => {
                    e.array(3)?.u8(2)?.encode(claim)?.encode(placement)?;
                }
                Verdict::AllowOverlap { a, b } => {
                    e.array(5)?
                        .u8(3)?
                        .encode(a.0)?
                        .encode(a.1)?
                        .encode(b.0)?
                        .encode(b.1)?;
                }
            }
        }
        e.array(self.seen.len() as u64)?;
        for id in &self.seen {
            e.encode(id)?;
        }
        Ok(())
    }

    /// Reads what [`Decision::to_bytes`] wrote; any other spelling of it is refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecisionError> {
        if bytes.len() > MAX_BYTES {
            return Err(DecisionError::Malformed);
        }
        let mut d = Decoder::new(bytes);
        let malformed = |_| DecisionError::Malformed;
        if d.array().map_err(malformed)? != Some(5) {
            return Err(DecisionError::Malformed);
        }
        let version = d.u8().map_err(malformed)?;
        if version > VERSION {
            return Err(DecisionError::NewerVersion(version));
        }
        if version < VERSION {
            return Err(DecisionError::Malformed);
        }
        let id = d.decode().map_err(malformed)?;
        let seat = <[u8; 16]>::try_from(d.bytes().map_err(malformed)?)
            .map_err(|_| DecisionError::Malformed)?;
        let count = d
            .array()
            .map_err(malformed)?
            .ok_or(DecisionError::Malformed)?;
        if count > MAX_VERDICTS as u64 {
            return Err(DecisionError::TooManyVerdicts);
        }
        let verdicts = (0..count)
            .map(|_| decode_verdict(&mut d))
            .collect::<Result<_, _>>()
            .map_err(malformed)?;
        let count = d
            .array()
            .map_err(malformed)?
            .ok_or(DecisionError::Malformed)?;
        if count > MAX_SEEN as u64 {
            return Err(DecisionError::TooManySeen);
        }
        let seen = (0..count)
            .map(|_| d.decode())
            .collect::<Result<_, _>>()
            .map_err(malformed)?;
        let decision = Self {
            id,
            seat,
            verdicts,
            seen,
        };
        decision.check()?;
        if decision.to_bytes() != bytes {
            return Err(DecisionError::Malformed);
        }
        Ok(decision)
    }
}

fn decode_verdict(d: &mut Decoder<'_>) -> Result<Verdict, minicbor::decode::Error> {
    use minicbor::decode::Error;
    let length = d.array()?;
    let tag = d.u8()?;
    match (tag, length) {
        (0, Some(3)) => Ok(Verdict::Keep {
            claim: d.decode()?,
            placement: d.decode()?,
        }),
        (1, Some(4)) => Ok(Verdict::Move {
            claim: d.decode()?,
            placement: d.decode()?,
            to: Placement::from_bytes(d.bytes()?)
                .map_err(|_| Error::message("moved to what is no placement"))?,
        }),
        (2, Some(3)) => Ok(Verdict::Cancel {
            claim: d.decode()?,
            placement: d.decode()?,
        }),
        (3, Some(5)) => Ok(Verdict::AllowOverlap {
            a: (d.decode()?, d.decode()?),
            b: (d.decode()?, d.decode()?),
        }),
        _ => Err(Error::message("an unknown verdict")),
    }
}
