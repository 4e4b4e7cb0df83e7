//! Letters: what the two fonts can show, and how wide it is.
//!
//! Noto Sans, under the SIL Open Font License (`fonts/OFL.txt`): Latin, Greek and Cyrillic letters.
//! What a font has no picture of is drawn as an empty box; the text behind it stays.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::{
    FontRef, MetadataProvider as _,
    charmap::Charmap,
    instance::{LocationRef, Size},
    metrics::GlyphMetrics,
};

static REGULAR: &[u8] = include_bytes!("../fonts/NotoSans-Regular.ttf");
static BOLD: &[u8] = include_bytes!("../fonts/NotoSans-Bold.ttf");

/// Plain or bold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Plain,
    Bold,
}

/// One font, for measuring and for drawing.
struct Face {
    font: Font,
    charmap: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
    per_em: f32,
}

impl Face {
    fn read(bytes: &'static [u8]) -> Option<Self> {
        let read = FontRef::from_index(bytes, 0).ok()?;
        let font = Font::new(bytes.into(), 0)?;
        Some(Self {
            per_em: font.units_per_em(),
            charmap: read.charmap(),
            metrics: read.glyph_metrics(Size::unscaled(), LocationRef::default()),
            font,
        })
    }

    /// The picture of a letter and its width, of a size of 1.
    fn picture(&self, letter: char) -> (skrifa::GlyphId, f32) {
        let glyph = self.charmap.map(letter).unwrap_or(skrifa::GlyphId::NOTDEF);
        let width = self.metrics.advance_width(glyph).unwrap_or_default();
        (glyph, width / self.per_em)
    }
}

/// Both fonts.
pub(super) struct Letters {
    plain: Face,
    bold: Face,
}

impl Letters {
    pub(super) fn read() -> Option<Self> {
        Some(Self {
            plain: Face::read(REGULAR)?,
            bold: Face::read(BOLD)?,
        })
    }

    const fn face(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Plain => &self.plain,
            Weight::Bold => &self.bold,
        }
    }

    pub(super) fn font(&self, weight: Weight) -> Font {
        self.face(weight).font.clone()
    }

    /// Whether a letter is shown as itself.
    pub(super) fn shows(&self, letter: char) -> bool {
        self.plain.charmap.map(letter).is_some()
    }

    pub(super) fn width(&self, weight: Weight, text: &str, size: f32) -> f32 {
        let face = self.face(weight);
        let width: f32 = text.chars().map(|letter| face.picture(letter).1).sum();
        width * size
    }

    /// What is drawn for a text.
    pub(super) fn glyphs(&self, weight: Weight, text: &str) -> Vec<KrillaGlyph> {
        let face = self.face(weight);
        let glyphs = text.char_indices().map(|(at, letter)| {
            let (glyph, width) = face.picture(letter);
            let range = at..at + letter.len_utf8();
            KrillaGlyph::new(
                GlyphId::new(glyph.to_u32()),
                width,
                0.0,
                0.0,
                0.0,
                range,
                None,
            )
        });
        glyphs.collect()
    }
}
