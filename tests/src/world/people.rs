//! What people at the desks do: book, move, call off, check in, decide, take back.

use client_core::{
    catalogue::{
        Answer, Booking, CancelVisit, CardKind, Command, Decide, EditClient, EditVisit, ErrorCode,
        MoveVisit, NewBlock, NewCardNote, Query, Refusal, ReviewKind, ReviewView, SetState, Undo,
        VerdictWish,
    },
    session::Input,
};
use conflict_rules::{AppointmentId, ClaimState, concurrency::Act};
use jiff::civil::DateTime;
use sync_protocol::IncarnationId;

use super::{Told, World};

/// Something somebody did to a visit, and the entry that says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deed {
    pub(crate) claim: AppointmentId,
    pub(crate) act: Act,
    pub(crate) desk: usize,
    pub(crate) entry: (IncarnationId, u64),
}

/// Starts that people like: full hours, halves that overlap them, Sunday midnight, and the night in
/// which the clocks change.
const STARTS: [&str; 14] = [
    "2026-03-25T09:00",
    "2026-03-25T09:15",
    "2026-03-25T09:30",
    "2026-03-25T10:00",
    "2026-03-26T14:00",
    "2026-03-26T14:20",
    "2026-03-29T00:45",
    "2026-03-29T01:30",
    "2026-03-29T02:30",
    "2026-03-29T03:10",
    "2026-03-29T22:40",
    "2026-03-29T23:45",
    "2026-03-30T00:10",
    "2026-04-01T11:00",
];

/// What is popular in this history: the fewer, the more clashes.
#[derive(Debug, Clone)]
pub(crate) struct Taste {
    pub(crate) starts: Vec<DateTime>,
    /// How often, of a hundred, somebody books over another on purpose.
    pub(crate) reckless: u64,
}

impl World {
    pub(crate) fn taste(&mut self) -> Taste {
        let count = 3 + self.below(6);
        let starts = (0..count)
            .filter_map(|_| STARTS[self.index(STARTS.len())].parse().ok())
            .collect();
        Taste {
            starts,
            reckless: self.below(12),
        }
    }

    /// Somebody at this desk does something. Whether it changed anything.
    pub(crate) fn somebody_acts(&mut self, desk: usize, taste: &Taste) -> Told<bool> {
        match self.below(100) {
            0..38 => self.books(desk, taste),
            38..42 => self.blocks(desk, taste),
            42..56 => self.moves(desk, taste),
            56..65 => self.cancels(desk),
            65..79 => self.states(desk),
            79..84 => self.edits(desk),
            84..89 => self.writes_down(desk),
            89..95 => self.decides(desk),
            _ => self.undoes(desk),
        }
    }

    /// Somebody notes something about a client or a pet: on a card, or in its record.
    pub(super) fn writes_down(&mut self, desk: usize) -> Told<bool> {
        let who = self.index(self.practice.clients.len());
        let (client, pet) = self.practice.clients[who];
        let number = self.below(1000);
        let role = self
            .replica(desk)
            .and_then(client_core::replica::Replica::role);
        let any = self.chance(20);
        let kinds: Vec<CardKind> = CardKind::ALL
            .into_iter()
            .filter(|kind| any || role.is_some_and(|role| role.may_write(kind.feed())))
            .collect();
        if kinds.is_empty() {
            return Ok(false);
        }
        let kind = kinds[self.index(kinds.len())];
        let command = if self.chance(30) {
            Command::EditClient(EditClient {
                client,
                name: None,
                phones: Some(vec![format!("+35191{number:07}")]),
                email: None,
                note: None,
                despite_restriction: None,
            })
        } else {
            Command::AddCardNote(NewCardNote {
                of: pet.to_string(),
                card: kind,
                text: format!("noted {number} {}", self.marker(client)),
                despite_restriction: None,
            })
        };
        let done = self.done(desk, command, None)?;
        if done.is_some() {
            self.tally.count("cards and records");
        }
        Ok(done.is_some())
    }

