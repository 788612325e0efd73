#!/usr/bin/env bash
# status.sh [ENGINE...]: one line a process; fails unless all run and answer.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

status() {
  use "$1"
  local p pid code=0 state
  for p in "${procs[@]}"; do
    if ! pid=$(pid_of "$p"); then
      echo "$p: down"
      code=1
      continue
    fi
    state=answers
    ready || { state="no answer"; code=1; }
    echo "$p: pid $pid, $state, $(($(ps -o rss= -p "$pid") / 1024)) MB"
  done
  return $code
}

engines=("$@")
[ $# -gt 0 ] || engines=("${all_engines[@]}")
code=0
for e in "${engines[@]}"; do (status "$e") || code=1; done
exit $code
