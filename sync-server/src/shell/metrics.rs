//! Counts for Prometheus. No labels but codes and kinds: nothing here names an organisation.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use sync_protocol::ErrorCode;

use crate::core::Stats;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// Something an operator must look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alarm {
    /// Two entries with one place in an incarnation: a device was copied.
    CopiedDevice,
    /// A device knows more than this relay: it has lost data.
    NewEpoch,
    /// A log is shorter than it was.
    LogRolledBack,
    /// A log is damaged or cannot be opened.
    LogDamaged,
    /// An organisation's thread had to be started again.
    Restarted,
    /// The store of settings was damaged and begun anew.
    SettingsRenewed,
    /// The new certificate files cannot be used.
    Certificate,
    /// The disk is nearly full.
    DiskFull,
}

impl Alarm {
    const ALL: [Self; 8] = [
        Self::CopiedDevice,
        Self::NewEpoch,
        Self::LogRolledBack,
        Self::LogDamaged,
        Self::Restarted,
        Self::SettingsRenewed,
        Self::Certificate,
        Self::DiskFull,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::CopiedDevice => "copied_device",
            Self::NewEpoch => "new_epoch",
            Self::LogRolledBack => "log_rolled_back",
            Self::LogDamaged => "log_damaged",
            Self::Restarted => "restarted",
            Self::SettingsRenewed => "settings_renewed",
            Self::Certificate => "certificate",
            Self::DiskFull => "disk_full",
        }
    }
}

/// All counts of a relay.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    pub(super) connections: Gauge,
    pub(super) signed_in: Gauge,
    pub(super) organisations: Gauge,
    pub(super) queued_bytes: Gauge,
    pub(super) free_bytes: Gauge<f64, AtomicU64>,
    pub(super) log_bytes: Gauge,
    pub(super) log_records: Gauge,
    pub(super) frames_in: Counter,
    pub(super) bytes_in: Counter,
    pub(super) frames_out: Counter,
    pub(super) bytes_out: Counter,
    pub(super) commit_seconds: Histogram,
    pub(super) batch_inputs: Histogram,
    accepted: Counter,
    granted: Counter,
    taken: Counter,
    refusals: Family<Code, Counter>,
    closed: Family<Code, Counter>,
    turned_away: Family<Kind, Counter>,
    alarms: Family<Kind, Counter>,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut all = Registry::with_prefix("daybook_relay");
        macro_rules! counted {
            ($name:literal, $help:literal, $metric:expr) => {{
                let metric = $metric;
                all.register($name, $help, metric.clone());
                metric
            }};
        }
        let commit_seconds = Histogram::new(exponential_buckets(0.000_1, 2.0, 16));
        all.register_with_unit(
            "commit",
            "From the first input of a batch to its stable storage",
            Unit::Seconds,
            commit_seconds.clone(),
        );
        let metrics = Self {
            connections: counted!("connections", "Open connections", Gauge::default()),
            signed_in: counted!("signed_in", "Connections that signed in", Gauge::default()),
            organisations: counted!(
                "organisations",
                "Organisations that are served",
                Gauge::default()
            ),
            queued_bytes: counted!("queued_bytes", "Bytes waiting to be sent", Gauge::default()),
            free_bytes: counted!(
                "disk_free_bytes",
                "Free bytes under the data folder",
                Gauge::default()
            ),
            log_bytes: counted!("log_bytes", "Bytes of all logs", Gauge::default()),
            log_records: counted!("log_records", "Records of all logs", Gauge::default()),
            frames_in: counted!("frames_in", "Frames received", Counter::default()),
            bytes_in: counted!("bytes_in", "Bytes of frames received", Counter::default()),
            frames_out: counted!("frames_out", "Frames sent", Counter::default()),
            bytes_out: counted!("bytes_out", "Bytes of frames sent", Counter::default()),
            batch_inputs: counted!(
                "batch_inputs",
                "Inputs per commit",
                Histogram::new(exponential_buckets(1.0, 2.0, 10))
            ),
            accepted: counted!("entries_accepted", "Entries taken", Counter::default()),
            granted: counted!(
                "confirmations_granted",
                "Placements granted",
                Counter::default()
            ),
            taken: counted!(
                "confirmations_refused",
                "Placements refused",
                Counter::default()
            ),
            refusals: counted!(
                "refusals",
                "Entries and acts refused, by code",
                Family::default()
            ),
            closed: counted!(
                "closed",
                "Connections closed by the relay, by code",
                Family::default()
            ),
            turned_away: counted!(
                "turned_away",
                "Connections refused before a word was said, by reason",
                Family::default()
            ),
            alarms: counted!(
                "alarms",
                "What an operator must look at, by kind",
                Family::default()
            ),
            commit_seconds,
            registry: Registry::default(),
        };
        // An alarm that never rang is a zero, not an absence.
        for alarm in Alarm::ALL {
            metrics.alarms_of(alarm).inc_by(0);
        }
        Self {
            registry: all,
            ..metrics
        }
    }

    fn alarms_of(&self, alarm: Alarm) -> Counter {
        let kind = alarm.as_str();
        self.alarms.get_or_create(&Kind { kind }).clone()
    }

    pub(super) fn alarm(&self, alarm: Alarm) {
        self.alarms_of(alarm).inc();
    }

    pub(super) fn refused(&self, code: ErrorCode) {
        let code = code.as_str();
        self.refusals.get_or_create(&Code { code }).inc();
    }

    pub(super) fn closed(&self, code: ErrorCode) {
        let code = code.as_str();
        self.closed.get_or_create(&Code { code }).inc();
    }

    pub(super) fn turned_away(&self, kind: &'static str) {
        self.turned_away.get_or_create(&Kind { kind }).inc();
    }

    /// Adds what an organisation has done since `before`.
    pub(super) fn add(&self, before: &Stats, now: &Stats) {
        let since = |now: u64, before: u64| now.saturating_sub(before);
        self.accepted.inc_by(since(now.accepted, before.accepted));
        self.granted.inc_by(since(now.granted, before.granted));
        self.taken.inc_by(since(now.taken, before.taken));
        let copies = since(now.copies, before.copies);
        self.alarms_of(Alarm::CopiedDevice).inc_by(copies);
        let epochs = since(now.epochs, before.epochs);
        self.alarms_of(Alarm::NewEpoch).inc_by(epochs);
        self.log_bytes.inc_by(difference(now.bytes, before.bytes));
        self.log_records
            .inc_by(difference(now.records, before.records));
    }

    /// In the text format of Prometheus.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

fn difference(now: u64, before: u64) -> i64 {
    let size = i64::try_from(now.abs_diff(before)).unwrap_or(i64::MAX);
    if now >= before { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_organisation_did_is_added_once() {
        let metrics = Metrics::new();
        let before = Stats::default();
        let now = Stats {
            accepted: 7,
            granted: 2,
            copies: 1,
            bytes: 500,
            ..before
        };
        metrics.add(&before, &now);
        metrics.add(&now, &now);
        metrics.refused(ErrorCode::Quota);
        let text = metrics.text();
        for line in [
            "daybook_relay_entries_accepted_total 7",
            "daybook_relay_confirmations_granted_total 2",
            "daybook_relay_alarms_total{kind=\"copied_device\"} 1",
            "daybook_relay_alarms_total{kind=\"log_damaged\"} 0",
            "daybook_relay_refusals_total{code=\"quota\"} 1",
            "daybook_relay_log_bytes 500",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
