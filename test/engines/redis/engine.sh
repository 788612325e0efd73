# Redis from Debian. Nothing is kept on disk: to the product it is a cache.
port=${FOOTFALL_ENGINES_REDIS_PORT:-16379}
procs=(redis)
ports=("$port")

# Debian's redis-server and redis-check-rdb are one program that looks at its name. The package redis-tools has it without
# the system service that the package redis-server starts.
install() {
  command -v redis-check-rdb >/dev/null || apt_install redis-tools
  mkdir -p "$home"
  ln -sfn "$(command -v redis-check-rdb)" "$home/redis-server"
}
launch() {
  spawn "$1" "$home/redis-server" "$dir/redis.conf" --bind "$host" --port "$port" --dir "$data"
}
ready() { [ "$(redis-cli -h "$host" -p "$port" ping 2>/dev/null)" = PONG ]; }
where() { say "$host:$port, pid $(pid_of redis)"; }
