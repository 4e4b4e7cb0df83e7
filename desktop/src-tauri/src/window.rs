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
    let window = WebviewWindowBuilder::from_config(app, config)?
        .data_directory(home.join("window"))
        .on_document_title_changed(|window, title| {
            if let Err(error) = window.set_title(&title) {
                tracing::warn!(%error, "the window keeps its old title");
            }
        })
        .build()?;
    #[cfg(target_os = "linux")]
    reload_after_a_fall(&window)?;
    Ok(())
}

/// The page runs in a process of its own, which a fault of a graphics driver can end. The window
/// would stay white; so the page is loaded again. It asks this side how things stand and goes on
/// where it was: open, or locked.
#[cfg(target_os = "linux")]
fn reload_after_a_fall(window: &tauri::WebviewWindow) -> tauri::Result<()> {
    use webkit2gtk::WebViewExt as _;

    /// A page that falls again and again is left alone.
    const TRIES: u32 = 20;

    window.with_webview(|view| {
        let tried = std::cell::Cell::new(0);
        view.inner()
            .connect_web_process_terminated(move |view, reason| {
                if tried.get() == TRIES {
                    tracing::error!(?reason, "the page's process ends again and again");
                    return;
                }
                tried.set(tried.get() + 1);
                tracing::warn!(
                    ?reason,
                    "the page's process ended; the page is loaded again"
                );
                view.reload();
            });
    })
}
