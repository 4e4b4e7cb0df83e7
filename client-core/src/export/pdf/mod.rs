//! The same as the page, to print and to hand over: text that can be searched and copied, on A4.
//!
//! It carries no name of a file, a computer or a person outside of what it says.

mod letters;
mod sheet;

use krilla::{
    Document,
    metadata::{DateTime, Metadata},
};

use self::{
    letters::{Letters, Weight},
    sheet::{Sheet, Style},
};
use super::{Dossier, Visit, page::state};
use crate::catalogue::{AuditRow, CardView};

const TITLE: Style = Style {
    weight: Weight::Bold,
    size: 18.0,
    indent: 0.0,
    above: 0.0,
    with: 0,
};
const PART: Style = Style {
    weight: Weight::Bold,
    size: 13.0,
    indent: 0.0,
    above: 18.0,
    with: 2,
};
const HEAD: Style = Style {
    weight: Weight::Bold,
    size: 9.5,
    indent: 0.0,
    above: 7.0,
    with: 1,
};
const TEXT: Style = Style {
    weight: Weight::Plain,
    size: 9.5,
    indent: 0.0,
    above: 3.0,
    with: 0,
};
const UNDER: Style = Style {
    indent: 14.0,
    above: 1.0,
    ..TEXT
};

/// The PDF could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the PDF could not be made: {0}")]
pub(crate) struct PdfError(String);

fn failed(why: impl Into<String>) -> PdfError {
    PdfError(why.into())
}

pub(super) fn pdf(dossier: &Dossier) -> Result<Vec<u8>, PdfError> {
    let letters = Letters::read().ok_or_else(|| failed("a font is damaged"))?;
    let mut writer = Writer {
        letters: &letters,
        sheet: Sheet::new(&letters),
        unshown: 0,
    };
    writer.write(dossier, None);
    if writer.unshown > 0 {
        let unshown = writer.unshown;
        writer.sheet = Sheet::new(&letters);
        writer.write(dossier, Some(unshown));
    }
    let written = dossier.written.strftime("%Y-%m-%d %H:%M UTC");
    let foot = format!("{}  -  {written}", dossier.practice);
    let mut document = Document::new();
    document.set_metadata(metadata(dossier));
    writer
        .sheet
        .draw(&mut document, &foot)
        .ok_or_else(|| failed("a page has no size"))?;
    document
        .finish()
        .map_err(|error| failed(format!("{error:?}")))
}

fn metadata(dossier: &Dossier) -> Metadata {
    let at = dossier.written.to_zoned(jiff::tz::TimeZone::UTC);
    let small = |number: i8| u8::try_from(number).unwrap_or_default();
    let at = DateTime::new(u16::try_from(at.year()).unwrap_or_default())
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    Metadata::new()
        .title("What a practice keeps about one client".to_owned())
        .producer("Daybook".to_owned())
        .language("en".to_owned())
        .creation_date(at)
}

struct Writer<'a> {
    letters: &'a Letters,
    sheet: Sheet<'a>,
    /// Letters that the font has no picture of.
    unshown: usize,
}

impl Writer<'_> {
    fn set(&mut self, style: Style, text: &str) {
        let unshown = |letter: &char| !letter.is_control() && !self.letters.shows(*letter);
        self.unshown += text.chars().filter(unshown).count();
        self.sheet.set(style, text);
    }

    /// A name and a value; nothing where there is no value.
    fn field(&mut self, style: Style, name: &str, value: &str) {
        if !value.is_empty() {
            self.set(style, &format!("{name}: {value}"));
        }
    }

    fn part<T>(&mut self, name: &str, of: &[T], one: impl Fn(&mut Self, &T)) {
        self.set(PART, name);
        if of.is_empty() {
            self.set(TEXT, "None.");
        }
        for item in of {
            one(self, item);
        }
    }

    fn write(&mut self, dossier: &Dossier, unshown: Option<usize>) {
        let client = &dossier.client;
        self.set(TITLE, &client.name);
        let written = dossier.written.strftime("%Y-%m-%d %H:%M UTC");
        let practice = &dossier.practice;
        let what = format!("What {practice} keeps about this client, written {written}.");
        self.set(TEXT, &what);
        for text in &dossier.left_out {
            self.set(TEXT, &format!("Left out: {text}"));
        }
        if let Some(count) = unshown {
            let text = format!(
                "Letters without a picture in this file, shown as boxes: {count}. client.html has \
                 them."
            );
            self.set(TEXT, &text);
        }
        self.set(PART, "Client");
        self.field(TEXT, "Id", &client.id.to_string());
        self.field(TEXT, "Telephone", &client.phones.join(", "));
        self.field(TEXT, "E-mail", &client.email);
        self.field(TEXT, "Note", &dossier.note);
        for (name, value) in dossier.rights() {
            self.field(TEXT, name, &value);
        }
        self.part("Pets", &client.pets, |writer, pet| {
            writer.set(HEAD, &pet.name);
            writer.field(UNDER, "Species", &pet.species);
            writer.field(UNDER, "Breed", &pet.breed);
            writer.field(UNDER, "Microchip", &pet.microchip);
        });
        self.part("Visits", &dossier.visits, Self::visit);
        let written = |card: &&CardView| !card.notes.is_empty();
        let cards: Vec<&CardView> = dossier.cards.iter().filter(written).collect();
        self.part("Cards", &cards, |writer, card| writer.card(card));
        self.part("Who changed what", &dossier.history, Self::change);
    }

    fn visit(&mut self, visit: &Visit) {
        let start = visit.start.strftime("%Y-%m-%d %H:%M").to_string();
        let parts = [
            start,
            visit.location.clone(),
            visit.service.clone().unwrap_or_default(),
            state(visit.state).replace('_', " "),
        ];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        self.set(HEAD, &parts.collect::<Vec<_>>().join("  -  "));
        self.field(UNDER, "With", &visit.with.join(", "));
        self.field(UNDER, "Pets", &visit.pets.join(", "));
        self.field(UNDER, "Note", visit.note.as_deref().unwrap_or_default());
        for reason in &visit.reasons {
            self.field(UNDER, "Reason", reason);
        }
    }

    fn card(&mut self, card: &CardView) {
        for note in &card.notes {
            let (kind, at) = (card.card.as_str(), note.at);
            let head = format!("{}  -  {kind}  -  {at}  -  {}", card.name, note.by);
            self.set(HEAD, &head);
            if let (Some(by), Some(at)) = (&note.withdrawn_by, note.withdrawn_at) {
                self.set(UNDER, &format!("Withdrawn by {by}, {at}. It said:"));
            }
            self.set(UNDER, &note.text);
        }
    }

    fn change(&mut self, row: &AuditRow) {
        let who = row.name.as_deref().or(row.seat.as_deref());
        self.set(HEAD, &format!("{}  -  {}", row.at, who.unwrap_or_default()));
        let void = row.masked.is_some() || row.refused;
        for change in &row.what {
            let mark = if void { " (counts for nothing)" } else { "" };
            self.set(UNDER, &format!("{}{mark}", change.text));
            self.field(UNDER, "before", change.old.as_deref().unwrap_or_default());
            self.field(UNDER, "since", change.new.as_deref().unwrap_or_default());
        }
    }
}
