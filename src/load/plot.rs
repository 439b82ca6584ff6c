//! The results as one SVG drawing, written by hand: rate and CPU time as bars, latency as curves.
//!
//! Curves are drawn as HdrHistogram's plotters draw them, over 1/(1-percentile) on a logarithmic axis,
//! so that p99 and p99.9 get as much room as the median. All latency panels share one scale. Colours
//! can be told apart by colour-blind readers; Redis is grey.

use super::Series;
use super::benchmark::Step;
use super::table::{Row, Setting};
use std::fmt::Write;

const WIDTH: f64 = 960.0;
const MARGIN: f64 = 28.0;
const PANEL_WIDTH: f64 = (WIDTH - 3.0 * MARGIN) / 2.0;
const PANEL_HEIGHT: f64 = 240.0;
/// Room inside a panel for its title, and for the numbers left of and below its axes.
const TITLE_ROOM: f64 = 34.0;
const LEFT_ROOM: f64 = 52.0;
const BELOW_ROOM: f64 = 32.0;

const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const REDIS_COLOUR: &str = "#7a7a7a";

const STYLE: &str = "\
text{font-family:'DejaVu Sans',Verdana,sans-serif;font-size:11px;fill:#333}\
.title{font-size:17px;font-weight:bold;fill:#111}.note{fill:#666}.panel{font-size:13px;font-weight:bold;fill:#111}\
.value{font-size:9.5px;fill:#333}.grid{stroke:#e4e4e4}.axis{stroke:#888}.curve{fill:none;stroke-width:2}";

/// Draws the medians of a comparison: for each pipeline depth its rates and CPU times, then a latency
/// panel for each test and depth.
pub(super) fn svg(rows: &[Row], series: &[Series], setting: &Setting) -> String {
    let mut depths: Vec<u32> = Vec::new();
    let mut measured: Vec<(u32, &str)> = Vec::new();
    for row in rows {
        if !depths.contains(&row.pipeline) {
            depths.push(row.pipeline);
        }
        if !measured.contains(&(row.pipeline, row.test.name)) {
            measured.push((row.pipeline, row.test.name));
        }
    }
    let top = 116.0;
    let lines = depths.len() + measured.len().div_ceil(2);
    let mut drawing = Drawing::new(top + lines as f64 * (PANEL_HEIGHT + MARGIN));
    drawing.text(MARGIN, 36.0, "start", "title", "Throughput, CPU time and latency");
    drawing.text(MARGIN, 56.0, "start", "note", &format!("{}; {}", setting.machine, setting.versions));
    drawing.text(MARGIN, 72.0, "start", "note", &setting.load);
    legend(&mut drawing, series, 96.0);

    let place = |at: usize| {
        let x = MARGIN + (at % 2) as f64 * (PANEL_WIDTH + MARGIN);
        (x, top + (at / 2) as f64 * (PANEL_HEIGHT + MARGIN))
    };
    for (at, &pipeline) in depths.iter().enumerate() {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.pipeline == pipeline).collect();
        let title = format!("Operations per second, pipeline {pipeline}");
        bars(&mut drawing, place(2 * at), &title, &rows, series, &|row| row.rate, &thousands);
        let title = format!("Server CPU time per operation, µs, pipeline {pipeline}");
        let micros = |us: f64| format!("{us:.2}");
        bars(&mut drawing, place(2 * at + 1), &title, &rows, series, &|row| row.cpu_us, &micros);
    }
    let scale = Scale::of(rows);
    for (at, (pipeline, test)) in measured.into_iter().enumerate() {
        let title = format!("{}, pipeline {pipeline}: latency at the client, ms", test.to_uppercase());
        let rows = rows.iter().filter(|row| (row.pipeline, row.test.name) == (pipeline, test));
        curve_panel(&mut drawing, place(2 * depths.len() + at), &title, rows, series, &scale);
    }
    drawing.finish()
}

fn thousands(rate: f64) -> String {
    match rate {
        rate if rate >= 999_500.0 => format!("{:.2}M", rate / 1e6),
        rate if rate >= 9_950.0 => format!("{:.0}k", rate / 1e3),
        rate if rate >= 1_000.0 => format!("{:.1}k", rate / 1e3),
        rate => format!("{rate:.0}"),
    }
}

