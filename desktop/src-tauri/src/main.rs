//! The Daybook desk: a window on one replica.
//!
//! No business logic lives here. The page may call three commands and hears one event
//! ([`door`]); everything they carry is the catalogue of client-core. Keys and records stay on
//! this side of the door.

mod door;
mod window;

use std::{alloc::System, path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;
use client_core::link::Trust;
use tauri::Manager as _;
use zeroizing_alloc::ZeroAlloc;

use crate::door::Door;

/// What is freed is wiped, whatever type it had: after locking no name and no key stays in memory.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

/// The appointment book of a practice, in a window.
#[derive(Debug, Parser)]
#[command(name = "daybook-desk", version)]
struct Arguments {
    /// The folder that holds this desk's replica [default: a folder of this user's data]
    #[arg(long, value_name = "DIR", env = "DAYBOOK_HOME")]
    home: Option<PathBuf>,
    /// PEM file of further authorities for a `wss://` relay
    #[arg(long, value_name = "FILE", env = "DAYBOOK_CA_FILE")]
    ca_file: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    schedule::quiet_guarded_panics();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("DAYBOOK_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn")),
        )
        .init();
    let run = tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![
            door::home,
            door::execute,
            door::query
        ])
        .setup(move |app| {
            let home = match arguments.home {
                Some(folder) => folder,
                None => app.path().app_local_data_dir()?.join("home"),
            };
            let trust = Trust {
                authorities: arguments.ca_file,
            };
            let door = Arc::new(Door::new(home.clone(), trust, app.handle().clone()));
            app.manage(Arc::clone(&door));
            door.tend();
            // The replica opens while the window does; a refusal is given to the page's first call.
            tauri::async_runtime::spawn_blocking(move || door.opened().is_ok());
            window::open(app, &home)?;
            Ok(())
        })
        .run(tauri::generate_context!());
    match run {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the window could not be opened");
            ExitCode::FAILURE
        }
    }
}
