//! Pages: lines of text set one under the other, broken where they are too long, with a new page
//! where one is full.

use krilla::{Document, geom::Point, page::PageSettings};

use super::letters::{Letters, Weight};

/// A4, in points.
const WIDTH: f32 = 595.28;
const HEIGHT: f32 = 841.89;
const MARGIN: f32 = 56.0;
/// The line at the foot of each page.
const FOOT: f32 = 36.0;
const FOOT_SIZE: f32 = 8.0;
/// From one line to the next, of a size of 1.
const LEADING: f32 = 1.4;

/// How a paragraph is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) weight: Weight,
    pub(super) size: f32,
    /// How far it stands in.
    pub(super) indent: f32,
    /// Free space above.
    pub(super) above: f32,
    /// So many further lines must fit below: a heading does not end a page.
    pub(super) with: u8,
}

struct Line {
    x: f32,
    y: f32,
    weight: Weight,
    size: f32,
    text: String,
}

/// Lines on pages, before they are drawn.
pub(super) struct Sheet<'a> {
    letters: &'a Letters,
    pages: Vec<Vec<Line>>,
    y: f32,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(letters: &'a Letters) -> Self {
        Self {
            letters,
            pages: vec![Vec::new()],
            y: MARGIN,
        }
    }

    /// Sets a text; its line ends are kept.
    pub(super) fn set(&mut self, style: Style, text: &str) {
        let mut above = style.above;
        for line in text.lines() {
            for part in self.broken(style, line) {
                self.line(style, above, part);
                above = 0.0;
            }
        }
    }

    fn line(&mut self, style: Style, above: f32, text: String) {
        let height = style.size * LEADING;
        let with = height * f32::from(style.with);
        let fresh = self.pages.last().is_none_or(Vec::is_empty);
        if !fresh && self.y + above + height + with > HEIGHT - MARGIN {
            self.pages.push(Vec::new());
            self.y = MARGIN;
        } else if !fresh {
            self.y += above;
        }
        self.y += height;
        let line = Line {
            x: MARGIN + style.indent,
            y: self.y - height * 0.25,
            weight: style.weight,
            size: style.size,
            text,
        };
        if let Some(page) = self.pages.last_mut() {
            page.push(line);
        }
    }

    /// A line in parts that fit: between words where there are any, else within one.
    fn broken(&self, style: Style, line: &str) -> Vec<String> {
        let room = WIDTH - 2.0 * MARGIN - style.indent;
        let width = |text: &str| self.letters.width(style.weight, text, style.size);
        let shown = line.replace('\t', "    ");
        if width(&shown) <= room {
            return vec![shown];
        }
        let mut parts = Vec::new();
        let (mut part, mut taken) = (String::new(), 0.0);
        for word in shown.split_inclusive(' ') {
            let long = width(word.trim_end());
            if taken + long > room && !part.is_empty() {
                parts.push(core::mem::take(&mut part));
                taken = 0.0;
            }
            if long <= room {
                part.push_str(word);
                taken += width(word);
                continue;
            }
            for letter in word.chars() {
                let wide = width(letter.encode_utf8(&mut [0; 4]));
                if taken + wide > room && !part.is_empty() {
                    parts.push(core::mem::take(&mut part));
                    taken = 0.0;
                }
                part.push(letter);
                taken += wide;
            }
        }
        parts.push(part);
        parts
    }

    /// Draws all pages, each with a line at its foot.
    pub(super) fn draw(self, document: &mut Document, foot: &str) -> Option<()> {
        let all = self.pages.len();
        for (number, lines) in self.pages.iter().enumerate() {
            let mut page = document.start_page_with(PageSettings::from_wh(WIDTH, HEIGHT)?);
            let mut surface = page.surface();
            let foot = Line {
                x: MARGIN,
                y: HEIGHT - FOOT,
                weight: Weight::Plain,
                size: FOOT_SIZE,
                text: format!("{foot}  -  page {} of {all}", number + 1),
            };
            for line in lines.iter().chain([&foot]) {
                surface.draw_glyphs(
                    Point::from_xy(line.x, line.y),
                    &self.letters.glyphs(line.weight, &line.text),
                    self.letters.font(line.weight),
                    &line.text,
                    line.size,
                    false,
                );
            }
            surface.finish();
            page.finish();
        }
        Some(())
    }
}
