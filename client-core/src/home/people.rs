//! Ending seats and devices, other roles, calling invitations back; and what a removed computer does.
//!
//! A computer that learns by the chain itself that it was removed drops every key it held of the
//! practice, keeps its log, and opens nothing any more.

use entry_log::DirStorage;
use jiff::Timestamp;
use sync_protocol::Role;

use super::{Desk, Home, PATIENCE, keys, locked};
use crate::{
    catalogue::{ErrorCode, HomeReply, Refusal, StaffRole},
    replica::{Proposal, Replica},
    store::Folder,
};

/// Says on the disk that this computer was removed.
const MARK: &str = "removed";

impl Home {
    pub(super) fn remove_seat(&self, seat: &str) -> Result<HomeReply, Refusal> {
        let seat = id_of("seat", seat)?;
        self.govern(|replica, now| {
            if replica.seat() == seat {
                return Err(oneself());
            }
            replica.remove_seat(now, seat)
        })
    }

    pub(super) fn remove_device(&self, device: &str) -> Result<HomeReply, Refusal> {
        let device = id_of("device", device)?;
        self.govern(|replica, now| {
            if replica.device() == device {
                return Err(oneself());
            }
            replica.remove_device(now, device)
        })
    }

    pub(super) fn set_role(&self, seat: &str, role: StaffRole) -> Result<HomeReply, Refusal> {
        let seat = id_of("seat", seat)?;
        self.govern(|replica, now| replica.set_role(now, seat, role))
    }

    pub(super) fn revoke_invite(&self, invite: &str) -> Result<HomeReply, Refusal> {
        let invite = id_of("invite", invite)?;
        self.govern(|replica, now| replica.revoke_invite(now, invite))
    }

    /// Makes an act, waits until it stands, and hands out at once what it makes necessary.
    pub(super) fn govern(
        &self,
        make: impl FnOnce(&mut Replica<DirStorage>, Timestamp) -> Result<Proposal, Refusal>,
    ) -> Result<HomeReply, Refusal> {
        let relay = self.shared.lock().as_ref().ok_or_else(locked)?.has_relay();
        if relay {
            self.connect()?;
            self.wait_in_step(PATIENCE)?;
        }
        let proposal = {
            let mut held = self.shared.lock();
            let desk = held.as_mut().ok_or_else(locked)?;
            make(&mut desk.replica, self.now())?
        };
        if let Proposal::Proposed(act) = proposal {
            self.wrote();
            self.wait_for_act(&act, PATIENCE)?;
        }
        let rotated = {
            let mut held = self.shared.lock();
            let desk = held.as_mut().ok_or_else(locked)?;
            // The session may have paid already, when the act came back.
            desk.replica.pay_owed(self.now(), &mut desk.random)?;
            desk.replica.role() == Some(Role::Owner) && desk.replica.owed().is_empty()
        };
        self.wrote();
        if relay {
            self.wait_in_step(PATIENCE)?;
        }
        self.shared.tell(vec![super::all_changed()]);
        Ok(HomeReply::Governed { rotated })
    }

    /// Whether this computer was removed from the practice.
    pub(super) fn is_removed(&self) -> bool {
        self.folder.path().join(MARK).exists()
    }

    /// Why nothing is open.
    pub(super) fn closed(&self) -> Refusal {
        if self.is_removed() {
            removed()
        } else {
            locked()
        }
    }
}

/// This computer is not part of the practice any more.
pub(super) fn removed() -> Refusal {
    Refusal::new(
        ErrorCode::Removed,
        "This computer was removed from the practice.",
        "What was written here is kept in its log, but its keys are gone. To work here again, ask an \
         owner for a code and join in a new home.",
    )
}

/// The person at the desk is not part of the practice any more; others here still are.
pub(super) fn dismissed() -> Refusal {
    Refusal::new(
        ErrorCode::Removed,
        "This seat was removed from the practice.",
        "Somebody else who works at this computer can unlock it.",
    )
}

pub(super) fn id_of<T: std::str::FromStr>(field: &str, text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|_| {
        Refusal::new(
            ErrorCode::InvalidInput,
            format!("This is not the id of a {field}."),
            "Take it from the list of people.",
        )
        .at(field)
    })
}

/// The first act of a hand-over stands and the second does not.
pub(super) fn half_handed_over(why: Refusal) -> Refusal {
    Refusal {
        message: format!(
            "The other person is an owner now, and you still are one too. {}",
            why.message
        ),
        ..why
    }
}

pub(super) fn handed_to_oneself() -> Refusal {
    Refusal::new(
        ErrorCode::InvalidInput,
        "The practice is handed over to somebody else, and who did it is an owner no more.",
        "Name another seat, and another role than owner for this one.",
    )
    .at("seat")
}

fn oneself() -> Refusal {
    Refusal::new(
        ErrorCode::NotAllowed,
        "Nobody removes the seat or the computer they are working with.",
        "Another owner can do it, from another computer.",
    )
}

/// The chain says that the seat at the desk is gone: its keys leave the disk, and those of all others
/// here that are gone too. Dropping the desk drops the keys in memory.
pub(super) fn leave(folder: &Folder, desk: Desk) -> Result<Refusal, Refusal> {
    let Desk {
        replica,
        mut random,
        mut keys,
        ..
    } = desk;
    let governance = replica.ledger().governance();
    let known: Vec<_> = keys.seats().iter().map(|known| known.seat).collect();
    for seat in known {
        let state = governance.seat(seat);
        if state.is_some_and(|state| state.role().is_none()) {
            keys.forget_seat(seat);
        }
    }
    let nobody = keys.seats().is_empty();
    let bytes = keys.seal(&mut random).map_err(|error| keys::slot(&error))?;
    let stored = |error: std::io::Error| super::storage(&error);
    if nobody {
        folder
            .write(&folder.path().join(MARK), governance.head().as_bytes())
            .map_err(stored)?;
    }
    folder.write(&folder.keys(), &bytes).map_err(stored)?;
    Ok(if nobody { removed() } else { dismissed() })
}
