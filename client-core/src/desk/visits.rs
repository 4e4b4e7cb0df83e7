//! Booking, blocking, moving, calling off, checking in, correcting.
//!
//! A slot is checked against everything known here before it is saved. While the relay listens,
//! what takes a slot is also a request to it; see [`crate::replica`].

use std::collections::VecDeque;

use conflict_rules::{
    AppointmentId, Claim, ClaimKind, ClaimState, LocationId, Placement, ResourceId, Source,
};
use entry_log::Storage;
use jiff::{Timestamp, civil::DateTime};
use rand_core::CryptoRng;
use schedule::{WeekKey, home_week, touched};
use sync_protocol::Role;

use super::{
    checks, done,
    shape::{Elsewhere, blocked},
    undo::TakeBack,
};
use crate::{
    book::PlaceWish,
    catalogue::{
        Booking, CancelVisit, ClashView, ClientId, EditVisit, ErrorCode, MoveVisit, NewBlock,
        Refusal, Reply, SetState, SlotView, Warning,
    },
    documents::{About, Part, Sealed, Subject, Who},
    replica::{Back, Batch, Replica, illegal_step, invalid, not_allowed, not_found, random},
    sealing::Compartment,
};

/// Most pets of one visit.
const MAX_PETS: usize = 32;
/// Most resources of one block.
const MAX_BLOCKED: usize = 32;
/// A clock that is off by more than this is worth a warning, in seconds.
const CLOCK_OFF: i64 = 120;
const ALTERNATIVES: usize = 3;

/// Whether somebody must say "anyway".
fn asks(warning: Warning) -> bool {
    match warning {
        Warning::InThePast
        | Warning::SiteClosed
        | Warning::StaffNotWorking
        | Warning::FarAhead
        | Warning::StaffNotForService
        | Warning::ClientRestricted => true,
        Warning::ClockChangesTwice | Warning::ClockOff | Warning::PhoneKnown => false,
    }
}

/// The steps from one state to another, as the desk may take them.
fn steps(from: ClaimState, to: ClaimState) -> Option<Vec<ClaimState>> {
    let mut open: VecDeque<Vec<ClaimState>> = VecDeque::from([Vec::new()]);
    while let Some(path) = open.pop_front() {
        let at = path.last().copied().unwrap_or(from);
        if at == to {
            return Some(path);
        }
        for next in ClaimState::ALL {
            if at.may_become(next) && next != from && !path.contains(&next) {
                open.push_back(path.iter().copied().chain([next]).collect());
            }
        }
    }
    None
}

impl<S: Storage> Replica<S> {
    // ---- rights and references -------------------------------------------------------------

    fn may_write_visits(&self) -> Result<(), Refusal> {
        match self.role() {
            Some(Role::Gateway) | None => Err(not_allowed("book or move visits", "an owner")),
            Some(_) => Ok(()),
        }
    }

    /// A right of owner, manager and vet.
    pub(super) fn may_decide(&self) -> bool {
        matches!(self.role(), Some(Role::Owner | Role::Manager | Role::Vet))
    }

    pub(super) fn check_staff(&self, id: ResourceId, location: LocationId) -> Result<(), Refusal> {
        let staff = self
            .book
            .practice()
            .staff
            .get(&id)
            .ok_or_else(|| not_found("staff", "member of staff"))?;
        if staff.retired {
            return Err(invalid(
                "staff",
                "This member of staff takes no new bookings.",
                "Choose somebody else.",
            ));
        }
        if !staff.locations.contains(&location) {
            return Err(invalid(
                "staff",
                "This member of staff does not work at that site.",
                "Choose somebody else, or add the site to their entry.",
            ));
        }
        Ok(())
    }

    pub(super) fn check_room(&self, id: ResourceId, location: LocationId) -> Result<(), Refusal> {
        let room = self
            .book
            .practice()
            .rooms
            .get(&id)
            .filter(|room| room.location == location)
            .ok_or_else(|| not_found("room", "room"))?;
        if room.retired {
            return Err(invalid(
                "room",
                "This room takes no new bookings.",
                "Choose another.",
            ));
        }
        Ok(())
    }

