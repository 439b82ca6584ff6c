//! Every option, in one table: name, field, default, bounds, when it may change, and what it does.
//!
//! From a row come the field of [`Options`], its CONFIG GET and CONFIG SET, its line in a
//! configuration file, its environment variable and its flag. An option is here only if Medusa does
//! what it says; Redis's other directives are listed in `foreign.rs` so that a pasted redis.conf gets a
//! clear warning. A few facts that clients ask for and that cannot be changed yet are rows too
//! (`fixed`): they answer CONFIG GET truthfully and refuse any other value.

use crate::base::limits;
use crate::config::value::{Kind, Mode, OutputLimits, Reason, Value, words};

/// When an option may be given a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Flags, environment and file only.
    Start,
    /// Also by CONFIG SET.
    Live,
    /// Never: the row states a fact. Setting it to what it is succeeds.
    Fixed,
}

/// One option.
pub struct Row {
    /// As it is written in files and in CONFIG GET.
    pub name: &'static str,
    /// How its value is spelled.
    pub kind: Kind,
    /// When it may change.
    pub change: Change,
    /// One sentence.
    pub doc: &'static str,
    print: fn(&Options, &mut Vec<u8>),
    assign: fn(&mut Options, Kind, &[u8]) -> Result<(), Reason>,
}

impl Row {
    /// The value in `options` as CONFIG GET shows it.
    pub fn get(&self, options: &Options) -> Vec<u8> {
        let mut out = Vec::new();
        (self.print)(options, &mut out);
        out
    }

    /// Gives the option a value, whatever [`Row::change`] says: for files and flags. On an error the old
    /// value stands.
    pub fn set(&self, options: &mut Options, text: &[u8]) -> Result<(), Reason> {
        (self.assign)(options, self.kind, text)?;
        options.cores_by_machine &= self.name != "cores";
        options.settle();
        Ok(())
    }

    /// Whether its value must not be shown in logs, SLOWLOG or MONITOR.
    pub fn is_secret(&self) -> bool {
        self.name == "requirepass"
    }
}

/// The row of an option, by its name in any case.
pub fn row(name: &[u8]) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name.as_bytes().eq_ignore_ascii_case(name))
}