fn legend(drawing: &mut Drawing, series: &[Series], y: f64) {
    let mut x = MARGIN;
    for at in 0..series.len() {
        drawing.rect(x, y - 9.0, 11.0, 11.0, colour(series, at));
        drawing.text(x + 17.0, y, "start", "", &series[at].label);
        x += 40.0 + 6.6 * series[at].label.chars().count() as f64;
    }
}

fn colour(series: &[Series], at: usize) -> &'static str {
    if series[at].redis { REDIS_COLOUR } else { COLOURS[at % COLOURS.len()] }
}

fn bars(
    drawing: &mut Drawing,
    (left, top): (f64, f64),
    title: &str,
    rows: &[&Row],
    series: &[Series],
    number: &dyn Fn(&Row) -> f64,
    shown: &dyn Fn(f64) -> String,
) {
    drawing.text(left, top + 16.0, "start", "panel", title);
    let (x0, x1) = (left + LEFT_ROOM, left + PANEL_WIDTH);
    let (y0, y1) = (top + PANEL_HEIGHT - BELOW_ROOM, top + TITLE_ROOM);
    let largest = rows.iter().map(|row| number(row)).fold(0.0, f64::max);
    let step = round_step(largest / 4.0);
    let end = (largest / step).ceil().max(1.0) * step;
    let y = |value: f64| y0 - (y0 - y1) * value / end;
    for tick in 0..=(end / step).round() as usize {
        let value = tick as f64 * step;
        drawing.line(x0, y(value), x1, y(value), if tick == 0 { "axis" } else { "grid" });
        drawing.text(x0 - 6.0, y(value) + 4.0, "end", "", &without_zeros(&shown(value)));
    }
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    for row in rows {
        match groups.last_mut() {
            Some(group) if group[0].test == row.test => group.push(row),
            _ => groups.push(vec![row]),
        }
    }
    let group_width = (x1 - x0) / groups.len().max(1) as f64;
    let bar = (group_width * 0.84 / series.len() as f64).min(38.0);
    for (at, group) in groups.iter().enumerate() {
        let middle = x0 + group_width * (at as f64 + 0.5);
        drawing.text(middle, y0 + 16.0, "middle", "", &group[0].test.name.to_uppercase());
        let mut x = middle - bar * group.len() as f64 / 2.0;
        for row in group {
            let value = number(row);
            drawing.rect(x + 1.0, y(value), bar - 2.0, y0 - y(value), colour(series, row.series));
            if bar >= 22.0 {
                drawing.text(x + bar / 2.0, y(value) - 4.0, "middle", "value", &shown(value));
            }
            x += bar;
        }
    }
}

/// The shared axes of all latency panels.
struct Scale {
    /// Decades of 1/(1-percentile).
    decades: f64,
    /// Lowest and highest latency, as logarithms of milliseconds.
    ms: (f64, f64),
}

impl Scale {
    fn of(rows: &[Row]) -> Scale {
        let points = || rows.iter().flat_map(|row| points(&row.distribution));
        let decades = points().map(|(x, _)| x).fold(1.0, f64::max).min(6.0);
        let low = points().map(|(_, y)| y).fold(f64::INFINITY, f64::min);
        let high = points().map(|(_, y)| y).fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = if low < high { (low, high) } else { (-1.0, 1.0) };
        // A little air on both sides.
        Scale { decades, ms: (low - 0.08, high + 0.08) }
    }
}

/// A distribution as logarithms of 1/(1-percentile) and of milliseconds. The last step, 100 %, would be
/// at infinity; the one before it has the same latency or nearly so.
fn points(distribution: &[Step]) -> impl Iterator<Item = (f64, f64)> + '_ {
    let steps = distribution.iter().filter(|step| step.percentile < 100.0 && step.ms > 0.0);
    steps.map(|step| (-(1.0 - step.percentile / 100.0).log10(), step.ms.log10()))
}