    fn check_location(&self, id: LocationId) -> Result<(), Refusal> {
        let location = self
            .book
            .practice()
            .locations
            .get(&id)
            .ok_or_else(|| not_found("location", "site"))?;
        if location.retired {
            return Err(invalid(
                "location",
                "This site takes no new bookings.",
                "Choose another.",
            ));
        }
        Ok(())
    }

    fn check_who(&self, who: &Who) -> Result<(), Refusal> {
        if let Some(client) = who.client
            && self.book.client(client).is_none()
        {
            return Err(not_found("client", "client"));
        }
        if who.pets.len() > MAX_PETS {
            return Err(invalid(
                "pets",
                "These are too many pets for one visit.",
                "Book a second visit.",
            ));
        }
        for pet in &who.pets {
            let (owner, _) = self
                .book
                .pet(*pet)
                .ok_or_else(|| not_found("pets", "pet"))?;
            if Some(owner) != who.client {
                return Err(invalid(
                    "pets",
                    "This pet belongs to another client.",
                    "Choose the client's own pets.",
                ));
            }
        }
        Ok(())
    }

    // ---- slots -----------------------------------------------------------------------------

    pub(super) fn slot_taken(&self, taken: &[ClashView], alternatives: Vec<SlotView>) -> Refusal {
        let rooms = &self.book.practice().rooms;
        let room = taken
            .iter()
            .all(|clash| rooms.contains_key(&clash.resource));
        let mut refusal = Refusal::new(
            ErrorCode::SlotTaken,
            if room {
                "The room is taken at that time."
            } else {
                "This slot is taken."
            },
            "Take one of the alternatives, or double-book with a reason if your role may.",
        )
        .at("start");
        refusal.alternatives = alternatives;
        refusal
    }

    /// Refuses a taken slot unless it is double booked; what stands in the way comes back.
    fn check_slot(
        &self,
        now: Timestamp,
        moved: Option<AppointmentId>,
        location: LocationId,
        placement: &Placement,
        double_book: Option<&str>,
    ) -> Result<Vec<ClashView>, Refusal> {
        let taken = self.book.in_the_way(moved, placement);
        if taken.is_empty() {
            return Ok(taken);
        }
        if double_book.is_none() {
            let near = self
                .book
                .near(moved, location, placement, now, ALTERNATIVES);
            return Err(self.slot_taken(&taken, near));
        }
        if self.may_decide() {
            Ok(taken)
        } else {
            Err(not_allowed("double-book", "an owner, manager or vet").at("double_book"))
        }
    }

    fn check_warnings(
        &self,
        now: Timestamp,
        wish: &PlaceWish,
        placement: &Placement,
        client: Option<ClientId>,
        despite: bool,
    ) -> Result<Vec<Warning>, Refusal> {
        let mut warnings = self.book.warnings(wish, placement, now);
        if client.is_some_and(|client| self.is_restricted(client)) {
            warnings.push(Warning::ClientRestricted);
        }
        if self.clock.offset.is_some_and(|by| by.abs() > CLOCK_OFF) {
            warnings.push(Warning::ClockOff);
        }
        Self::confirmed(warnings, despite)
    }

    /// Refuses what somebody must say "anyway" to.
    fn confirmed(warnings: Vec<Warning>, despite: bool) -> Result<Vec<Warning>, Refusal> {
        if despite || !warnings.iter().copied().any(asks) {
            return Ok(warnings);
        }
        let mut refusal = Refusal::new(
            ErrorCode::NeedsConfirmation,
            "There is something to know before this is booked.",
            "Look at the warnings; say that it is meant to book anyway.",
        )
        .at("despite_warnings");
        refusal.warnings = warnings;
        Err(refusal)
    }

    pub(crate) fn alternatives_for(&self, now: Timestamp, id: AppointmentId) -> Vec<SlotView> {
        let now = self.clock.corrected(now);
        match self.claim_at("appointment", id) {
            Ok((_, placement)) => self.book.alternatives(id, &placement, now, ALTERNATIVES),
            Err(_) => Vec::new(),
        }
    }

