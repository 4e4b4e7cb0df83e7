//! Rows of the key table: wrapped keys, as bodies of entries in the keys feed.
//!
//! The relay stores rows and opens none. Each wrap is bound to its organisation and to every
//! other field of its row, and each key id follows from its key, so a row cannot be dressed up as
//! another and two keys cannot share an id.

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use sync_protocol::{DecodeError, KeyId, OrgId, Role, SealKey, SeatId};
use zeroize::Zeroizing;

use super::{
    Compartment, SealError, cbor,
    derive::{self, domain},
    wrap,
};

/// Most rows in one entry; they fit its body.
pub const MAX_ROWS: usize = 128;

/// Longest wrap in a row.
const MAX_WRAP: usize = 128;

/// Whom a role key is wrapped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(flat)]
pub enum Recipient {
    /// A seat of that role.
    #[n(0)]
    Seat(#[n(0)] SeatId),
    /// Whoever has the recovery words.
    #[n(1)]
    Recovery,
    /// Seats of a role that hands the key on.
    #[n(2)]
    Role {
        /// That role.
        #[n(0)]
        role: Role,
        /// Which of its keys.
        #[n(1)]
        key: KeyId,
    },
}

/// One wrapped key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(flat)]
pub enum KeyRow {
    /// A role key.
    #[n(0)]
    Role {
        /// The wrapped key.
        #[n(0)]
        key: KeyId,
        /// Whose it is.
        #[n(1)]
        role: Role,
        /// From 0; a higher one replaces those below it.
        #[n(2)]
        epoch: u32,
        /// Whom it is wrapped to.
        #[n(3)]
        to: Recipient,
        /// The wrap.
        #[cbor(n(4), with = "minicbor::bytes")]
        wrap: Vec<u8>,
    },
    /// A compartment key.
    #[n(1)]
    Compartment {
        /// The wrapped key.
        #[n(0)]
        key: KeyId,
        /// Whose it is.
        #[n(1)]
        compartment: Compartment,
        /// From 0; a higher one replaces those below it.
        #[n(2)]
        epoch: u32,
        /// The role that opens it.
        #[n(3)]
        role: Role,
        /// With which of its keys.
        #[n(4)]
        under: KeyId,
        /// The wrap.
        #[cbor(n(5), with = "minicbor::bytes")]
        wrap: Vec<u8>,
    },
    /// A subject key.
    #[n(2)]
    Subject {
        /// The wrapped key.
        #[n(0)]
        key: KeyId,
        /// The client's or pet's id.
        #[cbor(n(1), with = "minicbor::bytes")]
        subject: [u8; 16],
        /// Where it is used.
        #[n(2)]
        compartment: Compartment,
        /// The epoch of the compartment key.
        #[n(3)]
        epoch: u32,
        /// Which compartment key opens it.
        #[n(4)]
        under: KeyId,
        /// The wrap.
        #[cbor(n(5), with = "minicbor::bytes")]
        wrap: Vec<u8>,
    },
}

impl KeyRow {
    /// The id of the wrapped key.
    pub const fn key(&self) -> KeyId {
        match self {
            Self::Role { key, .. } | Self::Compartment { key, .. } | Self::Subject { key, .. } => {
                *key
            }
        }
    }

    /// Whether its epoch is higher than the height of the chain that its entry names. New keys are
    /// made at most once for each act, so no honest row is; who hands out a key of a far epoch would
    /// otherwise have it used for ever, also after being removed.
    pub const fn is_ahead_of(&self, height: u32) -> bool {
        let (Self::Role { epoch, .. }
        | Self::Compartment { epoch, .. }
        | Self::Subject { epoch, .. }) = self;
        *epoch > height
    }

    /// The wrap.
    pub fn wrap(&self) -> &[u8] {
        match self {
            Self::Role { wrap, .. }
            | Self::Compartment { wrap, .. }
            | Self::Subject { wrap, .. } => wrap,
        }
    }

