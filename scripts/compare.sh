#!/usr/bin/env bash
# Who is faster? Medusa and redis-server side by side in one run, in turns, medians of all rounds.
#
#   scripts/compare.sh --rounds 5 --seconds 2 --pipeline 1,16,100 --cores 1,2
#   scripts/compare.sh --sections fairness,growth,freeing --growth-keys 10000000
#   scripts/compare.sh --cores 1 --sections types,collections,stalls --memory-keys 1000000
#   scripts/compare.sh --sections throughput,mixes,client --server 'Other=other --port {port} --threads {cores}'
#
# --help explains the flags; --sections all is everything. Prints tables; leaves in target/compare (or --out
# DIR) all of them in report.md, each as SECTION.md, every round as SECTION.csv, a drawing throughput.svg, and
# the servers' logs.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v redis-server >/dev/null; then
    echo "redis-server is not here: it is in the package redis-server (apt-get install redis-server)." >&2
    exit 1
fi
cargo build --quiet --release --bin medusa
exec target/release/medusa bench compare "$@"