macro_rules! options {
    (
        $($(#[doc = $doc:literal])+ $name:literal $field:ident: $type:ty = $default:expr, $change:ident, $kind:expr;)*
        fixed: $($(#[doc = $fact:literal])+ $fixed:literal = $held:literal, $fixed_kind:expr, $reason:literal;)*
    ) => {
        /// The value of every option.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Options {
            $($(#[doc = $doc])+ pub $field: $type,)*
            /// Whether nobody asked for a number of cores: CONFIG REWRITE must not write down this machine's.
            pub cores_by_machine: bool,
            /// Clients that limits of the system leave room for: `maxclients` cannot be set above it while
            /// running. Found out at the start.
            pub clients_possible: u32,
        }

        impl Default for Options {
            fn default() -> Self {
                Options { $($field: $default,)* cores_by_machine: true, clients_possible: u32::MAX }
            }
        }

        /// Every option.
        pub const TABLE: &[Row] = &[
            $(Row {
                name: $name,
                kind: $kind,
                change: Change::$change,
                doc: concat!($($doc),+),
                print: |options, out| options.$field.print(out),
                assign: |options, kind, text| options.$field.assign(kind, text),
            },)*
            $(Row {
                name: $fixed,
                kind: $fixed_kind,
                change: Change::Fixed,
                doc: concat!($($fact),+),
                print: |_, out| out.extend_from_slice($held.as_bytes()),
                assign: |_, kind, text| confirm(kind, text, $held, $reason),
            },)*
        ];
    };
}

/// Largest seconds, lengths and factors: Redis holds them in a C int.
const INT_MAX: i64 = i32::MAX as i64;

/// Largest bulk and query buffer: spans of a frame are 32 bits wide.
const FRAME_MAX: i64 = 2 << 30;

options! {
    /// TCP port; 0 takes a free one and prints it.
    "port" port: u16 = 6379, Start, Kind::Integer { min: 0, max: 65535 };
    /// Addresses to listen on; `*` and `::*` are all of IPv4 and IPv6, a leading `-` forgives an address this machine lacks.
    "bind" bind: Vec<String> = vec!["*".into(), "-::*".into()], Start, Kind::Words;
    /// Path of a unix socket to listen on as well.
    "unixsocket" unixsocket: String = String::new(), Start, Kind::Text;
    /// Permissions of the unix socket in octal; 0 leaves them to the umask.
    "unixsocketperm" unixsocketperm: Mode = Mode(0), Start, Kind::Octal { min: 0, max: 0o777 };
    /// Executors, one shard each; unset, one per CPU this process may use.
    "cores" cores: u16 = 0, Start, Kind::Integer { min: 1, max: limits::CORES_MAX as i64 };
    /// Whether each executor stays on a CPU of its own.
    "pin" pin: bool = true, Start, Kind::YesNo;
    /// Clients at most; the next one is told so and closed.
    "maxclients" maxclients: u32 = 10_000, Live, Kind::Integer { min: 1, max: u32::MAX as i64 };
    /// Seconds after which an idle client is closed; 0 never.
    "timeout" timeout: u32 = 0, Live, Kind::Integer { min: 0, max: INT_MAX };
    /// Seconds between keepalive probes of idle TCP connections; 0 sends none.
    "tcp-keepalive" tcp_keepalive: u32 = 300, Live, Kind::Integer { min: 0, max: INT_MAX };
    /// Connections the kernel may hold before they are accepted.
    "tcp-backlog" tcp_backlog: u32 = 511, Start, Kind::Integer { min: 0, max: INT_MAX };
    /// Whether clients from elsewhere are refused while there is no password.
    "protected-mode" protected_mode: bool = true, Live, Kind::YesNo;
    /// Password of the default user; empty for none.
    "requirepass" requirepass: Vec<u8> = Vec::new(), Live, Kind::Text;
    /// Databases that SELECT can name, counted from 0.
    "databases" databases: u8 = limits::DATABASES as u8, Start, Kind::Integer { min: limits::DATABASES as i64, max: limits::DATABASES as i64 };
    /// Longest argument and value.
    "proto-max-bulk-len" proto_max_bulk_len: usize = limits::BULK_BYTES_MAX, Live, Kind::Memory { min: limits::BULK_BYTES_FLOOR as i64, max: FRAME_MAX };
    /// Largest input of one client that waits to be executed.
    "client-query-buffer-limit" client_query_buffer_limit: usize = limits::QUERY_BYTES_MAX, Live, Kind::Memory { min: 1 << 20, max: FRAME_MAX };
    /// Output that may wait for a client that does not read, by class: hard limit, soft limit, seconds.
    "client-output-buffer-limit" client_output_buffer_limit: OutputLimits = OutputLimits::default(), Live, Kind::OutputLimits;
    /// In what order other clients may see the commands of one pipeline that spans shards.
    "pipeline-order" pipeline_order: PipelineOrder = PipelineOrder::Relaxed, Start, Kind::Word(&["relaxed", "strict"]);
    /// Which policy OBJECT FREQ and OBJECT IDLETIME follow; nothing is evicted while maxmemory is 0.
    "maxmemory-policy" maxmemory_policy: MaxmemoryPolicy = MaxmemoryPolicy::NoEviction, Live, Kind::Word(&["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction"]);
    /// How hard it is for a key's access counter to grow.
    "lfu-log-factor" lfu_log_factor: u32 = 10, Live, Kind::Integer { min: 0, max: INT_MAX };
    /// Minutes after which an unused key's access counter drops by one; 0 never.
    "lfu-decay-time" lfu_decay_time: u32 = 1, Live, Kind::Integer { min: 0, max: INT_MAX };
    /// Rounds of upkeep per second; held between 1 and 500.
    "hz" hz: u32 = 10, Live, Kind::Integer { min: 0, max: INT_MAX };
    /// How much time goes into finding expired keys, from 1 to 10.
    "active-expire-effort" active_expire_effort: u32 = 1, Live, Kind::Integer { min: 1, max: 10 };
    /// Commands of at least this many microseconds enter SLOWLOG; -1 none, 0 all.
    "slowlog-log-slower-than" slowlog_log_slower_than: i64 = 10_000, Live, Kind::Integer { min: -1, max: i64::MAX };
    /// Entries SLOWLOG keeps.
    "slowlog-max-len" slowlog_max_len: u64 = 128, Live, Kind::Integer { min: 0, max: i64::MAX };
    /// Whether commands are timed for LATENCY HISTOGRAM and INFO latencystats.
    "latency-tracking" latency_tracking: bool = true, Live, Kind::YesNo;
    /// Percentiles that INFO latencystats shows.
    "latency-tracking-info-percentiles" latency_tracking_info_percentiles: Vec<f64> = vec![50.0, 99.0, 99.9], Live, Kind::Percentiles;
    /// Where the latency report goes at the end; `-` is the terminal, empty for none.
    "latency-report" latency_report: String = String::new(), Start, Kind::Text;
    /// Who may use DEBUG: nobody, everybody, or clients on this machine.
    "enable-debug-command" enable_debug_command: DebugCommand = DebugCommand::No, Start, Kind::Word(&["no", "yes", "local"]);
    /// Least important kind of message that is logged.
    "loglevel" loglevel: LogLevel = LogLevel::Notice, Live, Kind::Word(&["debug", "verbose", "notice", "warning"]);
    /// File the log is appended to; empty for standard error.
    "logfile" logfile: String = String::new(), Start, Kind::Text;
    /// File that holds the process id while the server runs; empty for none.
    "pidfile" pidfile: String = String::new(), Start, Kind::Text;
    /// Largest node of a list: elements, or -1 to -5 for 4, 8, 16, 32 and 64 KB.
    "list-max-listpack-size" list_max_listpack_size: i64 = -2, Live, Kind::Integer { min: i32::MIN as i64, max: INT_MAX };
    /// Fields up to which a hash is held in one piece.
    "hash-max-listpack-entries" hash_max_listpack_entries: usize = 512, Live, Kind::Integer { min: 0, max: i64::MAX };
    /// Longest field or value of a hash held in one piece, in bytes.
    "hash-max-listpack-value" hash_max_listpack_value: usize = 64, Live, Kind::Memory { min: 0, max: i64::MAX };
    /// Integers up to which a set of integers is held in one piece.
    "set-max-intset-entries" set_max_intset_entries: usize = 512, Live, Kind::Integer { min: 0, max: i64::MAX };
    /// Members up to which a sorted set is held in one piece.
    "zset-max-listpack-entries" zset_max_listpack_entries: usize = 128, Live, Kind::Integer { min: 0, max: i64::MAX };
    /// Longest member of a sorted set held in one piece, in bytes.
    "zset-max-listpack-value" zset_max_listpack_value: usize = 64, Live, Kind::Memory { min: 0, max: i64::MAX };
    /// Largest node of a stream in bytes; 0: no bound.
    "stream-node-max-bytes" stream_node_max_bytes: usize = 4096, Live, Kind::Memory { min: 0, max: i64::MAX };
    /// Entries of one node of a stream; 0: no bound.
    "stream-node-max-entries" stream_node_max_entries: usize = 100, Live, Kind::Integer { min: 0, max: i64::MAX };
    /// Largest sparse HyperLogLog in bytes, its header included.
    "hll-sparse-max-bytes" hll_sparse_max_bytes: usize = 3000, Live, Kind::Memory { min: 0, max: i64::MAX };

    fixed:
    /// When snapshots are written: never, for now.
    "save" = "", Kind::Text, "this version keeps data in memory only, so the value can only be \"\"";
    /// Whether writes are journaled: not yet.
    "appendonly" = "no", Kind::YesNo, "this version keeps data in memory only, so the value can only be 'no'";
    /// Memory that data may take: no limit is kept, for now.
    "maxmemory" = "0", Kind::Memory { min: 0, max: i64::MAX }, "this version keeps no memory limit, so the value can only be 0";
}

words! {
    /// What other clients may see of one client's pipeline.
    PipelineOrder {
        /// Order per key; keys of different shards may overtake each other, as in Dragonfly.
        Relaxed = "relaxed",
        /// One total order, as in Redis; a pipeline waits at each change of shard.
        Strict = "strict",
    }
}

words! {
    /// Redis's eviction policies; here they only choose between access times and access counters.
    MaxmemoryPolicy {
        /// `volatile-lru`
        VolatileLru = "volatile-lru",
        /// `volatile-lfu`
        VolatileLfu = "volatile-lfu",
        /// `volatile-random`
        VolatileRandom = "volatile-random",
        /// `volatile-ttl`
        VolatileTtl = "volatile-ttl",
        /// `allkeys-lru`
        AllkeysLru = "allkeys-lru",
        /// `allkeys-lfu`
        AllkeysLfu = "allkeys-lfu",
        /// `allkeys-random`
        AllkeysRandom = "allkeys-random",
        /// `noeviction`
        NoEviction = "noeviction",
    }
}

impl MaxmemoryPolicy {
    /// Whether keys keep access counters (OBJECT FREQ) rather than access times (OBJECT IDLETIME).
    pub fn is_lfu(self) -> bool {
        matches!(self, MaxmemoryPolicy::VolatileLfu | MaxmemoryPolicy::AllkeysLfu)
    }
}

words! {
    /// Who may use DEBUG.
    DebugCommand {
        /// Nobody.
        No = "no",
        /// Everybody.
        Yes = "yes",
        /// Clients on the loopback interface or the unix socket.
        Local = "local",
    }
}

words! {
    /// Least important kind of message that is logged.
    LogLevel {
        /// Everything.
        Debug = "debug",
        /// Connections coming and going.
        Verbose = "verbose",
        /// Start, stop and changes of configuration.
        Notice = "notice",
        /// What somebody should look at.
        Warning = "warning",
    }
}

impl Options {
    /// The value of an option as CONFIG GET shows it; `None` when there is no such option.
    pub fn get(&self, name: &str) -> Option<String> {
        row(name.as_bytes()).map(|row| String::from_utf8_lossy(&row.get(self)).into_owned())
    }

    /// Brings values that Redis accepts out of bounds back into them.
    fn settle(&mut self) {
        self.hz = self.hz.clamp(1, 500);
    }
}

/// Lets a fixed option be set to what it is, and to nothing else.
fn confirm(kind: Kind, text: &[u8], held: &str, reason: &'static str) -> Result<(), Reason> {
    let same = match kind {
        Kind::YesNo => {
            let mut value = false;
            value.assign(kind, text)?;
            value == (held == "yes")
        }
        Kind::Memory { .. } => {
            let mut value = 0u64;
            value.assign(kind, text)?;
            value.to_string() == held
        }
        _ => text == held.as_bytes(),
    };
    if same { Ok(()) } else { Err(reason.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_spelled_in_lower_case() {
        for (index, row) in TABLE.iter().enumerate() {
            assert!(TABLE[..index].iter().all(|other| other.name != row.name), "{} twice", row.name);
            assert!(row.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", row.name);
        }
    }

    #[test]
    fn every_option_says_what_it_does_in_one_sentence() {
        for row in TABLE {
            assert!(row.doc.starts_with(' ') && row.doc.ends_with('.'), "{}: {}", row.name, row.doc);
            assert!(row.doc.len() < 140, "{}: {}", row.name, row.doc);
        }
    }

    #[test]
    fn every_default_can_be_printed_and_read_back() {
        let options = Options::default();
        for row in TABLE.iter().filter(|row| row.name != "cores") {
            let mut copy = options.clone();
            let text = row.get(&options);
            row.set(&mut copy, &text).unwrap_or_else(|reason| panic!("{}: {reason}", row.name));
            assert_eq!(copy, options, "{}", row.name);
        }
    }

    #[test]
    fn bounds_of_every_row_fit_its_field() {
        for row in TABLE {
            let (Kind::Integer { min, max } | Kind::Memory { min, max }) = row.kind else { continue };
            if row.change == Change::Fixed {
                continue;
            }
            let mut options = Options::default();
            for bound in [min, max] {
                row.set(&mut options, bound.to_string().as_bytes())
                    .unwrap_or_else(|reason| panic!("{} {bound}: {reason}", row.name));
            }
        }
    }

    #[test]
    fn words_of_a_row_are_the_words_of_its_type() {
        for row in TABLE {
            let Kind::Word(words) = row.kind else { continue };
            let mut options = Options::default();
            for word in words {
                row.set(&mut options, word.to_uppercase().as_bytes()).expect(word);
                assert_eq!(row.get(&options), word.as_bytes(), "{}", row.name);
            }
            let reason = row.set(&mut options, b"neither").expect_err("not a word");
            assert_eq!(reason, format!("argument(s) must be one of the following: {}", words.join(", ")));
        }
    }

    #[test]
    fn hz_is_brought_into_bounds_and_read_back_so() {
        let mut options = Options::default();
        let hz = row(b"hz").expect("there is one");
        hz.set(&mut options, b"0").expect("accepted");
        assert_eq!(options.hz, 1);
        hz.set(&mut options, b"1000").expect("accepted");
        assert_eq!(options.hz, 500);
    }

    #[test]
    fn facts_accept_what_they_are_and_refuse_the_rest() {
        let mut options = Options::default();
        for (name, good, bad) in
            [("save", "", "900 1"), ("appendonly", "NO", "yes"), ("maxmemory", "0kb", "1gb")]
        {
            let row = row(name.as_bytes()).expect(name);
            row.set(&mut options, good.as_bytes()).expect(name);
            row.set(&mut options, bad.as_bytes()).expect_err(name);
        }
    }
}
