#!/usr/bin/env bash
# down.sh [--clean] [ENGINE...]: stops the named engines (all without a name, those of the lake too); --clean also deletes their data.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

clean=
if [ "${1:-}" = --clean ]; then
  clean=yes
  shift
fi
down() {
  use "$1"
  local p ran=
  for p in "${procs[@]}"; do if running "$p"; then ran=yes; fi; done
  stop
  if [ -n "$clean" ]; then
    if [ -L "$data" ]; then rm -rf "$(readlink "$data")"; fi
    rm -rf "$data"
    for p in "${procs[@]}"; do rm -f "$(log_file "$p")"*; done
  fi
  if [ -n "$ran" ]; then say stopped; else say "was not running"; fi
}

engines=("$@")
[ $# -gt 0 ] || engines=("${lake_engines[@]}" flink kafka postgres redis clickhouse)
for e in "${engines[@]}"; do (down "$e"); done