    fn site_and_staff(&mut self) -> (usize, conflict_rules::ResourceId) {
        let site = self.index(2);
        // Cy works at both sites.
        let staff = if self.chance(50) { 2 } else { site };
        (site, self.practice.staff[staff])
    }

    fn start(&mut self, taste: &Taste) -> DateTime {
        taste.starts[self.index(taste.starts.len())]
    }

    fn books(&mut self, desk: usize, taste: &Taste) -> Told<bool> {
        let (site, staff) = self.site_and_staff();
        let start = self.start(taste);
        let service = self.chance(70).then(|| {
            let service = usize::from(self.below(3) == 0);
            self.practice.services[service]
        });
        let rooms: Vec<_> = self
            .practice
            .rooms
            .iter()
            .filter(|(at, _)| *at == self.practice.sites[site])
            .map(|(_, room)| *room)
            .collect();
        let room = self.chance(40).then(|| rooms[self.index(rooms.len())]);
        let who = self.index(self.practice.clients.len());
        let (client, pet) = self.practice.clients[who];
        let command = Command::Book(Booking {
            location: self.practice.sites[site],
            start,
            staff,
            room,
            service,
            minutes: service
                .is_none()
                .then_some(if self.chance(80) { 30 } else { 75 }),
            client: Some(client),
            pets: vec![pet],
            note: None,
            double_book: self
                .chance(taste.reckless)
                .then(|| "an emergency".to_owned()),
            despite_warnings: true,
        });
        let Some(id) = self.done(desk, command, None)? else {
            return Ok(false);
        };
        self.claimed(desk, &id)?;
        Ok(true)
    }

    /// Somebody agrees a visit at a time that nobody else wants.
    pub(crate) fn somebody_books(&mut self, desk: usize) -> Told {
        self.somebody_books_at(desk, 0)
    }

    /// The same at a site.
    pub(crate) fn somebody_books_at(&mut self, desk: usize, site: usize) -> Told {
        self.somebody_books_for(desk, site, 0)
    }

    /// The same for one of the clients.
    pub(crate) fn somebody_books_for(&mut self, desk: usize, site: usize, who: usize) -> Told {
        let number = i64::try_from(self.tally.operations).unwrap_or(0);
        let start: DateTime = "2026-04-06T09:00".parse().map_err(|e| format!("{e}"))?;
        let start = start
            .checked_add(jiff::SignedDuration::from_mins(45 * number))
            .map_err(|e| format!("{e}"))?;
        let (client, pet) = self.practice.clients[who];
        let command = Command::Book(Booking {
            location: self.practice.sites[site],
            start,
            staff: self.practice.staff[site],
            room: None,
            service: None,
            minutes: Some(30),
            client: Some(client),
            pets: vec![pet],
            note: (who > 0).then(|| self.marker(client)),
            double_book: None,
            despite_warnings: true,
        });
        if let Some(id) = self.done(desk, command, None)? {
            self.claimed(desk, &id)?;
        }
        Ok(())
    }

    fn claimed(&mut self, desk: usize, id: &str) -> Told {
        let id = id
            .parse()
            .map_err(|_| format!("a booking gave the id {id}"))?;
        self.visits.insert(id);
        self.expect_verdict(desk, id);
        Ok(())
    }

    fn blocks(&mut self, desk: usize, taste: &Taste) -> Told<bool> {
        let (site, staff) = self.site_and_staff();
        let start = self.start(taste);
        let command = Command::Block(NewBlock {
            location: self.practice.sites[site],
            resources: vec![staff],
            start,
            minutes: 45,
            title: Some("lunch".to_owned()),
        });
        let Some(id) = self.done(desk, command, None)? else {
            return Ok(false);
        };
        self.claimed(desk, &id)?;
        Ok(true)
    }

