//! Clients who are erased: also while somebody away writes about them, while a hold stands in the
//! way, before the relay goes back to an old copy, and while it lies.
//!
//! What is sealed is kept here as it was written, and read by nobody but the checks: at the end none of
//! it may open, and none of it may lie on a disk, if it was about somebody who was erased.

use std::collections::{BTreeMap, BTreeSet};

use client_core::{
    catalogue::{
        CardKind, ClientId, Command, ErasureBasis, ErrorCode, HoldClient, NewCardNote, NewClient,
        NewPet, PetId,
    },
    documents::Subject,
    replica::Replica,
};
use sync_protocol::{
    Entry, FeedId, Frame, Hash, IncarnationId, KeyId, Role, SubjectId, subject_rows,
};
use sync_server::core::{ConnId, Organisation};

use super::{Told, World};

/// A client whom somebody wants erased.
#[derive(Debug, Clone)]
pub(crate) struct Leaving {
    pub(crate) client: ClientId,
    /// What notes about the client say.
    pub(crate) marker: String,
}

/// What erasures are held against.
#[derive(Debug, Default)]
pub(crate) struct Erasures {
    /// Of a hundred deeds so many are about erasing.
    pub(crate) often: u64,
    /// Bodies as they were written, by name.
    pub(crate) bodies: BTreeMap<Hash, Entry>,
    /// Whom somebody wanted erased.
    pub(crate) leaving: Vec<Leaving>,
    /// Clients that joined in this history.
    guests: u64,
    /// How far the relay's chain was when a line signed in.
    signed_in: BTreeMap<ConnId, u32>,
}

impl Leaving {
    /// What the chain calls the client.
    pub(crate) fn subject(&self) -> SubjectId {
        SubjectId::from_bytes(Subject::Client(self.client).to_bytes())
    }
}

impl World {
    // ---- what people do --------------------------------------------------------------------

    /// Somebody at this desk takes a client in, must keep one, or erases one.
    pub(crate) fn somebody_erases(&mut self, desk: usize) -> Told {
        match self.below(100) {
            0..30 => self.takes_in(desk),
            30..72 => {
                let client = self.some_guest();
                // Others may not: most erasures are the founder's, or few would come about.
                let founder = self.replica(0).is_some() && self.chance(60);
                self.erases_whom(if founder { 0 } else { desk }, client)
            }
            72..86 => self.holds(desk),
            _ => self.erases_wrongly(desk),
        }
    }

    fn takes_in(&mut self, desk: usize) -> Told {
        self.erasures.guests += 1;
        let name = format!("Guest {} of {}", self.erasures.guests, self.seed);
        let client = Command::AddClient(NewClient {
            name: name.clone(),
            phones: vec![format!("+3519300{:05}", self.erasures.guests)],
            email: None,
            note: Some(format!("about {name}")),
        });
        let Some(client) = self.made_by(desk, client)? else {
            return Ok(());
        };
        let Some(pet) = self.adds_pet(desk, client, &name)? else {
            return Ok(());
        };
        self.practice.clients.push((client, pet));
        self.practice.names.insert(client, name);
        self.tally.count("client taken in");
        Ok(())
    }

    fn adds_pet(&mut self, desk: usize, client: ClientId, name: &str) -> Told<Option<PetId>> {
        self.made_by(
            desk,
            Command::AddPet(NewPet {
                client,
                name: format!("a dog about {name}"),
                species: None,
                breed: None,
                microchip: None,
                despite_restriction: None,
            }),
        )
    }

    fn made_by<I: std::str::FromStr>(&mut self, desk: usize, command: Command) -> Told<Option<I>> {
        let id = self.done(desk, command, None)?;
        Ok(id.and_then(|id| id.parse().ok()))
    }

    /// One of the clients, never the first: the practice goes on.
    fn some_guest(&mut self) -> usize {
        1 + self.index(self.practice.clients.len() - 1)
    }

    fn name_at(&self, desk: usize, client: ClientId) -> Option<String> {
        let book = self.replica(desk)?.book();
        Some(book.client_record(client)?.name.clone())
    }

