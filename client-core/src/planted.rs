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
}

impl<S: entry_log::Storage> crate::replica::Replica<S> {
    /// Switches faults on.
    pub fn plant(&mut self, planted: PlantedDesk) {
        self.ledger.governance.plant(planted.rules);
        self.ledger.faults.keep_late_work = planted.keep_late_work;
        self.ledger.faults.no_witness = planted.no_witness;
        self.keyring.trusts_anybody = planted.keys_from_anybody;
        self.forgets_a_role = planted.rotation_forgets;
    }
}
