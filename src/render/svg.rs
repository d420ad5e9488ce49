//! The few shapes that a picture is made of, written as SVG.

use std::fmt::{Display, Write};

/// A drawing that is being made; lengths are pixels from the top left.
#[derive(Debug, Default)]
pub struct Svg {
    body: String,
}

/// Which side of a text stands at its place.
#[derive(Debug, Clone, Copy)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

impl Svg {
    /// A box. What `said` says is shown where a pointer rests.
    pub fn rect(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        said: &str,
    ) {
        let title = if said.is_empty() {
            String::new()
        } else {
            format!("<title>{}</title>", escape(said))
        };
        self.push(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\">{title}</rect>"
        ));
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.push(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    /// A dot.
    pub fn dot(&mut self, class: &str, (x, y): (f64, f64)) {
        self.push(format_args!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"));
    }

    /// Any outline, in the commands of an SVG path.
    pub fn path(&mut self, class: &str, commands: &str) {
        if !commands.is_empty() {
            self.push(format_args!("<path class=\"{class}\" d=\"{commands}\"/>"));
        }
    }

    /// A line of text.
    pub fn text(&mut self, class: &str, anchor: Anchor, (x, y): (f64, f64), text: impl Display) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(&text.to_string());
        self.push(format_args!(
            "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" \
             y=\"{y:.1}\">{text}</text>"
        ));
    }

    /// A text that is read upwards, its middle at the place.
    pub fn upwards(&mut self, class: &str, (x, y): (f64, f64), text: &str) {
        let text = escape(text);
        self.push(format_args!(
            "<text class=\"{class}\" text-anchor=\"middle\" transform=\"translate({x:.1} {y:.1}) \
             rotate(-90)\">{text}</text>"
        ));
    }

    /// A part of the drawing that has a corner and a size of its own, and hides what lies
    /// outside.
    pub fn within(
        &mut self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        draw: impl FnOnce(&mut Self),
    ) {
        self.push(format_args!(
            "<svg x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\">"
        ));
        draw(self);
        self.push(format_args!("</svg>"));
    }

    /// The whole file, in a style of classes.
    #[must_use]
    pub fn finish(self, (width, height): (f64, f64), style: &str) -> String {
        let size =
            format!("width=\"{width}\" height=\"{height:.0}\" viewBox=\"0 0 {width} {height:.0}\"");
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" {size} \
             role=\"img\">\n<style>{style}</style>\n{}</svg>\n",
            self.body
        )
    }

    /// An element as it stands, on a line of its own.
    pub fn push(&mut self, element: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.body, "{element}");
    }
}

/// The text as it may stand in HTML and SVG, also inside quotes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML has no way to write these.
            c if c.is_control() && !matches!(c, '\n' | '\t') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(
            escape("<a b=\"c\" d='e'>&\u{0}"),
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;\u{fffd}"
        );
    }
}
