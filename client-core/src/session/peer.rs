//! Two devices of one practice exchange entries without a relay.
//!
//! Each says how far it has every incarnation, and sends what the other lacks. Entries are signed
//! and sealed by themselves, so the channel needs no trust: a neighbour can withhold, not forge.
//! Positions come later, from the relay.

use entry_log::Storage;
use sync_protocol::{Entry, Frame};

use crate::ledger::{Arrival, Ledger, LedgerError};

/// Entries in one frame, at most; the rest follows on the answer to it.
const BATCH: usize = 128;

/// What to say first.
pub fn greeting<S: Storage>(ledger: &Ledger<S>) -> Frame {
    Frame::Vector {
        incarnations: ledger.vector(),
    }
}

/// What a neighbour's frame brings, and what to answer.
///
/// # Errors
/// When the bytes are no entries, or the ledger cannot be written.
pub fn handle<S: Storage>(
    ledger: &mut Ledger<S>,
    frame: Frame,
) -> Result<(Vec<Arrival>, Option<Frame>), LedgerError> {
    match frame {
        Frame::Vector { incarnations } => {
            let entries = ledger.beyond(&incarnations, BATCH)?;
            let entries: Vec<Vec<u8>> = entries.iter().map(|entry| entry.encode()).collect();
            let answer = (!entries.is_empty()).then_some(Frame::Push { entries });
            Ok((Vec::new(), answer))
        }
        Frame::Push { entries } => {
            let entries: Result<Vec<Entry>, _> =
                entries.iter().map(|bytes| Entry::decode(bytes)).collect();
            let entries = entries.map_err(|_| LedgerError::Malformed)?;
            let before = ledger.vector();
            let arrivals = ledger.receive_entries(entries)?;
            // More may follow: say anew how far we are, unless nothing moved.
            let after = ledger.vector();
            let answer = (before != after).then_some(Frame::Vector {
                incarnations: after,
            });
            Ok((arrivals, answer))
        }
        _ => Err(LedgerError::Malformed),
    }
}
