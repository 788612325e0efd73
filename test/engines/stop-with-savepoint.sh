#!/usr/bin/env bash
# stop-with-savepoint.sh JOB: stops a job of Flink with a savepoint, waits for the end, and prints the savepoint's path.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
use flink
[ $# = 1 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
job=$1

answer=$(curl -sS -H 'Content-Type: application/json' --data-binary '{"drain":false}' "$rest/jobs/$job/stop")
trigger=$(grep -o '"request-id":"[0-9a-f]*"' <<<"$answer" | cut -d'"' -f4) || die "cannot stop $job: ${answer:0:300}"
completed() {
  answer=$(curl -fs -m 5 "$rest/jobs/$job/savepoints/$trigger") && grep -q '"id":"COMPLETED"' <<<"$answer"
}
until_true "$wait_seconds" completed || die "no savepoint of $job: ${answer:0:500}"
grep -o '"location":"[^"]*"' <<<"$answer" | cut -d'"' -f4 || die "no savepoint of $job: ${answer:0:2000}"
