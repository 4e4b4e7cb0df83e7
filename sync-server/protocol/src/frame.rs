//! Frames: one WebSocket binary message each.
//!
//! ```text
//! frame = version byte (0) | form byte (0 plain, 1 zstd) | body
//! body  = CBOR array [kind, fields...]
//! ```
//!
//! Only `Items` frames may be compressed, and they are when they are long; the size after
//! decompression is capped like the size on the wire.

use std::{cell::RefCell, io};

use minicbor::{Decode, Encode};

use crate::{
    code::ErrorCode,
    codec::{self, DecodeError, VERSION},
    feed::{FeedId, Have},
    governance::SignedAct,
    head::SignedHead,
    ids::{Hash, IncarnationId},
    keys::VerifyKey,
    limits,
    session::{Join, SignIn, Still, Welcome, check_have},
};

/// What two parties say to each other.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Frame {
    /// The relay speaks first.
    #[n(0)]
    Challenge {
        /// The newest protocol version it speaks.
        #[n(0)]
        version: u8,
        /// Drawn at random for this connection.
        #[cbor(n(1), with = "minicbor::bytes")]
        nonce: [u8; 32],
        /// Its signing key. A device compares it with the pinned one.
        #[n(2)]
        relay: VerifyKey,
        /// Relay time, in seconds.
        #[n(3)]
        at: i64,
        /// Whether anybody may found an organisation here without a ticket.
        #[n(4)]
        orgs_open: bool,
    },
    /// Opens an organisation; answered by `Founded` or `Error`.
    #[n(1)]
    Found {
        /// From the relay's operator.
        #[n(0)]
        ticket: String,
        /// The genesis.
        #[n(1)]
        act: SignedAct,
    },
    /// The organisation is open: sign in.
    #[n(2)]
    Founded,
    /// A device signs in.
    #[n(3)]
    SignIn(#[n(0)] SignIn),
    /// A newcomer signs in.
    #[n(4)]
    Join(#[n(0)] Join),
    /// The relay's answer to both.
    #[n(5)]
    Welcome(#[n(0)] Welcome),
    /// Items of one feed, one after the other.
    #[n(6)]
    Items {
        /// The feed.
        #[n(0)]
        feed: FeedId,
        /// The epoch they stand in.
        #[n(1)]
        epoch: u32,
        /// The sequence of the first.
        #[n(2)]
        first: u64,
        /// Each as [`Item::encode`](crate::Item::encode) wrote it.
        #[cbor(n(3), with = "crate::codec::byte_strings")]
        items: Vec<Vec<u8>>,
        /// Where the feed stands, when the relay has just signed it.
        #[n(4)]
        head: Option<SignedHead>,
    },
    /// To an author instead of `Items`: its own entries stand here now.
    #[n(7)]
    Placed {
        /// The feed.
        #[n(0)]
        feed: FeedId,
        /// The epoch they stand in.
        #[n(1)]
        epoch: u32,
        /// The sequence of the first; the others follow without a gap.
        #[n(2)]
        first: u64,
        /// Which entries, by incarnation and sequence in it.
        #[n(3)]
        chain_items: Vec<(IncarnationId, u64)>,
        /// Their receipt.
        #[n(4)]
        head: SignedHead,
    },
    /// An outbox, in the order of each incarnation, all feeds together.
    #[n(8)]
    Push {
        /// Each as [`Entry::encode`](crate::Entry::encode) wrote it.
        #[cbor(n(0), with = "crate::codec::byte_strings")]
        entries: Vec<Vec<u8>>,
    },
    /// A step of the governance chain; answered by `Items` of that feed, or `Refused`.
    #[n(9)]
    Propose {
        /// The act.
        #[n(0)]
        act: SignedAct,
    },
    /// One entry or act is refused; the connection goes on.
    #[n(10)]
    Refused {
        /// Which.
        #[n(0)]
        what: Refusal,
        /// Why.
        #[n(1)]
        code: ErrorCode,
        /// For a log; never shown as is.
        #[n(2)]
        detail: String,
    },
    /// Asks for more feeds, later in a connection.
    #[n(11)]
    Subscribe {
        /// Where the asker stands.
        #[n(0)]
        have: Vec<Have>,
    },
    /// Between devices: what the sender holds. Then each pushes what the other lacks.
    #[n(12)]
    Vector {
        /// The next expected sequence of each incarnation, ascending.
        #[n(0)]
        incarnations: Vec<(IncarnationId, u64)>,
    },
    /// The receiver has room for so many more items.
    #[n(13)]
    Credit {
        /// How many.
        #[n(0)]
        items: u32,
    },
    /// Are you there?
    #[n(14)]
    Ping {
        /// Comes back in the answer.
        #[n(0)]
        n: u64,
    },
    /// A device's answer; a relay answers with `Still`.
    #[n(15)]
    Pong {
        /// From the question.
        #[n(0)]
        n: u64,
    },
    /// The connection ends for a reason.
    #[n(16)]
    Error {
        /// Why.
        #[n(0)]
        code: ErrorCode,
        /// For a log; never shown as is.
        #[n(1)]
        detail: String,
    },
    /// The connection ends as planned.
    #[n(17)]
    Bye,
    /// The relay's answer to a `Ping`.
    #[n(18)]
    Still(#[n(0)] Still),
}

/// The highest kind of frame this version knows.
const LAST_KIND: u64 = 18;
const KIND_ITEMS: u64 = 6;

/// What was refused: exactly one of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Refusal {
    /// An entry, by incarnation and sequence in it.
    #[n(0)]
    pub entry: Option<(IncarnationId, u64)>,
    /// An act, by its hash.
    #[n(1)]
    pub act: Option<Hash>,
}

/// An organisation's space at the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct Quota {
    /// Bytes in use.
    #[n(0)]
    pub used: u64,
    /// Bytes allowed; 0 means no limit.
    #[n(1)]
    pub limit: u64,
}

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
/// Fast, and on sealed bodies a higher level gains nothing.
const LEVEL: i32 = 1;

impl Frame {
    /// As it travels. Keep items and entries within [`batches`]: a receiver refuses frames longer
    /// than [`limits::MAX_FRAME`].
    pub fn encode(&self) -> Vec<u8> {
        let plain = self.encode_plain();
        let (_, body) = plain.split_at_checked(2).unwrap_or_default();
        if matches!(self, Self::Items { .. })
            && body.len() > limits::COMPRESS_ABOVE
            && let Some(packed) = compress(body).filter(|packed| packed.len() < body.len())
        {
            return [&[VERSION, ZSTD], packed.as_slice()].concat();
        }
        plain
    }

    /// As it travels without compression, which every receiver takes too.
    pub fn encode_plain(&self) -> Vec<u8> {
        [&[VERSION, PLAIN], codec::to_bytes(self).as_slice()].concat()
    }

    /// Reads what [`Frame::encode`] wrote, and nothing else.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::at_most("a frame", bytes.len(), limits::MAX_FRAME)?;
        let (version, rest) = bytes.split_first().ok_or(DecodeError::Truncated)?;
        if *version > VERSION {
            return Err(DecodeError::NewerVersion {
                got: u64::from(*version),
                supported: VERSION,
            });
        }
        if *version < VERSION {
            return Err(codec::DRAFT);
        }
        let (form, body) = rest.split_first().ok_or(DecodeError::Truncated)?;
        let frame: Self = match *form {
            PLAIN => decode_body(body)?,
            ZSTD => {
                let plain = decompress(body)?;
                if kind(&plain)? != KIND_ITEMS {
                    return Err(DecodeError::Impossible(
                        "a compressed frame that is not Items",
                    ));
                }
                decode_body(&plain)?
            }
            _ => return Err(DecodeError::Malformed { at: 1 }),
        };
        frame.check()?;
        Ok(frame)
    }

    fn check(&self) -> Result<(), DecodeError> {
        match self {
            Self::Found { ticket, .. } => {
                codec::at_most("a ticket", ticket.len(), limits::MAX_TICKET)
            }
            Self::SignIn(sign_in) => sign_in.check(),
            Self::Join(join) => join.check(),
            Self::Welcome(welcome) => welcome.check(),
            Self::Items { first, items, .. } => check_run(*first, items.len()),
            Self::Placed {
                first, chain_items, ..
            } => check_run(*first, chain_items.len()),
            Self::Push { entries } => {
                codec::at_most("a list of entries", entries.len(), limits::MAX_ITEMS)
            }
            Self::Refused { what, detail, .. } => {
                if what.entry.is_some() == what.act.is_some() {
                    return Err(DecodeError::Impossible(
                        "a refusal of nothing or of two things",
                    ));
                }
                codec::at_most("a detail", detail.len(), limits::MAX_DETAIL)
            }
            Self::Error { detail, .. } => {
                codec::at_most("a detail", detail.len(), limits::MAX_DETAIL)
            }
            Self::Subscribe { have } => check_have(have),
            Self::Still(still) => still.check(),
            Self::Vector { incarnations } => {
                if incarnations.is_sorted_by(|a, b| a.0 < b.0) {
                    Ok(())
                } else {
                    Err(DecodeError::Impossible(
                        "incarnations out of order or named twice",
                    ))
                }
            }
            Self::Challenge { .. }
            | Self::Founded
            | Self::Propose { .. }
            | Self::Credit { .. }
            | Self::Ping { .. }
            | Self::Pong { .. }
            | Self::Bye => Ok(()),
        }
    }

    /// An [`Frame::Error`]; a long detail is cut.
    pub fn error(code: ErrorCode, detail: &str) -> Self {
        Self::Error {
            code,
            detail: cut(detail),
        }
    }

    /// A [`Frame::Refused`] for an entry; a long detail is cut.
    pub fn refused_entry(entry: (IncarnationId, u64), code: ErrorCode, detail: &str) -> Self {
        let what = Refusal {
            entry: Some(entry),
            act: None,
        };
        Self::Refused {
            what,
            code,
            detail: cut(detail),
        }
    }

    /// A [`Frame::Refused`] for an act; a long detail is cut.
    pub fn refused_act(act: Hash, code: ErrorCode, detail: &str) -> Self {
        let what = Refusal {
            entry: None,
            act: Some(act),
        };
        Self::Refused {
            what,
            code,
            detail: cut(detail),
        }
    }
}

