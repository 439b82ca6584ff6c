#!/usr/bin/env bash
# How fast is it? Drives Medusa, and with --redis also redis-server, with redis-benchmark.
#
#   scripts/load.sh --cores 1,2 --pipeline 1,16 --seconds 5 --redis
#
# Other flags: --out DIR --tests set,get --threads N --clients N --keyspace N --value-bytes N --rounds N;
# --help explains them. Prints one table; leaves it in target/load (or DIR) as results.md and results.csv,
# a drawing load.svg, and in runs/ logs, latency reports and percentile texts (.hgrm) of every run.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v redis-benchmark >/dev/null; then
    echo "redis-benchmark is not here: it is in the package redis-tools (apt-get install redis-tools)." >&2
    exit 1
fi
exec cargo run --release --bin medusa -- load "$@"