    pub(crate) fn title_of(&self, id: AppointmentId) -> String {
        self.book.title_of(id).unwrap_or_default()
    }

    // ---- writing ---------------------------------------------------------------------------

    fn home_for(&self, location: LocationId, placement: &Placement) -> Result<WeekKey, Refusal> {
        let zone = self
            .book
            .zone_of(location)
            .ok_or_else(|| not_found("location", "site"))?;
        let week = home_week(placement, &zone);
        Ok(WeekKey { location, week })
    }

    /// Notes in every further week that a placement reaches into where its claim is kept.
    pub(super) fn point(
        &self,
        batch: &mut Batch,
        home: WeekKey,
        id: AppointmentId,
        placement: &Placement,
    ) -> Result<(), Refusal> {
        let Some(zone) = self.book.zone_of(home.location) else {
            return Ok(());
        };
        for week in touched(placement, &zone, home.week) {
            let location = home.location;
            batch.week(&self.book, WeekKey { location, week }, |week, actor| {
                Ok(week.point_to(actor, home.week, id)?)
            })?;
        }
        Ok(())
    }

    /// Writes who comes and a note, each sealed under the client's key.
    pub(super) fn put_details(
        &mut self,
        rng: &mut impl CryptoRng,
        batch: &mut Batch,
        id: AppointmentId,
        who: Option<&Who>,
        note: Option<&str>,
        home: Option<WeekKey>,
    ) -> Result<(), Refusal> {
        let home = home
            .or_else(|| self.book.home_of(id))
            .ok_or_else(|| not_found("appointment", "visit"))?;
        let client = match who {
            Some(who) => who.client,
            None => self.book.who_of(id).and_then(|who| who.client),
        };
        let key = match client {
            Some(client) => self.subject_key(rng, Subject::Client(client), Compartment::Visits)?,
            None => self.compartment_key(Compartment::Visits)?,
        };
        let key = self.content_key(key)?;
        let mut parts = Vec::new();
        if let Some(who) = who {
            parts.push((Part::Who, Sealed::who(rng, key, home, id, who)?));
        }
        if let Some(note) = note {
            let sealed = Sealed::text(rng, key, home, id, Part::Note, note)?;
            parts.push((Part::Note, sealed));
        }
        batch.visits(&self.book, home, |doc, actor, clock| {
            Ok(doc.put_all_details(actor, clock, id, &parts)?)
        })
    }

    /// Writes why, sealed: under the client's key where there is one.
    pub(super) fn put_reason(
        &mut self,
        rng: &mut impl CryptoRng,
        batch: &mut Batch,
        home: WeekKey,
        about: About,
        client: Option<crate::catalogue::ClientId>,
        reason: &str,
    ) -> Result<(), Refusal> {
        let key = match client {
            Some(client) => self.subject_key(rng, Subject::Client(client), Compartment::Visits)?,
            None => self.compartment_key(Compartment::Visits)?,
        };
        let sealed = Sealed::reason(rng, self.content_key(key)?, home, about, reason)?;
        batch.visits(&self.book, home, |doc, actor, clock| {
            Ok(doc.add_reason(actor, clock, about, &sealed)?)
        })
    }

    // ---- commands --------------------------------------------------------------------------

