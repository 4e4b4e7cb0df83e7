//! The figures of `docs/measurements.md`, one step each, on the release profile.

use crate::{
    place::{cargo, start},
    step::Step,
};

pub(crate) fn steps() -> Vec<Step> {
    vec![
        Step {
            name: "programs",
            what: "the relay as it ships",
            needs: &[],
            run: || start(cargo(&["build", "--release", "-p", "sync-server"])),
        },
        Step {
            name: "commits",
            what: "durable commits of the log",
            needs: &[],
            run: || example("entry-log", "commits"),
        },
        Step {
            name: "entries",
            what: "entries accepted per second and core",
            needs: &[],
            run: || example("sync-server", "entries"),
        },
        Step {
            name: "week",
            what: "what a week of appointments costs",
            needs: &[],
            run: || example("schedule", "week_cost"),
        },
        Step {
            name: "desk",
            what: "a day's work on a year of history",
            needs: &[],
            run: || bench("desk"),
        },
        Step {
            name: "line",
            what: "catching up, reconnecting, many desks, one slot",
            needs: &["programs"],
            run: || bench("line"),
        },
        Step {
            name: "relay",
            what: "restart over many entries, idle connections",
            needs: &["programs"],
            run: || bench("relay"),
        },
    ]
}

fn example(package: &str, name: &str) -> Result<(), String> {
    start(cargo(&[
        "run",
        "--release",
        "-p",
        package,
        "--example",
        name,
    ]))
}

fn bench(name: &str) -> Result<(), String> {
    start(cargo(&[
        "bench",
        "-p",
        "system-tests",
        "--bench",
        "figures",
        "--",
        name,
    ]))
}
