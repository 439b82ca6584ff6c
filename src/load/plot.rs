//! The results as one SVG drawing: rate and CPU time as bars, latency as curves.
//!
//! Curves are drawn as HdrHistogram's plotters draw them, over 1/(1-percentile) on a logarithmic axis,
//! so that p99 and p99.9 get as much room as the median. All latency panels share one scale.

use super::Series;
use super::benchmark::Step;
use super::drawing::{
    self, BELOW_ROOM, Bar, Drawing, Group, LEFT_ROOM, MARGIN, PANEL_HEIGHT, PANEL_WIDTH, TITLE_ROOM,
    thousands,
};
use super::table::{Row, Setting};

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
    let names = series.iter().enumerate().map(|(at, one)| (one.label.as_str(), colour(series, at)));
    drawing.legend(names, 96.0);

    let place = |at: usize| drawing::place(at, top);
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

fn bars(
    drawing: &mut Drawing,
    place: (f64, f64),
    title: &str,
    rows: &[&Row],
    series: &[Series],
    number: &dyn Fn(&Row) -> f64,
    shown: &dyn Fn(f64) -> String,
) {
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        let name = row.test.name.to_uppercase();
        let value = number(row);
        let bar = Bar { colour: colour(series, row.series), value, label: shown(value) };
        match groups.last_mut() {
            Some(group) if group.name == name => group.bars.push(bar),
            _ => groups.push(Group { name, bars: vec![bar] }),
        }
    }
    drawing.bars(place, title, &groups, series.len(), shown);
}

fn colour(series: &[Series], at: usize) -> &'static str {
    drawing::colour(at, series[at].redis)
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
}
