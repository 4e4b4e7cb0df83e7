//! Declares every command of the program, so that none can be called from the page unless a
//! capability grants it, and writes Tauri's context for the window.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let commands = tauri_build::AppManifest::new().commands(&["home", "execute", "query"]);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(commands))?;
    Ok(())
}
