# ClickHouse: the server inside a library from npm, started by clickhouse-server.py.
http_port=${FOOTFALL_ENGINES_CLICKHOUSE_HTTP_PORT:-18123}
native_port=${FOOTFALL_ENGINES_CLICKHOUSE_NATIVE_PORT:-19009}
export CLICKHOUSE_MEMORY=${FOOTFALL_ENGINES_CLICKHOUSE_MEMORY:-3221225472} # max_server_memory_usage, bytes
procs=(clickhouse)
ports=("$http_port" "$native_port")
library=$home/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so

install() {
  [ "$(uname -sm)" = "Linux x86_64" ] || die "the pinned library is for Linux x86_64"
  if [ -f "$library" ] && cmp -s "$dir/package-lock.json" "$home/package-lock.json"; then return; fi
  mkdir -p "$home"
  cp "$dir/package.json" "$dir/package-lock.json" "$home"
  (cd "$home" && npm_config_cache=$cache/npm npm ci --ignore-scripts --no-audit --no-fund --no-progress >/dev/null) || {
    rm -f "$home/package-lock.json"
    die "npm ci failed"
  }
}

launch() {
  mkdir -p "$data/store"
  # The engine forgets its log tables at exit but not their files, and a log whose files are there is never made again
  # (SYSTEM FLUSH LOGS then hangs).
  rm -rf "$data"/store/data/system/*_log
  spawn "$1" python3 "$dir/clickhouse-server.py" "$library" --config-file="$dir/config.xml" --path="$data/store" \
    --listen_host="$host" --http_port="$http_port" --tcp_port="$native_port"
}

# /ping answers before the users are read: a query as the reader is the proof.
ready() {
  [ "$(curl -fs -m 5 "http://$host:$http_port/?user=footfall_reader" --data-binary 'select 1' 2>/dev/null)" = 1 ] && listening "$native_port"
}
where() { say "http $host:$http_port, native $host:$native_port, pid $(pid_of clickhouse)"; }
