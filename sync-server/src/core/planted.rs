//! Faults that tests switch on, to see that the checks around the relay notice them.
//!
//! All are off, and cannot be switched on, unless the feature `planted` is there.

/// Which faults are switched on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "planted"),
    allow(unreachable_pub, reason = "public only where it can be used")
)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a fault of its own, in any combination"
)]
pub struct Planted {
    /// Effects leave before the log is synced, which happens at the next input.
    pub ack_before_sync: bool,
    /// Entries are taken without looking at signature and rights.
    pub skip_verify: bool,
    /// Schedule changes are forwarded although their parents are missing.
    pub drop_dependency: bool,
    /// Visits that only touch are treated as overlapping.
    pub off_by_one_slot: bool,
    /// Refused placements are not told to anybody.
    pub forget_refusal: bool,
    /// An entry that comes twice stands twice.
    pub no_idempotence: bool,
    /// Every placement is granted.
    pub grant_without_check: bool,
    /// A cancelled visit keeps its slot.
    pub keep_cancelled: bool,
    /// A removed seat's device goes on reading.
    pub keep_removed: bool,
    /// Slots are confirmed although data was lost and no owner has agreed.
    pub no_pause: bool,
    /// Bodies that an erasure took are kept, taken and told like others.
    pub serve_purged: bool,
}
