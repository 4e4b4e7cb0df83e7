//! Who may hand out which key.
//!
//! Whoever holds a public key can seal to it, so it is the signature around a row and this table
//! that make a wrap worth trusting.

use sync_protocol::Role;

use super::RowAuthor;
use crate::sealing::{KeyRow, Recipient, holds_key_of};

pub(super) fn may_write(row: &KeyRow, author: RowAuthor) -> bool {
    match row {
        KeyRow::Role { role, to, .. } => match (author.role, to) {
            (Role::Owner, Recipient::Role { role: holder, .. }) => holds_key_of(*holder, *role),
            (Role::Owner, Recipient::Seat(_) | Recipient::Recovery) => true,
            (_, Recipient::Seat(seat)) => {
                (*seat == author.seat && *role == author.role)
                    || (*role != author.role && holds_key_of(author.role, *role))
            }
            (_, Recipient::Recovery | Recipient::Role { .. }) => false,
        },
        KeyRow::Compartment {
            role, compartment, ..
        } => author.role == Role::Owner && compartment.read_under(author.policy, *role),
        KeyRow::Subject { compartment, .. } => {
            compartment.written_under(author.policy, author.role)
        }
    }
}
