//! Commands and queries: what faces may ask, carried out on a replica.
//!
//! A command is checked in full before anything is written; a refusal changes nothing. What is
//! refused names the field, the way out and, for slots, what is free instead. No refusal repeats
//! what was typed.
//!
//! Start with [`Replica::execute`] and [`Replica::query`]; one file per kind of command.

mod acts;
mod alarms;
mod audit;
mod cards;
pub(crate) mod checks;
mod decide;
mod people;
mod practice;
mod records;
mod restriction;
mod retention;
mod shape;
mod state;
mod sweeps;
mod undo;
mod visits;

use entry_log::Storage;
use jiff::Timestamp;
use rand_core::CryptoRng;

use crate::{
    catalogue::{Answer, ClientId, Command, Query, Refusal, Reply, StaffRole},
    replica::{Replica, face, not_found},
};

pub(crate) use undo::Steps;

/// A reply without warnings.
pub(crate) fn done(id: impl core::fmt::Display, undo: impl Into<Option<u64>>, said: &str) -> Reply {
    Reply {
        id: id.to_string(),
        undo: undo.into(),
        warnings: Vec::new(),
        said: said.to_owned(),
    }
}

/// Most results of a search.
const MAX_FOUND: u32 = 1000;

fn page(limit: Option<u32>, usual: u32) -> usize {
    usize::try_from(limit.unwrap_or(usual).min(MAX_FOUND)).unwrap_or(0)
}

impl<S: Storage> Replica<S> {
    /// Carries a command out. When this returns a reply, its effects are durable on this machine.
    pub fn execute(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        command: Command,
    ) -> Result<Reply, Refusal> {
        match command {
            Command::AddLocation(new) => self.add_location(now, rng, &new),
            Command::AddStaff(new) => self.add_staff(now, rng, &new),
            Command::AddRoom(new) => self.add_room(now, rng, &new),
            Command::AddService(new) => self.add_service(now, rng, &new),
            Command::SetHours(wish) => self.set_hours(now, rng, &wish),
            Command::EditEntry(wish) => self.edit_entry(now, rng, &wish),
            Command::SetLease { days } => self.set_lease(now, rng, days),
            Command::AddClient(new) => self.add_client(now, rng, &new),
            Command::EditClient(wish) => self.edit_client(now, rng, &wish),
            Command::HoldClient(wish) => self.hold_client(now, rng, &wish),
            Command::RestrictClient(wish) => self.restrict_client(now, rng, &wish),
            Command::SetRetention(wish) => self.set_retention(now, rng, &wish),
            Command::AddPet(new) => self.add_pet(now, rng, &new),
            Command::EditPet(wish) => self.edit_pet(now, rng, &wish),
            Command::AddCardNote(new) => self.add_card_note(now, rng, &new),
            Command::WithdrawCardNote(wish) => self.withdraw_card_note(now, rng, &wish),
            Command::Book(wish) => self.book_visit(now, rng, &wish),
            Command::Block(wish) => self.block(now, rng, &wish),
            Command::Move(wish) => self.move_visit(now, rng, &wish),
            Command::Cancel(wish) => self.cancel(now, rng, &wish),
            Command::SetState(wish) => self.set_state(now, rng, &wish),
            Command::EditVisit(wish) => self.edit_visit(now, rng, &wish),
            Command::Decide(wish) => self.decide(now, rng, &wish),
            Command::Undo(wish) => self.undo(now, rng, &wish),
            Command::TakeBackFrom(wish) => self.take_back_from(now, rng, &wish),
        }
    }

    fn no_client(&self, client: ClientId) -> Refusal {
        let erased = self.refused_as_erased(client);
        erased.unwrap_or_else(|| not_found("client", "client"))
    }

    /// Answers a query.
    pub fn query(&mut self, now: Timestamp, query: Query) -> Result<Answer, Refusal> {
        let now = self.clock.corrected(now);
        let role = self
            .role()
            .and_then(face)
            .unwrap_or(StaffRole::Receptionist);
        Ok(match query {
            Query::Practice => Answer::Practice(self.book.practice_view(role)),
            Query::Day { location, date } => Answer::Day(
                self.book
                    .day_view(location, date)
                    .ok_or_else(|| not_found("location", "site"))?,
            ),
            Query::Visit { appointment } => Answer::Visit(
                self.book
                    .visit_details(appointment)
                    .ok_or_else(|| not_found("appointment", "visit"))?,
            ),
            Query::Free(wish) => {
                if let Some(minutes) = wish.minutes {
                    checks::minutes("minutes", minutes)?;
                }
                Answer::Free {
                    slots: self.book.free(&wish, now)?,
                }
            }
            Query::Search { text, limit } => {
                let text = checks::name("text", &text).unwrap_or_default();
                let (clients, total) = self.book.search(&text, page(limit, 20));
                Answer::Found { clients, total }
            }
            Query::Client { client } => Answer::Client(
                self.book
                    .client_view(client, &|seat| self.name_of(seat))
                    .ok_or_else(|| self.no_client(client))?,
            ),
            Query::Cards { client } if self.book.client(client).is_none() => {
                return Err(self.no_client(client));
            }
            Query::Cards { client } => Answer::Cards(self.cards(client)?),
            Query::Audit(wish) => Answer::Audit(self.audit(&wish)?),
            Query::Clients { skip, limit } => {
                let skip = usize::try_from(skip.unwrap_or(0)).unwrap_or(usize::MAX);
                let (clients, total) = self.book.clients(skip, page(limit, 100));
                Answer::Found { clients, total }
            }
            Query::Reviews => Answer::Reviews {
                reviews: self.reviews(now),
            },
            Query::Clashes => Answer::Clashes {
                clashes: self.book.clashes(),
                hash: self.book.clashes_hash(),
            },
            Query::State => Answer::State(self.state(now)),
            Query::People => Answer::People(self.people()),
            Query::Erasures => Answer::Erasures(self.erasures_view(&|_| None)?),
            Query::Retention => Answer::Retention(self.retention(now)?),
            Query::Check(wish) => {
                checks::start("start", wish.start)?;
                if let Some(minutes) = wish.minutes {
                    checks::minutes("minutes", minutes)?;
                }
                Answer::Check(self.book.check(&wish, now)?)
            }
        })
    }
}
