package dev.footfall.realtime;

import dev.footfall.realtime.operator.ProgressTicks;
import dev.footfall.realtime.types.Message;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Where the job's records come from and go to; tests have others than Kafka. */
public interface Ends {
  /** What the job writes. The label is part of the ids of states and transactions and must not change. */
  enum Output {
    EVENTS,
    SESSIONS,
    METRICS,
    TICKS,
    LEDGER,
    FAILED_EVENTS;

    public String label() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /** The values of raw_events, with watermarks from its ticks. */
  DataStream<byte[]> source(StreamExecutionEnvironment env);

  Sink<Message> sink(Output output);

  ProgressTicks.Partitions tickPartitions();
}
