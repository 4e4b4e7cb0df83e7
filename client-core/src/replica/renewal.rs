//! Acts of an owner that change which keys count: new recovery words, and decisions beyond the table
//! of roles.
//!
//! What always holds: the keys that follow from an act are made after it stands (see `people`), so
//! whoever saw the old words, or was let out, opens nothing that is written later.

use entry_log::Storage;
use jiff::{Timestamp, tz::TimeZone};
use sync_protocol::{Policy, ReplacedRoot, Role, RootGrant, VerifyKey, What};

use super::{Proposal, Replica};
use crate::{
    catalogue::{ErrorCode, Refusal},
    sealing::RootSecret,
};

/// Words that counted once.
pub(super) fn replaced_words(on: Option<&str>) -> Refusal {
    Refusal::new(
        ErrorCode::ReplacedWords,
        match on {
            Some(day) => format!("These words were replaced by newer ones on {day}."),
            None => "These words were replaced by newer ones.".to_owned(),
        },
        "Take the newer recovery kit. Old words open only what was copied before that day.",
    )
    .at("words")
}

/// The day on which words were replaced, as the act says.
fn day_of(old: &ReplacedRoot) -> Option<String> {
    let at = Timestamp::from_second(old.at).ok()?;
    Some(at.to_zoned(TimeZone::UTC).date().to_string())
}

/// The refusal of words that this chain has replaced.
pub(super) fn if_replaced(
    root: &RootSecret,
    governance: &sync_protocol::Governance,
) -> Option<Refusal> {
    let is = |old: &&ReplacedRoot| root.belongs_to(VerifyKey::from(old.key), old.recovery);
    let old = governance.replaced().iter().find(is)?;
    Some(replaced_words(day_of(old).as_deref()))
}

impl<S: Storage> Replica<S> {
    /// From now on these recovery words count, and no others.
    ///
    /// # Errors
    /// When this seat is no owner's, or the words counted before.
    pub fn renew_words(&mut self, now: Timestamp, root: &RootSecret) -> Result<Proposal, Refusal> {
        self.must_own("replace the recovery words")?;
        let governance = self.ledger.governance();
        if let Some(refusal) = if_replaced(root, governance) {
            return Err(refusal);
        }
        let recovery = root.recovery().public();
        if root.belongs_to(VerifyKey::from(*governance.root()), governance.recovery()) {
            return Ok(Proposal::Done);
        }
        let grant = RootGrant::new(self.org(), &root.signing_key(), recovery);
        self.make_act(now, What::AddRecovery(grant))
    }

    /// Lets managers in to clinical cards, or out.
    ///
    /// # Errors
    /// When this seat is no owner's.
    pub fn let_managers_in(&mut self, now: Timestamp, open: bool) -> Result<Proposal, Refusal> {
        self.must_own("decide who reads clinical cards")?;
        let governance = self.ledger.governance();
        if governance.policy().clinical_for_managers == open {
            return Ok(Proposal::Done);
        }
        let managers = governance.seats().filter(|(_, state)| {
            let role = state.role();
            !open && role == Some(Role::Manager)
        });
        let seats: Vec<_> = managers.map(|(seat, _)| seat).collect();
        let last = self.ledger.written_by(&seats);
        let what = What::SetPolicy {
            compartment: Policy::CLINICAL,
            role: Role::Manager,
            open,
            last,
        };
        self.make_act(now, what)
    }
}
