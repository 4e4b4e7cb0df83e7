//! The readable part of an export: a page to read and to print.
//!
//! It stands alone: no script, no style or picture from elsewhere.

use std::fmt::Write as _;

use super::Dossier;
use crate::{catalogue::VisitState, kit_page::escaped};

const STYLE: &str = "body{font:14px/1.5 sans-serif;margin:2em auto;max-width:52em}\
h1{font-size:1.5em}h2{font-size:1.2em;margin-top:1.6em}\
table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:.3em .5em;\
text-align:left;vertical-align:top;overflow-wrap:anywhere}td,p{white-space:pre-line}\
tr{break-inside:avoid}s{color:#555}";

/// A state, as JSON has it.
pub(super) fn state(state: VisitState) -> String {
    let value = serde_json::to_value(state).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    if rows.is_empty() {
        return "<p>None.</p>".to_owned();
    }
    let heads: String = heads
        .iter()
        .map(|head| format!("<th>{head}</th>"))
        .collect();
    let mut table = format!("<table><thead><tr>{heads}</tr></thead><tbody>");
    for row in rows {
        let cells: String = row.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        let _ = write!(table, "<tr>{cells}</tr>");
    }
    table.push_str("</tbody></table>");
    table
}

pub(super) fn page(dossier: &Dossier) -> String {
    let client = &dossier.client;
    let name = escaped(&client.name);
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name}</title>\
         <style>{STYLE}</style></head><body><h1>{name}</h1><p>What {} keeps about this client, \
         written {}.</p>",
        escaped(&dossier.practice),
        dossier.written.strftime("%Y-%m-%d %H:%M UTC"),
    );
    for text in &dossier.left_out {
        let _ = write!(page, "<p><strong>Left out:</strong> {}</p>", escaped(text));
    }
    let phones = escaped(&client.phones.join(", "));
    let email = escaped(&client.email);
    let mut rows = vec![
        ["Id".to_owned(), client.id.to_string()],
        ["Telephone".to_owned(), phones],
        ["E-mail".to_owned(), email],
        ["Note".to_owned(), escaped(&dossier.note)],
    ];
    let rights = dossier.rights().into_iter();
    rows.extend(rights.map(|(name, value)| [name.to_owned(), escaped(&value)]));
    let _ = write!(page, "<h2>Client</h2>{}", table(["", ""], &rows));
    let pets = client.pets.iter();
    let pets = pets.map(|pet| [&pet.name, &pet.species, &pet.breed, &pet.microchip]);
    let pets: Vec<_> = pets.map(|pet| pet.map(|text| escaped(text))).collect();
    let heads = ["Name", "Species", "Breed", "Microchip"];
    let _ = write!(page, "<h2>Pets</h2>{}", table(heads, &pets));
    let heads = [
        "When",
        "Where",
        "With",
        "For",
        "Pets",
        "State",
        "Note, reasons",
    ];
    let _ = write!(page, "<h2>Visits</h2>{}", table(heads, &visits(dossier)));
    let heads = ["About", "Card", "When", "By", "Note"];
    let _ = write!(page, "<h2>Cards</h2>{}", table(heads, &cards(dossier)));
    let heads = ["When", "Who", "What", "Before", "Since"];
    let rows = history(dossier);
    let _ = write!(page, "<h2>Who changed what</h2>{}", table(heads, &rows));
    page.push_str("</body></html>\n");
    page
}

fn visits(dossier: &Dossier) -> Vec<[String; 7]> {
    let visits = dossier.visits.iter();
    let row = |visit: &super::Visit| {
        let said = visit.note.iter().chain(&visit.reasons);
        let said: Vec<&str> = said.map(String::as_str).collect();
        [
            visit.start.strftime("%Y-%m-%d %H:%M").to_string(),
            escaped(&visit.location),
            escaped(&visit.with.join(", ")),
            escaped(visit.service.as_deref().unwrap_or_default()),
            escaped(&visit.pets.join(", ")),
            state(visit.state),
            escaped(&said.join("\n")),
        ]
    };
    visits.map(row).collect()
}

fn cards(dossier: &Dossier) -> Vec<[String; 5]> {
    let mut rows = Vec::new();
    for card in &dossier.cards {
        for note in &card.notes {
            let text = escaped(&note.text);
            let text = match (&note.withdrawn_by, note.withdrawn_at) {
                (Some(by), Some(at)) => {
                    format!("<s>{text}</s>\nwithdrawn by {}, {at}", escaped(by))
                }
                _ => text,
            };
            rows.push([
                escaped(&card.name),
                card.card.as_str().to_owned(),
                note.at.to_string(),
                escaped(&note.by),
                text,
            ]);
        }
    }
    rows
}

fn history(dossier: &Dossier) -> Vec<[String; 5]> {
    let mut rows = Vec::new();
    for row in &dossier.history {
        let who = row.name.as_deref().or(row.seat.as_deref());
        let who = escaped(who.unwrap_or_default());
        let void = row.masked.is_some() || row.refused;
        for change in &row.what {
            let value = |value: &Option<String>| escaped(value.as_deref().unwrap_or_default());
            let text = escaped(&change.text);
            rows.push([
                row.at.to_string(),
                who.clone(),
                if void {
                    format!("{text} (counts for nothing)")
                } else {
                    text
                },
                value(&change.old),
                value(&change.new),
            ]);
        }
    }
    rows
}
