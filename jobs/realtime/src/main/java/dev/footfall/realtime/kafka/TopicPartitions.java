package dev.footfall.realtime.kafka;

import dev.footfall.realtime.operator.ProgressTicks;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.admin.Admin;

/** Asks Kafka for the most partitions that one of the topics has: at each start of the job, so after adding some it must be restarted. */
record TopicPartitions(String bootstrap, List<String> topics) implements ProgressTicks.Partitions {
  private static final long serialVersionUID = 1;

  @Override
  public int count() throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      return admin.describeTopics(topics).allTopicNames().get(30, TimeUnit.SECONDS).values().stream().mapToInt(topic -> topic.partitions().size()).max().orElse(0);
    }
  }
}