    /// One of the visits that this desk knows, a recent one more often.
    fn some_visit(&mut self, desk: usize) -> Option<AppointmentId> {
        let book = self.replica(desk)?.book();
        let mut known: Vec<AppointmentId> = self
            .visits
            .iter()
            .copied()
            .filter(|visit| book.claim(*visit).is_some())
            .collect();
        // Ids are random, so any few are as good as the latest; the same few for all desks, so that
        // people get into each other's way.
        known.truncate(8);
        (!known.is_empty()).then(|| known[self.index(known.len())])
    }

    fn moves(&mut self, desk: usize, taste: &Taste) -> Told<bool> {
        let Some(appointment) = self.some_visit(desk) else {
            return Ok(false);
        };
        let start = self.start(taste);
        let command = Command::Move(MoveVisit {
            appointment,
            start: Some(start),
            staff: None,
            room: None,
            minutes: None,
            double_book: self.chance(taste.reckless).then(|| "it must be".to_owned()),
            despite_warnings: true,
        });
        let done = self.done(desk, command, Some((appointment, Act::Move)))?;
        if done.is_some() {
            self.expect_verdict(desk, appointment);
        }
        Ok(done.is_some())
    }

    fn cancels(&mut self, desk: usize) -> Told<bool> {
        let Some(appointment) = self.some_visit(desk) else {
            return Ok(false);
        };
        let command = Command::Cancel(CancelVisit {
            appointment,
            reason: self.chance(50).then(|| "the dog is fine".to_owned()),
        });
        let done = self.done(desk, command, Some((appointment, Act::Cancel)))?;
        Ok(done.is_some())
    }

    fn states(&mut self, desk: usize) -> Told<bool> {
        let Some(appointment) = self.some_visit(desk) else {
            return Ok(false);
        };
        let (state, act) = match self.below(8) {
            0..3 => (ClaimState::Arrived, Some(Act::Arrive)),
            3 => (ClaimState::InProgress, Some(Act::Arrive)),
            4 => (ClaimState::Done, Some(Act::Arrive)),
            5..7 => (ClaimState::NoShow, Some(Act::NoShow)),
            _ => (ClaimState::Booked, None),
        };
        let command = Command::SetState(SetState { appointment, state });
        let done = self.done(desk, command, act.map(|act| (appointment, act)))?;
        if done.is_some() {
            self.expect_verdict(desk, appointment);
        }
        Ok(done.is_some())
    }

    fn edits(&mut self, desk: usize) -> Told<bool> {
        let Some(appointment) = self.some_visit(desk) else {
            return Ok(false);
        };
        let number = self.below(1000);
        let command = Command::EditVisit(EditVisit {
            appointment,
            note: Some(format!("note {number}")),
            client: None,
            pets: None,
            despite_warnings: false,
        });
        let done = self.done(desk, command, Some((appointment, Act::EditDetails)))?;
        Ok(done.is_some())
    }

    fn undoes(&mut self, desk: usize) -> Told<bool> {
        let done = self.done(desk, Command::Undo(Undo { step: None }), None)?;
        Ok(done.is_some())
    }

    /// What waits for a person, as this desk shows it.
    pub fn reviews(&mut self, desk: usize) -> Told<Vec<ReviewView>> {
        let now = self.desk_now(desk);
        let Some(replica) = self.replica_mut(desk) else {
            return Ok(Vec::new());
        };
        match replica.query(now, Query::Reviews) {
            Ok(Answer::Reviews { reviews }) => Ok(reviews),
            other => Err(format!("desk {desk} cannot tell its reviews: {other:?}")),
        }
    }