    pub(super) fn book_visit(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &Booking,
    ) -> Result<Reply, Refusal> {
        self.may_write_visits()?;
        let corrected = self.clock.corrected(now);
        let place = self.checked_booking(wish)?;
        let note = wish
            .note
            .as_deref()
            .map(|text| checks::note("note", text))
            .transpose()?;
        let double_book = wish
            .double_book
            .as_deref()
            .map(|text| checks::reason("double_book", text))
            .transpose()?;
        let who = Who {
            client: wish.client,
            pets: wish.pets.clone(),
            service: wish.service,
        };
        self.check_who(&who)?;
        let placement = self.book.place(&place)?;
        let taken = self.check_slot(
            corrected,
            None,
            wish.location,
            &placement,
            double_book.as_deref(),
        )?;
        let warnings = self.check_warnings(
            corrected,
            &place,
            &placement,
            wish.client,
            wish.despite_warnings,
        )?;

        let id = AppointmentId::from_bytes(random(rng));
        let home = self.home_for(wish.location, &placement)?;
        let mut batch = self.begin(now, rng);
        self.put_details(rng, &mut batch, id, Some(&who), note.as_deref(), Some(home))?;
        batch.week(&self.book, home, |week, actor| {
            Ok(week.book(actor, id, ClaimKind::Visit, Source::Desk, &placement)?)
        })?;
        self.point(&mut batch, home, id, &placement)?;
        let doubled = !taken.is_empty();
        if doubled {
            let reason = double_book.as_deref().unwrap_or_default();
            self.put_reason(rng, &mut batch, home, About::Claim(id), who.client, reason)?;
            self.allow(rng, &mut batch, home, id, &placement, &taken)?;
        }
        self.save(rng, batch)?;
        // A double booking is meant: the relay's refusal would tell nothing new.
        if !doubled {
            self.request(id, placement.hash(), Back::Withdraw);
        }
        let back = Back::Withdraw;
        let step = self.steps.keep(TakeBack::Visit { id, back });
        let mut reply = done(id, step, &format!("Booked for {}.", in_words(wish.start)));
        reply.warnings = warnings;
        Ok(reply)
    }

    fn checked_booking(&self, wish: &Booking) -> Result<PlaceWish, Refusal> {
        self.check_location(wish.location)?;
        let start = checks::start("start", wish.start)?;
        if let Some(minutes) = wish.minutes {
            checks::minutes("minutes", minutes)?;
        }
        self.check_staff(wish.staff, wish.location)?;
        if let Some(room) = wish.room {
            self.check_room(room, wish.location)?;
        }
        if let Some(service) = wish.service {
            let service = self
                .book
                .practice()
                .services
                .get(&service)
                .ok_or_else(|| not_found("service", "service"))?;
            if service.retired {
                return Err(invalid(
                    "service",
                    "This service is not offered any more.",
                    "Choose another.",
                ));
            }
        }
        Ok(PlaceWish {
            location: wish.location,
            start,
            staff: wish.staff,
            room: wish.room,
            service: wish.service,
            minutes: wish.minutes,
            moved: None,
        })
    }

    pub(super) fn block(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &NewBlock,
    ) -> Result<Reply, Refusal> {
        self.may_write_visits()?;
        self.check_location(wish.location)?;
        let start = checks::start("start", wish.start)?;
        let minutes = checks::minutes("minutes", wish.minutes)?;
        let title = wish
            .title
            .as_deref()
            .map(|text| checks::short_title("title", text))
            .transpose()?;
        let mut resources = wish.resources.clone();
        resources.sort_unstable();
        resources.dedup();
        if resources.is_empty() || resources.len() > MAX_BLOCKED {
            return Err(invalid(
                "resources",
                format!("A block keeps 1 to {MAX_BLOCKED} people or rooms free."),
                "Choose whom or what to keep free.",
            ));
        }
        for id in &resources {
            if self.book.practice().rooms.contains_key(id) {
                self.check_room(*id, wish.location)
            } else {
                self.check_staff(*id, wish.location)
            }
            .map_err(|refusal| refusal.at("resources"))?;
        }
        let zone = self
            .book
            .zone_of(wish.location)
            .ok_or_else(|| not_found("location", "site"))?;
        let placement = blocked(&zone, start, minutes, &resources)?;
        let corrected = self.clock.corrected(now);
        self.check_slot(corrected, None, wish.location, &placement, None)?;

        let id = AppointmentId::from_bytes(random(rng));
        let home = self.home_for(wish.location, &placement)?;
        let mut batch = self.begin(now, rng);
        if let Some(title) = title.filter(|title| !title.is_empty()) {
            let key = self.compartment_key(Compartment::Visits)?;
            let key = self.content_key(key)?;
            let sealed = Sealed::text(rng, key, home, id, Part::Title, &title)?;
            batch.visits(&self.book, home, |doc, actor, clock| {
                Ok(doc.put_details(actor, clock, id, Part::Title, &sealed)?)
            })?;
        }
        batch.week(&self.book, home, |week, actor| {
            Ok(week.book(actor, id, ClaimKind::Block, Source::Desk, &placement)?)
        })?;
        self.point(&mut batch, home, id, &placement)?;
        self.save(rng, batch)?;
        self.request(id, placement.hash(), Back::Withdraw);
        let back = Back::Withdraw;
        let step = self.steps.keep(TakeBack::Visit { id, back });
        let mut reply = done(id, step, &format!("Kept free from {}.", wish.start));
        if placement.span().start() < corrected {
            reply.warnings.push(Warning::InThePast);
        }
        Ok(reply)
    }

