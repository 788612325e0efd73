# S3: versitygw, a gateway to files below the data folder, built from the Go module proxy.
port=${FOOTFALL_ENGINES_S3_PORT:-19000}
version=v1.8.0
procs=(s3)
ports=("$port")
binary=$home/bin/versitygw

# The first build takes some 4 minutes of CPU; the binary is kept.
install() {
  [ -x "$binary" ] && [ "$(cat "$home/version" 2>/dev/null)" = "$version" ] && return
  mkdir -p "$home/bin"
  (cd "$home" && env GOFLAGS=-mod=mod GOWORK=off GOBIN="$home/bin" nice go install "github.com/versity/versitygw/cmd/versitygw@$version" >/dev/null) || die "the build failed"
  echo "$version" >"$home/version"
}

# Buckets are folders, objects files, what S3 knows of them beside extended attributes stands in files of the sidecar folder, so that any file system will do.
launch() {
  mkdir -p "$data/buckets" "$data/sidecar"
  spawn "$1" env ROOT_ACCESS_KEY=footfall ROOT_SECRET_KEY=footfall-secret \
    "$binary" --port "$host:$port" --region us-east-1 --health /healthz --keep-alive --quiet posix --sidecar "$data/sidecar" "$data/buckets"
}
ready() { curl -fs -m 5 -o /dev/null "http://$host:$port/healthz" 2>/dev/null; }
where() { say "http://$host:$port, key footfall, secret footfall-secret, pid $(pid_of s3)"; }
