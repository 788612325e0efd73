# Apache Flink: a standalone session cluster, one JobManager and one TaskManager, from the Python package index.
rest_port=${FOOTFALL_ENGINES_FLINK_REST_PORT:-18081}
rpc_port=${FOOTFALL_ENGINES_FLINK_RPC_PORT:-16123}
blob_port=${FOOTFALL_ENGINES_FLINK_BLOB_PORT:-16124}
slots=${FOOTFALL_ENGINES_FLINK_SLOTS:-2}
jobmanager_memory=${FOOTFALL_ENGINES_FLINK_JM_MEMORY:-900m}
taskmanager_memory=${FOOTFALL_ENGINES_FLINK_TM_MEMORY:-1600m}
procs=(flink-jobmanager flink-taskmanager)
ports=("$rest_port" "$rpc_port" "$blob_port")
rest=http://$host:$rest_port
export FLINK_HOME=$home/dist/pyflink FLINK_CONF_DIR=$data/conf FLINK_LOG_DIR=$data/log FLINK_PID_DIR=$data/run

install() {
  local sum
  sum=$(cat "$dir/requirements.txt" "$dir/pom.xml" "$dir/jars.sha256" | sha256sum)
  if [ "$(cat "$home/installed" 2>/dev/null)" = "$sum" ]; then return; fi
  rm -rf "$home/dist.new"
  mkdir -p "$home"
  # --python-version only picks the wheel: no Python code of it is run.
  python3 -m pip install -q --disable-pip-version-check --root-user-action=ignore --require-hashes \
    --no-deps --no-compile --only-binary=:all: --platform manylinux2014_x86_64 --python-version 3.11 \
    --target "$home/dist.new" -r "$dir/requirements.txt"
  mvn -B -q -C -Dstyle.color=never -f "$dir/pom.xml" dependency:copy-dependencies \
    -DexcludeTransitive=true -DoutputDirectory="$home/dist.new/pyflink/lib"
  (cd "$home/dist.new/pyflink/lib" && verify "$dir/jars.sha256")
  rm -rf "$home/dist"
  mv "$home/dist.new" "$home/dist"
  echo "$sum" >"$home/installed"
}

configure() {
  mkdir -p "$FLINK_CONF_DIR" "$FLINK_LOG_DIR" "$FLINK_PID_DIR" "$data/tmp"
  cp "$FLINK_HOME"/conf/log4j*.properties "$FLINK_CONF_DIR"
  {
    cat "$dir/config.yaml"
    cat <<END
jobmanager.rpc.address: $host
jobmanager.bind-host: $host
jobmanager.rpc.port: $rpc_port
blob.server.port: "$blob_port"
jobmanager.memory.process.size: $jobmanager_memory
taskmanager.host: $host
taskmanager.bind-host: $host
taskmanager.memory.process.size: $taskmanager_memory
taskmanager.numberOfTaskSlots: $slots
taskmanager.resource-id: $(cat "$data/taskmanager-id")
rest.address: $host
rest.bind-address: $host
rest.port: $rest_port
io.tmp.dirs: $data/tmp
web.upload.dir: $data/jars
execution.checkpointing.dir: file://$data/checkpoints
execution.checkpointing.savepoint-dir: file://$data/savepoints
END
  } >"$FLINK_CONF_DIR/config.yaml"
}

# In the foreground the scripts end in exec of the JVM, so the pid that spawn notes is the JVM's.
launch() {
  if [ "$1" = flink-taskmanager ] || [ ! -f "$data/taskmanager-id" ]; then echo "taskmanager-$(date +%s%N)" >"$data/taskmanager-id"; fi
  configure
  spawn "$1" "$FLINK_HOME/bin/${1#flink-}.sh" start-foreground
}
# A killed TaskManager is listed until its heartbeat times out: only the one started last counts.
ready() { curl -fs -m 5 "$rest/taskmanagers" 2>/dev/null | grep -qF "\"id\":\"$(cat "$data/taskmanager-id")\""; }
where() { say "$rest, jobmanager pid $(pid_of flink-jobmanager), taskmanager pid $(pid_of flink-taskmanager)"; }
