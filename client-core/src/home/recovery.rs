//! New recovery words in the place of words that somebody saw, and what follows for the key file.

use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;
use sync_protocol::Role;

use super::{DRILLED_AT, Desk, Home, keys, locked, random, storage, store};
use crate::{
    catalogue::{HomeReply, Refusal, StaffRole},
    picture::picture,
    replica::{not_allowed, refusal_of_kit},
    sealing::{Anchor, Kit, KitError, RootSecret, Unlocked},
    store::{Folder, LocalStore as _},
};

impl Home {
    /// Fresh words; nobody keeps them, and they count nowhere yet.
    pub(super) fn new_words(&self) -> Result<HomeReply, Refusal> {
        let held = self.shared.lock();
        let desk = held.as_ref().ok_or_else(|| self.closed())?;
        if desk.replica.role() != Some(Role::Owner) {
            return Err(not_allowed("replace the recovery words", "an owner"));
        }
        let mut random = random()?;
        let words = RootSecret::generate(&mut random).to_words();
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        Ok(HomeReply::NewWords {
            // One of each half.
            ask: [1, 13].map(|first| first + u8::try_from(random.next_u32() % 12).unwrap_or(0)),
            words,
        })
    }

    /// From now on these words count.
    pub(super) fn renew_kit(&self, words: &str) -> Result<HomeReply, Refusal> {
        let root = RootSecret::from_words(words)
            .map_err(|error| refusal_of_kit(KitError::Words(error)))?;
        let rotated = match self.govern(|replica, now| replica.renew_words(now, &root))? {
            HomeReply::Governed { rotated } => rotated,
            _ => false,
        };
        let mut held = self.shared.lock();
        let desk = held.as_mut().ok_or_else(locked)?;
        follow_words(&self.folder, desk)?;
        let governance = desk.replica.ledger().governance();
        let (org, anchor) = (governance.org(), Anchor::of(governance));
        Ok(HomeReply::KitRenewed {
            rotated,
            organisation: org.to_string(),
            picture: picture(&Kit::line(org, anchor, &root.to_words()))?,
        })
    }

    pub(super) fn set_policy(&self, managers_read_clinical: bool) -> Result<HomeReply, Refusal> {
        self.govern(|replica, now| replica.let_managers_in(now, managers_read_clinical))
    }

    /// One more owner first, then another role for who is at the desk: at no time is there none.
    pub(super) fn hand_over_to(&self, seat: &str, role: StaffRole) -> Result<HomeReply, Refusal> {
        let own = {
            let held = self.shared.lock();
            held.as_ref().ok_or_else(|| self.closed())?.replica.seat()
        };
        let to = super::people::id_of("seat", seat)?;
        if to == own || role == StaffRole::Owner {
            return Err(super::people::handed_to_oneself());
        }
        self.govern(|replica, now| replica.set_role(now, to, StaffRole::Owner))?;
        self.govern(|replica, now| replica.set_role(now, own, role))
            .map_err(super::people::half_handed_over)
    }
}

/// The key file follows the recovery words that the chain names, as far as it is open. When it does,
/// nobody has tried those words here yet.
pub(super) fn follow_words(folder: &Folder, desk: &mut Desk) -> Result<(), Refusal> {
    let to = desk.replica.ledger().governance().recovery();
    if renewed(folder, &mut desk.random, &mut desk.keys, to)? {
        let drilled = [(DRILLED_AT, None)];
        desk.settings.put(&drilled).map_err(|error| store(&error))?;
    }
    Ok(())
}

fn renewed(
    folder: &Folder,
    random: &mut ChaCha20Rng,
    keys: &mut Unlocked,
    to: sync_protocol::SealKey,
) -> Result<bool, Refusal> {
    let slot = |error| keys::slot(&error);
    if !keys.renew_recovery(random, to).map_err(slot)? {
        return Ok(false);
    }
    let bytes = keys.seal(random).map_err(slot)?;
    folder
        .write(&folder.keys(), &bytes)
        .map_err(|error| storage(&error))?;
    Ok(true)
}
