package dev.footfall.realtime.kafka;

import dev.footfall.realtime.operator.TickTopics;
import dev.footfall.realtime.types.Message;
import java.util.List;
import java.util.Optional;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetIdentifier;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetIdentifierProvider;
import org.apache.flink.connector.kafka.sink.TopicSelector;

/** The topic that a tick's key names. The sink has to know all of them: it looks there for transactions that were left open. */
record TickTopic(String prefix) implements TopicSelector<Message>, KafkaDatasetIdentifierProvider {
  private static final long serialVersionUID = 1;

  @Override
  public String apply(Message tick) {
    return prefix + TickTopics.topic(tick.key());
  }

  @Override
  public Optional<DefaultKafkaDatasetIdentifier> getDatasetIdentifier() {
    return Optional.of(DefaultKafkaDatasetIdentifier.ofTopics(topics()));
  }

  List<String> topics() {
    return TickTopics.TOPICS.stream().map(topic -> prefix + topic).toList();
  }
}
