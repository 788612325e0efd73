#!/usr/bin/env bash
# up.sh [ENGINE...]: installs and starts the named engines (all without a name) and waits until each answers.
# What is installed or runs already is left alone.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# No process of ours runs, so whoever answers on its ports is another's: an engine of another data folder, most likely.
check_ports() {
  local port p
  for p in "${procs[@]}"; do if running "$p"; then return 0; fi; done
  for port in "${ports[@]}"; do
    if listening "$port"; then
      die "port $port is taken by a process that was not started for $data_root; stop it or choose another port (README.md)"
    fi
  done
}
ready_or_dead() { ready || ! all_running; }

# try: one start. True when the engine answers and all its processes run.
try() {
  local p
  for p in "${procs[@]}"; do running "$p" || launch "$p"; done
  until_true "$wait_seconds" ready_or_dead && all_running && ready
}

up() {
  use "$1"
  mkdir -p "$data" "$data_root/run" "$data_root/log"
  exec 9>"$data_root/run/$engine.lock"
  flock 9
  if all_running && ready; then
    where
    return
  fi
  check_ports
  install
  if ! try; then
    say "did not come up, trying once more" >&2
    stop
    if ! try; then
      for p in "${procs[@]}"; do tail -n 20 "$(log_file "$p")" >&2; done
      stop
      die "did not come up; see $data_root/log"
    fi
  fi
  where
}

engines=("$@")
[ $# -gt 0 ] || engines=("${all_engines[@]}")
pids=()
for e in "${engines[@]}"; do
  (up "$e") &
  pids+=($!)
done
code=0
for pid in "${pids[@]}"; do wait "$pid" || code=1; done
exit $code
