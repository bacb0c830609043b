//! A picture of lines, bars and words, readable on light and on dark paper.

use std::fmt::Write;

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#1c2430}.title{font-size:15px;font-weight:600}\
.quiet{fill:#5a6675}.axis{stroke:#98a2b0;fill:none}.one{fill:#1f6feb;stroke:#1f6feb}.two{fill:#c2410c;stroke:#c2410c}\
.curve{fill:none;stroke-width:2}.error{stroke:#5a6675;fill:none}.paper{fill:#fff}\
@media(prefers-color-scheme:dark){text{fill:#e6e9ee}.quiet{fill:#a3adba}.axis{stroke:#5a6675}\
.one{fill:#6cb0ff;stroke:#6cb0ff}.two{fill:#ff9a62;stroke:#ff9a62}.error{stroke:#a3adba}.paper{fill:#10151c}}";

/// What is drawn in which colour.
#[derive(Clone, Copy, Debug)]
pub enum Ink {
    /// The first thing shown: blue.
    One,
    /// What it is compared with: orange.
    Two,
    /// Axes and frames.
    Axis,
    /// How sure it is.
    Error,
}

impl Ink {
    fn class(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Two => "two",
            Self::Axis => "axis",
            Self::Error => "error",
        }
    }
}

/// Where a word stands beside its point.
#[derive(Clone, Copy, Debug)]
pub enum Anchor {
    /// To its right.
    Start,
    /// About it.
    Middle,
    /// To its left.
    End,
}

/// A picture being drawn; the origin is at the top left.
#[derive(Debug)]
pub struct Picture {
    width: f64,
    height: f64,
    body: String,
}

impl Picture {
    /// Paper of this size under a title.
    pub fn new(width: f64, height: f64, title: &str) -> Self {
        let mut picture = Self { width, height, body: String::new() };
        picture.add(format_args!("<title>{}</title>", escaped(title)));
        picture.add(format_args!("<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>"));
        picture.add(format_args!("<text class=\"title\" x=\"16\" y=\"26\">{}</text>", escaped(title)));
        picture
    }

    /// Words.
    pub fn words(&mut self, x: f64, y: f64, anchor: Anchor, words: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let words = escaped(words);
        self.add(format_args!(
            "<text class=\"quiet\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>"
        ));
    }

    /// A line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), ink: Ink) {
        let ((x1, y1), (x2, y2), class) = (from, to, ink.class());
        self.add(format_args!("<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"));
    }

    /// A full rectangle, its upper left corner at `x`, `y`.
    pub fn bar(&mut self, x: f64, y: f64, width: f64, height: f64, ink: Ink) {
        let class = ink.class();
        self.add(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        ));
    }

    /// A rectangle, the fainter the smaller the share; never so faint that it is not seen, nor so dark that words on it are not.
    pub fn shade(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), ink: Ink, share: f64) {
        let (class, opacity) = (ink.class(), 0.08 + 0.5 * share.clamp(0.0, 1.0));
        self.add(format_args!(
            "<rect class=\"{class}\" opacity=\"{opacity:.2}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        ));
    }

    /// A small dot.
    pub fn dot(&mut self, (x, y): (f64, f64), ink: Ink) {
        let class = ink.class();
        self.add(format_args!("<circle class=\"{class}\" opacity=\"0.5\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>"));
    }

    /// A line through points.
    pub fn curve(&mut self, points: impl Iterator<Item = (f64, f64)>, ink: Ink) {
        let points: Vec<String> = points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let class = ink.class();
        // As a style, because a class's fill would win over the attribute.
        self.add(format_args!(
            "<polyline class=\"{class} curve\" style=\"fill:none\" points=\"{}\"/>",
            points.join(" ")
        ));
    }

    /// The file.
    pub fn finish(self) -> String {
        let Self { width, height, body } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
             <style>{STYLE}</style>\n{body}</svg>\n"
        )
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.body, "{element}");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
