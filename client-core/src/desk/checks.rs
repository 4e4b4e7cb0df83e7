//! What people type, checked once: limits, and what makes no sense.

use conflict_rules::WeeklyHours;
use jiff::civil::{DateTime, Time};
use sync_protocol::limits::{MAX_NAME, MAX_NOTE};

use crate::{
    catalogue::Refusal,
    replica::{invalid, is_zone},
};

/// Most phone numbers of a client.
const MAX_PHONES: usize = 8;
/// Longest of the short fields: phone, species, breed, microchip.
const MAX_SHORT: usize = 64;
/// Longest e-mail address.
const MAX_EMAIL: usize = 254;
/// Most stretches of one day's hours.
const MAX_STRETCHES: usize = 8;
/// Longest visit in minutes: 31 days.
const MAX_MINUTES: u32 = 31 * 24 * 60;

fn within(field: &str, text: &str, limit: usize) -> Result<String, Refusal> {
    let text = text.trim();
    let count = text.chars().count();
    if count > limit {
        return Err(invalid(
            field,
            format!("This is too long: {count} characters, at most {limit} fit."),
            "Shorten it.",
        ));
    }
    Ok(text.to_owned())
}

fn one_line(field: &str, text: &str, limit: usize) -> Result<String, Refusal> {
    let text = within(field, text, limit)?;
    if text.chars().any(char::is_control) {
        return Err(invalid(
            field,
            "This holds characters that cannot be shown.",
            "Type it anew in one line.",
        ));
    }
    Ok(text)
}

/// A name: there, in one line, within the limit. Comes back without blanks around it.
pub(crate) fn name(field: &str, text: &str) -> Result<String, Refusal> {
    let text = one_line(field, text, MAX_NAME)?;
    if text.is_empty() {
        return Err(invalid(field, "A name is missing.", "Type a name."));
    }
    Ok(text)
}

/// A note: any text within the limit.
pub(crate) fn note(field: &str, text: &str) -> Result<String, Refusal> {
    let text = within(field, text, MAX_NOTE)?;
    let unseen = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.chars().any(unseen) {
        return Err(invalid(
            field,
            "This holds characters that cannot be shown.",
            "Type it anew.",
        ));
    }
    Ok(text)
}

/// A reason that must be given.
pub(crate) fn reason(field: &str, text: &str) -> Result<String, Refusal> {
    let text = note(field, text)?;
    if text.is_empty() {
        return Err(invalid(
            field,
            "A reason is missing.",
            "Say in a few words why; it is sealed and only staff can read it.",
        ));
    }
    Ok(text)
}

/// A short field, empty or not.
pub(crate) fn short(field: &str, text: &str) -> Result<String, Refusal> {
    one_line(field, text, MAX_SHORT)
}

/// A title: in one line, empty or not.
pub(crate) fn short_title(field: &str, text: &str) -> Result<String, Refusal> {
    one_line(field, text, MAX_NAME)
}

/// Phone numbers: each with digits in it; empty ones are left out.
pub(crate) fn phones(field: &str, phones: &[String]) -> Result<Vec<String>, Refusal> {
    let mut checked = Vec::with_capacity(phones.len());
    for phone in phones {
        let phone = short(field, phone)?;
        if phone.is_empty() {
            continue;
        }
        if !phone.chars().any(char::is_numeric) {
            return Err(invalid(
                field,
                "A phone number has digits.",
                "Type the number, or leave the field empty.",
            ));
        }
        if !checked.contains(&phone) {
            checked.push(phone);
        }
    }
    if checked.len() > MAX_PHONES {
        return Err(invalid(
            field,
            format!("A client has at most {MAX_PHONES} phone numbers."),
            "Put the others into the note.",
        ));
    }
    Ok(checked)
}

/// An e-mail address, or empty.
pub(crate) fn email(field: &str, text: &str) -> Result<String, Refusal> {
    let text = one_line(field, text, MAX_EMAIL)?;
    let shaped = text
        .split_once('@')
        .is_some_and(|(who, host)| !who.is_empty() && !host.is_empty() && !host.contains('@'));
    if text.is_empty() || (shaped && !text.chars().any(char::is_whitespace)) {
        Ok(text)
    } else {
        Err(invalid(
            field,
            "This is not an e-mail address.",
            "It has the form name@example.org.",
        ))
    }
}

/// An IANA zone that this program knows.
pub(crate) fn zone(field: &str, name: &str) -> Result<(), Refusal> {
    if is_zone(name) {
        Ok(())
    } else {
        Err(invalid(
            field,
            "This is not a known time zone.",
            "Use a name such as Europe/Madrid.",
        ))
    }
}

