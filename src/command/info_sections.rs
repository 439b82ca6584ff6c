//! The lines of INFO, section by section.

use super::facts::{Memory, excess, ratio};
use super::info::{Text, View};
use super::introspect::REDIS_VERSION;
use crate::config::row;
use crate::metrics::histogram::LazyHistogram;
use crate::metrics::{format, process};
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub(super) fn server(text: &mut Text, view: &View<'_>) {
    let core = view.core;
    let identity = core.identity;
    let now = core.now;
    let uptime_s = now.mono_ns.saturating_sub(identity.started.mono_ns) / 1_000_000_000;
    text.line("redis_version", REDIS_VERSION);
    text.line("medusa_version", env!("CARGO_PKG_VERSION"));
    text.line("redis_mode", "standalone");
    text.line("os", process::kernel());
    text.line("arch_bits", usize::BITS);
    text.line("multiplexing_api", "io_uring");
    text.line("process_id", identity.pid);
    text.line("process_supervised", "no");
    text.line("run_id", &identity.run_id);
    text.line("tcp_port", identity.port);
    text.line("server_time_usec", now.unix_us);
    text.line("uptime_in_seconds", uptime_s);
    text.line("uptime_in_days", uptime_s / 86_400);
    text.line("hz", core.options.hz);
    text.line("configured_hz", core.options.hz);
    text.line("lru_clock", now.unix_s() & 0xff_ffff);
    text.line("executable", &identity.executable);
    text.line("config_file", &identity.config_file);
    text.line("io_threads_active", 0);
}

pub(super) fn clients(text: &mut Text, view: &View<'_>) {
    text.line("connected_clients", view.total.clients);
    text.line("cluster_connections", 0);
    text.line("maxclients", view.core.options.maxclients);
    text.line("client_recent_max_input_buffer", view.total.input_max);
    text.line("client_recent_max_output_buffer", view.total.output_max);
    text.line("blocked_clients", view.total.paused);
    text.line("tracking_clients", 0);
    text.line("clients_in_timeout_table", 0);
}

pub(super) fn memory(text: &mut Text, view: &View<'_>) {
    let memory = Memory::read(&view.total);
    let allocator = memory.allocator;
    text.size("used_memory", allocator.allocated);
    text.size("used_memory_rss", memory.rss);
    text.size("used_memory_peak", memory.peak);
    text.line("used_memory_peak_perc", format_args!("{:.2}%", memory.peak_percent()));
    text.line("used_memory_overhead", memory.overhead);
    text.line("used_memory_startup", memory.startup);
    text.line("used_memory_dataset", memory.dataset);
    text.line("used_memory_dataset_perc", format_args!("{:.2}%", memory.dataset_percent()));
    text.line("allocator_allocated", allocator.allocated);
    text.line("allocator_active", allocator.active);
    text.line("allocator_resident", allocator.resident);
    text.size("total_system_memory", process::machine_bytes());
    for name in ["used_memory_lua", "used_memory_vm_eval"] {
        text.line(name, 0);
    }
    text.line("used_memory_lua_human", "0B");
    for name in ["used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions"] {
        text.line(name, 0);
    }
    text.line("number_of_libraries", 0);
    text.line("used_memory_functions", 0);
    text.size("used_memory_scripts", 0);
    text.size("maxmemory", option(view, "maxmemory").parse().unwrap_or(0));
    text.line("maxmemory_policy", option(view, "maxmemory-policy"));
    let ratios = [
        ("allocator_frag", allocator.active, allocator.allocated),
        ("allocator_rss", allocator.resident, allocator.active),
        ("rss_overhead", memory.rss, allocator.resident),
        ("mem_fragmentation", memory.rss, allocator.allocated),
    ];
    for (name, whole, part) in ratios {
        text.line(&format!("{name}_ratio"), format_args!("{:.2}", ratio(whole, part)));
        text.line(&format!("{name}_bytes"), excess(whole, part));
    }
    text.line("mem_not_counted_for_evict", 0);
    text.line("mem_replication_backlog", 0);
    text.line("mem_total_replication_buffers", 0);
    text.line("mem_clients_slaves", 0);
    text.line("mem_clients_normal", view.total.client_bytes);
    text.line("mem_cluster_links", 0);
    text.line("mem_aof_buffer", 0);
    text.line("mem_allocator", process::allocator_name());
    text.line("active_defrag_running", 0);
    text.line("lazyfree_pending_objects", view.total.garbage);
    text.line("lazyfreed_objects", view.total.keys.lazyfreed);
}

fn option(view: &View<'_>, name: &str) -> String {
    let value = row(name.as_bytes()).map(|row| row.get(view.core.options)).unwrap_or_default();
    String::from_utf8_lossy(&value).into_owned()
}

