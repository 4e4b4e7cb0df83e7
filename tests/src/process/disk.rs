//! Folders and small disks.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// Copies a folder with everything in it.
pub fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let to = to.join(file.file_name());
        if file.file_type()?.is_dir() {
            copy_folder(&file.path(), &to)?;
        } else {
            fs::copy(file.path(), to)?;
        }
    }
    Ok(())
}

/// All files in a folder and the folders in it, sorted.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for file in fs::read_dir(&folder).expect("a folder can be read") {
            let file = file.expect("a folder can be read").path();
            if file.is_dir() {
                open.push(file);
            } else {
                files.push(file);
            }
        }
    }
    files.sort();
    files
}

/// A small tmpfs, taken off when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    place: PathBuf,
}

impl SmallDisk {
    /// Mounts one; `None`, and the reason on standard output, where that is not allowed.
    pub fn mount(place: &Path, megabytes: u32) -> Option<Self> {
        fs::create_dir_all(place).expect("a folder can be made");
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(place)
            .output();
        let why = match mounted {
            Ok(output) if output.status.success() => {
                return Some(Self {
                    place: place.to_owned(),
                });
            }
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        skipped(&why);
        None
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.place
    }

    /// Fills all that is left but for so many bytes.
    pub fn fill(&self, but: usize) {
        let file = self.filler();
        let mut filled = Vec::new();
        loop {
            filled.resize(filled.len() + 64 * 1024, 0x5a);
            if fs::write(&file, &filled).is_err() {
                break;
            }
        }
        let most = fs::metadata(&file).expect("the filler is there").len();
        let most = usize::try_from(most).expect("a small disk");
        fs::write(&file, vec![0x5a; most.saturating_sub(but)]).expect("this much fitted before");
    }

    /// Gives back what was filled.
    pub fn free(&self) {
        fs::remove_file(self.filler()).expect("the filler is there");
    }

    fn filler(&self) -> PathBuf {
        self.place.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.place).status();
    }
}

#[allow(
    clippy::print_stdout,
    reason = "a test that is passed over says why, where test output goes"
)]
fn skipped(why: &str) {
    println!("skipped: no tmpfs can be mounted: {}", why.trim());
}
