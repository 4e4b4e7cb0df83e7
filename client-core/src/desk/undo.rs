//! Taking back: each command leaves what would undo it, and undoing is a change like any other.
//!
//! Nothing is rewound. What others have built on a step stays; where the way back is closed (the
//! slot was taken meanwhile) the undo is refused and says so.

use std::collections::VecDeque;

use conflict_rules::{AppointmentId, DecisionId, LocationId, ResourceId, Verdict};
use entry_log::Storage;
use jiff::Timestamp;
use rand_core::CryptoRng;
use schedule::WeekKey;
use sync_protocol::SeatId;

use crate::{
    catalogue::{ClientId, ErrorCode, NoteId, PetId, RecordKind, Refusal, Reply, ServiceId, Undo},
    documents::{
        CardId, ClientFields, LocationFields, PetFields, RoomFields, ServiceFields, StaffFields,
        Subject, Who,
    },
    replica::{Back, Replica},
};

/// How many steps are kept.
const KEPT: usize = 200;

/// What would take a step back.
#[derive(Clone)]
pub(crate) enum TakeBack {
    /// Call off, put back or restate a visit.
    Visit { id: AppointmentId, back: Back },
    /// The former details of a visit.
    Details {
        id: AppointmentId,
        who: Who,
        note: String,
    },
    /// The former fields of a client.
    Client { id: ClientId, fields: ClientFields },
    /// The former fields of a pet.
    Pet { id: PetId, fields: PetFields },
    /// A note withdrawn, or holding again.
    CardNote {
        id: CardId,
        note: NoteId,
        withdrawn: bool,
    },
    /// The former outcome, as verdicts of a decision that has seen this one.
    Decision {
        home: WeekKey,
        id: DecisionId,
        verdicts: Vec<Verdict>,
    },
    /// The former rule of retention, or none.
    Retention {
        kept: RecordKind,
        months: Option<u16>,
    },
    /// The former days of the lease.
    Lease(u16),
    /// The former name of a seat, or none.
    Seat { id: SeatId, name: String },
    /// The former fields of a site.
    Location {
        id: LocationId,
        fields: LocationFields,
    },
    /// The former fields of a member of staff.
    Staff { id: ResourceId, fields: StaffFields },
    /// The former fields of a room.
    Room { id: ResourceId, fields: RoomFields },
    /// The former fields of a service.
    Service {
        id: ServiceId,
        fields: ServiceFields,
    },
}

impl TakeBack {
    /// What was taken back, in a sentence.
    fn said(&self) -> &'static str {
        match self {
            Self::Visit { back, .. } => match back {
                Back::Withdraw => "Taken back: the booking is called off.",
                Back::Return(_) => "Taken back: the visit is where it was before the move.",
                Back::Restate(_) => "Taken back: the visit is in its former state.",
            },
            Self::Details { .. } => "Taken back: the visit has its former details.",
            Self::Client { .. } => "Taken back: the client is as before.",
            Self::Pet { .. } => "Taken back: the pet is as before.",
            Self::CardNote { withdrawn, .. } => {
                if *withdrawn {
                    "Taken back: the note is withdrawn."
                } else {
                    "Taken back: the note holds again."
                }
            }
            Self::Decision { .. } => "Taken back: the decision counts no more.",
            Self::Location { .. } => "Taken back: the site is as before.",
            Self::Staff { .. } => "Taken back: the member of staff is as before.",
            Self::Room { .. } => "Taken back: the room is as before.",
            Self::Service { .. } => "Taken back: the service is as before.",
            Self::Retention { .. } => "Taken back: the records are kept as long as before.",
            Self::Seat { .. } => "Taken back: the seat is called what it was.",
            Self::Lease(_) => "Taken back: the lease is as long as before.",
        }
    }

    fn id(&self) -> String {
        match self {
            Self::Visit { id, .. } | Self::Details { id, .. } => id.to_string(),
            Self::Client { id, .. } => id.to_string(),
            Self::Pet { id, .. } => id.to_string(),
            Self::CardNote { note, .. } => note.to_string(),
            Self::Decision { id, .. } => id.to_string(),
            Self::Location { id, .. } => id.to_string(),
            Self::Staff { id, .. } | Self::Room { id, .. } => id.to_string(),
            Self::Service { id, .. } => id.to_string(),
            Self::Retention { kept, .. } => kept.as_str().to_owned(),
            Self::Seat { id, .. } => id.to_string(),
            Self::Lease(days) => days.to_string(),
        }
    }
}

