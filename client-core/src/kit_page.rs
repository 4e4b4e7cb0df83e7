//! The page of a recovery kit, as a file to print.
//!
//! It stands alone: no script, no style or picture from elsewhere, so that it looks the same on any
//! computer and tells nobody that it was opened.

use std::fmt::Write as _;

use crate::catalogue::{KitView, Picture};

const STYLE: &str = "body{font:14px/1.5 sans-serif;margin:2.5em auto;max-width:44em}\
h1{font-size:1.5em}ol{columns:3;font:1.15em/1.9 monospace;padding-left:2.2em}\
dt{font-weight:bold;margin-top:.8em}dd{margin:0;font-family:monospace;overflow-wrap:anywhere}\
svg{width:58mm;height:58mm;float:right;margin-left:1em}.note{clear:both;margin-top:2em}";

/// The page; the words are there only when the practice was founded just now.
pub(crate) fn html(kit: &KitView, words: Option<(&[String], &Picture)>) -> String {
    let mut page = String::from("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    let name = escaped(&kit.practice);
    // Writing into a string does not fail.
    let _ = write!(
        page,
        "<title>Recovery kit - {name}</title><style>{STYLE}</style></head><body>\
         <h1>Recovery kit of {name}</h1>"
    );
    match words {
        Some((words, picture)) => {
            let Picture { size, path } = picture;
            let _ = write!(
                page,
                "<svg viewBox=\"0 0 {size} {size}\" role=\"img\" aria-label=\"The words as a picture\">\
                 <rect width=\"{size}\" height=\"{size}\" fill=\"#fff\"/><path d=\"{path}\"/></svg>\
                 <p>Whoever has these 24 words can read everything and act as the owner. Print two \
                 pages, keep them in two places, and put this file away for good.</p><ol>"
            );
            for word in words {
                let _ = write!(page, "<li>{}</li>", escaped(word));
            }
            page.push_str("</ol>");
        }
        None => page.push_str(
            "<p>The 24 words are not on this page: they were shown once, when the practice was \
             founded, and are kept nowhere. Keep this page with them.</p>",
        ),
    }
    page.push_str("<dl>");
    for (what, value) in rows(kit) {
        let _ = write!(page, "<dt>{what}</dt><dd>{}</dd>", escaped(&value));
    }
    page.push_str("</dl>");
    if kit.relay.is_none() {
        page.push_str(
            "<p class=\"note\">No relay is set yet. Print the page of Settings, Recovery kit again \
             when it is: its address and key belong here.</p>",
        );
    }
    page.push_str(
        "<p class=\"note\">All computers lost, relay there: on a new computer choose &ldquo;All \
         computers are lost&rdquo;, or <code>daybook rescue</code>. Relay lost too: \
         <code>daybook restore</code> a backup, then these words.</p></body></html>\n",
    );
    page
}

/// The same for a terminal.
pub(crate) fn lines(kit: &KitView) -> Vec<String> {
    let mut lines: Vec<String> = rows(kit)
        .into_iter()
        .map(|(what, value)| format!("{what}: {value}"))
        .collect();
    if kit.relay.is_none() {
        lines.push("No relay is set yet: print this again when it is.".to_owned());
    }
    lines
}

fn rows(kit: &KitView) -> Vec<(&'static str, String)> {
    let given = [
        ("Practice", Some(kit.practice.clone())),
        ("Practice's id", Some(kit.organisation.clone())),
        ("Relay", kit.relay.clone()),
        ("Relay's key", kit.relay_key.clone()),
        ("Spare relay's key", kit.standby.clone()),
        ("Newest act", Some(kit.act.clone())),
        ("Printed", Some(kit.at.strftime("%Y-%m-%d").to_string())),
    ];
    let given = given.into_iter();
    given
        .filter_map(|(what, value)| Some((what, value?)))
        .collect()
}

/// Text, as it stands in a page or in a quoted attribute.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn kit() -> KitView {
        KitView {
            practice: "<Paws & \"Claws\">".to_owned(),
            organisation: "org_1".to_owned(),
            relay: None,
            relay_key: None,
            standby: None,
            act: "3-0f".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_page_holds_the_words_once_and_nothing_that_runs_or_loads() {
        let words: Vec<String> = (0..24).map(|n| format!("word{n}")).collect();
        let picture = Picture {
            size: 29,
            path: "M4 4h7v1h-7z".to_owned(),
        };
        let page = html(&kit(), Some((&words, &picture)));
        for word in &words {
            assert_eq!(page.matches(&format!("<li>{word}</li>")).count(), 1);
        }
        assert!(page.contains("&lt;Paws &amp; &quot;Claws&quot;&gt;"));
        for foreign in ["<script", "http", "src=", "<Paws"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        assert!(page.contains("No relay is set yet"));
        let later = KitView {
            relay: Some("wss://relay.example".to_owned()),
            relay_key: Some("beef".to_owned()),
            ..kit()
        };
        let page = html(&later, None);
        assert!(page.contains("kept nowhere") && !page.contains("<ol>"));
        assert!(page.contains("wss://relay.example") && page.contains("beef"));
        assert!(!page.contains("No relay is set yet"));
    }
}
