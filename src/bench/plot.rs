//! The comparison as one drawing: for each core count CPU time per operation against the reference, and
//! rates beside it.

use super::compare::REFERENCE;
use super::setting::Setting;
use super::table::Row;
use crate::load::drawing::{self, Bar, Drawing, Group, MARGIN, PANEL_HEIGHT, thousands};

/// Draws medians: two panels for each core count and size of values, a group of bars for each depth.
pub(super) fn svg(rows: &[Row], setting: &Setting) -> String {
    let mut servers: Vec<&str> = Vec::new();
    let mut settings: Vec<(usize, &str)> = Vec::new();
    for row in rows {
        if !servers.contains(&row.server.as_str()) {
            servers.push(&row.server);
        }
        if !settings.contains(&(row.cores, &row.value_bytes)) {
            settings.push((row.cores, &row.value_bytes));
        }
    }
    let colour = |name: &str| {
        let at = servers.iter().position(|server| *server == name).unwrap_or(0);
        drawing::colour(at.saturating_sub(1), name == REFERENCE)
    };
    let top = 116.0;
    let mut drawing = Drawing::new(top + settings.len() as f64 * (PANEL_HEIGHT + MARGIN));
    drawing.text(MARGIN, 36.0, "start", "title", "CPU time per operation, and throughput");
    let place = format!("{}; {}; {}", setting.machine, setting.versions, setting.date);
    drawing.text(MARGIN, 56.0, "start", "note", &place);
    let reading = format!(
        "CPU time of the server per operation: bars against {REFERENCE} = 1, the numbers on them in µs"
    );
    drawing.text(MARGIN, 72.0, "start", "note", &reading);
    drawing.legend(servers.iter().map(|name| (*name, colour(name))), 96.0);
    for (at, &(cores, value_bytes)) in settings.iter().enumerate() {
        let rows: Vec<&Row> =
            rows.iter().filter(|row| row.cores == cores && row.value_bytes == value_bytes).collect();
        let plural = if cores == 1 { "" } else { "s" };
        let place = format!("{cores} core{plural}, {value_bytes} B");
        let groups = by_depth(&rows, |row, reference| Bar {
            colour: colour(&row.server),
            value: if reference.calm_us() > 0.0 { row.calm_us() / reference.calm_us() } else { 0.0 },
            label: format!("{:.2}", row.calm_us()),
        });
        let title = format!("CPU time per operation; {place}");
        let ratio = |value: f64| format!("{value:.2}");
        drawing.bars(drawing::place(2 * at, top), &title, &groups, servers.len(), &ratio);
        let groups = by_depth(&rows, |row, _| Bar {
            colour: colour(&row.server),
            value: row.rate(),
            label: thousands(row.rate()),
        });
        let title = format!("Requests per second; {place}");
        drawing.bars(drawing::place(2 * at + 1, top), &title, &groups, servers.len(), &thousands);
    }
    drawing.finish()
}

/// A group for each depth; `bar` gets a row and that of the reference beside it.
fn by_depth(rows: &[&Row], bar: impl Fn(&Row, &Row) -> Bar) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        let reference = rows.iter().find(|other| other.server == REFERENCE && other.is_like(row));
        let bar = bar(row, reference.unwrap_or(row));
        let name = format!("P={}", row.pipeline);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.bars.push(bar),
            None => groups.push(Group { name, bars: vec![bar] }),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::row;
    use super::*;

    #[test]
    fn every_median_has_a_bar_in_both_panels() {
        let mut rows = vec![row(REFERENCE, 1, 2.0, 5e5), row("Medusa", 1, 1.0, 1.2e6)];
        rows.extend(rows.clone().into_iter().map(|row| Row { cores: 2, ..row }));
        let setting = Setting {
            machine: "2 CPUs".into(),
            versions: "medusa <0".into(),
            date: "2026-01-01".into(),
            command: String::new(),
        };
        let svg = svg(&rows, &setting);
        // Background, two keys of the legend, two bars in each of four panels.
        assert_eq!(svg.matches("<rect").count(), 1 + 2 + 2 * 4);
        for part in [">2.00<", ">1.00<", ">500k<", ">1.20M<", ">P=16<", "medusa &lt;0", "; 2 cores, 32 B<"] {
            assert!(svg.contains(part), "{part} in\n{svg}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