fn curve_panel<'r>(
    drawing: &mut Drawing,
    (left, top): (f64, f64),
    title: &str,
    rows: impl Iterator<Item = &'r Row>,
    series: &[Series],
    scale: &Scale,
) {
    drawing.text(left, top + 16.0, "start", "panel", title);
    let (x0, x1) = (left + LEFT_ROOM, left + PANEL_WIDTH);
    let (y0, y1) = (top + PANEL_HEIGHT - BELOW_ROOM, top + TITLE_ROOM);
    let x = |decades: f64| x0 + (x1 - x0) * (decades / scale.decades).min(1.0);
    let y = |log_ms: f64| y0 - (y0 - y1) * (log_ms - scale.ms.0) / (scale.ms.1 - scale.ms.0);
    for decade in 0..=scale.decades as usize {
        let at = x(decade as f64);
        drawing.line(at, y0, at, y1, if decade == 0 { "axis" } else { "grid" });
        let label = match decade {
            // The left edge is the minimum; its label would run into that of the median.
            0 => continue,
            1 => "p90".to_owned(),
            2 => "p99".to_owned(),
            more => format!("p99.{}", "9".repeat(more - 2)),
        };
        drawing.text(at, y0 + 16.0, "middle", "", &label);
    }
    let median = x(2f64.log10());
    drawing.line(median, y0, median, y1, "grid");
    drawing.text(median, y0 + 16.0, "middle", "", "p50");
    // Three lines a decade, while there is room for their labels.
    let digits: &[f64] = if scale.ms.1 - scale.ms.0 < 3.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    for exponent in -4..=5 {
        for digit in digits {
            let ms = digit * 10f64.powi(exponent);
            let log_ms = ms.log10();
            if (scale.ms.0..=scale.ms.1).contains(&log_ms) {
                drawing.line(x0, y(log_ms), x1, y(log_ms), "grid");
                let decimals = usize::try_from(-exponent).unwrap_or(0);
                drawing.text(x0 - 6.0, y(log_ms) + 4.0, "end", "", &format!("{ms:.decimals$}"));
            }
        }
    }
    drawing.line(x0, y0, x1, y0, "axis");
    for row in rows {
        let path: Vec<String> =
            points(&row.distribution).map(|(at, log_ms)| format!("{:.1},{:.1}", x(at), y(log_ms))).collect();
        drawing.polyline(&path.join(" "), colour(series, row.series));
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

struct Drawing {
    out: String,
}

// Writing to a String cannot fail.
impl Drawing {
    fn new(height: f64) -> Drawing {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\">\n<style>{STYLE}</style>\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>"
        );
        Drawing { out }
    }

    fn text(&mut self, x: f64, y: f64, anchor: &str, class: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(
            self.out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{text}</text>"
        );
    }

    fn line(&mut self, x1: f64, y1: f64, x2: f64, y2: f64, class: &str) {
        let _ = writeln!(
            self.out,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"{class}\"/>"
        );
    }

    fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, fill: &str) {
        let _ = writeln!(
            self.out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"/>"
        );
    }

    fn polyline(&mut self, points: &str, stroke: &str) {
        let _ = writeln!(self.out, "<polyline points=\"{points}\" class=\"curve\" stroke=\"{stroke}\"/>");
    }

    fn finish(mut self) -> String {
        self.out.push_str("</svg>\n");
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::{row, setting, two_series};
    use super::*;

    #[test]
    fn a_drawing_has_a_bar_and_a_curve_for_every_run() {
        let rows = [
            row(0, "set", 1, 1, 90_000.0),
            row(1, "set", 1, 1, 80_000.0),
            row(0, "set", 16, 1, 1_200_000.0),
            row(1, "set", 16, 1, 700_000.0),
        ];
        let svg = svg(&rows, &two_series(), &setting());
        assert_eq!(svg.matches("<polyline").count(), 4);
        // Background, two legend keys, a bar per run in each of two panels.
        assert_eq!(svg.matches("<rect").count(), 1 + 2 + 2 * 4);
        assert!(svg.contains(">1.20M<") && svg.contains(">80k<"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }

    #[test]
    fn text_cannot_break_out_of_its_element() {
        let mut odd = setting();
        odd.machine = "a <b> & c".into();
        assert!(svg(&[row(0, "set", 1, 1, 1.0)], &two_series(), &odd).contains("a &lt;b> &amp; c; "));
    }

    #[test]
    fn axis_steps_are_round() {
        let steps = [0.0, 0.3, 1.0, 1.1, 4.0, 260_000.0].map(round_step);
        assert_eq!(steps, [1.0, 0.5, 1.0, 2.0, 5.0, 500_000.0]);
        assert_eq!(["0.50", "2.00M", "200k", "0"].map(without_zeros), ["0.5", "2M", "200k", "0"]);
    }
}