    fn decides(&mut self, desk: usize) -> Told<bool> {
        let reviews = self.reviews(desk)?;
        if reviews.is_empty() {
            return Ok(false);
        }
        self.tally.clash |= reviews
            .iter()
            .any(|review| review.kind == ReviewKind::Clash);
        let review = &reviews[self.index(reviews.len())];
        if !review.may_decide {
            return Ok(false);
        }
        let ids: Vec<AppointmentId> = review.visits.iter().map(|visit| visit.visit.id).collect();
        let (Some(first), last) = (ids.first().copied(), ids.last().copied()) else {
            return Ok(false);
        };
        let other = last.filter(|last| *last != first);
        let verdicts = match (&review.suggestion, other) {
            (Some(suggestion), _) if self.chance(40) => suggestion.verdicts.clone(),
            (_, Some(other)) => match self.below(3) {
                0 => vec![VerdictWish::AllowOverlap { a: first, b: other }],
                1 => vec![
                    VerdictWish::Keep { appointment: first },
                    VerdictWish::Cancel { appointment: other },
                ],
                _ => match review
                    .visits
                    .last()
                    .and_then(|visit| visit.alternatives.first())
                {
                    Some(slot) => vec![VerdictWish::Move {
                        appointment: other,
                        start: slot.start,
                        staff: Some(slot.staff),
                        room: slot.room,
                    }],
                    None => vec![VerdictWish::Cancel { appointment: other }],
                },
            },
            (_, None) if self.chance(70) => vec![VerdictWish::Keep { appointment: first }],
            (_, None) => vec![VerdictWish::Cancel { appointment: first }],
        };
        let allowed = verdicts.iter().filter_map(|verdict| match verdict {
            VerdictWish::AllowOverlap { a, b } => Some((*a.min(b), *a.max(b))),
            VerdictWish::Keep { .. } | VerdictWish::Move { .. } | VerdictWish::Cancel { .. } => {
                None
            }
        });
        self.allowed.extend(allowed);
        let given_up = verdicts.iter().filter_map(|verdict| match verdict {
            VerdictWish::Move { appointment, .. } | VerdictWish::Cancel { appointment } => {
                Some(*appointment)
            }
            VerdictWish::AllowOverlap { .. } | VerdictWish::Keep { .. } => None,
        });
        self.given_up.extend(given_up);
        let command = Command::Decide(Decide {
            verdicts,
            reason: self.chance(30).then(|| "phoned".to_owned()),
        });
        let done = self.done(desk, command, None)?;
        if done.is_some() {
            self.tally.count("decided");
        }
        Ok(done.is_some())
    }

    /// Carries a command out; the id it gave, unless it was refused for a good reason.
    pub(super) fn done(
        &mut self,
        desk: usize,
        command: Command,
        deed: Option<(AppointmentId, Act)>,
    ) -> Told<Option<String>> {
        let said = format!("{command:?}");
        let before = self.written(desk);
        let held = self.replica(desk).map(|replica| replica.ledger().vector());
        let subjects = subjects(&command);
        let undoing = matches!(command, Command::Undo(_));
        match self.execute(desk, command) {
            Ok(reply) => {
                self.handled.extend(subjects);
                if undoing {
                    self.handled.extend(reply.id.parse::<AppointmentId>());
                }
                let entry = self.written(desk);
                self.keeps_bodies_beyond(desk, &held.unwrap_or_default())?;
                self.note(format_args!(
                    "desk {desk}: {said}: {} ({})",
                    reply.said, reply.id
                ));
                if let (Some((claim, act)), Some(entry)) = (deed, entry)
                    && before != Some(entry)
                {
                    self.deed(Deed {
                        claim,
                        act,
                        desk,
                        entry,
                    });
                }
                self.tell(desk, Input::Wrote)?;
                self.tally.operations += 1;
                Ok(Some(reply.id))
            }
            Err(refusal) => {
                self.note(format_args!(
                    "desk {desk}: {said}: refused, {:?}",
                    refusal.code
                ));
                self.tally.refusals += 1;
                self.expected(desk, &said, &refusal)?;
                Ok(None)
            }
        }
    }

