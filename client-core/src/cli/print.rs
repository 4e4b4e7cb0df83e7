//! What is printed: JSON as the catalogue defines it, or lines for a person.

use std::io::{self, Write};

use serde::Serialize;

use super::{audit, cards, erasing, kit, people, rights, run::word, seats};
use crate::{
    catalogue::{
        Answer, CertificateView, ClientSummary, DayView, ErasuresView, ErrorCode, Event, HomePhase,
        HomeReply, Query, Refusal, Reply, ReviewView, SlotView, Standing, StateView, VisitState,
        VisitView, Warning,
    },
    home::Home,
};

/// Where output goes, and how.
pub(super) struct Printer<'a> {
    pub(super) json: bool,
    pub(super) out: &'a mut dyn Write,
}

impl Printer<'_> {
    pub(super) fn reply(&mut self, reply: &Reply) -> Result<(), Refusal> {
        if self.json {
            return self.as_json(reply);
        }
        self.line(&format!("{}  {}", reply.id, reply.said))?;
        for known in &reply.warnings {
            self.line(&format!("  - {}", warning(*known)))?;
        }
        Ok(())
    }

    /// What owners decided beyond the table of roles.
    pub(super) fn policy(&mut self, managers_read_clinical: bool) -> Result<(), Refusal> {
        if self.json {
            let view = serde_json::json!({ "managers_read_clinical": managers_read_clinical });
            return self.as_json(&view);
        }
        self.line(if managers_read_clinical {
            "Managers read clinical cards."
        } else {
            "Managers do not read clinical cards."
        })
    }

    /// Asks for a word; with `--json` nothing, for the reply before names which.
    pub(super) fn asks(&mut self, number: u8) -> Result<(), Refusal> {
        if self.json {
            return Ok(());
        }
        self.line(&format!("Word {number}?"))
    }

    /// What a certificate proves.
    pub(super) fn certificate(&mut self, view: &CertificateView) -> Result<(), Refusal> {
        if self.json {
            return self.as_json(view);
        }
        self.line("The certificate holds.")?;
        self.lines(erasing::certificate_lines(view).into_iter())
    }

    pub(super) fn home_reply(&mut self, reply: &HomeReply) -> Result<(), Refusal> {
        if self.json {
            return self.as_json(reply);
        }
        match reply {
            HomeReply::Status(status) => {
                let phase = match status.phase {
                    HomePhase::Empty => "empty",
                    HomePhase::Locked => "locked",
                    HomePhase::Open => "open",
                    HomePhase::Removed => "removed from the practice",
                };
                self.line(&format!("home: {phase}"))?;
                if let Some(relay) = &status.relay {
                    self.line(&format!("relay: {relay}"))?;
                }
                match &status.standby {
                    Some(key) => self.line(&format!("spare key: {key}")),
                    None => Ok(()),
                }
            }
            HomeReply::Founded {
                words,
                organisation,
                ..
            } => {
                self.line("The practice is open. Write down these recovery words, on paper, now:")?;
                self.lines(kit::six_a_line(words).into_iter())?;
                self.line("They are not shown again, and nobody can bring them back.")?;
                self.line(&format!(
                    "The practice's id, for the same paper: {organisation}"
                ))
            }
            HomeReply::Governed { rotated: true } => self.line("Done. The keys are in order."),
            HomeReply::Governed { rotated: false } => {
                self.line("Done. An owner's computer makes new keys where they are needed.")
            }
            HomeReply::Opened => self.line("The home is open."),
            HomeReply::Seats { .. } => self.lines(seats::lines(reply).into_iter()),
            HomeReply::Keystore(view) => self.line(match (view.on, view.trouble) {
                (false, _) => "The keystore of this system takes no part: a passphrase is enough.",
                (true, None) => "The keys open only together with the keystore of this system.",
                (true, Some(_)) => {
                    "The keys open only together with the keystore of this system, and it does not \
                     give its secret now. Keep the recovery words at hand."
                }
            }),
            HomeReply::Compare { seat, number } if number.is_empty() => self.line(&format!(
                "{seat}  no number yet: the other computer has to be connected at the same time"
            )),
            HomeReply::Compare { seat, number } => self.line(&format!(
                "{seat}  {number}  (read it to each other by telephone)"
            )),
            HomeReply::Rescued { .. }
            | HomeReply::Drilled { .. }
            | HomeReply::Kit(_)
            | HomeReply::NewWords { .. }
            | HomeReply::KitRenewed { .. }
            | HomeReply::Backup(_) => self.lines(kit::lines(reply).into_iter()),
            HomeReply::Invited { code, expires, .. } => {
                self.line(code)?;
                self.line(&format!("valid until {expires}, once"))
            }
            HomeReply::Erased(erasure) => {
                self.line("Erased. This is not taken back.")?;
                self.lines(erasing::lines(erasure).into_iter())
            }
            HomeReply::Certificate {
                file,
                in_step,
                certificate,
            } => {
                self.line(&format!("written: {file}"))?;
                if !in_step {
                    self.line("The relay did not answer: receipts may be missing.")?;
                }
                self.lines(erasing::certificate_lines(certificate).into_iter())
            }
            HomeReply::Evidence {
                file,
                contradictions,
            } => self.line(&format!("{file}  {contradictions} contradictions")),
            HomeReply::Audited(report) => self.lines(audit::report_lines(report).into_iter()),
            HomeReply::Exported { folder, files } => {
                self.line(&format!("{folder}  {}", files.join("  ")))?;
                self.line("Not encrypted: whoever gets these files can read them.")
            }
            HomeReply::BackedUp { file, bytes } => self.line(&format!("{file}  {bytes} bytes")),
        }
    }

    /// How far long work has come, for a person.
    pub(super) fn progress(&mut self, done: u64, of: u64) -> Result<(), Refusal> {
        if self.json {
            return Ok(());
        }
        self.line(&format!("{done} of {of}"))
    }

    pub(super) fn practice(&mut self, answer: &Answer, part: &str) -> Result<(), Refusal> {
        let Answer::Practice(practice) = answer else {
            return self.answer(answer);
        };
        if self.json {
            let value = serde_json::to_value(practice).unwrap_or_default();
            return self.as_json(value.get(part).unwrap_or(&value));
        }
        match part {
            "locations" => {
                for site in &practice.locations {
                    self.line(&format!("{}  {}  {}", site.id, site.name, site.zone))?;
                }
            }
            "staff" => {
                for staff in practice.staff.iter().filter(|staff| !staff.retired) {
                    self.line(&format!("{}  {}  {:?}", staff.id, staff.name, staff.role))?;
                }
            }
            "rooms" => {
                for room in practice.rooms.iter().filter(|room| !room.retired) {
                    self.line(&format!(
                        "{}  {}  takes {}",
                        room.id, room.name, room.capacity
                    ))?;
                }
            }
            _ => {
                for service in practice.services.iter().filter(|service| !service.retired) {
                    let (id, name, minutes) = (service.id, &service.name, service.minutes);
                    self.line(&format!("{id}  {name}  {minutes} min"))?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn answer(&mut self, answer: &Answer) -> Result<(), Refusal> {
        if self.json {
            return self.as_json(answer);
        }
        match answer {
            Answer::Day(day) => self.day(day),
            Answer::Free { slots } if slots.is_empty() => self.line("Nothing is free there."),
            Answer::Free { slots } => self.lines(slots.iter().map(slot)),
            Answer::Found { clients, total } => {
                self.lines(clients.iter().map(client))?;
                self.line(&format!("{} of {total}", clients.len()))
            }
            Answer::Client(view) => {
                self.line(&client(&view.client))?;
                if let Some(said) = &view.restriction {
                    let (since, by) = (said.since, &said.by);
                    self.line(&format!(
                        "  ! restricted since {since} by {by}: {}",
                        said.reason
                    ))?;
                }
                self.lines(view.alerts.iter().map(cards::alert))?;
                let pets = view.client.pets.iter();
                self.lines(pets.map(|pet| format!("  {}  {}  {}", pet.id, pet.name, pet.species)))
            }
            Answer::Cards(view) => self.lines(cards::lines(view).into_iter()),
            Answer::Reviews { reviews } if reviews.is_empty() => self.line("Nothing to review."),
            Answer::Reviews { reviews } => {
                for review in reviews {
                    self.review(review)?;
                }
                Ok(())
            }
            Answer::Clashes { clashes, hash } => {
                for clash in clashes {
                    let claims: Vec<String> =
                        clash.claims.iter().map(ToString::to_string).collect();
                    let (resource, from, until) = (clash.resource, clash.from, clash.until);
                    self.line(&format!(
                        "{resource}  {from} - {until}  {}",
                        claims.join(" ")
                    ))?;
                }
                self.line(&format!("{} clashes  {hash}", clashes.len()))
            }
            Answer::State(state) => self.state(state),
            Answer::Audit(view) => self.lines(audit::lines(view).into_iter()),
            Answer::Retention(view) => self.lines(rights::lines(view, true).into_iter()),
            Answer::Erasures(view) => self.lines(view.erasures.iter().flat_map(erasing::lines)),
            Answer::People(view) => self.lines(people::lines(view).into_iter()),
            Answer::Practice(_) | Answer::Visit(_) | Answer::Check(_) => self.as_json(answer),
        }
    }

    /// One of the erasures, for a person.
    pub(super) fn erasure(&mut self, view: &ErasuresView, id: &str) -> Result<(), Refusal> {
        let one = view.erasures.iter().find(|one| one.id == id);
        match one {
            Some(one) if !self.json => self.lines(erasing::lines(one).into_iter()),
            _ => Ok(()),
        }
    }

    /// The rules of retention, and with `whose` for whom their time is over.
    pub(super) fn retention(&mut self, answer: &Answer, whose: bool) -> Result<(), Refusal> {
        match answer {
            Answer::Retention(view) if !self.json => {
                self.lines(rights::lines(view, whose).into_iter())
            }
            _ => self.answer(answer),
        }
    }

    fn day(&mut self, day: &DayView) -> Result<(), Refusal> {
        self.line(&format!("{}  {}", day.date, day.zone))?;
        if day.visits.is_empty() {
            return self.line("No visits.");
        }
        self.lines(day.visits.iter().map(visit))
    }

    fn review(&mut self, review: &ReviewView) -> Result<(), Refusal> {
        self.line(&format!("{}  {}", review.id, review.why))?;
        for one in &review.visits {
            let made = format!("{} at {}, {}", one.made_by, one.location_name, one.made_at);
            self.line(&format!("  {}  - {made}", visit(&one.visit)))?;
        }
        match &review.suggestion {
            Some(suggestion) => self.line(&format!("  suggested: {}", suggestion.because)),
            None => Ok(()),
        }
    }

    fn state(&mut self, state: &StateView) -> Result<(), Refusal> {
        self.line(word(state.link))?;
        self.line(&format!(
            "{} to send, {} confirmed, {} tentative, {} to review",
            state.outbox, state.confirmed, state.tentative, state.reviews
        ))?;
        self.lines(
            state
                .alarms
                .iter()
                .map(|alarm| format!("! {}: {}", alarm.title, alarm.what)),
        )?;
        self.line(&format!("entries   {}", state.entries))?;
        self.line(&format!("heads     {}", state.heads))?;
        self.line(&format!("clashes   {}", state.clashes))?;
        self.line(&format!("rendering {}", state.rendering))
    }

    /// What to look into, one after the other.
    pub(super) fn alarms(&mut self, answer: &Answer) -> Result<(), Refusal> {
        let Answer::State(state) = answer else {
            return self.answer(answer);
        };
        if self.json {
            return self.as_json(&state.alarms);
        }
        if state.alarms.is_empty() {
            return self.line("Nothing to look into.");
        }
        for alarm in &state.alarms {
            self.line(&format!("! {}", alarm.title))?;
            if let Some(since) = alarm.since {
                self.line(&format!("  since    {since}"))?;
            }
            self.line(&format!("  happened {}", alarm.what))?;
            self.line(&format!("  Daybook  {}", alarm.doing))?;
            self.line(&format!("  you      {}", alarm.you))?;
        }
        Ok(())
    }

    pub(super) fn link(&mut self, home: &Home) -> Result<(), Refusal> {
        match home.query(Query::State)? {
            Answer::State(state) if self.json => self.as_json(&state),
            Answer::State(state) => {
                let (link, outbox) = (word(state.link), state.outbox);
                self.line(&format!(
                    "{link} - {outbox} to send, {} to review",
                    state.reviews
                ))?;
                let care = &state.care;
                if care.only_copy {
                    self.line("the only copy is on this computer: set a relay, or back it up")?;
                }
                if let Some(why) = &care.backup_waits {
                    self.line(&format!("the backup waits: {why}"))?;
                }
                if care.drill_due {
                    self.line("the recovery words wait to be tried: daybook drill")?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn event(&mut self, event: &Event) -> Result<(), Refusal> {
        if self.json {
            return self.as_json(event);
        }
        match event {
            Event::JustTaken {
                appointment,
                alternatives,
                ..
            } => {
                self.line(&format!("just taken: {appointment} was withdrawn"))?;
                self.lines(
                    alternatives
                        .iter()
                        .map(|free| format!("  free: {}", slot(free))),
                )
            }
            Event::Changed { .. } => Ok(()),
        }
    }

    pub(super) fn raw(&mut self, line: &Result<String, serde_json::Error>) -> Result<(), Refusal> {
        self.line(line.as_deref().unwrap_or_default())
    }

    fn as_json(&mut self, value: &impl Serialize) -> Result<(), Refusal> {
        self.line(&serde_json::to_string(value).unwrap_or_default())
    }

    fn lines(&mut self, lines: impl Iterator<Item = String>) -> Result<(), Refusal> {
        for line in lines {
            self.line(&line)?;
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<(), Refusal> {
        let written = writeln!(self.out, "{line}").and_then(|()| self.out.flush());
        // Whoever reads may stop reading; what was asked for was done all the same.
        let written = match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        };
        written.map_err(|error: io::Error| {
            Refusal::new(
                ErrorCode::Internal,
                format!("The output cannot be written: {error}."),
                "The command itself was carried out.",
            )
        })
    }
}

fn client(client: &ClientSummary) -> String {
    let pets: Vec<&str> = client.pets.iter().map(|pet| pet.name.as_str()).collect();
    let restricted = if client.restricted {
        "  ! restricted"
    } else {
        ""
    };
    format!(
        "{}  {}  {}  {}{restricted}",
        client.id,
        client.name,
        client.phones.join(", "),
        pets.join(", ")
    )
}

fn visit(visit: &VisitView) -> String {
    let title = visit
        .details
        .as_ref()
        .map_or("details on the way", |text| text.title.as_str());
    let standing = match visit.standing {
        Standing::Tentative => "tentative",
        Standing::Confirmed => "confirmed",
        Standing::Refused => "refused",
    };
    let state = match visit.state {
        VisitState::Booked => "booked",
        VisitState::Arrived => "arrived",
        VisitState::InProgress => "in progress",
        VisitState::Done => "done",
        VisitState::NoShow => "no-show",
        VisitState::Cancelled => "cancelled",
    };
    let restricted = visit.details.as_ref().is_some_and(|text| text.restricted);
    let restricted = if restricted { "  ! restricted" } else { "" };
    let flag = if visit.flagged { "  ! review" } else { "" };
    let alerts = visit.details.iter().flat_map(|text| &text.alerts);
    let alerts: Vec<String> = alerts.map(cards::alert).collect();
    let care = alerts.concat();
    let (start, end) = (visit.start, visit.end.time());
    format!(
        "{}  {start} - {end}  {title}  {state}, {standing}{flag}{restricted}{care}",
        visit.id
    )
}

pub(super) fn slot(slot: &SlotView) -> String {
    let room = slot
        .room_name
        .as_deref()
        .map(|room| format!("  {room}"))
        .unwrap_or_default();
    format!(
        "{} - {}  {}{room}",
        slot.start,
        slot.end.time(),
        slot.staff_name
    )
}

pub(super) fn warning(warning: Warning) -> &'static str {
    match warning {
        Warning::InThePast => "It starts in the past.",
        Warning::SiteClosed => "The site is closed then.",
        Warning::StaffNotWorking => "The member of staff does not work then.",
        Warning::ClockChangesTwice => "This time occurs twice that day; the first is meant.",
        Warning::FarAhead => "It is more than two years ahead.",
        Warning::ClockOff => "The clock of this machine is far off.",
        Warning::PhoneKnown => "Another client has the same phone number.",
        Warning::ClientRestricted => {
            "What is kept about this client is restricted: treat an emergency, or do what the client asked for; nothing more."
        }
        Warning::StaffNotForService => "This member of staff is not listed for the service.",
    }
}
