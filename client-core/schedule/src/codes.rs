//! The numbers that documents and bodies hold for enumerations. They shipped: only add to them.

use conflict_rules::{ClaimKind, ClaimState, Source};

pub(crate) const fn write_origin(kind: ClaimKind, source: Source) -> u64 {
    let kind = match kind {
        ClaimKind::Visit => 0,
        ClaimKind::Block => 1,
    };
    kind * 16 + write_source(source)
}

pub(crate) fn read_origin(number: u64) -> Option<(ClaimKind, Source)> {
    let kind = match number / 16 {
        0 => ClaimKind::Visit,
        1 => ClaimKind::Block,
        _ => return None,
    };
    Some((kind, read_source(number % 16)?))
}

pub(crate) const fn write_source(source: Source) -> u64 {
    match source {
        Source::Import => 0,
        Source::Api => 1,
        Source::Account => 2,
        Source::Desk => 3,
    }
}

pub(crate) const fn read_source(number: u64) -> Option<Source> {
    match number {
        0 => Some(Source::Import),
        1 => Some(Source::Api),
        2 => Some(Source::Account),
        3 => Some(Source::Desk),
        _ => None,
    }
}

pub(crate) const fn write_state(state: ClaimState) -> u64 {
    match state {
        ClaimState::Booked => 0,
        ClaimState::Arrived => 1,
        ClaimState::InProgress => 2,
        ClaimState::Done => 3,
        ClaimState::NoShow => 4,
        ClaimState::Cancelled => 5,
    }
}

pub(crate) const fn read_state(number: u64) -> Option<ClaimState> {
    match number {
        0 => Some(ClaimState::Booked),
        1 => Some(ClaimState::Arrived),
        2 => Some(ClaimState::InProgress),
        3 => Some(ClaimState::Done),
        4 => Some(ClaimState::NoShow),
        5 => Some(ClaimState::Cancelled),
        _ => None,
    }
}
