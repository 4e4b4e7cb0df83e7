//! Faults of a desk that tests switch on, to see that the checks around it notice them.
//!
//! All are off, and cannot be switched on, unless the feature `planted` is there.

use sync_protocol::planted::PlantedRules;

/// Which faults are switched on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a fault of its own, in any combination"
)]
pub struct PlantedDesk {
    /// In the rules that it follows.
    pub rules: PlantedRules,
    /// What a removed seat wrote too late stays as it is until the next start.
    pub keep_late_work: bool,
    /// After a removal the keys of one role are not made anew.
    pub rotation_forgets: bool,
    /// Rows of the key table count whoever wrote them.
    pub keys_from_anybody: bool,
    /// What others were told is not held against what this desk was told.
    pub no_witness: bool,
    /// What waits is sent before the acts that the relay has more of are here.
    pub uploads_first: bool,
    /// Keys that an erasure took stay, and rows of erased clients are learned like others.
    pub learns_erased: bool,
}

impl<S: entry_log::Storage> crate::replica::Replica<S> {
    /// Switches faults on.
    pub fn plant(&mut self, planted: PlantedDesk) {
        self.ledger.governance.plant(planted.rules);
        self.ledger.faults.keep_late_work = planted.keep_late_work;
        self.ledger.faults.no_witness = planted.no_witness;
        self.keyring.trusts_anybody = planted.keys_from_anybody;
        self.keyring.learns_erased = planted.learns_erased;
        self.session.uploads_first = planted.uploads_first;
        self.forgets_a_role = planted.rotation_forgets;
    }
}
