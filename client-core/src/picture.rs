//! Text as a picture that a telephone reads.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

use crate::catalogue::{ErrorCode, Picture, Refusal};

/// The border that readers need, in modules.
const QUIET: usize = 4;

/// Draws text.
///
/// # Errors
/// When it is too long for any picture.
pub(crate) fn picture(text: &str) -> Result<Picture, Refusal> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| {
        Refusal::new(
            ErrorCode::Internal,
            "The text is too long for a picture.",
            "Use the text itself.",
        )
    })?;
    let width = code.width();
    let modules = code.to_colors();
    let mut path = String::new();
    for (y, row) in modules.chunks(width).enumerate() {
        let mut x = 0;
        while let Some(first) = row.get(x..).and_then(<[Color]>::first) {
            let rest = row.get(x..).unwrap_or_default();
            let run = rest.iter().take_while(|color| *color == first).count();
            if *first == Color::Dark {
                // One rectangle for each run of dark modules.
                // Writing into a string does not fail.
                let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET);
            }
            x += run;
        }
    }
    Ok(Picture {
        size: u32::try_from(width + 2 * QUIET).unwrap_or(u32::MAX),
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader makes of the path, drawn with eight points for a module.
    fn read(picture: &Picture) -> String {
        const POINTS: usize = 8;
        let edge = picture.size as usize;
        let mut dark = vec![vec![false; edge]; edge];
        for run in picture.path.split('M').skip(1) {
            let (place, length) = run.split_once('h').unwrap();
            let (x, y) = place.split_once(' ').unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            let length: usize = length.split_once('v').unwrap().0.parse().unwrap();
            dark[y][x..x + length].fill(true);
        }
        let side = edge * POINTS;
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| {
            if dark[y / POINTS][x / POINTS] { 0 } else { 255 }
        });
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    #[test]
    fn a_telephone_reads_what_was_drawn() {
        let kit = format!(
            "daybook-kit 1 org_{} 1000-{} {}",
            "7f".repeat(16),
            "7f".repeat(16),
            "abandon ".repeat(24)
        );
        let code = "7GX2M-".repeat(70);
        for text in ["a", kit.as_str(), code.as_str()] {
            assert_eq!(read(&picture(text).unwrap()), text);
        }
        assert!(picture(&"x".repeat(5_000)).is_err());
    }
}
