//! `daybook people`: who belongs to the practice, and who does not any more.

use clap::{Args, Subcommand, ValueEnum};
use sync_protocol::{DeviceId, SeatId};

use super::{args::RoleArg, names::id, print::Printer};
use crate::{
    catalogue::{
        Answer, Command, EditEntry, HomeRequest, InvitationView, MaskedReason, MaskedView,
        PeopleView, Query, Refusal, SeatView, StaffRole,
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
    /// Make somebody an owner in your place: they become one, then you become something else.
    HandOver {
        /// `seat_...`, as `people list` prints it.
        seat: String,
        /// What you are from then on.
        #[arg(long, value_enum, default_value = "manager")]
        become_role: RoleArg,
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
        People::HandOver { seat, become_role } => HomeRequest::HandOver {
            seat: id::<SeatId>(&seat, "seat")?.to_string(),
            role: become_role.into(),
        },
        People::Revoke { invite } => HomeRequest::RevokeInvite { invite },
    };
    printer.home_reply(&home.request(request)?)
}

/// What owners decide beyond the table of roles.
#[derive(Debug, Args)]
pub struct PolicyWish {
    /// Whether managers read clinical cards.
    #[arg(long, value_enum, value_name = "YES|NO")]
    managers_read_clinical: Option<YesNo>,
}

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum YesNo {
    /// They do.
    Yes,
    /// They do not.
    No,
}

pub(super) fn policy(
    home: &Home,
    wish: &PolicyWish,
    printer: &mut Printer<'_>,
) -> Result<(), Refusal> {
    if let Some(wish) = wish.managers_read_clinical {
        let managers_read_clinical = wish == YesNo::Yes;
        let request = HomeRequest::SetPolicy {
            managers_read_clinical,
        };
        return printer.home_reply(&home.request(request)?);
    }
    match home.query(Query::People)? {
        Answer::People(people) => printer.policy(people.managers_read_clinical),
        _ => Ok(()),
    }
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
