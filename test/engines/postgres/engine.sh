# PostgreSQL from Debian: a cluster of its own with database footfall and user footfall (trusted on loopback).
port=${FOOTFALL_ENGINES_POSTGRES_PORT:-15432}
procs=(postgres)
ports=("$port")
stop_signal=INT # fast shutdown: SIGTERM waits for clients

# The newest version that is installed.
bin() { dirname "$(ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | sort -V | tail -n 1)"; }
# PostgreSQL refuses to run as root; Debian's package makes the user postgres.
as_user() {
  if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; else "$@"; fi
}
install() {
  if [ -x "$(bin)/initdb" ]; then return; fi
  apt_install postgresql
}

# home_dir gives the cluster a folder that its user can reach: root's home is closed to others, and then the folder stands
# below /var/tmp with a link to it.
home_dir() {
  mkdir -p "$data"
  [ "$(id -u)" = 0 ] || return 0
  if ! as_user test -x "$data"; then
    local elsewhere
    elsewhere=/var/tmp/footfall-postgres-$(cksum <<<"$data" | cut -d' ' -f1)
    mkdir -p "$elsewhere"
    rmdir "$data"
    ln -sfn "$elsewhere" "$data"
  fi
  chown postgres: "$data/"
}

# abandoned CLUSTER: no process works in it.
abandoned() {
  local link
  for link in /proc/[0-9]*/cwd; do
    if [ "$(readlink "$link" 2>/dev/null)" = "$1" ]; then return 1; fi
  done
}

launch() {
  [ -L "$data" ] || home_dir
  local cluster
  cluster=$(readlink -f "$data")/cluster
  if [ ! -f "$cluster/footfall.conf" ]; then
    rm -rf "$cluster"
    as_user "$(bin)/initdb" -D "$cluster" -U footfall -A trust -E UTF8 --locale=C >"$data/initdb.log" 2>&1
    as_user cp /dev/stdin "$cluster/footfall.conf" <"$dir/postgresql.conf"
    echo "include 'footfall.conf'" >>"$cluster/postgresql.conf"
  fi
  # A killed server leaves its lock file, and its children for a moment. up.sh calls this only when the server is gone;
  # should a child live on, PostgreSQL refuses to start by the shared memory that it holds.
  until_true 30 abandoned "$cluster" || true
  rm -f "$cluster/postmaster.pid"
  cd / # the user may not be allowed into the caller's folder
  if [ "$(id -u)" = 0 ]; then
    spawn "$1" setpriv --reuid=postgres --regid=postgres --init-groups -- "$(bin)/postgres" -D "$cluster" -p "$port" -h "$host"
  else
    spawn "$1" "$(bin)/postgres" -D "$cluster" -p "$port" -h "$host"
  fi
}

sql() { PGCONNECT_TIMEOUT=5 psql -qAtX -h "$host" -p "$port" -U footfall -d "$1" -c "$2" 2>/dev/null; }
# The database is made on the first answer, so that a start cut off in the middle is made good by the next.
ready() {
  [ "$(sql footfall 'select 1')" = 1 ] && return
  sql postgres 'create database footfall' && [ "$(sql footfall 'select 1')" = 1 ]
}
where() { say "postgres://footfall@$host:$port/footfall, pid $(pid_of postgres)"; }