fn cut(detail: &str) -> String {
    let end = detail.floor_char_boundary(limits::MAX_DETAIL);
    detail.get(..end).unwrap_or_default().to_owned()
}

/// A run of items must fit below the end of all sequences, so that adding never overflows.
fn check_run(first: u64, len: usize) -> Result<(), DecodeError> {
    codec::at_most("a list of items", len, limits::MAX_ITEMS)?;
    if first == 0 {
        return Err(DecodeError::Impossible("a sequence of 0"));
    }
    if first > u64::MAX - limits::MAX_ITEMS as u64 {
        return Err(DecodeError::Impossible("a sequence beyond all sequences"));
    }
    Ok(())
}

fn kind(body: &[u8]) -> Result<u64, DecodeError> {
    let mut decoder = minicbor::Decoder::new(body);
    decoder.array()?;
    let kind = decoder.u64()?;
    if kind > LAST_KIND {
        Err(DecodeError::UnknownFrame(kind))
    } else {
        Ok(kind)
    }
}

fn decode_body(body: &[u8]) -> Result<Frame, DecodeError> {
    kind(body)?;
    codec::from_canonical(body)
}

fn decompress(packed: &[u8]) -> Result<Vec<u8>, DecodeError> {
    use io::Read as _;
    let damaged = |_: io::Error| DecodeError::Compression;
    // Streaming, so that the memory follows what really comes out, not what the header claims.
    let mut reader = zstd::stream::read::Decoder::with_buffer(packed).map_err(damaged)?;
    reader.window_log_max(WINDOW_LOG).map_err(damaged)?;
    let mut plain = Vec::new();
    let limit = limits::MAX_FRAME;
    reader
        .take(limit as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(damaged)?;
    codec::at_most("a decompressed frame", plain.len(), limit)?;
    Ok(plain)
}

/// What a compressor needs is much more than most frames: each thread keeps one.
fn compress(body: &[u8]) -> Option<Vec<u8>> {
    thread_local! {
        static PACKS: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    }
    PACKS.with_borrow_mut(|packs| {
        if packs.is_none() {
            *packs = zstd::bulk::Compressor::new(LEVEL).ok();
        }
        packs.as_mut()?.compress(body).ok()
    })
}

/// Twice [`limits::MAX_FRAME`]: what is just too long is then named as too long.
const WINDOW_LOG: u32 = 19;

/// Splits encoded items or entries, in order, into lists that each fit one frame.
pub fn batches(items: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<Vec<u8>>> {
    let mut batches: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut size = 0;
    for item in items {
        // Room for the length that CBOR writes before each.
        let len = item.len() + 5;
        match batches.last_mut() {
            Some(batch) if size + len <= limits::MAX_BATCH && batch.len() < limits::MAX_ITEMS => {
                batch.push(item);
                size += len;
            }
            _ => {
                batches.push(vec![item]);
                size = len;
            }
        }
    }
    batches
}
