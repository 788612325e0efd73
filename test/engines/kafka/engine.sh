# Apache Kafka: one KRaft node, broker and controller in one process. Topics are made by the product.
port=${FOOTFALL_ENGINES_KAFKA_PORT:-19092}
controller_port=${FOOTFALL_ENGINES_KAFKA_CONTROLLER_PORT:-19093}
heap=${FOOTFALL_ENGINES_KAFKA_HEAP:-512m}
procs=(kafka)
ports=("$port" "$controller_port")
java=(java -XX:+UseSerialGC "-Dlog4j2.configurationFile=$dir/log4j2.properties" -cp "$home/lib/*")
tool=("${java[@]}" -Xmx128m -XX:TieredStopAtLevel=1 -Dkafka.log=error)

install() { install_jars; }

launch() {
  local conf=$data/server.properties
  {
    cat "$dir/server.properties"
    echo "listeners=PLAINTEXT://$host:$port,CONTROLLER://$host:$controller_port"
    echo "advertised.listeners=PLAINTEXT://$host:$port"
    echo "controller.quorum.bootstrap.servers=$host:$controller_port"
    echo "log.dirs=$data/log"
  } >"$conf"
  if [ ! -f "$data/log/meta.properties" ]; then
    local id
    id=$("${tool[@]}" kafka.tools.StorageTool random-uuid | tail -n 1)
    "${tool[@]}" kafka.tools.StorageTool format --standalone -t "$id" -c "$conf" >"$data/format.log" 2>&1
  fi
  spawn "$1" "${java[@]}" "-Xmx$heap" kafka.Kafka "$conf"
}

# The port opens before the controller has let the broker in; the log of this start says when it is of use.
ready() { listening "$port" && grep -q 'Kafka Server started' "$(log_file kafka)"; }
where() { say "$host:$port, pid $(pid_of kafka)"; }
