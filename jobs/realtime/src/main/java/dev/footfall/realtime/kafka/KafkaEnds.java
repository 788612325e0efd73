package dev.footfall.realtime.kafka;

import dev.footfall.realtime.Ends;
import dev.footfall.realtime.Settings;
import dev.footfall.realtime.operator.ProgressTicks;
import dev.footfall.realtime.operator.TickWatermarks;
import dev.footfall.realtime.types.Message;
import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchemaBuilder;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** The job's source and sinks in Kafka: docs/format/topics.md. */
public final class KafkaEnds implements Ends {
  private static final String RAW_EVENTS = "raw_events";

  private final Settings settings;

  public KafkaEnds(Settings settings) {
    this.settings = settings;
  }

  @Override
  @SuppressWarnings("deprecation") // of Kafka's OffsetResetStrategy: the connector takes no other
  public DataStream<byte[]> source(StreamExecutionEnvironment env) {
    KafkaSource<byte[]> source =
        KafkaSource.<byte[]>builder()
            .setBootstrapServers(settings.bootstrap())
            .setTopics(settings.prefix() + RAW_EVENTS)
            .setGroupId(settings.group())
            .setClientIdPrefix(settings.group())
            // State holds the offsets. A job without state goes on from those of its group's last checkpoint: from the beginning
            // it would write everything that the topic still holds a second time.
            .setStartingOffsets(OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST))
            .setValueOnlyDeserializer(new ValueBytes())
            .setProperty("isolation.level", "read_committed")
            .setProperty("max.poll.records", "2000")
            .build();
    // No idle timeout: it was measured to lose events whenever a partition is merely slow.
    WatermarkStrategy<byte[]> ticks = context -> new TickWatermarks(System::currentTimeMillis);
    return env.fromSource(source, ticks, RAW_EVENTS);
  }

  @Override
  public Sink<Message> sink(Output output) {
    KafkaRecordSerializationSchemaBuilder<Message> records =
        KafkaRecordSerializationSchema.<Message>builder().setKeySerializationSchema(new MessageKey()).setValueSerializationSchema(new MessageValue());
    if (output == Output.TICKS) {
      records.setTopicSelector(new TickTopic(settings.prefix())).setPartitioner(new TickPartitioner());
    } else {
      records.setTopic(settings.prefix() + output.label());
    }
    return KafkaSink.<Message>builder()
        .setBootstrapServers(settings.bootstrap())
        .setKafkaProducerConfig(producer())
        .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .setTransactionalIdPrefix(settings.prefix() + "footfall-realtime-" + output.label())
        // The other strategy leaves a new id with the broker at every checkpoint.
        .setTransactionNamingStrategy(TransactionNamingStrategy.POOLING)
        .setRecordSerializer(records.build())
        .build();
  }

  private Properties producer() {
    Properties p = new Properties();
    p.setProperty("transaction.timeout.ms", Long.toString(settings.transactionTimeout().toMillis()));
    p.setProperty("compression.type", "lz4");
    p.setProperty("linger.ms", "100");
    p.setProperty("batch.size", "262144");
    p.setProperty("buffer.memory", "16777216");
    p.setProperty("max.request.size", "8388608"); // before compression; the broker's limit is for what it gets
    return p;
  }

  @Override
  public ProgressTicks.Partitions tickPartitions() {
    return new TopicPartitions(settings.bootstrap(), new TickTopic(settings.prefix()).topics());
  }
}