/// The steps that can be taken back, latest last.
#[derive(Default)]
pub(crate) struct Steps {
    next: u64,
    kept: VecDeque<(u64, TakeBack)>,
}

/// What was typed stays out of debugging output.
impl core::fmt::Debug for Steps {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Steps({})", self.kept.len())
    }
}

impl Steps {
    /// Keeps a step; gives its number.
    pub(crate) fn keep(&mut self, step: TakeBack) -> u64 {
        self.next += 1;
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((self.next, step));
        self.next
    }

    fn find(&self, step: Option<u64>) -> Option<(u64, TakeBack)> {
        match step {
            None => self.kept.back().cloned(),
            Some(number) => self
                .kept
                .iter()
                .find(|(known, _)| *known == number)
                .cloned(),
        }
    }

    fn done(&mut self, number: u64) {
        self.kept.retain(|(known, _)| *known != number);
    }

    /// Steps on a visit that was taken back by other means lead nowhere.
    pub(crate) fn forget_visit(&mut self, visit: AppointmentId) {
        self.kept.retain(|(_, step)| {
            !matches!(step, TakeBack::Visit { id, .. } | TakeBack::Details { id, .. } if *id == visit)
        });
    }
}

impl<S: Storage> Replica<S> {
    /// Takes a step back.
    pub(crate) fn undo(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &Undo,
    ) -> Result<Reply, Refusal> {
        let (number, step) = self.steps.find(wish.step).ok_or_else(|| {
            Refusal::new(
                ErrorCode::NothingToUndo,
                "There is nothing to take back.",
                "Only what this seat did since the program was started can be taken back.",
            )
        })?;
        let (said, id) = (step.said(), step.id());
        self.carry_out(now, rng, step)?;
        self.steps.done(number);
        Ok(Reply {
            id,
            undo: None,
            warnings: Vec::new(),
            said: said.to_owned(),
        })
    }

    fn carry_out(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        step: TakeBack,
    ) -> Result<(), Refusal> {
        let mut batch = self.begin(now, rng);
        match step {
            TakeBack::Visit { id, back } => return self.undo_visit(now, rng, id, &back),
            TakeBack::Details { id, who, note } => {
                self.put_details(rng, &mut batch, id, Some(&who), Some(&note), None)?;
            }
            TakeBack::Client { id, fields } => {
                self.may_take_back(Subject::Client(id))?;
                batch.record(&self.book, Subject::Client(id), |doc, actor, clock| {
                    Ok(doc.set_client(actor, clock, &fields)?)
                })?;
            }
            TakeBack::Pet { id, fields } => {
                self.may_take_back(Subject::Pet(id))?;
                batch.record(&self.book, Subject::Pet(id), |doc, actor, clock| {
                    Ok(doc.set_pet(actor, clock, &fields)?)
                })?;
            }
            TakeBack::CardNote {
                id,
                note,
                withdrawn,
            } => {
                self.may_take_back(id.subject)?;
                return self.mark_card_note(now, rng, id, note, withdrawn, None);
            }
            TakeBack::Decision { home, id, verdicts } => {
                self.supersede(rng, &mut batch, home, id, verdicts)?;
            }
            TakeBack::Location { id, fields } => {
                batch.practice(&self.book, |doc, actor, clock| {
                    Ok(doc.put_location(actor, clock, id, &fields)?)
                })?;
            }
            TakeBack::Staff { id, fields } => {
                batch.practice(&self.book, |doc, actor, clock| {
                    Ok(doc.put_staff(actor, clock, id, &fields)?)
                })?;
            }
            TakeBack::Retention { kept, months } => {
                batch.practice(&self.book, |doc, actor, clock| {
                    Ok(doc.set_retention(actor, clock, kept, months)?)
                })?;
            }
            TakeBack::Lease(days) => {
                batch.practice(&self.book, |doc, actor, clock| {
                    Ok(doc.set_lease(actor, clock, days)?)
                })?;
            }
            TakeBack::Seat { id, name } => {
                batch.practice(&self.book, |doc, actor, clock| {
                    Ok(doc.name_seat(actor, clock, id, &name)?)
                })?;
            }
            TakeBack::Room { id, fields } => {
                batch.practice(&self.book, |doc, actor, clock| {
                    Ok(doc.put_room(actor, clock, id, &fields)?)
                })?;
            }
            TakeBack::Service { id, fields } => {
                batch.practice(&self.book, |doc, actor, clock| {
                    Ok(doc.put_service(actor, clock, id, &fields)?)
                })?;
            }
        }
        self.save(rng, batch)?;
        Ok(())
    }
}
