//! Every metric by name, unit and help, for whoever exports them: `INFO`, later Prometheus.
//!
//! A counter is one row of the table below: the row makes the field, its part in merging and its
//! description, so none of them can be forgotten. What a shard counts about its keys stands in its own
//! statistics. Names follow Prometheus (`_total`, base units).

/// What a metric counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things, events.
    Count,
    /// Bytes.
    Bytes,
    /// Nanoseconds; exported as seconds.
    Nanoseconds,
}

/// How a metric moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only up, until reset.
    Counter,
    /// One distribution per command.
    Histogram,
}

/// One row of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Name, unique: `medusa_` is put before it on export.
    pub name: &'static str,
    /// Unit of its value.
    pub unit: Unit,
    /// How it moves.
    pub kind: Kind,
    /// One sentence for a person.
    pub help: &'static str,
}

macro_rules! counters {
    ($($field:ident, $name:literal, $unit:ident, $help:literal;)*) => {
        /// The plain counters of one core; in a snapshot, of all.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $(#[doc = $help] pub $field: u64,)*
        }

        impl Counters {
            /// Adds what another core counted.
            pub fn merge(&mut self, other: &Counters) {
                $(self.$field += other.$field;)*
            }

            /// Every counter with its row, in the table's order.
            pub fn rows(&self) -> impl Iterator<Item = (&'static Metric, u64)> {
                COUNTERS.iter().zip([$(self.$field),*])
            }
        }

        /// The rows of [`Counters`].
        pub const COUNTERS: &[Metric] = &[
            $(Metric { name: $name, unit: Unit::$unit, kind: Kind::Counter, help: $help },)*
        ];
    };
}

counters! {
    connections_received, "connections_received_total", Count, "Connections accepted.";
    connections_rejected, "connections_rejected_total", Count, "Connections refused: maxclients was reached, or protected mode holds.";
    commands_processed, "commands_processed_total", Count, "Commands run.";
    commands_remote, "commands_remote_total", Count, "Commands that another shard had to run.";
    error_replies, "error_replies_total", Count, "Error replies sent.";
    unexpected_error_replies, "unexpected_error_replies_total", Count, "Error replies of commands that were expected to succeed.";
    reads_processed, "reads_processed_total", Count, "Reads from clients.";
    writes_processed, "writes_processed_total", Count, "Writes to clients.";
    net_input_bytes, "net_input_bytes_total", Bytes, "Bytes read from clients.";
    net_output_bytes, "net_output_bytes_total", Bytes, "Bytes written to clients.";
    evicted_keys, "evicted_keys_total", Count, "Keys evicted to stay under maxmemory.";
    evicted_clients, "evicted_clients_total", Count, "Connections closed to free memory.";
    output_limit_closes, "output_limit_closes_total", Count, "Connections closed at their output buffer limit.";
    mesh_batches_sent, "mesh_batches_sent_total", Count, "Batches posted to other shards.";
    mesh_requests_sent, "mesh_requests_sent_total", Count, "Requests posted to other shards.";
    spanning_commands, "spanning_commands_total", Count, "Commands that ran on several shards.";
    spanning_transactions, "spanning_transactions_total", Count, "Transactions that ran on several shards.";
    spanning_hops, "spanning_hops_total", Count, "Rounds of messages that such commands and transactions waited for.";
    spanning_parked, "spanning_parked_total", Count, "Blocking commands that began to wait on several shards.";
    lock_requests, "lock_requests_total", Count, "Requests for locks sent, one per shard and attempt.";
    lock_refusals, "lock_refusals_total", Count, "Attempts that a shard refused: the command gave up everywhere and came again.";
    lock_waits, "lock_waits_total", Count, "Requests for locks that had to wait in a shard's line.";
    lock_wait_ns, "lock_wait_seconds_total", Nanoseconds, "Time that requests for locks waited until they were granted.";
    commands_parked, "commands_parked_total", Count, "Commands on one shard that waited behind a lock or a kept key.";
    offers, "offers_total", Count, "Keys offered to commands that wait on several shards.";
    offers_passed, "offers_passed_total", Count, "Such offers that came back, so that the next in line had a turn.";
}

/// Everything that is not a plain counter.
pub const DISTRIBUTIONS: &[Metric] = &[
    Metric {
        name: "command_run_time",
        unit: Unit::Nanoseconds,
        kind: Kind::Histogram,
        help: "Time inside a command that ran on one shard.",
    },
    Metric {
        name: "command_remote_time",
        unit: Unit::Nanoseconds,
        kind: Kind::Histogram,
        help: "Time from posting a command to another shard until its reply is back.",
    },
    Metric {
        name: "spanning_run_time",
        unit: Unit::Nanoseconds,
        kind: Kind::Histogram,
        help: "Time inside a command that ran on several shards, all of them together.",
    },
    Metric {
        name: "spanning_wait_time",
        unit: Unit::Nanoseconds,
        kind: Kind::Histogram,
        help: "Time from a spanning command's first request for locks until its answer.",
    },
    Metric {
        name: "lock_wait_time",
        unit: Unit::Nanoseconds,
        kind: Kind::Histogram,
        help: "Time that a request for locks waited in a shard's line until it was granted.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_well_formed() {
        let mut seen = BTreeSet::new();
        for metric in COUNTERS.iter().chain(DISTRIBUTIONS) {
            assert!(seen.insert(metric.name), "{} twice", metric.name);
            assert!(
                metric.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{}",
                metric.name
            );
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
            assert!(metric.help.ends_with('.'), "{}", metric.name);
        }
    }

    #[test]
    fn every_row_reads_its_own_field() {
        let counters = Counters { connections_received: 7, offers_passed: 9, ..Counters::default() };
        let rows: Vec<_> = counters.rows().collect();
        assert_eq!(rows[0].1, 7);
        assert_eq!(rows[rows.len() - 1].1, 9);
        assert_eq!(rows.iter().map(|(_, value)| value).sum::<u64>(), 16);
    }
}
