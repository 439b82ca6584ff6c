#!/usr/bin/env bash
# Everything a change must pass: format, clippy, rustdoc, every test, every bench in its tiny form.
#
#   scripts/check.sh
#
# The tests compare with Redis 7.0 (Debian's redis-server and redis-tools). Where they are missing and
# we may install packages, this does; no Redis service is left running. Leaves behind: target/.
# MEDUSA_DIFF_COMMANDS=N changes how many random commands the differential test sends (50000).
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

install_redis() {
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo --non-interactive)
        if ! "${as_root[@]}" true 2>/dev/null; then return 1; fi
    fi
    command -v apt-get >/dev/null || return 1
    # Debian starts a service it installs, unless this file says not to.
    local policy=/usr/sbin/policy-rc.d made_policy=no
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 755 "$policy"
        made_policy=yes
    fi
    local status=0
    { "${as_root[@]}" apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install --yes -qq --no-install-recommends redis-server redis-tools; } || status=$?
    if [ "$made_policy" = yes ]; then "${as_root[@]}" rm -f "$policy"; fi
    return "$status"
}

if ! { command -v redis-server && command -v redis-cli && command -v redis-benchmark; } >/dev/null; then
    say "installing redis-server and redis-tools"
    if ! install_redis; then
        echo "The tests compare with Redis 7.0 and it is not here: install redis-server and redis-tools" \
            "(Debian and Ubuntu: apt-get install redis-server redis-tools), then run this again." >&2
        exit 1
    fi
fi
redis-server --version

say "format"
cargo fmt --check

say "clippy"
cargo clippy --locked --all-targets -- --deny warnings

say "rustdoc"
RUSTDOCFLAGS="--deny warnings" cargo doc --locked --no-deps --lib

say "tests, and benches in tiny form"
cargo test --locked
