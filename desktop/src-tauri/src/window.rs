//! The one window of the desk.

use std::path::Path;

use tauri::{App, WebviewWindowBuilder};

const LABEL: &str = "main";

/// Opens the window. What the web view itself keeps lies beside the replica it shows, so that two
/// desks of one user share nothing. The window is called what the page calls itself, which names
/// the site as soon as the practice is open.
pub(crate) fn open(app: &App, home: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let config = app
        .config()
        .app
        .windows
        .iter()
        .find(|window| window.label == LABEL)
        .ok_or("the window is missing from tauri.conf.json")?;
    WebviewWindowBuilder::from_config(app, config)?
        .data_directory(home.join("window"))
        .on_document_title_changed(|window, title| {
            if let Err(error) = window.set_title(&title) {
                tracing::warn!(%error, "the window keeps its old title");
            }
        })
        .build()?;
    Ok(())
}
