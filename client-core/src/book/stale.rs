//! What has to be read again before what follows from the documents is up to date.
//!
//! Whoever changes a document says here what that touches; whoever asks gets everything up to date.
//! In between nothing is computed, so a thousand changes that arrive together are followed once.

use std::{
    collections::BTreeSet,
    sync::{Mutex, OnceLock, PoisonError},
};

use conflict_rules::{AppointmentId, DecisionId};
use schedule::{CheckedChange, WeekKey, Write};

use super::{Book, derived::Derived};

/// What has to be read again.
#[derive(Debug, Default)]
pub(super) struct Stale {
    pub(super) all: bool,
    pub(super) capacities: bool,
    /// Weeks in which anything may read differently.
    pub(super) weeks: BTreeSet<WeekKey>,
    pub(super) claims: BTreeSet<(WeekKey, AppointmentId)>,
    /// Weeks whose decisions may read differently.
    pub(super) decisions: BTreeSet<WeekKey>,
    /// Decisions that may stand in another order.
    pub(super) ranks: BTreeSet<DecisionId>,
}

impl Stale {
    const fn everything() -> Self {
        Self {
            all: true,
            capacities: true,
            weeks: BTreeSet::new(),
            claims: BTreeSet::new(),
            decisions: BTreeSet::new(),
            ranks: BTreeSet::new(),
        }
    }

    /// What a change wrote to.
    pub(super) fn change(&mut self, week: WeekKey, change: &CheckedChange) {
        if self.all || self.weeks.contains(&week) {
            return;
        }
        for write in change.writes() {
            match write {
                Write::Origin(id) | Write::Placement(id, _) | Write::State(id, _) => {
                    self.claims.insert((week, id));
                }
                Write::Decision(id) => {
                    self.decisions.insert(week);
                    self.ranks.insert(id);
                }
                Write::Pointer(_) => {}
            }
        }
    }

    /// Anything in a week may read differently.
    pub(super) fn week(&mut self, week: WeekKey) {
        self.weeks.insert(week);
    }

    pub(super) fn capacities(&mut self) {
        self.capacities = true;
    }

    /// The order of these decisions may be another.
    pub(super) fn ranks(&mut self, decisions: impl IntoIterator<Item = DecisionId>) {
        self.ranks.extend(decisions);
    }
}

/// Either up to date, or what it was and what has to be read again.
#[derive(Debug)]
pub(super) struct Followed {
    now: OnceLock<Derived>,
    before: Mutex<(Derived, Stale)>,
}

impl Default for Followed {
    fn default() -> Self {
        Self {
            now: OnceLock::new(),
            before: Mutex::new((Derived::default(), Stale::everything())),
        }
    }
}

impl Followed {
    /// To say what is stale.
    pub(super) fn stale(&mut self) -> &mut Stale {
        let before = self.before.get_mut();
        let before = before.unwrap_or_else(PoisonError::into_inner);
        if let Some(derived) = self.now.take() {
            *before = (derived, Stale::default());
        }
        &mut before.1
    }

    pub(super) fn get(&self, book: &Book) -> &Derived {
        self.now.get_or_init(|| {
            let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
            let nothing = (Derived::default(), Stale::everything());
            let (mut derived, stale) = core::mem::replace(&mut *before, nothing);
            derived.follow(book, &stale);
            derived
        })
    }
}