    /// A desk erases a client; perhaps somebody who is away or does not know yet writes about the
    /// client meanwhile.
    fn erases_whom(&mut self, desk: usize, which: usize) -> Told {
        let (client, _) = self.practice.clients[which];
        let away = self.chance(45).then(|| self.index(self.desks.len()));
        if let Some(away) = away.filter(|away| *away != desk) {
            if self.replica(away).is_none() || self.desks[away].shut {
                return Ok(());
            }
            self.unplug(away)?;
            let erased = self.erases(desk, client)?;
            if erased {
                self.tally.count("erased while somebody was away");
            }
            return self.writes_about(away, which);
        }
        self.erases(desk, client).map(drop)
    }

    /// Whether it was proposed.
    pub(crate) fn erases(&mut self, desk: usize, client: ClientId) -> Told<bool> {
        let Some(name) = self.name_at(desk, client) else {
            return Ok(false);
        };
        let now = self.desk_now(desk);
        self.keeps_bodies_of(desk)?;
        let machine = &mut self.desks[desk];
        let Some(replica) = &mut machine.up else {
            return Ok(false);
        };
        let (role, held) = (
            replica.role(),
            replica
                .book()
                .client_record(client)
                .is_some_and(|known| !known.hold.is_empty()),
        );
        let basis = ErasureBasis::Request;
        let made = replica.erase(now, &mut machine.rng, client, basis, &name);
        machine.promise();
        if made.is_ok() && (role != Some(Role::Owner) || held) {
            return Err(format!(
                "desk {desk}, {role:?}, erased a client under hold {held}"
            ));
        }
        let hold = held && role == Some(Role::Owner);
        let not = made
            .as_ref()
            .is_err_and(|refusal| refusal.code == ErrorCode::NotAllowed);
        if hold && not {
            self.tally.count("kept by a hold");
        }
        let made = made.map(|(_, proposal)| proposal);
        if !self.governs(desk, "client erased", made)? {
            return Ok(false);
        }
        let marker = self.marker(client);
        self.erasures.leaving.push(Leaving { client, marker });
        Ok(true)
    }

    /// What notes about a client say, and nothing else does.
    pub(crate) fn marker(&self, client: ClientId) -> String {
        let name = self.practice.names.get(&client);
        format!("about {}", name.map_or("nobody", String::as_str))
    }

    /// Somebody writes all there is to write about a client.
    fn writes_about(&mut self, desk: usize, which: usize) -> Told {
        let (client, pet) = self.practice.clients[which];
        if self.name_at(desk, client).is_none() {
            return Ok(());
        }
        let marker = self.marker(client);
        let role = self.replica(desk).and_then(Replica::role);
        for card in CardKind::ALL {
            if role.is_some_and(|role| role.may_write(card.feed())) && self.chance(50) {
                let text = format!("late, {marker}");
                let of = pet.to_string();
                self.done(
                    desk,
                    Command::AddCardNote(NewCardNote {
                        of,
                        card,
                        text,
                        despite_restriction: None,
                    }),
                    None,
                )?;
            }
        }
        if self.chance(50) {
            // A key for it that the act cannot name.
            let name = self.practice.names.get(&client).cloned();
            self.adds_pet(desk, client, &name.unwrap_or_default())?;
        }
        let site = self.index(2);
        self.somebody_books_for(desk, site, which)?;
        self.tally.count("unsent work about an erased client");
        Ok(())
    }

    fn holds(&mut self, desk: usize) -> Told {
        let which = self.some_guest();
        let (client, _) = self.practice.clients[which];
        let end = self.chance(50);
        let reason = if end { "" } else { "a dispute" }.to_owned();
        let hold = Command::HoldClient(HoldClient { client, reason });
        if self.done(desk, hold, None)?.is_some() {
            self.tally
                .count(if end { "hold ended" } else { "client held" });
        }
        Ok(())
    }

