#!/usr/bin/env bash
# kill.sh PROCESS...: kill -9 of a process that up.sh started, for tests of faults; returns when it is gone.
# Processes are clickhouse, redis, postgres, kafka, s3, flink-jobmanager, flink-taskmanager, druid-zookeeper, druid-coordinator, druid-historical, druid-indexer,
# druid-broker. up.sh starts them again.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ $# -gt 0 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
for proc in "$@"; do
  (
    use "${proc%%-*}"
    running "$proc" || die "$proc does not run"
    signal "$proc" KILL 30 || die "$proc is still there"
    say "killed $proc"
  )
done
