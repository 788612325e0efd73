package dev.footfall.realtime.operator;

import dev.footfall.realtime.types.Message;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.util.Collector;

/** Gives a tick for a partition to that partition of every topic that tells how far the job is. The key becomes "topic/partition". */
public final class TickTopics implements FlatMapFunction<Message, Message> {
  private static final long serialVersionUID = 1;

  /** Names without the prefix. */
  public static final List<String> TOPICS = List.of("events", "sessions", "ledger", "metrics");

  @Override
  public void flatMap(Message tick, Collector<Message> out) {
    String partition = new String(tick.key(), StandardCharsets.US_ASCII);
    for (String topic : TOPICS) {
      out.collect(new Message((topic + "/" + partition).getBytes(StandardCharsets.US_ASCII), tick.value()));
    }
  }

  public static String topic(byte[] key) {
    String text = new String(key, StandardCharsets.US_ASCII);
    return text.substring(0, text.indexOf('/'));
  }

  public static int partition(byte[] key) {
    String text = new String(key, StandardCharsets.US_ASCII);
    return Integer.parseInt(text.substring(text.indexOf('/') + 1));
  }
}
