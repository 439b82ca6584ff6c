//! The comparison's rows: medians over rounds, a table with the best figures in bold, CSV.

use super::compare::REFERENCE;
use super::run::Measured;
use crate::base::number::grouped;

/// One measurement, or the medians of several.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The server's name.
    pub server: String,
    /// Its cores.
    pub cores: usize,
    /// Requests in a batch.
    pub pipeline: usize,
    /// Size of values.
    pub value_bytes: String,
    /// Which round; 0 for medians.
    pub round: usize,
    /// In the order of [`FIGURES`].
    pub figures: [f64; 9],
}

/// Names of a row's figures, as CSV's columns.
const FIGURES: [&str; 9] = [
    "server_cpu_calm_us",
    "server_cpu_mean_us",
    "rate",
    "server_busy",
    "p50_us",
    "p99_us",
    "p99_9_us",
    "own_cpu_us",
    "errors",
];

const CALM: usize = 0;
const MEAN: usize = 1;
const RATE: usize = 2;
const BUSY: usize = 3;
const P50: usize = 4;
const P999: usize = 6;
const ERRORS: usize = 8;

impl Row {
    /// The row of one measurement.
    pub fn new(
        server: &str,
        cores: usize,
        pipeline: usize,
        value_bytes: &str,
        round: usize,
        measured: &Measured,
    ) -> Row {
        let cost = measured.server.unwrap_or_default();
        let us = |percentile| measured.outcome.latency.percentile(percentile) as f64 / 1e3;
        Row {
            server: server.to_owned(),
            cores,
            pipeline,
            value_bytes: value_bytes.to_owned(),
            round,
            figures: [
                cost.calm_us,
                cost.mean_us,
                measured.rate(),
                cost.busy,
                us(50.0),
                us(99.0),
                us(99.9),
                measured.own.unwrap_or_default().mean_us,
                measured.outcome.errors as f64,
            ],
        }
    }

    /// One line for progress.
    pub fn line(&self) -> String {
        let Row { server, cores, pipeline, figures, .. } = self;
        let errors =
            if figures[ERRORS] > 0.0 { format!(", {} errors", figures[ERRORS]) } else { String::new() };
        format!(
            "{server}, cores {cores}, pipeline {pipeline}: {:.3} µs CPU/op ({:.3} mean), {} requests/s, {:.2} CPUs busy{errors}",
            figures[CALM],
            figures[MEAN],
            grouped(figures[RATE] as u64),
            figures[BUSY],
        )
    }

    /// Microseconds of CPU time per operation in the calmest tenth of the slices.
    pub fn calm_us(&self) -> f64 {
        self.figures[CALM]
    }

    /// Requests per second.
    pub fn rate(&self) -> f64 {
        self.figures[RATE]
    }

    /// Whether `other` was measured in the same setting.
    pub fn is_like(&self, other: &Row) -> bool {
        self.cores == other.cores && self.pipeline == other.pipeline && self.value_bytes == other.value_bytes
    }
}

/// The middle of `values`, of an even number the lower one.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

/// A row per server and setting, each figure the median of its rounds.
pub fn medians(rows: &[Row]) -> Vec<Row> {
    let mut medians: Vec<Row> = Vec::new();
    for row in rows {
        if medians.iter().any(|seen| seen.is_like(row) && seen.server == row.server) {
            continue;
        }
        let same: Vec<&Row> =
            rows.iter().filter(|other| other.is_like(row) && other.server == row.server).collect();
        let mut middle = Row { round: 0, ..row.clone() };
        for at in 0..FIGURES.len() {
            middle.figures[at] = median(&mut same.iter().map(|row| row.figures[at]).collect::<Vec<_>>());
        }
        medians.push(middle);
    }
    medians
}

/// A table of rows under a head; of each setting the least CPU time and the highest rate are bold.
pub fn markdown(head: &str, rows: &[Row]) -> String {
    let mut text = format!(
        "{head}\n\n| P | server | CPU µs/op | against redis | mean | requests/s | against redis | CPUs busy | p50 µs | p99.9 µs |\n\
         |---|---|---|---|---|---|---|---|---|---|\n"
    );
    for row in rows {
        let like = || rows.iter().filter(|other| other.is_like(row));
        let reference = like().find(|other| other.server == REFERENCE);
        let ratio = |at: usize| match reference {
            Some(reference) if reference.figures[at] > 0.0 => {
                format!("{:.2}", row.figures[at] / reference.figures[at])
            }
            _ => "-".to_owned(),
        };
        let bold = |best: bool, text: String| if best { format!("**{text}**") } else { text };
        let least = like().all(|other| other.figures[CALM] >= row.figures[CALM]);
        let fastest = like().all(|other| other.figures[RATE] <= row.figures[RATE]);
        let errors = if row.figures[ERRORS] > 0.0 { " (errors!)" } else { "" };
        text.push_str(&format!(
            "| {} | {}{errors} | {} | {} | {:.3} | {} | {} | {:.2} | {:.0} | {:.0} |\n",
            row.pipeline,
            row.server,
            bold(least, format!("{:.3}", row.figures[CALM])),
            ratio(CALM),
            row.figures[MEAN],
            bold(fastest, grouped(row.figures[RATE] as u64)),
            ratio(RATE),
            row.figures[BUSY],
            row.figures[P50],
            row.figures[P999],
        ));
    }
    text.push('\n');
    text
}

/// Every measurement, a line each.
pub fn csv(rows: &[Row]) -> String {
    let mut text = format!("server,cores,pipeline,value_bytes,round,{}\n", FIGURES.join(","));
    for Row { server, cores, pipeline, value_bytes, round, figures } in rows {
        let figures = figures.map(|figure| format!("{figure:.3}")).join(",");
        text.push_str(&format!("{server},{cores},{pipeline},{value_bytes},{round},{figures}\n"));
    }
    text
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn row(server: &str, round: usize, cpu: f64, rate: f64) -> Row {
        let mut figures = [0.0; 9];
        (figures[CALM], figures[RATE]) = (cpu, rate);
        Row { server: server.into(), cores: 1, pipeline: 16, value_bytes: "32".into(), round, figures }
    }

    #[test]
    fn figures_are_medians_and_divided_by_the_reference() {
        let rows = [
            row(REFERENCE, 1, 1.0, 9e5),
            row("Medusa", 1, 0.4, 2e6),
            row(REFERENCE, 2, 9.0, 1e6),
            row("Medusa", 2, 0.7, 1e6),
            row(REFERENCE, 3, 1.2, 2e6),
            row("Medusa", 3, 0.6, 3e6),
        ];
        let medians = medians(&rows);
        assert_eq!(medians.len(), 2);
        let table = markdown("head", &medians);
        assert!(
            table.contains("| 16 | Medusa | **0.600** | 0.50 | 0.000 | **2,000,000** | 2.00 |"),
            "{table}"
        );
        assert!(table.contains("| 16 | redis-server | 1.200 | 1.00 |"), "{table}");
        assert_eq!(csv(&rows).lines().count(), 7);
    }
}
