#!/usr/bin/env bash
# Checks the HTML of some samples and of a roll-up in headless Chromium; skipped where Chromium or npm is missing.
# Usage: tests/html/run.sh PROGRAM [--shots FOLDER]
set -euo pipefail
program=$(realpath "$1")
shift
cd "$(dirname "$0")/../.."
export CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v google-chrome || true)}
if [ -z "$CHROMIUM" ] || ! command -v npm >/dev/null; then
    echo "skipped: no Chromium or no npm"
    exit 0
fi
tools=${PLAYWRIGHT_FROM:-target/html-tools}
if [ ! -d "$tools/node_modules/playwright-core" ]; then
    mkdir -p "$tools"
    if ! npm install --silent --no-audit --no-fund --prefix "$tools" playwright-core@1 >/dev/null; then
        echo "skipped: playwright-core cannot be installed"
        exit 0
    fi
fi
pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
for sample in arm_denied_by_proxy two_ways_out healthy_az_login; do
    "$program" "samples/$sample.pcapng" --fail-on never --format html -o "$pages/$sample.html"
done
"$program" samples/case_intercepted_tls13 --fail-on never --format html --lang ja -o "$pages/case.html"
if "$program" batch samples -o "$pages/out" --fail-on never -q >"$pages/rollup.txt"; then
    cp "$pages/out/rollup.html" "$pages/rollup.html"
fi
PLAYWRIGHT_FROM=$(realpath "$tools") node tests/html/check.mjs "$@" "$pages"/*.html
