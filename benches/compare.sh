#!/usr/bin/env bash
# Times the whole program against public tools on one capture, all in one run, and prints medians and ratios:
#   benches/compare.sh CAPTURE [ROUNDS]
# Each round runs every program once, in turn, so that a machine that gets slower or busier does so for all of them.
# `cat` is the measure: what it takes to get at the bytes at all. Tools that are not installed are left out; tshark is
# run once, since it takes minutes. Needs GNU time and the release build.
set -euo pipefail
capture=$(realpath "$1")
rounds=${2:-5}
cd "$(dirname "$0")/.."
cargo build --release --quiet --locked
bin=target/release/nettriage
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# Runs a command and adds "wall cpu kilobytes" to its list; a non-zero status is the program's own affair.
run() {
    local name=$1
    shift
    { command time -f '%e %U %S %M' -o "$results/last" "$@" >/dev/null 2>&1 || true; }
    tail -n 1 "$results/last" | awk '{ print $1, $2 + $3, $4 }' >>"$results/$name"
}

one_round() {
    run cat cat "$capture"
    run nettriage_1 "$bin" --threads 1 --format json "$capture"
    run nettriage_2 "$bin" --threads 2 --format json "$capture"
    for tool in capinfos tcptrace ndpiReader; do
        command -v "$tool" >/dev/null || continue
        case $tool in
        capinfos) run capinfos capinfos -c "$capture" ;;
        tcptrace) run tcptrace tcptrace -n "$capture" ;;
        ndpiReader) run ndpiReader ndpiReader -q -i "$capture" ;;
        esac
    done
}

cat "$capture" >/dev/null # into the page cache
for _ in $(seq "$rounds"); do one_round; done
if command -v tshark >/dev/null; then
    run tshark tshark -n -r "$capture" -Y tls.handshake.type==1 -T fields \
        -e frame.number -e tls.handshake.extensions_server_name -e tls.handshake.version
fi

median() { cut -d ' ' -f "$1" "$2" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
base=$(median 1 "$results/cat")
printf '%s, %s rounds, commit %s\n' "$(date -u +%F)" "$rounds" "$(git rev-parse --short HEAD)"
printf '%s bytes, %s\n' "$(stat -c %s "$capture")" "$(uname -sm), $(nproc) processors"
printf '%-12s %9s %9s %9s %12s\n' program 'wall s' 'cpu s' 'peak MB' 'wall / cat'
for name in cat nettriage_1 nettriage_2 capinfos tcptrace ndpiReader tshark; do
    file=$results/$name
    [ -f "$file" ] || continue
    wall=$(median 1 "$file")
    printf '%-12s %9s %9s %9s %12s\n' "$name" "$wall" "$(median 2 "$file")" "$(($(median 3 "$file") / 1024))" \
        "$(awk -v a="$wall" -v b="$base" 'BEGIN { printf "%.2f", a / b }')"
done
