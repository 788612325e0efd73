# Sourced by the scripts of this folder. README.md says what they do and lists the variables.
#
# An engine is a folder with engine.sh, which sets
#   procs   its processes, in the order of their start
#   ports   every port it listens on
# and defines install (fetches what is missing), launch PROC (ends in a call of spawn), ready (true once it answers)
# and where (one line for people). It may set stop_signal. Each engine is sourced in a subshell of its own.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${CACHE:-$HOME/.cache/footfall}
software=$cache/engines
data_root=${FOOTFALL_ENGINES_DATA:-$cache/engines-data}
wait_seconds=${FOOTFALL_ENGINES_WAIT:-300} # generous: a busy machine takes minutes to start a JVM
host=127.0.0.1
all_engines=(clickhouse redis postgres kafka flink)
lake_engines=(s3 druid spark) # the second half of a cluster; started by name, as not every test needs them
stop_signal=TERM

# use ENGINE: sources it.
use() {
  engine=$1
  [ -f "$here/$engine/engine.sh" ] || die "no such engine; there are: ${all_engines[*]} ${lake_engines[*]}"
  dir=$here/$engine
  home=$software/$engine
  data=$data_root/$engine
  # shellcheck source=/dev/null
  . "$dir/engine.sh"
}

say() { echo "$engine: $*"; }
die() {
  echo "$engine: $*" >&2
  exit 1
}

# born PID: when the process started, in clock ticks since boot; fails if it is gone or a zombie. With it a pid that the
# system has given to another process is not taken for ours.
born() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -ra stat <<<"${stat##*) }"
  [ "${stat[0]}" != Z ] && echo "${stat[19]}"
}
pid_file() { echo "$data_root/run/$1.pid"; }
log_file() { echo "$data_root/log/$1.log"; }

# pid_of PROC: its pid if it runs.
pid_of() {
  local pid at
  read -r pid at 2>/dev/null <"$(pid_file "$1")" && [ "$(born "$pid")" = "$at" ] && echo "$pid"
}
running() { pid_of "$1" >/dev/null; }
all_running() {
  local p
  for p in "${procs[@]}"; do running "$p" || return 1; done
}

# spawn PROC COMMAND...: starts it in a session of its own, without the lock of up.sh, and notes its pid. The log of the
# start before is kept as .1.
spawn() {
  local proc=$1 log pid
  shift
  log=$(log_file "$proc")
  if [ -f "$log" ]; then mv "$log" "$log.1"; fi
  setsid "$@" >"$log" 2>&1 </dev/null 9>&- &
  pid=$!
  echo "$pid $(born "$pid")" >"$(pid_file "$proc")"
}

# until_true SECONDS COMMAND...: tries it five times a second.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.2
  done
}
gone() { ! running "$1"; }

# signal PROC SIGNAL SECONDS: sends it and waits for the end.
signal() {
  local pid
  pid=$(pid_of "$1") || return 0
  kill -s "$2" "$pid" 2>/dev/null || true
  until_true "$3" gone "$1"
}
stop() {
  local i proc
  for ((i = ${#procs[@]} - 1; i >= 0; i--)); do
    proc=${procs[i]}
    signal "$proc" "$stop_signal" 90 || { say "$proc does not stop, killed"; signal "$proc" KILL 30; }
    rm -f "$(pid_file "$proc")"
  done
}

listening() { (exec 3<>"/dev/tcp/$host/$1") 2>/dev/null; }

# verify FILE: checks the sums of the files named in it, below the current folder.
verify() { sha256sum --check --quiet --strict "$1" || die "a file is not the one whose checksum is in $1"; }

# install_jars: what pom.xml names goes into $home/lib, unless what is there is of this pom.xml.
install_jars() {
  local sum
  sum=$(cat "$dir/pom.xml" "$dir/jars.sha256" | sha256sum)
  if [ "$(cat "$home/installed" 2>/dev/null)" = "$sum" ]; then return; fi
  rm -rf "$home/lib.new"
  mkdir -p "$home"
  mvn -B -q -C -Dstyle.color=never -f "$dir/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$home/lib.new"
  (cd "$home/lib.new" && verify "$dir/jars.sha256")
  rm -rf "$home/lib"
  mv "$home/lib.new" "$home/lib"
  echo "$sum" >"$home/installed"
}

# apt_install PACKAGE...
apt_install() {
  local sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq || true
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}
