//! The small CBOR values inside registers.
//!
//! Reading is tolerant: what is not of the expected type is no value. Writing is canonical, so that
//! an equal value is equal bytes and makes no change.

use std::collections::BTreeSet;

use conflict_rules::WeeklyHours;
use jiff::civil::{Date, Time};
use minicbor::{Decode, Decoder, Encode};

use crate::catalogue::{ServicePart, StaffRole};

pub(super) fn write<T: Encode<()>>(value: T) -> Vec<u8> {
    // Encoding into a vector cannot fail.
    minicbor::to_vec(value).unwrap_or_default()
}

pub(super) fn read<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Option<T> {
    let mut decoder = Decoder::new(bytes);
    let value = decoder.decode().ok()?;
    (decoder.position() == bytes.len()).then_some(value)
}

/// [`read`] for values that borrow nothing.
pub(crate) fn owned<T: for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Option<T> {
    read(bytes)
}

type Stretches = Vec<(u16, u16)>;

fn minute(time: Time) -> u16 {
    u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs())
}

fn time(minute: u16) -> Option<Time> {
    let part = |number: u16| i8::try_from(number).ok();
    Time::new(part(minute / 60)?, part(minute % 60)?, 0, 0).ok()
}

/// Seven days, Monday first, each a list of minutes since midnight.
pub(super) fn write_weekly(weekly: &WeeklyHours) -> Vec<u8> {
    let days: Vec<Stretches> = weekly
        .days
        .iter()
        .map(|day| day.iter().map(|(a, b)| (minute(*a), minute(*b))).collect())
        .collect();
    write(days)
}

pub(super) fn read_weekly(bytes: &[u8]) -> Option<WeeklyHours> {
    let days: Vec<Stretches> = read(bytes)?;
    let days: [Stretches; 7] = days.try_into().ok()?;
    let mut weekly = WeeklyHours::default();
    for (day, stretches) in weekly.days.iter_mut().zip(days) {
        *day = stretches
            .into_iter()
            .map(|(from, until)| Some((time(from)?, time(until)?)))
            .collect::<Option<_>>()?;
    }
    Some(weekly)
}

pub(super) fn write_dates(dates: &BTreeSet<Date>) -> Vec<u8> {
    write(dates.iter().map(Date::to_string).collect::<Vec<_>>())
}

pub(super) fn read_dates(bytes: &[u8]) -> Option<BTreeSet<Date>> {
    let dates: Vec<&str> = read(bytes)?;
    dates.into_iter().map(|date| date.parse().ok()).collect()
}

pub(super) fn write_role(role: StaffRole) -> Vec<u8> {
    write(match role {
        StaffRole::Owner => 0_u8,
        StaffRole::Manager => 1,
        StaffRole::Vet => 2,
        StaffRole::Groomer => 3,
        StaffRole::Receptionist => 4,
    })
}

pub(super) fn read_role(bytes: &[u8]) -> Option<StaffRole> {
    match read::<u8>(bytes)? {
        0 => Some(StaffRole::Owner),
        1 => Some(StaffRole::Manager),
        2 => Some(StaffRole::Vet),
        3 => Some(StaffRole::Groomer),
        4 => Some(StaffRole::Receptionist),
        _ => None,
    }
}

/// Offset, length, and what it takes as bits: staff 1, room 2, buffer 4.
pub(super) fn write_parts(parts: &[ServicePart]) -> Vec<u8> {
    let parts: Vec<(u32, u32, u8)> = parts
        .iter()
        .map(|part| {
            let bits = u8::from(part.staff) | u8::from(part.room) << 1 | u8::from(part.buffer) << 2;
            (part.offset_minutes, part.minutes, bits)
        })
        .collect();
    write(parts)
}

pub(super) fn read_parts(bytes: &[u8]) -> Option<Vec<ServicePart>> {
    let parts: Vec<(u32, u32, u8)> = read(bytes)?;
    let parts = parts.into_iter();
    Some(
        parts
            .map(|(offset_minutes, minutes, bits)| ServicePart {
                offset_minutes,
                minutes,
                staff: bits & 1 != 0,
                room: bits & 2 != 0,
                buffer: bits & 4 != 0,
            })
            .collect(),
    )
}
