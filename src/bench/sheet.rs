//! A section's table: servers in settings, medians over the rounds for people, every round as CSV.

use super::compare::REFERENCE;
use super::table::median;

/// What a section leaves.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    /// A table for people, under a head.
    pub table: String,
    /// Every round, for programs.
    pub csv: String,
    /// A drawing.
    pub svg: Option<String>,
}

/// Figures of one server in one setting, over the rounds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    /// The setting, and last the server.
    pub labels: Vec<String>,
    /// NaN is a figure that this server does not have.
    pub rounds: Vec<Vec<f64>>,
}

/// A column of figures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figure {
    /// With its unit.
    pub name: &'static str,
    /// Digits after the point.
    pub decimals: usize,
    /// Whether a column follows that divides it by the reference's.
    pub against: bool,
}

/// A column that stands alone.
pub(super) const fn figure(name: &'static str, decimals: usize) -> Figure {
    Figure { name, decimals, against: false }
}

/// A column with one beside it that divides it by the reference's.
pub(super) const fn against(name: &'static str, decimals: usize) -> Figure {
    Figure { name, decimals, against: true }
}

/// Medians of each series as a table; every round as CSV. `labels` are the names of [`Series::labels`].
pub(super) fn texts(head: &str, labels: &[&str], figures: &[Figure], all: &[Series]) -> Texts {
    let mut names: Vec<&str> = labels.to_vec();
    for figure in figures {
        names.push(figure.name);
        if figure.against {
            names.push("against redis");
        }
    }
    let mut table = format!("{head}\n\n| {} |\n|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for series in all {
        let mut cells = series.labels.clone();
        for (at, figure) in figures.iter().enumerate() {
            let middle = middle_of(series, at);
            cells.push(shown(middle, figure.decimals));
            if figure.against {
                let reference = all.iter().find(|other| is_reference_of(other, series));
                let reference = reference.map_or(f64::NAN, |other| middle_of(other, at));
                cells.push(shown(if reference > 0.0 { middle / reference } else { f64::NAN }, 2));
            }
        }
        table.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    table.push('\n');
    // A comma in a name would begin a column of its own.
    let without_comma = |name: &str| name.replace(',', ";");
    let columns: Vec<String> =
        labels.iter().copied().chain(figures.iter().map(|figure| figure.name)).map(without_comma).collect();
    let mut csv = format!("{}\n", columns.join(","));
    for series in all {
        for round in &series.rounds {
            let labels = series.labels.iter().map(|label| without_comma(label));
            let round = round
                .iter()
                .map(|figure| if figure.is_nan() { String::new() } else { format!("{figure:.3}") });
            csv.push_str(&format!("{}\n", labels.chain(round).collect::<Vec<_>>().join(",")));
        }
    }
    Texts { table, csv, svg: None }
}

fn is_reference_of(one: &Series, of: &Series) -> bool {
    let (Some((server, setting)), Some((_, other))) = (one.labels.split_last(), of.labels.split_last())
    else {
        return false;
    };
    server == REFERENCE && setting == other
}

fn middle_of(series: &Series, at: usize) -> f64 {
    let mut known: Vec<f64> =
        series.rounds.iter().map(|round| round[at]).filter(|figure| !figure.is_nan()).collect();
    if known.is_empty() { f64::NAN } else { median(&mut known) }
}

fn shown(figure: f64, decimals: usize) -> String {
    if figure.is_nan() { "-".to_owned() } else { format!("{figure:.decimals$}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(labels: &[&str], rounds: &[&[f64]]) -> Series {
        Series {
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            rounds: rounds.iter().map(|round| round.to_vec()).collect(),
        }
    }

    #[test]
    fn medians_stand_beside_the_reference_of_the_same_setting() {
        let all = [
            series(&["1", REFERENCE], &[&[4.0, f64::NAN], &[2.0, f64::NAN], &[9.0, f64::NAN]]),
            series(&["1", "Medusa"], &[&[2.0, 7.0], &[3.0, f64::NAN], &[1.0, 8.0]]),
            series(&["2", "Medusa"], &[&[2.0, 7.0]]),
        ];
        let Texts { table, csv, .. } =
            texts("head", &["cores", "server"], &[against("µs", 1), figure("step, longest", 0)], &all);
        assert!(table.starts_with(
            "head\n\n| cores | server | µs | against redis | step, longest |\n|---|---|---|---|---|\n"
        ));
        for line in [
            "| 1 | redis-server | 4.0 | 1.00 | - |",
            "| 1 | Medusa | 2.0 | 0.50 | 7 |",
            "| 2 | Medusa | 2.0 | - | 7 |",
        ] {
            assert!(table.contains(line), "{line} in\n{table}");
        }
        assert!(csv.starts_with("cores,server,µs,step; longest\n1,redis-server,4.000,\n"), "{csv}");
        assert_eq!(csv.lines().count(), 8);
    }
}
