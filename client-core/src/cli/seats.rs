//! `daybook seat`: several people at one computer.

use std::path::PathBuf;

use clap::Subcommand;

use super::{args::RoleArg, print::Printer, run::first_line};
use crate::{
    catalogue::{HomeReply, HomeRequest, Refusal, SeatHere},
    home::Home,
};

/// Several people at one computer.
#[derive(Debug, Subcommand)]
pub enum Seat {
    /// Give one more person a seat at this computer (owners and managers).
    Add {
        /// What the person is called here.
        name: String,
        /// The role of the seat.
        #[arg(long, value_enum)]
        role: RoleArg,
        /// File whose first line is the person's PIN.
        #[arg(long, value_name = "FILE")]
        new_pin_file: PathBuf,
    },
    /// Give a seat at this computer to somebody who brings a code.
    Join {
        /// The code as `invite` printed it.
        code: String,
        /// What the person is called here.
        name: String,
        /// File whose first line is the person's PIN.
        #[arg(long, value_name = "FILE")]
        new_pin_file: PathBuf,
    },
    /// List who works at this computer.
    List,
    /// Set the PIN of who is at the desk.
    Pin {
        /// File whose first line is the new PIN.
        #[arg(long, value_name = "FILE")]
        new_pin_file: PathBuf,
    },
    /// Let who is at the desk begin the day with a passphrase of their own.
    Passphrase {
        /// File whose first line is the new passphrase.
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: PathBuf,
    },
}

pub(super) fn run(home: &Home, seat: Seat, printer: &mut Printer<'_>) -> Result<(), Refusal> {
    let pin = |file: &PathBuf| first_line(file, "new_pin_file");
    let request = match seat {
        Seat::Add {
            name,
            role,
            new_pin_file,
        } => HomeRequest::AddSeat {
            name,
            role: role.into(),
            pin: pin(&new_pin_file)?,
        },
        Seat::Join {
            code,
            name,
            new_pin_file,
        } => HomeRequest::JoinSeat {
            code,
            name,
            pin: pin(&new_pin_file)?,
        },
        Seat::List => HomeRequest::Seats,
        Seat::Pin { new_pin_file } => HomeRequest::SetPin {
            pin: pin(&new_pin_file)?,
        },
        Seat::Passphrase {
            new_passphrase_file,
        } => HomeRequest::SetPassphrase {
            passphrase: first_line(&new_passphrase_file, "new_passphrase_file")?,
        },
    };
    printer.home_reply(&home.request(request)?)
}

/// A line for each person.
pub(super) fn lines(reply: &HomeReply) -> Vec<String> {
    let HomeReply::Seats { seats } = reply else {
        return Vec::new();
    };
    seats.iter().map(line).collect()
}

fn line(seat: &SeatHere) -> String {
    let role = seat.role.map_or("not part of the practice", |role| {
        use crate::catalogue::StaffRole;
        match role {
            StaffRole::Owner => "owner",
            StaffRole::Manager => "manager",
            StaffRole::Vet => "vet",
            StaffRole::Groomer => "groomer",
            StaffRole::Receptionist => "receptionist",
        }
    });
    let name = seat.name.as_deref().unwrap_or("(no name)");
    let mut line = format!("{}  {name}  {role}", seat.id);
    for (is, word) in [
        (seat.pin, "PIN"),
        (seat.passphrase, "passphrase"),
        (seat.pin_locked, "too many wrong PINs"),
        (seat.here, "at the desk"),
    ] {
        if is {
            line.push_str(", ");
            line.push_str(word);
        }
    }
    line
}
