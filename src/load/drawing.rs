//! Plain SVG, written by hand: panels of bars, legends, lines and text.
//!
//! Panels stand two in a line. Colours can be told apart by colour-blind readers; the reference is grey.

use std::fmt::Write;

/// Width of a drawing; all lengths are pixels.
pub const WIDTH: f64 = 960.0;
/// Around the panels and between them.
pub const MARGIN: f64 = 28.0;
/// Of a panel, with the numbers at its axes.
pub const PANEL_WIDTH: f64 = (WIDTH - 3.0 * MARGIN) / 2.0;
/// Of a panel, with its title.
pub const PANEL_HEIGHT: f64 = 240.0;
/// Room inside a panel for its title.
pub const TITLE_ROOM: f64 = 34.0;
/// Room for the numbers left of its axes.
pub const LEFT_ROOM: f64 = 52.0;
/// Room for the numbers below its axes.
pub const BELOW_ROOM: f64 = 32.0;

const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const REFERENCE_COLOUR: &str = "#7a7a7a";

/// Bars below this width have no room for a label from left to right.
const NARROW: f64 = 22.0;

const STYLE: &str = "\
text{font-family:'DejaVu Sans',Verdana,sans-serif;font-size:11px;fill:#333}\
.title{font-size:17px;font-weight:bold;fill:#111}.note{fill:#666}.panel{font-size:13px;font-weight:bold;fill:#111}\
.value{font-size:9.5px;fill:#333}.grid{stroke:#e4e4e4}.axis{stroke:#888}.curve{fill:none;stroke-width:2}";

/// The colour of the server with number `at`.
pub fn colour(at: usize, reference: bool) -> &'static str {
    if reference { REFERENCE_COLOUR } else { COLOURS[at % COLOURS.len()] }
}

/// Left upper corner of the panel with number `at`, when the first line of them begins at `top`.
pub fn place(at: usize, top: f64) -> (f64, f64) {
    let x = MARGIN + (at % 2) as f64 * (PANEL_WIDTH + MARGIN);
    (x, top + (at / 2) as f64 * (PANEL_HEIGHT + MARGIN))
}

/// A rate as `12.3k` or `1.20M`.
pub fn thousands(rate: f64) -> String {
    match rate {
        rate if rate >= 999_500.0 => format!("{:.2}M", rate / 1e6),
        rate if rate >= 9_950.0 => format!("{:.0}k", rate / 1e3),
        rate if rate >= 1_000.0 => format!("{:.1}k", rate / 1e3),
        rate => format!("{rate:.0}"),
    }
}

