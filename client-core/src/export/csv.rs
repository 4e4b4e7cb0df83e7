//! The tables of an export, for spreadsheets.
//!
//! Each cell is quoted, so that commas and line ends are part of it. What a spreadsheet would take
//! for a formula begins with an apostrophe. The mark in front makes spreadsheets read UTF-8.

use super::Dossier;

const UTF8: char = '\u{feff}';

fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let guard = if formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

fn row<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

pub(super) fn visits(dossier: &Dossier) -> String {
    let mut table = String::from(UTF8);
    table.push_str(&row([
        "visit", "site", "start", "end", "state", "with", "service", "pets", "note", "reasons",
    ]));
    for visit in &dossier.visits {
        table.push_str(&row([
            &*visit.id,
            &*visit.location,
            &*visit.start.to_string(),
            &*visit.end.to_string(),
            &*super::page::state(visit.state),
            &*visit.with.join("; "),
            visit.service.as_deref().unwrap_or_default(),
            &*visit.pets.join("; "),
            visit.note.as_deref().unwrap_or_default(),
            &*visit.reasons.join("\n"),
        ]));
    }
    table
}

pub(super) fn notes(dossier: &Dossier) -> String {
    let mut table = String::from(UTF8);
    table.push_str(&row([
        "about",
        "kind",
        "at",
        "by",
        "text",
        "withdrawn at",
        "withdrawn by",
    ]));
    if !dossier.note.is_empty() {
        let about = &*dossier.client.name;
        table.push_str(&row([about, "client", "", "", &*dossier.note, "", ""]));
    }
    for card in &dossier.cards {
        for note in &card.notes {
            let gone = note.withdrawn_at.map(|at| at.to_string());
            table.push_str(&row([
                &*card.name,
                card.card.as_str(),
                &*note.at.to_string(),
                &*note.by,
                &*note.text,
                gone.as_deref().unwrap_or_default(),
                note.withdrawn_by.as_deref().unwrap_or_default(),
            ]));
        }
    }
    table
}
