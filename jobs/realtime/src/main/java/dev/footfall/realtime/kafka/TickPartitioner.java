package dev.footfall.realtime.kafka;

import dev.footfall.realtime.operator.TickTopics;
import dev.footfall.realtime.types.Message;
import org.apache.flink.connector.kafka.sink.KafkaPartitioner;

/** Puts a tick into the partition that its key names. */
final class TickPartitioner implements KafkaPartitioner<Message> {
  private static final long serialVersionUID = 1;

  @Override
  public int partition(Message tick, byte[] key, byte[] value, String topic, int[] partitions) {
    return partitions[TickTopics.partition(key) % partitions.length];
  }
}