/// Nothing is written to disk, and nothing has been.
pub(super) fn persistence(text: &mut Text, view: &View<'_>) {
    text.line("loading", 0);
    text.line("async_loading", 0);
    text.line("rdb_changes_since_last_save", view.total.keys.dirty);
    text.line("rdb_bgsave_in_progress", 0);
    text.line("rdb_last_save_time", view.core.identity.started.unix_s());
    text.line("rdb_last_bgsave_status", "ok");
    text.line("rdb_last_bgsave_time_sec", -1);
    text.line("rdb_current_bgsave_time_sec", -1);
    text.line("rdb_saves", 0);
    text.line("rdb_last_cow_size", 0);
    text.line("rdb_last_load_keys_expired", 0);
    text.line("rdb_last_load_keys_loaded", 0);
    text.line("aof_enabled", 0);
    text.line("aof_rewrite_in_progress", 0);
    text.line("aof_rewrite_scheduled", 0);
    text.line("aof_last_rewrite_time_sec", -1);
    text.line("aof_current_rewrite_time_sec", -1);
    text.line("aof_last_bgrewrite_status", "ok");
    text.line("aof_rewrites", 0);
    text.line("aof_last_write_status", "ok");
    text.line("aof_last_cow_size", 0);
}

pub(super) fn stats(text: &mut Text, view: &View<'_>) {
    let counters = &view.total.metrics.counters;
    let rates = &view.total.metrics.rates;
    let keys = &view.total.keys;
    let kbps = |bytes: f64| bytes / 1024.0;
    text.line("total_connections_received", counters.connections_received);
    text.line("total_commands_processed", counters.commands_processed);
    text.line("instantaneous_ops_per_sec", rates.commands.round() as u64);
    text.line("total_net_input_bytes", counters.net_input_bytes);
    text.line("total_net_output_bytes", counters.net_output_bytes);
    text.line("total_net_repl_input_bytes", 0);
    text.line("total_net_repl_output_bytes", 0);
    text.line("instantaneous_input_kbps", format_args!("{:.2}", kbps(rates.input_bytes)));
    text.line("instantaneous_output_kbps", format_args!("{:.2}", kbps(rates.output_bytes)));
    text.line("instantaneous_input_repl_kbps", "0.00");
    text.line("instantaneous_output_repl_kbps", "0.00");
    text.line("rejected_connections", counters.connections_rejected);
    for name in ["sync_full", "sync_partial_ok", "sync_partial_err"] {
        text.line(name, 0);
    }
    text.line("expired_keys", keys.expired_keys);
    text.line("expired_time_cap_reached_count", keys.expire_cap_reached);
    text.line("expire_cycle_cpu_milliseconds", keys.expire_cycle_ns / 1_000_000);
    text.line("evicted_keys", counters.evicted_keys);
    text.line("evicted_clients", counters.evicted_clients);
    text.line("total_eviction_exceeded_time", 0);
    text.line("current_eviction_exceeded_time", 0);
    text.line("keyspace_hits", keys.hits);
    text.line("keyspace_misses", keys.misses);
    let absent = [
        "pubsub_channels",
        "pubsub_patterns",
        "pubsubshard_channels",
        "latest_fork_usec",
        "total_forks",
        "migrate_cached_sockets",
        "slave_expires_tracked_keys",
        "active_defrag_hits",
        "active_defrag_misses",
        "active_defrag_key_hits",
        "active_defrag_key_misses",
        "total_active_defrag_time",
        "current_active_defrag_time",
        "tracking_total_keys",
        "tracking_total_items",
        "tracking_total_prefixes",
    ];
    for name in absent {
        text.line(name, 0);
    }
    text.line("unexpected_error_replies", counters.unexpected_error_replies);
    text.line("total_error_replies", counters.error_replies);
    text.line("dump_payload_sanitizations", 0);
    text.line("total_reads_processed", counters.reads_processed);
    text.line("total_writes_processed", counters.writes_processed);
    text.line("io_threaded_reads_processed", 0);
    text.line("io_threaded_writes_processed", 0);
}

pub(super) fn replication(text: &mut Text, view: &View<'_>) {
    text.line("role", "master");
    text.line("connected_slaves", 0);
    text.line("master_failover_state", "no-failover");
    text.line("master_replid", replication_id(&view.core.identity.run_id));
    text.line("master_replid2", "0".repeat(40));
    text.line("master_repl_offset", 0);
    text.line("second_repl_offset", -1);
    text.line("repl_backlog_active", 0);
    text.line("repl_backlog_size", 0);
    text.line("repl_backlog_first_byte_offset", 0);
    text.line("repl_backlog_histlen", 0);
}

/// As random as the run id it is made from, and as long, but another.
fn replication_id(run_id: &str) -> String {
    let words = (1..=3).map(|seed| format!("{:016x}", xxh3_64_with_seed(run_id.as_bytes(), seed)));
    words.collect::<String>()[..40].to_owned()
}