/// `0.50` as `0.5`, `2.00M` as `2M`.
fn without_zeros(number: &str) -> String {
    let (digits, unit) = number.split_at(number.trim_end_matches(char::is_alphabetic).len());
    if !digits.contains('.') {
        return number.to_owned();
    }
    format!("{}{unit}", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// The smallest of 1, 2, 5 times a power of ten that is not below `at_least`.
fn round_step(at_least: f64) -> f64 {
    if at_least <= 0.0 || !at_least.is_finite() {
        return 1.0;
    }
    let power = 10f64.powf(at_least.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= at_least * 0.999_999);
    factor.unwrap_or(10.0) * power
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Its colour.
    pub colour: &'static str,
    /// How high it is.
    pub value: f64,
    /// What stands on it.
    pub label: String,
}

/// Bars that stand together.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What stands below them.
    pub name: String,
    /// From left to right.
    pub bars: Vec<Bar>,
}

/// A drawing under way.
pub struct Drawing {
    out: String,
}

// Writing to a String cannot fail.
impl Drawing {
    /// An empty one of this height; all are [`WIDTH`] wide.
    pub fn new(height: f64) -> Drawing {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\">\n<style>{STYLE}</style>\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>"
        );
        Drawing { out }
    }

    /// Text at a point; `anchor` is `start`, `middle` or `end`, `class` one of the style's.
    pub fn text(&mut self, x: f64, y: f64, anchor: &str, class: &str, text: &str) {
        let text = escaped(text);
        let _ = writeln!(
            self.out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{text}</text>"
        );
    }

    /// A bar's label that reads from below upwards.
    fn text_upright(&mut self, x: f64, y: f64, text: &str) {
        let _ = writeln!(
            self.out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" transform=\"rotate(-90 {x:.1} {y:.1})\" class=\"value\">{}</text>",
            escaped(text)
        );
    }

    /// A straight line.
    pub fn line(&mut self, x1: f64, y1: f64, x2: f64, y2: f64, class: &str) {
        let _ = writeln!(
            self.out,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"{class}\"/>"
        );
    }

    /// A filled rectangle.
    pub fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, fill: &str) {
        let _ = writeln!(
            self.out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"/>"
        );
    }

    /// A curve through points such as `1,2 3,4`.
    pub fn polyline(&mut self, points: &str, stroke: &str) {
        let _ = writeln!(self.out, "<polyline points=\"{points}\" class=\"curve\" stroke=\"{stroke}\"/>");
    }

    /// Names with their colours, in a line.
    pub fn legend<'n>(&mut self, names: impl Iterator<Item = (&'n str, &'static str)>, y: f64) {
        let mut x = MARGIN;
        for (name, colour) in names {
            self.rect(x, y - 9.0, 11.0, 11.0, colour);
            self.text(x + 17.0, y, "start", "", name);
            x += 40.0 + 6.6 * name.chars().count() as f64;
        }
    }

    /// A panel of bars at `(left, top)`, a group for each name along its axis; `widest` is the number of bars
    /// of the largest group in any panel, so that all have bars of one width. `shown` writes the axis.
    pub fn bars(
        &mut self,
        (left, top): (f64, f64),
        title: &str,
        groups: &[Group],
        widest: usize,
        shown: &dyn Fn(f64) -> String,
    ) {
        self.text(left, top + 16.0, "start", "panel", title);
        let (x0, x1) = (left + LEFT_ROOM, left + PANEL_WIDTH);
        let (y0, y1) = (top + PANEL_HEIGHT - BELOW_ROOM, top + TITLE_ROOM);
        let values = groups.iter().flat_map(|group| &group.bars).map(|bar| bar.value);
        let largest = values.fold(0.0, f64::max);
        let step = round_step(largest / 4.0);
        let end = (largest / step).ceil().max(1.0) * step;
        let group_width = (x1 - x0) / groups.len().max(1) as f64;
        let width = (group_width * 0.84 / widest.max(1) as f64).min(38.0);
        let narrow = width < NARROW;
        // Labels of narrow bars stand upright, so they need more room above the highest.
        let y1 = if narrow { y1 + 24.0 } else { y1 };
        let y = |value: f64| y0 - (y0 - y1) * value / end;
        for tick in 0..=(end / step).round() as usize {
            let value = tick as f64 * step;
            self.line(x0, y(value), x1, y(value), if tick == 0 { "axis" } else { "grid" });
            self.text(x0 - 6.0, y(value) + 4.0, "end", "", &without_zeros(&shown(value)));
        }
        for (at, group) in groups.iter().enumerate() {
            let middle = x0 + group_width * (at as f64 + 0.5);
            self.text(middle, y0 + 16.0, "middle", "", &group.name);
            let mut x = middle - width * group.bars.len() as f64 / 2.0;
            for bar in &group.bars {
                self.rect(x + 1.0, y(bar.value), width - 2.0, y0 - y(bar.value), bar.colour);
                let (x_label, y_label) = (x + width / 2.0, y(bar.value) - 4.0);
                if narrow {
                    self.text_upright(x_label + 3.5, y_label, &bar.label);
                } else {
                    self.text(x_label, y_label, "middle", "value", &bar.label);
                }
                x += width;
            }
        }
    }

    /// The whole as SVG.
    pub fn finish(mut self) -> String {
        self.out.push_str("</svg>\n");
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axis_steps_are_round() {
        let steps = [0.0, 0.3, 1.0, 1.1, 4.0, 260_000.0].map(round_step);
        assert_eq!(steps, [1.0, 0.5, 1.0, 2.0, 5.0, 500_000.0]);
        assert_eq!(["0.50", "2.00M", "200k", "0"].map(without_zeros), ["0.5", "2M", "200k", "0"]);
    }

    #[test]
    fn every_bar_says_its_figure_however_narrow_it_is() {
        let bar = |at: u32| Bar { colour: "#000", value: f64::from(at), label: format!("n{at}") };
        for count in [2, 30] {
            let groups = [Group { name: "all".into(), bars: (0..count).map(bar).collect() }];
            let mut drawing = Drawing::new(300.0);
            drawing.bars((0.0, 0.0), "title", &groups, count as usize, &thousands);
            let svg = drawing.finish();
            assert!((0..count).all(|at| svg.contains(&format!(">n{at}<"))), "{svg}");
            assert_eq!(svg.matches("rotate(-90").count(), if count > 20 { 30 } else { 0 });
        }
    }
}
