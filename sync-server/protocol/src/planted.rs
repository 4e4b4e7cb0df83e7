//! Faults in the rules that tests switch on, to see that the checks around them notice.
//!
//! All are off, and cannot be switched on, unless the feature `planted` is there.

use std::cell::Cell;

thread_local! {
    static AT_BIRTH: Cell<PlantedRules> = const { Cell::new(PlantedRules::NONE) };
}

/// Chains that begin on this thread from now on follow these rules.
#[cfg(feature = "planted")]
pub fn plant_at_birth(rules: PlantedRules) {
    AT_BIRTH.set(rules);
}

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
pub struct PlantedRules {
    /// Entries are judged by the role that a seat has now, not by that at the height they name.
    pub role_of_now: bool,
    /// Entries are judged by the role at the height they name alone, so that an old height keeps an
    /// old role.
    pub role_of_then: bool,
    /// A code lets in whoever brings it, however often.
    pub codes_count_twice: bool,
    /// A code does not end.
    pub codes_never_end: bool,
    /// Acts count whoever signed them.
    pub unsigned_acts: bool,
}

impl PlantedRules {
    const NONE: Self = Self {
        role_of_now: false,
        role_of_then: false,
        codes_count_twice: false,
        codes_never_end: false,
        unsigned_acts: false,
    };

    /// Those of a chain that begins now.
    pub(crate) fn at_birth() -> Self {
        AT_BIRTH.get()
    }
}
