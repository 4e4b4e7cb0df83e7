//! A relay that lies: the real core, and somebody who changes what it says to one desk.
//!
//! ```text
//!  desk 0, 2 ── frames ───────────────── Organisation
//!  desk 1    ── frames ── Malice ──┘         (it holds the relay's key, so it signs what it likes)
//! ```
//!
//! Each attack runs through the same scene: an honest morning, the attack while people work, then
//! an honest relay again. What the desks noticed is told; once an owner has agreed, nothing that
//! was saved may be missing anywhere.
//!
//! Start with [`run`].

mod bend;
mod lies;
mod scene;

use std::collections::BTreeSet;

use client_core::catalogue::AlarmCode;

pub(crate) use bend::Malice;
pub use scene::run;

/// What the relay does to its victim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attack {
    /// What the victim sends vanishes.
    DropUp,
    /// What others wrote does not reach the victim, who was told that it exists.
    DropDown,
    /// Items of a frame come in another order under the same head.
    Reorder,
    /// Everything comes twice.
    Replay,
    /// An old head is shown as the newest, signed afresh.
    RollBack,
    /// The relay's data are replaced with an old copy.
    OldCopy,
    /// An entry is left out, and heads are signed over what is left.
    Fork,
    /// A seat that nobody let in.
    GhostSeat,
    /// A sealing key of a seat is exchanged in the act that brings it.
    SwappedKey,
    /// The removal of a seat is left out, and what follows moves up.
    StrippedRemoval,
    /// Rows of keys do not reach the victim.
    KeysWithheld,
    /// A slot is confirmed while confirmations are paused.
    GrantedInPause,
    /// On a connection that was in step, what others write no longer comes.
    Silent,
}

impl Attack {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::DropUp,
        Self::DropDown,
        Self::Reorder,
        Self::Replay,
        Self::RollBack,
        Self::OldCopy,
        Self::Fork,
        Self::GhostSeat,
        Self::SwappedKey,
        Self::StrippedRemoval,
        Self::KeysWithheld,
        Self::GrantedInPause,
        Self::Silent,
    ];

    /// Which relay of the histories lies, and how: one of seven.
    pub(crate) fn in_history(seed: u64) -> Option<Self> {
        let which = usize::try_from(seed / 7).unwrap_or(0) % Self::ALL.len();
        (seed % 7 == 6).then_some(Self::ALL[which])
    }

    /// As the distribution has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::DropUp => "attack: drops what is sent",
            Self::DropDown => "attack: drops what comes",
            Self::Reorder => "attack: reorders",
            Self::Replay => "attack: replays",
            Self::RollBack => "attack: shows old heads",
            Self::OldCopy => "attack: puts an old copy back",
            Self::Fork => "attack: tells two stories",
            Self::GhostSeat => "attack: adds a ghost",
            Self::SwappedKey => "attack: swaps a key",
            Self::StrippedRemoval => "attack: leaves a removal out",
            Self::KeysWithheld => "attack: withholds keys",
            Self::GrantedInPause => "attack: grants in the pause",
            Self::Silent => "attack: falls silent",
        }
    }

    /// One of these must be told by some desk; none where the attack does no harm.
    pub const fn told_as(self) -> &'static [AlarmCode] {
        match self {
            Self::DropUp | Self::DropDown | Self::Silent => &[AlarmCode::Stalled],
            Self::Reorder => &[AlarmCode::WrongChain],
            Self::Replay => &[],
            Self::RollBack => &[AlarmCode::WentBack],
            Self::OldCopy | Self::GrantedInPause => &[AlarmCode::RelayRestored],
            Self::Fork => &[AlarmCode::Fork],
            Self::GhostSeat | Self::SwappedKey | Self::StrippedRemoval => &[AlarmCode::FalseChain],
            Self::KeysWithheld => &[AlarmCode::Stalled, AlarmCode::Waiting],
        }
    }

    /// The same in the middle of everything else, where the victim may have signed in again since: a
    /// story that does not fit what it holds then looks like a loss of data.
    pub const fn told_in_passing(self) -> &'static [AlarmCode] {
        match self {
            Self::Fork => &[
                AlarmCode::Fork,
                AlarmCode::WrongChain,
                AlarmCode::Stalled,
                AlarmCode::RelayRestored,
                AlarmCode::RelayRolledBack,
            ],
            Self::RollBack => &[
                AlarmCode::WentBack,
                AlarmCode::RelayRestored,
                AlarmCode::RelayRolledBack,
            ],
            other => other.told_as(),
        }
    }

    /// Whether it begins with an old copy of the relay's data.
    pub(crate) const fn needs_old_copy(self) -> bool {
        matches!(self, Self::OldCopy | Self::GrantedInPause)
    }
}

/// What became of an attack.
#[derive(Debug)]
pub struct Outcome {
    /// How often the relay lied.
    pub lies: u64,
    /// What all desks together told while it went on.
    pub told: BTreeSet<AlarmCode>,
    /// Whether the victim believed to be in step at the end of it.
    pub in_step: bool,
}
