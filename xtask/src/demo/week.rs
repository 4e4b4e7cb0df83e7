//! A week of visits: each member of staff's day is walked from opening to closing, with gaps.

use serde_json::json;

use super::{Ask, Dice, Person, Practice, text};
use crate::day::Day;

const OPENS: u32 = 9 * 60;
const CLOSES: u32 = 17 * 60;
const LUNCH: u32 = 12 * 60 + 30;
const LUNCH_ENDS: u32 = 13 * 60 + 15;

/// Books Monday to Saturday of the week `today` lies in; gives the number of visits.
pub(super) fn book(
    ask: &mut dyn Ask,
    dice: &mut Dice,
    practice: &Practice,
    today: Day,
) -> Result<usize, String> {
    let monday = today.monday();
    let mut visits = 0;
    for offset in 0..6 {
        let day = monday.plus(offset);
        for (number, person) in practice.people.iter().enumerate() {
            // Who works at two sites is at one of them on a given day.
            let shift = usize::try_from(offset).unwrap_or(0) + number;
            let Some(site) = person.sites.get(shift % person.sites.len().max(1)) else {
                continue;
            };
            visits += walk(ask, dice, practice, person, *site, day, today)?;
        }
    }
    Ok(visits)
}

/// One person's day at one site.
fn walk(
    ask: &mut dyn Ask,
    dice: &mut Dice,
    practice: &Practice,
    person: &Person,
    site: usize,
    day: Day,
    today: Day,
) -> Result<usize, String> {
    let closes = if day.is_saturday() {
        12 * 60 + 30
    } else {
        CLOSES
    };
    let services: Vec<_> = practice
        .services
        .iter()
        .filter(|service| service.for_vets == person.vet)
        .collect();
    let location = practice.sites.get(site).ok_or("no such site")?;
    let mut at = OPENS + 15 * u32::try_from(dice.below(3)).unwrap_or(0);
    let mut visits = 0;
    while at < closes {
        let service = dice.pick(&services)?;
        let ends = at + service.minutes;
        if at < LUNCH_ENDS && ends > LUNCH {
            at = LUNCH_ENDS;
            continue;
        }
        if ends > closes {
            break;
        }
        if dice.chance(35) {
            at += 15;
            continue;
        }
        let house = dice.pick(&practice.households)?;
        let pet = dice.pick(&house.pets)?;
        let room = room(practice, person, site, dice)?;
        let booking = json!({
            "type": "book", "location": location, "start": day.at(at), "staff": person.id,
            "room": room, "service": service.id, "client": house.client, "pets": [pet],
            "despite_warnings": true,
        });
        match ask.execute(booking)? {
            Ok(reply) => {
                visits += 1;
                let id = text(&reply, "id").ok_or("a booking gave no id")?.to_owned();
                if day < today {
                    attended(ask, dice, &id)?;
                }
                at = ends.div_ceil(15) * 15;
            }
            // The room is taken by a colleague: a little later, then.
            Err(refusal) if text(&refusal, "code") == Some("slot_taken") => at += 15,
            Err(refusal) => {
                return Err(format!(
                    "a booking was refused: {}",
                    text(&refusal, "message").unwrap_or("?")
                ));
            }
        }
    }
    Ok(visits)
}

/// Vets use the consulting rooms, groomers the last room of the site.
fn room<'a>(
    practice: &'a Practice,
    person: &Person,
    site: usize,
    dice: &mut Dice,
) -> Result<&'a String, String> {
    let rooms = practice.rooms.get(site).ok_or("the site has no rooms")?;
    let (grooming, consulting) = rooms.split_last().ok_or("the site has no rooms")?;
    if person.vet {
        dice.pick(consulting)
    } else {
        Ok(grooming)
    }
}

/// What became of a visit of a day gone by.
fn attended(ask: &mut dyn Ask, dice: &mut Dice, id: &str) -> Result<(), String> {
    let states: &[&str] = if dice.chance(4) {
        &["no_show"]
    } else {
        &["arrived", "in_progress", "done"]
    };
    for state in states {
        let moved = json!({"type": "set_state", "appointment": id, "state": state});
        if let Err(refusal) = ask.execute(moved)? {
            return Err(format!(
                "{state} was refused: {}",
                text(&refusal, "message").unwrap_or("?")
            ));
        }
    }
    Ok(())
}