    fn expected(&self, desk: usize, said: &str, refusal: &Refusal) -> Told {
        let fine = match refusal.code {
            ErrorCode::SlotTaken
            | ErrorCode::IllegalTransition
            | ErrorCode::TimeDoesNotExist
            | ErrorCode::NothingToUndo
            | ErrorCode::NotAllowed => true,
            // The visit it answers for has moved on.
            ErrorCode::NotFound | ErrorCode::InvalidInput if said.starts_with("Decide") => true,
            // Called off by a decision: there is no place to move it from.
            ErrorCode::InvalidInput if said.starts_with("Move") => self.is_nowhere(desk, said),
            // What was done was done to a visit that does not count any more: its author was removed.
            ErrorCode::NotFound if said.starts_with("Undo") => self
                .replica(desk)
                .is_some_and(|replica| replica.book().masked_entries() > 0),
            // A newcomer who was never connected has neither sites nor staff yet.
            ErrorCode::NotFound => self.desks[desk].new || self.speaks_of_a_stranger(desk, said),
            // An owner's device has not handed the keys over yet.
            ErrorCode::MissingKey => self.tally.governed,
            // The disk is dead: an accident, and the process with it.
            ErrorCode::Storage | ErrorCode::DiskFull => self.desks[desk].dying,
            _ => false,
        };
        if fine {
            Ok(())
        } else {
            Err(format!("desk {desk} refused {said}: {refusal:?}"))
        }
    }

    /// Whether a client was spoken of whom this desk does not have: not yet, or not any more.
    fn speaks_of_a_stranger(&self, desk: usize, said: &str) -> bool {
        let Some(replica) = self.replica(desk) else {
            return false;
        };
        let named = self
            .practice
            .clients
            .iter()
            .enumerate()
            .filter(|(_, (client, pet))| {
                said.contains(&client.to_string()) || said.contains(&pet.to_string())
            });
        let known = |client| replica.book().client_record(client).is_some();
        // Whoever took somebody in may have taken that back.
        let mut named = named.filter(|(at, (client, _))| *at > 2 || !known(*client));
        named.next().is_some()
    }

    /// Whether a visit that was spoken of occupies nothing, as this desk shows it.
    fn is_nowhere(&self, desk: usize, said: &str) -> bool {
        let Some(replica) = self.replica(desk) else {
            return false;
        };
        let spoken = self
            .visits
            .iter()
            .find(|visit| said.contains(&visit.to_string()));
        spoken.is_some_and(|visit| replica.book().placements_of(*visit).is_empty())
    }

    /// The last entry that this desk's process wrote.
    fn written(&self, desk: usize) -> Option<(IncarnationId, u64)> {
        let ledger = self.replica(desk)?.ledger();
        let own = ledger.incarnation();
        let next = ledger.vector().into_iter().find(|(id, _)| *id == own)?.1;
        Some((own, next.checked_sub(1)?))
    }

    /// Notes what was done, and which others nobody here knew of.
    fn deed(&mut self, deed: Deed) {
        let Some(replica) = self.replica(deed.desk) else {
            return;
        };
        let held = replica.ledger().vector();
        let knows = |(incarnation, sequence): (IncarnationId, u64)| {
            held.iter()
                .any(|(id, next)| *id == incarnation && *next > sequence)
        };
        let apart: Vec<Act> = self
            .deeds
            .iter()
            .filter(|other| other.claim == deed.claim && !knows(other.entry))
            .map(|other| other.act)
            .collect();
        for act in apart {
            self.tally.meet(act, deed.act);
        }
        self.deeds.push(deed);
    }
}

/// The visits that a command does something to. What an undo is about, its reply says.
fn subjects(command: &Command) -> Vec<AppointmentId> {
    match command {
        Command::Move(wish) => vec![wish.appointment],
        Command::Cancel(wish) => vec![wish.appointment],
        Command::SetState(wish) => vec![wish.appointment],
        Command::EditVisit(wish) => vec![wish.appointment],
        Command::Decide(wish) => wish.verdicts.iter().flat_map(about).collect(),
        _ => Vec::new(),
    }
}

fn about(verdict: &VerdictWish) -> Vec<AppointmentId> {
    match verdict {
        VerdictWish::Keep { appointment }
        | VerdictWish::Cancel { appointment }
        | VerdictWish::Move { appointment, .. } => vec![*appointment],
        VerdictWish::AllowOverlap { a, b } => vec![*a, *b],
    }
}
