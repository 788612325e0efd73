# Apache Druid: ZooKeeper, coordinator with overlord (and Derby for the metadata), historical, indexer, broker.
zookeeper_port=${FOOTFALL_ENGINES_DRUID_ZOOKEEPER_PORT:-19181}
derby_port=${FOOTFALL_ENGINES_DRUID_DERBY_PORT:-19527}
coordinator_port=${FOOTFALL_ENGINES_DRUID_COORDINATOR_PORT:-19081}
broker_port=${FOOTFALL_ENGINES_DRUID_BROKER_PORT:-19082}
historical_port=${FOOTFALL_ENGINES_DRUID_HISTORICAL_PORT:-19083}
indexer_port=${FOOTFALL_ENGINES_DRUID_INDEXER_PORT:-19091}
historical_heap=${FOOTFALL_ENGINES_DRUID_HISTORICAL_HEAP:-320m}
indexer_heap=${FOOTFALL_ENGINES_DRUID_INDEXER_HEAP:-640m}
procs=(druid-zookeeper druid-coordinator druid-historical druid-indexer druid-broker)
ports=("$zookeeper_port" "$derby_port" "$coordinator_port" "$broker_port" "$historical_port" "$indexer_port")

install() { install_jars; }

# fill FILE...: the files with their placeholders filled in.
fill() {
  cat "$@" | sed -e "s#@DATA@#$data#g" -e "s#@HOST@#$host#g" -e "s#@ZOOKEEPER_PORT@#$zookeeper_port#g" \
    -e "s#@DERBY_PORT@#$derby_port#g" -e "s#@COORDINATOR_PORT@#$coordinator_port#g" -e "s#@BROKER_PORT@#$broker_port#g" \
    -e "s#@HISTORICAL_PORT@#$historical_port#g" -e "s#@INDEXER_PORT@#$indexer_port#g"
}

# jvm ROLE HEAP DIRECT MAIN...
jvm() {
  local role=$1 heap=$2 direct=$3
  shift 3
  spawn "druid-$role" java -server "-Xms$heap" "-Xmx$heap" "-XX:MaxDirectMemorySize=$direct" -XX:+UseSerialGC \
    -XX:+ExitOnOutOfMemoryError -Duser.timezone=UTC -Dfile.encoding=UTF-8 "-Djava.io.tmpdir=$data/tmp" \
    -Djava.util.logging.manager=org.apache.logging.log4j.jul.LogManager "-Dlog4j.configurationFile=$dir/log4j2.xml" \
    "-Dderby.stream.error.file=$data/derby.log" -Dzookeeper.jmx.log4j.disable=true \
    --add-exports=java.base/jdk.internal.misc=ALL-UNNAMED --add-exports=java.base/jdk.internal.ref=ALL-UNNAMED \
    --add-opens=java.base/java.nio=ALL-UNNAMED --add-opens=java.base/sun.nio.ch=ALL-UNNAMED \
    --add-opens=java.base/jdk.internal.ref=ALL-UNNAMED --add-opens=java.base/java.io=ALL-UNNAMED \
    --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED \
    -cp "$data/conf/$role:$home/lib/*" "$@"
}

launch() {
  local role=${1#druid-}
  mkdir -p "$data/tmp" "$data/task" "$data/conf/$role"
  case $role in
  zookeeper)
    fill "$dir/conf/zoo.cfg" >"$data/conf/$role/zoo.cfg"
    jvm $role 48m 32m org.apache.zookeeper.server.quorum.QuorumPeerMain "$data/conf/$role/zoo.cfg"
    return
    ;;
  esac
  fill "$dir/conf/common.properties" "$dir/conf/$role.properties" >"$data/conf/$role/runtime.properties"
  case $role in
  coordinator)
    jvm $role 256m 64m org.apache.druid.cli.Main server $role
    # The others ask it for their settings, and give up after a while.
    until_true "$wait_seconds" healthy_or_gone
    ;;
  historical) jvm $role "$historical_heap" 400m org.apache.druid.cli.Main server $role ;;
  indexer) jvm $role "$indexer_heap" 192m org.apache.druid.cli.Main server $role ;;
  broker) jvm $role 320m 160m org.apache.druid.cli.Main server $role ;;
  esac
}

answers() { curl -fs -m 5 -o /dev/null "http://$host:$1"; }
healthy_or_gone() { answers "$coordinator_port/status/health" || gone druid-coordinator; }

# The broker is of use once it knows what the historical serves.
ready() {
  answers "$coordinator_port/druid/coordinator/v1/isLeader" && answers "$indexer_port/status/health" &&
    answers "$historical_port/druid/historical/v1/readiness" && answers "$broker_port/druid/broker/v1/readiness"
}
where() { say "SQL http://$host:$broker_port, tasks http://$host:$coordinator_port, pids $(for p in "${procs[@]}"; do pid_of "$p"; done | tr '\n' ' ')"; }