/// Weekly hours: seven days, each with stretches that are in order and do not overlap.
pub(crate) fn weekly(field: &str, days: &[Vec<(Time, Time)>]) -> Result<WeeklyHours, Refusal> {
    let days: &[Vec<(Time, Time)>; 7] = days.try_into().map_err(|_| {
        invalid(
            field,
            "A week has seven days, Monday first.",
            "Give seven lists; an empty one is a day off.",
        )
    })?;
    let mut weekly = WeeklyHours::default();
    for (to, stretches) in weekly.days.iter_mut().zip(days) {
        let mut stretches = stretches.clone();
        stretches.sort_unstable();
        if stretches.len() > MAX_STRETCHES {
            return Err(invalid(
                field,
                format!("A day has at most {MAX_STRETCHES} stretches of hours."),
                "Join some of them.",
            ));
        }
        let mut last = None;
        for (from, until) in &stretches {
            let whole = from.second() == 0 && until.second() == 0;
            let midnight = *until == Time::midnight();
            if !whole || (until <= from && !midnight) {
                return Err(invalid(
                    field,
                    "These hours end before they begin.",
                    "Give whole minutes, from before until; 00:00 as an end means midnight.",
                ));
            }
            if last.is_some_and(|last: (Time, bool)| last.1 || last.0 > *from) {
                return Err(invalid(
                    field,
                    "Two stretches of one day overlap.",
                    "Join them into one.",
                ));
            }
            last = Some((*until, midnight));
        }
        *to = stretches;
    }
    Ok(weekly)
}

/// The length of a visit.
pub(crate) fn minutes(field: &str, minutes: u32) -> Result<u32, Refusal> {
    if minutes == 0 {
        return Err(invalid(
            field,
            "A visit ends after it starts.",
            "Give at least one minute.",
        ));
    }
    if minutes > MAX_MINUTES {
        return Err(invalid(
            field,
            "A visit lasts at most 31 days.",
            "Book the rest as another visit.",
        ));
    }
    Ok(minutes)
}

/// A start on the wall clock: whole minutes, in years that people book.
pub(crate) fn start(field: &str, start: DateTime) -> Result<DateTime, Refusal> {
    if start.second() != 0 || start.subsec_nanosecond() != 0 {
        return Err(invalid(
            field,
            "Visits start at whole minutes.",
            "Leave the seconds away.",
        ));
    }
    if !(1970..=2199).contains(&start.year()) {
        return Err(invalid(
            field,
            "That year cannot be booked.",
            "Check the date.",
        ));
    }
    Ok(start)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::*;

    #[test]
    fn names_are_there_in_one_line_and_short_enough() {
        assert_eq!(name("name", "  Ada  ").unwrap(), "Ada");
        for bad in ["", "   ", "a\nb", &"x".repeat(201)] {
            assert_eq!(name("name", bad).unwrap_err().field.unwrap(), "name");
        }
        assert!(name("name", &"ж".repeat(200)).is_ok());
    }

    #[test]
    fn refusals_do_not_repeat_what_was_typed() {
        let typed = "Zebedee-9c1".repeat(1000);
        let refusal = note("note", &typed).unwrap_err();
        assert!(!serde_json::to_string(&refusal).unwrap().contains("Zebedee"));
        assert!(refusal.message.contains("8000"));
    }

    #[test]
    fn hours_are_seven_days_in_order() {
        let nine = time(9, 0, 0, 0);
        let five = time(17, 0, 0, 0);
        let mut days = vec![vec![(nine, five)]; 7];
        assert!(weekly("weekly", &days).is_ok());
        days[6] = vec![(five, Time::midnight())];
        assert!(weekly("weekly", &days).is_ok());
        days[6] = vec![(five, nine)];
        assert!(weekly("weekly", &days).is_err());
        days[6] = vec![(nine, five), (time(16, 0, 0, 0), Time::midnight())];
        assert!(weekly("weekly", &days).is_err());
        days.pop();
        assert!(weekly("weekly", &days).is_err());
    }

    #[test]
    fn contact_fields_are_looked_at() {
        assert_eq!(email("email", " a@b.example ").unwrap(), "a@b.example");
        for bad in ["a@", "@b", "ab", "a b@c", "a@b@c"] {
            assert!(email("email", bad).is_err(), "{bad}");
        }
        let given = [String::new(), "+34 600".to_owned(), "+34 600".to_owned()];
        assert_eq!(phones("phones", &given).unwrap(), ["+34 600"]);
        assert!(phones("phones", &["none".to_owned()]).is_err());
    }

    #[test]
    fn a_visit_ends_after_it_starts() {
        assert!(minutes("minutes", 0).is_err());
        assert!(minutes("minutes", MAX_MINUTES + 1).is_err());
        assert!(start("start", date(2026, 3, 2).at(9, 0, 1, 0)).is_err());
        assert!(start("start", date(9000, 3, 2).at(9, 0, 0, 0)).is_err());
    }
}
