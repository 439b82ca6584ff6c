//! The section on throughput: CPU time per operation and rates at every depth, core count and size of values.

use super::compare::{Session, say};
use super::measure::measure;
use super::sheet::Texts;
use super::table::{self, Row};
use super::{BenchError, plot};

impl Session<'_> {
    /// Rates and CPU time at every depth.
    pub fn throughput(&self) -> Result<Texts, BenchError> {
        let mut rows = Vec::new();
        let args = self.args;
        let turns = args.cores.len() * args.value_bytes.len() * args.pipeline.len();
        let total = args.rounds * turns * self.entrants.len();
        for round in 1..=args.rounds {
            for &cores in &args.cores {
                for value_bytes in &args.value_bytes {
                    for &pipeline in &args.pipeline {
                        for entrant in &self.entrants {
                            let running = self.start(entrant, cores)?;
                            let workload = self.workload(&args.mix, args.keys, value_bytes)?;
                            running.target.fill(&workload, None, |_| ())?;
                            let mut plan = self.plan(&running, cores, workload);
                            plan.pipeline = pipeline;
                            let measured = measure(&plan)?;
                            self.stop(running)?;
                            let row = Row::new(&entrant.name, cores, pipeline, value_bytes, round, &measured);
                            say(&format!("[{}/{total}] {}", rows.len() + 1, row.line()));
                            rows.push(row);
                        }
                    }
                }
            }
        }
        let medians = table::medians(&rows);
        let mut text = String::new();
        for &cores in &args.cores {
            for value_bytes in &args.value_bytes {
                let head = format!(
                    "{}; {} connections, {}, {} keys, values of {value_bytes} bytes; medians of {} rounds",
                    self.placement(cores),
                    args.clients,
                    args.mix,
                    args.keys,
                    args.rounds
                );
                let part = medians.iter().filter(|row| row.cores == cores && row.value_bytes == *value_bytes);
                text.push_str(&table::markdown(&head, &part.cloned().collect::<Vec<_>>()));
            }
        }
        Ok(Texts { table: text, csv: table::csv(&rows), svg: Some(plot::svg(&medians, &self.setting)) })
    }
}