    /// With another name than the client's nobody is erased.
    fn erases_wrongly(&mut self, desk: usize) -> Told {
        let which = self.some_guest();
        let (client, _) = self.practice.clients[which];
        let now = self.desk_now(desk);
        let machine = &mut self.desks[desk];
        let Some(replica) = &mut machine.up else {
            return Ok(());
        };
        let basis = ErasureBasis::Mistake;
        match replica.erase(now, &mut machine.rng, client, basis, "Somebody Else") {
            Ok(_) => Err(format!("desk {desk} erased somebody by a wrong name")),
            Err(refusal) => match refusal.code {
                ErrorCode::NotAllowed | ErrorCode::NotFound | ErrorCode::InvalidInput => Ok(()),
                _ => Err(format!("desk {desk}: a wrong name: {refusal:?}")),
            },
        }
    }

    /// The founder erases somebody while everybody is connected, and the relay knows of it.
    pub(crate) fn the_founder_erases(&mut self) -> Told {
        if self.erasures.often == 0 {
            return Ok(());
        }
        let which = self.some_guest();
        let (client, _) = self.practice.clients[which];
        if self.erases(0, client)? {
            self.heal()?;
            self.tally.count("erased before the relay turned");
        }
        Ok(())
    }

    // ---- what is kept for the checks -------------------------------------------------------

    /// Keeps what a desk holds sealed, and rows of keys.
    pub(crate) fn keeps_bodies_of(&mut self, desk: usize) -> Told {
        self.keeps_bodies_beyond(desk, &[])
    }

    pub(crate) fn keeps_bodies_beyond(
        &mut self,
        desk: usize,
        held: &[(IncarnationId, u64)],
    ) -> Told {
        if self.erasures.often == 0 {
            return Ok(());
        }
        let Some(replica) = self.replica(desk) else {
            return Ok(());
        };
        let entries = replica.ledger().beyond(held, usize::MAX);
        for entry in entries.map_err(|error| error.to_string())? {
            let header = entry.header();
            if entry.body().is_some() && (header.key.is_some() || header.feed == FeedId::Keys) {
                let hash = entry.hash();
                self.erasures
                    .bodies
                    .entry(hash)
                    .or_insert_with(|| (*entry).clone());
            }
        }
        Ok(())
    }

    // ---- what goes over a line -------------------------------------------------------------

    /// A line signed in: what it sends from now on follows on the chain of now.
    pub(crate) fn hears_what_goes_up(&mut self, conn: ConnId) -> Told {
        if self.erasures.often == 0 {
            return Ok(());
        }
        let Some(chain) = self.relay.up.as_ref().map(Organisation::governance) else {
            return Ok(());
        };
        let Some(line) = self.relay.lines.get(&conn) else {
            return Ok(());
        };
        let (Some(desk), Some(bytes)) = (line.desk, line.up.front()) else {
            return Ok(());
        };
        match Frame::decode(bytes) {
            Ok(Frame::SignIn(_)) => {
                let height = chain.height();
                self.erasures.signed_in.insert(conn, height);
            }
            Ok(Frame::Push { entries }) => {
                let known = self.erasures.signed_in.get(&conn).copied().unwrap_or(0);
                for entry in entries.iter().filter_map(|bytes| Entry::decode(bytes).ok()) {
                    let purged = chain.must_purge(entry.header());
                    if entry.body().is_some() && purged.is_some_and(|height| height <= known) {
                        return Err(format!(
                            "desk {desk} sent what was erased before it signed in: {:?}",
                            entry.id()
                        ));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The keys of erased clients and pets among all rows that were ever written.
pub(crate) fn keys_of(
    bodies: &BTreeMap<Hash, Entry>,
    gone: &dyn Fn(SubjectId) -> bool,
) -> BTreeSet<KeyId> {
    let rows = bodies
        .values()
        .filter(|entry| entry.header().feed == FeedId::Keys);
    let rows = rows.flat_map(|entry| subject_rows(entry.body().unwrap_or_default()).0);
    rows.filter(|row| gone(row.subject))
        .map(|row| row.key)
        .collect()
}