    /// The key that opens it, when that is a symmetric one.
    pub(super) const fn under(&self) -> Option<KeyId> {
        match self {
            Self::Role { to, .. } => match to {
                Recipient::Role { key, .. } => Some(*key),
                Recipient::Seat(_) | Recipient::Recovery => None,
            },
            Self::Compartment { under, .. } | Self::Subject { under, .. } => Some(*under),
        }
    }

    fn with_wrap(mut self, sealed: Vec<u8>) -> Self {
        match &mut self {
            Self::Role { wrap, .. }
            | Self::Compartment { wrap, .. }
            | Self::Subject { wrap, .. } => *wrap = sealed,
        }
        self
    }

    /// What the wrap is bound to: the organisation and the row without the wrap.
    fn bound(&self, org: OrgId) -> Vec<u8> {
        let mut bound = domain::ROW.as_bytes().to_vec();
        bound.push(0);
        bound.append(&mut cbor::to_versioned(&(
            org,
            self.clone().with_wrap(Vec::new()),
        )));
        bound
    }

    /// Fills in the wrap, sealed to a public key.
    pub(super) fn sealed_to(
        self,
        rng: &mut impl CryptoRng,
        org: OrgId,
        to: SealKey,
        key: &[u8; 32],
    ) -> Result<Self, SealError> {
        let wrap = wrap::seal_to(rng, to, &self.bound(org), key)?;
        Ok(self.with_wrap(wrap))
    }

    /// Fills in the wrap, sealed under a key above it.
    pub(super) fn sealed_under(
        self,
        rng: &mut impl CryptoRng,
        org: OrgId,
        parent: &[u8; 32],
        key: &[u8; 32],
    ) -> Result<Self, SealError> {
        let wrap = derive::seal_box(rng, parent, domain::ROW, &[], &self.bound(org), key)?;
        Ok(self.with_wrap(wrap))
    }

    /// The key in it, opened with a private key.
    pub(super) fn opened_with(&self, org: OrgId, secret: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
        wrap::open_with(secret, &self.bound(org), self.wrap())
            .ok()
            .and_then(|plain| self.checked(&plain))
    }

    /// The key in it, opened with the key above it.
    pub(super) fn opened_under(
        &self,
        org: OrgId,
        parent: &[u8; 32],
    ) -> Option<Zeroizing<[u8; 32]>> {
        derive::open_box(parent, domain::ROW, &[], &self.bound(org), self.wrap())
            .ok()
            .and_then(|plain| self.checked(&plain))
    }

    fn checked(&self, plain: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        let key = Zeroizing::new(<[u8; 32]>::try_from(plain).ok()?);
        (derive::key_id(&key) == self.key()).then_some(key)
    }

    /// The row alone, as bytes.
    pub fn encode(&self) -> Vec<u8> {
        cbor::to_versioned(self)
    }

    /// Reads [`KeyRow::encode`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let row: Self = cbor::from_versioned(bytes)?;
        row.check()?;
        Ok(row)
    }

    fn check(&self) -> Result<(), DecodeError> {
        if self.wrap().len() > MAX_WRAP {
            return Err(DecodeError::TooLarge {
                what: "a wrapped key",
                limit: MAX_WRAP,
            });
        }
        Ok(())
    }
}

/// Rows as they are written: a key that goes to many seats names itself once.
enum Written {
    One(KeyRow),
    Seats {
        key: KeyId,
        role: Role,
        epoch: u32,
        wraps: Vec<(SeatId, Vec<u8>)>,
    },
}

/// The number of [`Written::Seats`], after those of [`KeyRow`].
const SEATS: u32 = 3;

impl<C> Encode<C> for Written {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match self {
            Self::One(row) => Encode::encode(row, e, ctx),
            Self::Seats {
                key,
                role,
                epoch,
                wraps,
            } => {
                e.array(5)?.u32(SEATS)?;
                key.encode(e, ctx)?;
                role.encode(e, ctx)?;
                e.u32(*epoch)?.array(wraps.len() as u64)?;
                for (seat, wrap) in wraps {
                    e.array(2)?;
                    seat.encode(e, ctx)?;
                    e.bytes(wrap)?;
                }
                Ok(())
            }
        }
    }
}

