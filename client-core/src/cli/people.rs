//! `daybook people`: who belongs to the practice, and who does not any more.

use clap::Subcommand;
use sync_protocol::{DeviceId, SeatId};

use super::{args::RoleArg, names::id, print::Printer};
use crate::{
    catalogue::{
        Command, EditEntry, HomeRequest, InvitationView, MaskedReason, MaskedView, PeopleView,
        Query, Refusal, SeatView, StaffRole,
    },
    home::Home,
    replica::role_of,
};

/// Who belongs to the practice.
#[derive(Debug, Subcommand)]
pub enum People {
    /// Seats, invitations, and what was written without the right to.
    List,
    /// End a seat, or a device with all its seats. New keys are made at once.
    Remove {
        /// `seat_...` or `dev_...`, as `people list` prints them.
        who: String,
    },
    /// Give a seat another role.
    Role {
        /// `seat_...`, as `people list` prints it.
        seat: String,
        /// The role from now on.
        #[arg(value_enum)]
        role: RoleArg,
    },
    /// Say what a seat is called, for everybody who looks at the list or at a review.
    Name {
        /// `seat_...`, as `people list` prints it.
        seat: String,
        /// Its name, as "Ann" or "Front desk 2".
        name: String,
    },
    /// Call an invitation back before it is used.
    Revoke {
        /// `inv_...`, as `people list` prints it.
        invite: String,
    },
}

pub(super) fn run(home: &Home, people: People, printer: &mut Printer<'_>) -> Result<(), Refusal> {
    let request = match people {
        People::List => return printer.answer(&home.query(Query::People)?),
        People::Remove { who } => {
            if let Ok(device) = who.parse::<DeviceId>() {
                let device = device.to_string();
                HomeRequest::RemoveDevice { device }
            } else {
                let seat = id::<SeatId>(&who, "seat or device")?.to_string();
                HomeRequest::RemoveSeat { seat }
            }
        }
        People::Role { seat, role } => HomeRequest::SetRole {
            seat,
            role: role.into(),
        },
        People::Name { seat, name } => {
            let seat = id::<SeatId>(&seat, "seat")?.to_string();
            let wish = EditEntry {
                of: seat,
                name: Some(name),
                colour: None,
                retired: None,
            };
            return printer.reply(&home.execute(Command::EditEntry(wish))?);
        }
        People::Revoke { invite } => HomeRequest::RevokeInvite { invite },
    };
    printer.home_reply(&home.request(request)?)
}

pub(super) fn lines(people: &PeopleView) -> Vec<String> {
    let mut lines: Vec<String> = people.seats.iter().map(seat).collect();
    lines.extend(people.invitations.iter().map(invitation));
    lines.extend(people.masked.iter().map(masked));
    lines
}

fn seat(seat: &SeatView) -> String {
    let mut words = vec![seat.id.clone(), role(seat.role), seat.device.clone()];
    words.extend(seat.name.clone());
    words.extend(seat.here.then(|| "this seat".to_owned()));
    words.extend(seat.removed.then(|| "removed".to_owned()));
    words.extend((!seat.keys).then(|| "waits for its keys".to_owned()));
    words.extend(seat.compare.as_ref().map(|number| match number.as_str() {
        "" => "to be compared".to_owned(),
        number => format!("to be compared: {number}"),
    }));
    words.join("  ")
}

fn invitation(invitation: &InvitationView) -> String {
    let state = match (invitation.used, invitation.revoked) {
        (true, _) => "used",
        (false, true) => "called back",
        (false, false) => "open",
    };
    let role = role(invitation.role);
    format!(
        "{}  {role}  until {}  {state}",
        invitation.id, invitation.expires
    )
}

fn role(role: StaffRole) -> String {
    role_of(role).as_str().to_owned()
}

fn masked(entry: &MaskedView) -> String {
    let reason = match entry.reason {
        MaskedReason::Removed => "written after the seat was removed",
        MaskedReason::Role => "not for this role to write",
        MaskedReason::NotMember => "not a member then",
    };
    let mut words = vec![
        "counts for nothing".to_owned(),
        entry.seat.clone(),
        entry.at.to_string(),
        entry.feed.clone(),
        reason.to_owned(),
    ];
    words.extend(entry.visits.iter().cloned());
    words.join("  ")
}