pub(super) fn cpu(text: &mut Text, _view: &View<'_>) {
    let all = process::cpu_time();
    let main = process::main_thread_cpu_time();
    let seconds = [
        ("used_cpu_sys", all.system),
        ("used_cpu_user", all.user),
        ("used_cpu_sys_children", all.children_system),
        ("used_cpu_user_children", all.children_user),
        ("used_cpu_sys_main_thread", main.system),
        ("used_cpu_user_main_thread", main.user),
    ];
    for (name, seconds) in seconds {
        text.line(name, format_args!("{seconds:.6}"));
    }
}

pub(super) fn command_stats(text: &mut Text, view: &View<'_>) {
    for command in view.core.table.commands() {
        let stats = &view.total.metrics.commands[usize::from(command.id)];
        if stats.is_used() {
            format::command_stats(&mut text.0, &command.full_name, stats);
        }
    }
}

pub(super) fn error_stats(text: &mut Text, view: &View<'_>) {
    format::error_stats(&mut text.0, &view.total.metrics.errors);
}

pub(super) fn latency_stats(text: &mut Text, view: &View<'_>) {
    let percentiles = &view.core.options.latency_tracking_info_percentiles;
    for command in view.core.table.commands() {
        let stats = &view.total.metrics.commands[usize::from(command.id)];
        format::latency_stats(&mut text.0, &command.full_name, stats, percentiles);
    }
}

/// Count, percentiles and maximum.
fn histogram(text: &mut Text, count: &str, name: &str, times: &LazyHistogram) {
    text.line(count, times.count());
    percentiles(text, name, times);
}

fn percentiles(text: &mut Text, name: &str, times: &LazyHistogram) {
    for percentile in [50.0, 99.0, 99.9] {
        let name = format!("{name}_usec_p{}", format::trimmed(percentile));
        text.line(&name, format_args!("{:.3}", times.percentile(percentile) as f64 / 1e3));
    }
    text.line(&format!("{name}_usec_max"), format_args!("{:.3}", times.max() as f64 / 1e3));
}

/// What only a server of many cores has: shards, the traffic between them, and how long commands wait for
/// a shard on another core.
pub(super) fn medusa(text: &mut Text, view: &View<'_>) {
    text.line("shards", view.core.cores);
    text.line("pipeline_order", option(view, "pipeline-order"));
    let counters = &view.total.metrics.counters;
    text.line("commands_remote", counters.commands_remote);
    text.line("mesh_batches_sent", counters.mesh_batches_sent);
    text.line("mesh_requests_sent", counters.mesh_requests_sent);
    let (mut remote, mut waits) = (LazyHistogram::default(), LazyHistogram::default());
    for stats in &view.total.metrics.commands {
        remote.merge(&stats.remote);
        if let Some(spanning) = &stats.spanning {
            waits.merge(&spanning.wait);
        }
    }
    histogram(text, "remote_waits", "remote_wait", &remote);
    text.line("spanning_commands", counters.spanning_commands);
    text.line("spanning_transactions", counters.spanning_transactions);
    text.line("spanning_hops", counters.spanning_hops);
    text.line("spanning_parked", counters.spanning_parked);
    percentiles(text, "spanning_wait", &waits);
    text.line("lock_requests", counters.lock_requests);
    text.line("lock_refusals", counters.lock_refusals);
    text.line("lock_waits", counters.lock_waits);
    text.line("lock_wait_usec", counters.lock_wait_ns / 1_000);
    percentiles(text, "lock_wait", &view.total.metrics.lock_waits);
    text.line("commands_parked", counters.commands_parked);
    text.line("offers", counters.offers);
    text.line("offers_passed", counters.offers_passed);
    // CPU time: what else ran on the core meanwhile is not the table's.
    histogram(text, "table_steps", "table_step", &view.total.metrics.growth);
    text.line("monitors", view.total.watchers);
    for (number, shard) in view.cores.iter().enumerate() {
        text.line(
            &format!("shard{number}"),
            format_args!(
                "keys={},bytes={},clients={},commands={}",
                shard.keys_len(),
                shard.memory.content + shard.memory.tables + shard.memory.garbage,
                shard.clients,
                shard.metrics.counters.commands_processed,
            ),
        );
    }
}

pub(super) fn cluster(text: &mut Text, _view: &View<'_>) {
    text.line("cluster_enabled", 0);
}

pub(super) fn keyspace(text: &mut Text, view: &View<'_>) {
    for (number, database) in view.total.databases.iter().enumerate() {
        if database.keys > 0 {
            let shown = format_args!(
                "keys={},expires={},avg_ttl={}",
                database.keys, database.expires, database.avg_ttl_ms
            )
            .to_string();
            text.line(&format!("db{number}"), shown);
        }
    }
}
