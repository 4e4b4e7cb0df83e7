//! The keys of this seat, from the key table in the ledger.

use entry_log::Storage;
use sync_protocol::{Acceptance, Entry, FeedId, SeatId, SubjectId, accept};

use super::Replica;
use crate::{
    catalogue::Refusal,
    ledger::{Arrival, Ledger, LedgerError},
    sealing::{HomeSecrets, KeyRing, KeyRow, Learned, RowAuthor, SeatSecrets, decode_rows},
};

/// The ring a seat begins with: its own secret, and what its invitation carried.
pub(super) fn begun<S: Storage>(
    ledger: &Ledger<S>,
    secrets: &HomeSecrets,
    seat: SeatId,
    own: &SeatSecrets,
) -> Result<KeyRing, Refusal> {
    let joining = secrets.joining.as_ref().and_then(|(invite, secret)| {
        let state = ledger.governance().invite(*invite)?;
        Some((*invite, state.role, &state.wrapped, secret))
    });
    let org = ledger.org();
    match joining {
        None => Ok(KeyRing::of_seat(org, seat, own)),
        Some((invite, role, wrapped, secret)) => Ok(KeyRing::from_invite(
            org, invite, role, wrapped, secret, seat, own,
        )?),
    }
}

/// Teaches the ring what an arrival holds of the key table; whether that gave a key.
pub(super) fn learn<S: Storage>(ring: &mut KeyRing, ledger: &Ledger<S>, arrival: &Arrival) -> bool {
    let Arrival::Entry { entry, mask, .. } = arrival else {
        return false;
    };
    learn_entry(ring, ledger, entry, mask.is_some())
}

/// Of what counts for nothing, the keys of clients and pets are learned all the same: others may have
/// sealed under them before they heard that their maker left, and what is masked is listed for a
/// person, who should be able to read it. Nobody seals with them any more once the keys above them
/// were made anew.
fn learn_entry<S: Storage>(
    ring: &mut KeyRing,
    ledger: &Ledger<S>,
    entry: &Entry,
    masked: bool,
) -> bool {
    let header = entry.header();
    if header.feed != FeedId::Keys {
        return false;
    }
    let rows = entry.body().and_then(|body| decode_rows(body).ok());
    let authors = RowAuthor::of(ledger.governance(), header);
    let (Some(rows), Some(author)) = (rows, authors.first().copied()) else {
        return false;
    };
    let mut fresh = false;
    let erased = ledger.governance().erased();
    for row in &rows {
        // What was erased never comes back, under whichever key.
        if let KeyRow::Subject { key, subject, .. } = row
            && !ring.learns_erased
            && (erased.key(*key).is_some()
                || erased.subject(SubjectId::from_bytes(*subject)).is_some())
        {
            continue;
        }
        // Who was an owner once hands out no key as one by naming the height of then.
        let may = match row {
            KeyRow::Subject { .. } => author.may_write(row),
            KeyRow::Role { .. } | KeyRow::Compartment { .. } => {
                !masked && authors.iter().all(|author| author.may_write(row))
            }
        };
        fresh |= (may || ring.trusts_anybody)
            && ring.learn_at(row, author, header.governance.0) == Learned::New;
    }
    fresh
}

/// Whether an arrival says that keys of roles or compartments count for nothing, which may have been
/// learned before.
pub(super) fn calls_back(arrival: &Arrival) -> bool {
    let Arrival::Entry {
        entry,
        mask: Some(_),
        ..
    } = arrival
    else {
        return false;
    };
    let rows = entry.body().filter(|_| entry.header().feed == FeedId::Keys);
    let rows = rows.and_then(|body| decode_rows(body).ok());
    let mut rows = rows.into_iter().flatten();
    rows.any(|row| !matches!(row, KeyRow::Subject { .. }))
}

impl<S: Storage> Replica<S> {
    /// Learns the key table once more, without what counts for nothing by now: a seat that was removed
    /// had made keys, and nobody is to seal with them. What was opened with them stays open.
    pub(super) fn learn_again(&mut self) -> Result<(), Refusal> {
        let own = self.secrets.seats.iter().find(|(id, _)| **id == self.seat);
        let Some((_, own)) = own else {
            return Ok(());
        };
        let mut ring = begun(&self.ledger, &self.secrets, self.seat, own)?;
        ring.trusts_anybody = self.keyring.trusts_anybody;
        ring.learns_erased = self.keyring.learns_erased;
        self.teach(&mut ring)?;
        let erased = self.ledger.governance().erased();
        ring.forget(erased, self.ledger.unnamed_keys());
        self.keyring = ring;
        Ok(())
    }

    fn teach(&self, ring: &mut KeyRing) -> Result<(), LedgerError> {
        for entry in self.ledger.entries_of(FeedId::Keys)? {
            match accept(&entry, self.ledger.governance()) {
                Acceptance::Accept => learn_entry(ring, &self.ledger, &entry, false),
                Acceptance::Mask(_) => learn_entry(ring, &self.ledger, &entry, true),
                Acceptance::Withhold(_) | Acceptance::Wait { .. } => continue,
            };
        }
        Ok(())
    }
}