    pub(super) fn move_visit(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &MoveVisit,
    ) -> Result<Reply, Refusal> {
        self.may_write_visits()?;
        let corrected = self.clock.corrected(now);
        let id = wish.appointment;
        let (claim, before) = self.claim_at("appointment", id)?;
        if !claim.holds_slot() {
            return Err(illegal_step());
        }
        let double_book = wish
            .double_book
            .as_deref()
            .map(|text| checks::reason("double_book", text))
            .transpose()?;
        let other = Elsewhere {
            start: wish.start,
            staff: wish.staff,
            room: wish.room,
            minutes: wish.minutes,
        };
        let (placement, place) = self.shaped(&claim, &before, other)?;
        if placement == before && claim.placements.len() == 1 {
            return Ok(done(id, None, "The visit is there already."));
        }
        let taken = self.check_slot(
            corrected,
            Some(id),
            claim.location,
            &placement,
            double_book.as_deref(),
        )?;
        let warnings = match &place {
            Some(place) => {
                let client = self.book.who_of(id).and_then(|who| who.client);
                self.check_warnings(corrected, place, &placement, client, wish.despite_warnings)?
            }
            None => Vec::new(),
        };
        let home = self
            .book
            .home_of(id)
            .ok_or_else(|| not_found("appointment", "visit"))?;
        let mut batch = self.begin(now, rng);
        self.put_placement(rng, &mut batch, home, &claim, &placement)?;
        let doubled = !taken.is_empty();
        if doubled {
            let reason = double_book.as_deref().unwrap_or_default();
            let client = self.book.who_of(id).and_then(|who| who.client);
            self.put_reason(rng, &mut batch, home, About::Claim(id), client, reason)?;
            self.allow(rng, &mut batch, home, id, &placement, &taken)?;
        }
        self.save(rng, batch)?;
        if !doubled {
            let back = Back::Return(before.clone());
            self.request(id, placement.hash(), back);
        }
        let start = placement.civil_start();
        let back = Back::Return(before);
        let step = self.steps.keep(TakeBack::Visit { id, back });
        let mut reply = done(id, step, &format!("Moved to {}.", in_words(start)));
        reply.warnings = warnings;
        Ok(reply)
    }

    /// Puts a claim somewhere. Where a decision had put it elsewhere and it is to go back to where
    /// its document has it, nothing would change there: that takes another decision.
    fn put_placement(
        &mut self,
        rng: &mut impl CryptoRng,
        batch: &mut Batch,
        home: WeekKey,
        claim: &Claim,
        placement: &Placement,
    ) -> Result<(), Refusal> {
        let id = claim.id;
        let stays = claim.placements.len() == 1 && claim.placements.contains(placement);
        if stays {
            if !self.may_decide() {
                return Err(not_allowed(
                    "go against a decision",
                    "an owner, manager or vet",
                ));
            }
            let keep = conflict_rules::Verdict::Keep {
                claim: id,
                placement: placement.hash(),
            };
            return self.decision(rng, batch, home, vec![keep]).map(|_| ());
        }
        batch.week(&self.book, home, |week, actor| {
            Ok(week.move_to(actor, id, placement)?)
        })?;
        self.point(batch, home, id, placement)
    }

