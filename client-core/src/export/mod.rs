//! What a client is handed who asks what the practice keeps about them: the content of each file.
//!
//! Nothing here reads a disk or a clock: what one seat can read goes in as a [`Dossier`], and the
//! bytes of the files come out.

mod csv;
mod page;
mod pdf;

use jiff::{Timestamp, civil::DateTime};
use serde::Serialize;

use crate::catalogue::{
    AlertView, AuditRow, CardKind, CardView, CardsView, ClientSummary, ClientView, PracticeView,
    RestrictionView, VisitDetails, VisitState,
};

/// A file could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// The JSON.
    #[error("the JSON could not be made: {0}")]
    Json(#[from] serde_json::Error),
    /// The PDF.
    #[error(transparent)]
    Pdf(#[from] pdf::PdfError),
}

/// Everything about one client that the seat in use can read.
#[derive(Debug, Serialize)]
pub(crate) struct Dossier {
    about: &'static str,
    practice: String,
    written: Timestamp,
    /// What is not in here, in sentences.
    left_out: Vec<String>,
    client: ClientSummary,
    note: String,
    /// Why this client must be kept.
    #[serde(skip_serializing_if = "String::is_empty")]
    hold: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    restriction: Option<RestrictionView>,
    alerts: Vec<AlertView>,
    visits: Vec<Visit>,
    cards: Vec<CardView>,
    history: Vec<AuditRow>,
}

/// A visit, with names in the place of ids.
#[derive(Debug, Serialize)]
struct Visit {
    id: String,
    location: String,
    start: DateTime,
    end: DateTime,
    state: VisitState,
    with: Vec<String>,
    service: Option<String>,
    pets: Vec<String>,
    note: Option<String>,
    reasons: Vec<String>,
}

/// What a dossier is made from.
#[derive(Debug)]
pub(crate) struct Sources {
    pub practice: PracticeView,
    pub client: ClientView,
    pub visits: Vec<VisitDetails>,
    pub cards: CardsView,
    pub history: Vec<AuditRow>,
    /// Entries in the whole practice that this seat may read and has no key for yet.
    pub waiting: u32,
}

impl Dossier {
    pub(crate) fn new(written: Timestamp, from: Sources) -> Self {
        let left_out = left_out(&from);
        let practice = &from.practice;
        let mut visits: Vec<Visit> = from
            .visits
            .into_iter()
            .map(|details| visit(practice, details))
            .collect();
        visits.sort_by(|a, b| (b.start, &b.id).cmp(&(a.start, &a.id)));
        Self {
            about: "What this practice keeps about one client, as far as the person who wrote this \
                    file may read it. It is not encrypted.",
            practice: from.practice.name,
            written,
            left_out,
            client: from.client.client,
            note: from.client.note,
            hold: from.client.hold,
            restriction: from.client.restriction,
            alerts: from.client.alerts,
            visits,
            cards: from.cards.cards,
            history: from.history,
        }
    }

    /// Name and content of each file.
    pub(crate) fn files(&self) -> Result<Vec<(&'static str, Vec<u8>)>, ExportError> {
        Ok(vec![
            ("client.json", serde_json::to_vec_pretty(self)?),
            ("visits.csv", csv::visits(self).into_bytes()),
            ("notes.csv", csv::notes(self).into_bytes()),
            ("client.html", page::page(self).into_bytes()),
            ("client.pdf", pdf::pdf(self)?),
        ])
    }

    /// What the practice was told to do with it, in names and values.
    fn rights(&self) -> Vec<(&'static str, String)> {
        let mut rights = Vec::new();
        if !self.hold.is_empty() {
            rights.push(("Must be kept", self.hold.clone()));
        }
        if let Some(said) = &self.restriction {
            let RestrictionView {
                reason, since, by, ..
            } = said;
            rights.push(("Restricted", format!("{reason} (since {since}, by {by})")));
        }
        rights
    }
}

fn visit(practice: &PracticeView, details: VisitDetails) -> Visit {
    let location = practice
        .locations
        .iter()
        .find(|one| one.id == details.location)
        .map_or_else(|| details.location.to_string(), |one| one.name.clone());
    let mut with = Vec::new();
    for part in &details.visit.parts {
        let staff = practice.staff.iter().map(|one| (one.id, &one.name));
        let rooms = practice.rooms.iter().map(|one| (one.id, &one.name));
        let name = staff.chain(rooms).find(|(id, _)| *id == part.resource);
        let name = name.map_or_else(|| part.resource.to_string(), |(_, name)| name.clone());
        if !with.contains(&name) {
            with.push(name);
        }
    }
    let text = details.visit.details;
    let (service, pets, note, reasons) = match text {
        Some(text) => {
            let pets = text.pets.into_iter().map(|pet| pet.name).collect();
            (text.service_name, pets, text.note, text.reasons)
        }
        None => (None, Vec::new(), None, Vec::new()),
    };
    Visit {
        id: details.visit.id.to_string(),
        location,
        start: details.visit.start,
        end: details.visit.end,
        state: details.visit.state,
        with,
        service,
        pets,
        note,
        reasons,
    }
}

fn left_out(from: &Sources) -> Vec<String> {
    let mut out = Vec::new();
    for kind in CardKind::ALL {
        if !from.cards.cards.iter().any(|card| card.card == kind) {
            out.push(format!(
                "{} records: the seat that wrote this may not read them.",
                kind.as_str()
            ));
        }
    }
    let bare = from.visits.iter();
    let bare = bare.filter(|one| one.visit.details.is_none()).count();
    if bare > 0 {
        out.push(format!(
            "The notes of {bare} visits: they have not come to this computer yet."
        ));
    }
    if from.waiting > 0 {
        out.push(format!(
            "{} changes in the practice, about any client, whose keys have not come to this computer yet.",
            from.waiting
        ));
    }
    out
}
