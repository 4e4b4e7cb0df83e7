//! Acts of the governance chain in words.

use sync_protocol::{Act, Author, Role, SeatId, What};

use crate::catalogue::AuditChange;

/// Whether an act was made by a seat, or is about it.
pub(super) fn concerns(act: &Act, seat: SeatId) -> bool {
    let by = matches!(act.author, Author::Seat(author) if author == seat);
    let about = match &act.what {
        What::Genesis { seat: grant, .. } | What::AddSeat { seat: grant, .. } => grant.seat == seat,
        What::SetRole { seat: whose, .. } | What::RemoveSeat { seat: whose, .. } => *whose == seat,
        What::AddDevice(_)
        | What::Invite { .. }
        | What::PinRelayKey { .. }
        | What::RelayRestore { .. }
        | What::RemoveDevice { .. }
        | What::RevokeInvite { .. }
        | What::Erasure(_)
        | What::AddRecovery(_)
        | What::SetPolicy { .. } => false,
    };
    by || about
}

fn a(role: Role) -> String {
    let article = if role == Role::Owner { "an" } else { "a" };
    format!("{article} {role}")
}

/// What an act did.
pub(super) fn told(act: &Act) -> Vec<AuditChange> {
    let said = match &act.what {
        What::Genesis { seat, .. } => {
            AuditChange::said("The practice was founded").about(seat.seat)
        }
        What::AddDevice(device) => AuditChange::said("A computer was added").about(device.device),
        What::Invite { id, role, .. } => {
            AuditChange::said(format!("An invitation for {} was made", a(*role))).about(id)
        }
        What::AddSeat { seat, invite, .. } => {
            let how = match invite {
                Some(_) => "joined by invitation",
                None => "was added at this computer",
            };
            let text = format!("{} {how}", capital(&a(seat.role)));
            AuditChange::said(text).about(seat.seat)
        }
        What::SetRole { seat, role, .. } => {
            AuditChange::said(format!("The role became {role}")).about(seat)
        }
        What::RemoveSeat { seat, .. } => AuditChange::said("A person was removed").about(seat),
        What::PinRelayKey {
            address, standby, ..
        } => {
            let spare = match standby {
                Some(_) => "with a spare key",
                None => "without a spare key",
            };
            let text = format!("The relay's key was set, {spare}");
            AuditChange::said(text).values(None, Some(address.clone()))
        }
        What::RelayRestore { epoch } => AuditChange::said(format!(
            "The relay that had lost data may confirm again, from epoch {epoch} on"
        )),
        What::RemoveDevice { device, .. } => {
            AuditChange::said("A computer was removed with everybody on it").about(device)
        }
        What::Erasure(erasing) => AuditChange::said("A client was erased").about(erasing.id),
        What::AddRecovery(_) => AuditChange::said("The recovery words were replaced"),
        What::SetPolicy { role, open, .. } => {
            let what = if *open { "let in to" } else { "let out of" };
            AuditChange::said(format!("Every {role} was {what} clinical cards"))
        }
        What::RevokeInvite { invite } => {
            AuditChange::said("An invitation was called back").about(invite)
        }
    };
    vec![said]
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}