    pub(super) fn cancel(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &CancelVisit,
    ) -> Result<Reply, Refusal> {
        self.may_write_visits()?;
        let id = wish.appointment;
        let (claim, _) = self.claim_at("appointment", id)?;
        let reason = wish
            .reason
            .as_deref()
            .map(|text| checks::note("reason", text))
            .transpose()?
            .filter(|reason| !reason.is_empty());
        let before = claim.state();
        if !before.may_become(ClaimState::Cancelled) {
            return Err(illegal_step());
        }
        let home = self
            .book
            .home_of(id)
            .ok_or_else(|| not_found("appointment", "visit"))?;
        let mut batch = self.begin(now, rng);
        if let Some(reason) = reason {
            let client = self.book.who_of(id).and_then(|who| who.client);
            self.put_reason(rng, &mut batch, home, About::Claim(id), client, &reason)?;
        }
        batch.week(&self.book, home, |week, actor| {
            Ok(week.set_state(actor, id, ClaimState::Cancelled)?)
        })?;
        self.save(rng, batch)?;
        self.forget_verdict(id);
        let back = Back::Restate(before);
        let step = self.steps.keep(TakeBack::Visit { id, back });
        Ok(done(id, step, "Called off."))
    }

    pub(super) fn set_state(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &SetState,
    ) -> Result<Reply, Refusal> {
        self.may_write_visits()?;
        let id = wish.appointment;
        let (claim, _) = self.claim_at("appointment", id)?;
        let before = claim.state();
        // Writing the same again settles states that met; otherwise it says nothing.
        let settles = before == wish.state && claim.states.len() > 1;
        if !settles && !before.may_become(wish.state) {
            return Err(illegal_step());
        }
        self.take_again(now, &claim, wish.state)?;
        let home = self
            .book
            .home_of(id)
            .ok_or_else(|| not_found("appointment", "visit"))?;
        let mut batch = self.begin(now, rng);
        batch.week(&self.book, home, |week, actor| {
            Ok(week.set_state(actor, id, wish.state)?)
        })?;
        self.save(rng, batch)?;
        self.request_again(&claim, wish.state);
        let back = Back::Restate(before);
        let step = self.steps.keep(TakeBack::Visit { id, back });
        let said = match wish.state {
            ClaimState::Booked => "Booked.",
            ClaimState::Arrived => "Arrived.",
            ClaimState::InProgress => "In progress.",
            ClaimState::Done => "Done.",
            ClaimState::NoShow => "Did not come.",
            ClaimState::Cancelled => "Called off.",
        };
        Ok(done(id, step, said))
    }

    /// Whether a claim that had given its slot up can have it again.
    fn take_again(&self, now: Timestamp, claim: &Claim, next: ClaimState) -> Result<(), Refusal> {
        if !claim.state().takes_slot_again(next) {
            return Ok(());
        }
        let now = self.clock.corrected(now);
        for placement in &claim.placements {
            self.check_slot(now, Some(claim.id), claim.location, placement, None)?;
        }
        Ok(())
    }

    fn request_again(&mut self, claim: &Claim, next: ClaimState) {
        let before = claim.state();
        if before.takes_slot_again(next)
            && let [placement] = claim.placements.as_slice()
        {
            self.request(claim.id, placement.hash(), Back::Restate(before));
        }
    }

