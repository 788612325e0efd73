package dev.footfall.realtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.footfall.realtime.operator.ProgressTicks;
import dev.footfall.realtime.operator.TickWatermarks;
import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.Frames;
import dev.footfall.realtime.record.Records;
import dev.footfall.realtime.types.Message;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The whole job on a small Flink in this process, with a list as its source: the types, the joints, the end. */
class JobTest {
  private static final Map<Ends.Output, ConcurrentLinkedQueue<Message>> WRITTEN = new ConcurrentHashMap<>();

  @Test
  @Timeout(120)
  void everythingComesOut() throws Exception {
    Random random = new Random(1);
    List<TestEvent> events = RandomEvents.history(random, 400);
    List<byte[]> values = new ArrayList<>();
    for (TestEvent e : events) {
      values.add(new Buffer(400).put(e.frame()).put(e.frame()).toBytes()); // each twice
    }
    values.add(tick(events.get(0).timestamp));
    values.add(new byte[] {9, 1});
    Settings settings = Settings.parse("--parallelism", "2", "--checkpoint-interval", "100");
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(configuration(settings));
    env.setParallelism(2);
    new RealtimeJob(settings, new ListEnds(values)).build(env);
    env.execute();

    Map<String, SessionRow> sessions = new HashMap<>();
    for (Message m : WRITTEN.get(Ends.Output.SESSIONS)) {
      for (SessionRow row : SessionRow.all(m.value())) {
        if (row.withdrawn()) {
          sessions.remove(row.ref());
        } else {
          sessions.put(row.ref(), row);
        }
      }
    }
    assertEquals(NaiveSessions.of(events), sessions);
    assertEquals(events.size(), WRITTEN.get(Ends.Output.EVENTS).size());
    assertEquals(1, WRITTEN.get(Ends.Output.FAILED_EVENTS).size());
    assertTrue(!WRITTEN.get(Ends.Output.METRICS).isEmpty());
    assertTrue(!WRITTEN.get(Ends.Output.LEDGER).isEmpty());
  }

  private static Configuration configuration(Settings settings) {
    Configuration c = Main.configuration(settings);
    c.set(RestartStrategyOptions.RESTART_STRATEGY, "none"); // a failure is the test's
    return c;
  }

  private static byte[] tick(long at) {
    Buffer record = new Buffer(16);
    Records.tick(record, at);
    return Frames.frame(record);
  }

  private record ListEnds(List<byte[]> values) implements Ends, Serializable {
    @Override
    public DataStream<byte[]> source(StreamExecutionEnvironment env) {
      return env.fromData(values, org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
          .assignTimestampsAndWatermarks(context -> new TickWatermarks(System::currentTimeMillis));
    }

    @Override
    public Sink<Message> sink(Output output) {
      WRITTEN.put(output, new ConcurrentLinkedQueue<>());
      return new ListSink(output);
    }

    @Override
    public ProgressTicks.Partitions tickPartitions() {
      return () -> 2;
    }
  }

  private record ListSink(Ends.Output output) implements Sink<Message> {
    @Override
    public SinkWriter<Message> createWriter(WriterInitContext context) {
      return new SinkWriter<>() {
        @Override
        public void write(Message message, Context context) {
          WRITTEN.get(output).add(message);
        }

        @Override
        public void flush(boolean endOfInput) {}

        @Override
        public void close() {}
      };
    }
  }
}
