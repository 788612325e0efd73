package dev.footfall.realtime.kafka;

import dev.footfall.realtime.operator.MetricTicks;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.admin.Admin;

/** Asks Kafka how many partitions a topic has: at each start of the job, so after adding some the job must be restarted. */
record TopicPartitions(String bootstrap, String topic) implements MetricTicks.Partitions {
  private static final long serialVersionUID = 1;

  @Override
  public int count() throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      return admin.describeTopics(List.of(topic)).allTopicNames().get(30, TimeUnit.SECONDS).get(topic).partitions().size();
    }
  }
}