impl<'b, C> Decode<'b, C> for Written {
    fn decode(d: &mut minicbor::Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        let mut ahead = d.probe();
        let fields = ahead.array()?;
        if ahead.u32()? != SEATS {
            return <KeyRow as Decode<C>>::decode(d, ctx).map(Self::One);
        }
        if fields != Some(5) {
            return Err(minicbor::decode::Error::message("a row of five parts"));
        }
        d.array()?;
        d.u32()?;
        let (key, role) = (KeyId::decode(d, ctx)?, Role::decode(d, ctx)?);
        let epoch = d.u32()?;
        let count = d.array()?.unwrap_or(u64::MAX);
        if count < 2 || count > MAX_ROWS as u64 {
            return Err(minicbor::decode::Error::message("2 to 128 seats"));
        }
        let mut wraps = Vec::new();
        for _ in 0..count {
            if d.array()? != Some(2) {
                return Err(minicbor::decode::Error::message("a seat and a wrap"));
            }
            wraps.push((SeatId::decode(d, ctx)?, d.bytes()?.to_vec()));
        }
        Ok(Self::Seats {
            key,
            role,
            epoch,
            wraps,
        })
    }
}

/// A row for a seat, without the seat: which key it is.
const fn to_seat(row: &KeyRow) -> Option<(KeyId, Role, u32)> {
    match row {
        KeyRow::Role {
            key,
            role,
            epoch,
            to: Recipient::Seat(_),
            ..
        } => Some((*key, *role, *epoch)),
        KeyRow::Role { .. } | KeyRow::Compartment { .. } | KeyRow::Subject { .. } => None,
    }
}

fn written(rows: &[KeyRow]) -> Vec<Written> {
    let mut all = Vec::new();
    let same = |a: &KeyRow, b: &KeyRow| to_seat(a).is_some() && to_seat(a) == to_seat(b);
    for run in rows.chunk_by(same) {
        match (run, run.first().and_then(to_seat)) {
            ([_, _, ..], Some((key, role, epoch))) => {
                let wraps = run.iter().filter_map(|row| match row {
                    KeyRow::Role {
                        to: Recipient::Seat(seat),
                        wrap,
                        ..
                    } => Some((*seat, wrap.clone())),
                    KeyRow::Role { .. } | KeyRow::Compartment { .. } | KeyRow::Subject { .. } => {
                        None
                    }
                });
                all.push(Written::Seats {
                    key,
                    role,
                    epoch,
                    wraps: wraps.collect(),
                });
            }
            _ => all.extend(run.iter().cloned().map(Written::One)),
        }
    }
    all
}

/// The body of an entry in the keys feed. Give it at most [`MAX_ROWS`] rows
/// (`rows.chunks(MAX_ROWS)`).
pub fn encode_rows(rows: &[KeyRow]) -> Vec<u8> {
    cbor::to_versioned(&written(rows))
}

/// Reads [`encode_rows`].
pub fn decode_rows(body: &[u8]) -> Result<Vec<KeyRow>, DecodeError> {
    let written: Vec<Written> = cbor::from_versioned(body)?;
    let mut rows = Vec::new();
    for one in written {
        match one {
            Written::One(row) => rows.push(row),
            Written::Seats {
                key,
                role,
                epoch,
                wraps,
            } => rows.extend(wraps.into_iter().map(|(seat, wrap)| KeyRow::Role {
                key,
                role,
                epoch,
                to: Recipient::Seat(seat),
                wrap,
            })),
        }
        if rows.len() > MAX_ROWS {
            return Err(DecodeError::TooLarge {
                what: "a list of key rows",
                limit: MAX_ROWS,
            });
        }
    }
    rows.iter().try_for_each(KeyRow::check)?;
    Ok(rows)
}
