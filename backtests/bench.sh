#!/usr/bin/env bash
# Times release builds: every recorded reserve over the whole span, ten years of a thousand generated
# markets, generated worlds, and the optimiser. Prints seconds and peak memory of whole processes beside their goals.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

cache=${CACHE:-$HOME/.cache/plimsoll}
target=${CARGO_TARGET_DIR:-$cache/target}
if [ ! -x /usr/bin/time ]; then
    if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
        apt-get install -y -qq time >/dev/null
    else
        echo 'bench: /usr/bin/time is missing: install the package "time"' >&2
        exit 1
    fi
fi

cargo build --release --workspace --bins --examples
plimsoll=$target/release/plimsoll
world=$cache/bench/worlds-1000x3650
rules=hold,equal,highest-apr,highest-apr@trailing_days=7,mean7-hysteresis
failed=0

# measure NAME SECONDS MEGABYTES COMMAND... (0 for no goal): the median of five runs after one to warm up.
measure() {
    local name=$1 seconds=$2 megabytes=$3
    shift 3
    "$@" >/dev/null 2>&1 || { echo "bench: failed: $*" >&2; "$@" >/dev/null; exit 1; }
    local runs=()
    for _ in 1 2 3 4 5; do
        runs+=("$(/usr/bin/time -o /dev/fd/3 -f '%e %M' "$@" 3>&1 >/dev/null 2>&1 | tail -1)")
    done
    printf '%s\n' "${runs[@]}" | sort -n | awk -v name="$name" -v seconds="$seconds" -v mb="$megabytes" '
        { wall[NR] = $1; if ($2 > peak) peak = $2 }
        END {
            median = wall[int((NR + 1) / 2)]
            printf "%-56s median %6.2f s (%.2f to %.2f)", name, median, wall[1], wall[NR]
            if (seconds > 0) printf ", goal < %s s", seconds
            printf "; peak %4d MB", peak / 1024
            if (mb > 0) printf ", goal < %s MB", mb
            print ""
            exit ((seconds == 0 || median < seconds) && (mb == 0 || peak / 1024 < mb)) ? 0 : 1
        }' || failed=1
}

if [ -d "${PLIMSOLL_DATA:-}" ]; then
    measure 'all recorded reserves, five rules' 2 300 \
        "$plimsoll" backtest --data "$PLIMSOLL_DATA" --assets all --strategy "$rules" --no-spread --json
    measure 'all recorded reserves, five rules, with the spread' 2 300 \
        "$plimsoll" backtest --data "$PLIMSOLL_DATA" --assets all --strategy "$rules" --json
    measure 'all recorded reserves, the allocator' 0 0 \
        "$plimsoll" backtest --data "$PLIMSOLL_DATA" --assets all --strategy allocator --no-spread --json
    measure 'contract aave-weekly' 2 300 \
        "$plimsoll" backtest --data "$PLIMSOLL_DATA" --contract aave-weekly --no-spread --json
else
    echo 'bench: PLIMSOLL_DATA names no folder: recorded history is not timed'
fi

if [ ! -f "$world/synthetic_reserves_daily.parquet" ]; then
    "$plimsoll" data generate --markets 1000 --days 3650 --seed 1 --out "$world" 2>/dev/null
fi
measure '1,000 generated markets over ten years, five rules' 20 0 \
    "$plimsoll" backtest --data "$world" --strategy "$rules" --no-spread --json
# Sixteen more replays of every rule; it has no goal of its own.
measure '1,000 generated markets over ten years, with the spread' 0 0 \
    "$plimsoll" backtest --data "$world" --strategy "$rules" --json
measure '200 generated worlds, six rules, perfect foresight' 0 0 \
    "$plimsoll" backtest --synthetic 1..200 --capital 100000 --limits off --json
echo 'optimiser, one core; goal < 20 ms for 50 markets:'
"$target/release/examples/solve_speed"
echo 'live, new block to first broadcast; goal p99 < 150 ms:'
if [ -d contracts/node_modules ]; then
    "$target/release/examples/latency" 1000
else
    echo 'bench: `make contracts` first'
fi
exit $failed