    pub(super) fn edit_visit(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &EditVisit,
    ) -> Result<Reply, Refusal> {
        self.may_write_visits()?;
        let id = wish.appointment;
        self.claim_at("appointment", id)?;
        let note = wish
            .note
            .as_deref()
            .map(|text| checks::note("note", text))
            .transpose()?;
        let before = self.book.who_of(id).cloned().unwrap_or_default();
        let details = self.book.visit_details(id);
        let note_before = details
            .and_then(|details| details.visit.details)
            .and_then(|text| text.note)
            .unwrap_or_default();
        let mut who = before.clone();
        if let Some(client) = wish.client {
            if before.client != Some(client) && wish.pets.is_none() {
                who.pets.clear();
            }
            who.client = Some(client);
        }
        if let Some(pets) = &wish.pets {
            who.pets.clone_from(pets);
        }
        // Whoever it was for may be gone from the book by now; that is no fault of a new note.
        if who != before {
            self.check_who(&who)?;
        }
        let other_client = who.client != before.client;
        // What was sealed under one client's key does not stay there for another's visit.
        let note =
            note.or_else(|| (other_client && !note_before.is_empty()).then(|| note_before.clone()));
        let new_who = (who != before).then_some(&who);
        if new_who.is_none() && note.is_none() {
            return Ok(done(id, None, "Nothing was changed."));
        }
        let restricted = [before.client, who.client].into_iter().flatten();
        let restricted = restricted.filter(|client| self.is_restricted(*client));
        let warnings = restricted.take(1).map(|_| Warning::ClientRestricted);
        let warnings = Self::confirmed(warnings.collect(), wish.despite_warnings)?;
        let mut batch = self.begin(now, rng);
        self.put_details(rng, &mut batch, id, new_who, note.as_deref(), None)?;
        let changed = self.save(rng, batch)?;
        let step = changed.then(|| {
            self.steps.keep(TakeBack::Details {
                id,
                who: before,
                note: note_before,
            })
        });
        let mut reply = done(id, step, "The visit is corrected.");
        reply.warnings = warnings;
        Ok(reply)
    }

    // ---- taking back -----------------------------------------------------------------------

    /// Takes back what the relay refused: without questions, the slot is another's.
    pub(crate) fn withdraw(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        id: AppointmentId,
        back: &Back,
    ) -> Result<(), Refusal> {
        let (claim, _) = self.claim_at("appointment", id)?;
        let mut batch = self.begin(now, rng);
        self.put_back(rng, &mut batch, &claim, back)?;
        self.save(rng, batch)?;
        self.steps.forget_visit(id);
        Ok(())
    }

    /// Takes a step on a visit back, if the way back is free.
    pub(super) fn undo_visit(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        id: AppointmentId,
        back: &Back,
    ) -> Result<(), Refusal> {
        let (claim, before) = self.claim_at("appointment", id)?;
        let corrected = self.clock.corrected(now);
        match back {
            Back::Withdraw => {}
            Back::Return(placement) => {
                self.check_slot(corrected, Some(id), claim.location, placement, None)?;
            }
            Back::Restate(state) => self.take_again(now, &claim, *state)?,
        }
        let mut batch = self.begin(now, rng);
        self.put_back(rng, &mut batch, &claim, back)?;
        self.save(rng, batch)?;
        match back {
            Back::Withdraw => self.forget_verdict(id),
            Back::Return(placement) => self.request(id, placement.hash(), Back::Return(before)),
            Back::Restate(state) => self.request_again(&claim, *state),
        }
        Ok(())
    }

    fn put_back(
        &mut self,
        rng: &mut impl CryptoRng,
        batch: &mut Batch,
        claim: &Claim,
        back: &Back,
    ) -> Result<(), Refusal> {
        let id = claim.id;
        let home = self
            .book
            .home_of(id)
            .ok_or_else(|| not_found("appointment", "visit"))?;
        let target = match back {
            Back::Return(placement) => {
                return self.put_placement(rng, batch, home, claim, placement);
            }
            // Who is being treated is not called off.
            Back::Withdraw if claim.state() == ClaimState::Cancelled => return Ok(()),
            Back::Withdraw if claim.state().may_become(ClaimState::Cancelled) => {
                ClaimState::Cancelled
            }
            Back::Withdraw => return Err(illegal_step()),
            Back::Restate(state) => *state,
        };
        for state in steps(claim.state(), target).ok_or_else(illegal_step)? {
            batch.week(&self.book, home, |week, actor| {
                Ok(week.set_state(actor, id, state)?)
            })?;
        }
        Ok(())
    }
}

/// A start as a receptionist says it, for what a reply tells.
fn in_words(start: DateTime) -> String {
    start.strftime("%a %-d %b at %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_way_to_every_other() {
        for from in ClaimState::ALL {
            for to in ClaimState::ALL {
                let path = steps(from, to).unwrap();
                let mut at = from;
                for next in &path {
                    assert!(at.may_become(*next), "{at:?} to {next:?}");
                    at = *next;
                }
                assert_eq!(at, to);
            }
        }
    }
}
