#!/bin/sh
# Compares the ETL reader with an independent one, file by file.
#   tests/etl_oracle.sh FOLDER    FOLDER holds captures/etl, captures/public/pcaps and tools/etl_oracle.py
# Without that folder (or without python3) there is nothing to compare, which is no failure.
set -eu
folder=${1:-}
if [ -z "$folder" ] || [ ! -f "$folder/tools/etl_oracle.py" ] || ! command -v python3 >/dev/null; then
    echo "skipped: no folder with samples and another reader"
    exit 0
fi
NETTRIAGE_SHARED=$(cd "$folder" && pwd)
export NETTRIAGE_SHARED
cd "$(dirname "$0")/.."
exec cargo test --quiet --test etl_oracle -- --nocapture
