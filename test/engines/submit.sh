#!/usr/bin/env bash
# submit.sh JAR [ARGS...]: uploads a jar to Flink, runs it, waits until all its tasks run, and prints the id of the job.
# PARALLELISM (default: the slots) is always sent: without it a jar runs with 1, whatever the cluster's default is. It may
# not exceed the partitions of a source. SAVEPOINT=path resumes from a savepoint or a retained checkpoint.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
use flink
[ $# -gt 0 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
jar=$1
shift

answer=$(curl -fsS -F "jarfile=@$jar;type=application/x-java-archive" "$rest/jars/upload") || die "cannot upload $jar"
id=$(grep -o '"filename":"[^"]*"' <<<"$answer" | cut -d'"' -f4)
id=${id##*/}
request=$(python3 -c '
import json, sys
parallelism, savepoint, *arguments = sys.argv[1:]
request = {"parallelism": int(parallelism), "programArgsList": arguments}
if savepoint:
    request["savepointPath"] = savepoint
print(json.dumps(request))' "${PARALLELISM:-$slots}" "${SAVEPOINT:-}" "$@")
answer=$(curl -sS -H 'Content-Type: application/json' --data-binary "$request" "$rest/jars/$id/run")
job=$(grep -o '"jobid":"[0-9a-f]*"' <<<"$answer" | cut -d'"' -f4) || die "cannot run $jar: ${answer:0:500}"

# tasks_run: every task of the job runs. A job that has ended for good ends the wait too.
tasks_run() {
  state=$(curl -fs -m 5 "$rest/jobs/$job" | python3 -c '
import json, sys
job = json.load(sys.stdin)
running = all(v["status"] == "RUNNING" for v in job["vertices"])
print("RUNNING" if running and job["state"] == "RUNNING" else job["state"] if job["state"] in ("FAILED", "FINISHED", "CANCELED") else "")' 2>/dev/null)
  [ -n "$state" ]
}
until_true "$wait_seconds" tasks_run || die "job $job does not run"
[ "$state" != FAILED ] || die "job $job failed: $(curl -fs -m 5 "$rest/jobs/$job/exceptions" | head -c 2000)"
echo "$job"
