package dev.footfall.realtime.operator;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.footfall.realtime.TestEvent;
import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.Frames;
import dev.footfall.realtime.record.Records;
import dev.footfall.realtime.types.Message;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

class TicksTest {
  private static byte[] tick(long at) {
    Buffer record = new Buffer(16);
    Records.tick(record, at);
    return Frames.frame(record);
  }

  /** The watermarks that a source emits for values, one after each. */
  private static List<Long> watermarks(byte[]... values) {
    TickWatermarks watermarks = new TickWatermarks(() -> Harness.NOW);
    List<Long> seen = new ArrayList<>();
    WatermarkOutput output = new WatermarkOutput() {
      @Override
      public void emitWatermark(Watermark mark) {
        seen.add(mark.getTimestamp());
      }

      @Override
      public void markIdle() {}

      @Override
      public void markActive() {}
    };
    for (byte[] value : values) {
      watermarks.onEvent(value, 0, output);
      watermarks.onPeriodicEmit(output);
    }
    return seen;
  }

  @Test
  void onlyTicksMoveEventTime() {
    byte[] event = new TestEvent().at(Harness.NOW + 1_000_000).id(1, 1).frame();
    byte[] both = new Buffer(300).put(event).put(tick(Harness.NOW)).put(event).toBytes();
    long behind = TickWatermarks.BEHIND_MS + 1;
    assertEquals(List.of(), watermarks(event, event));
    assertEquals(List.of(Harness.NOW - behind, Harness.NOW - behind), watermarks(both, event));
    assertEquals(List.of(1000 - behind, 1000 - behind), watermarks(tick(1000), tick(500)), "it never goes back");
  }

  @Test
  void absurdTicksAreNotBelieved() {
    byte[] torn = {5, 4, 8};
    assertEquals(List.of(), watermarks(tick(Long.MAX_VALUE), tick(Harness.NOW + 60_001), tick(Long.MIN_VALUE), torn, new byte[0]));
    assertEquals(1, watermarks(tick(Harness.NOW + 60_000)).size());
  }

  /** A tick is told when the checkpoint is complete at whose barrier its time was reached: then all rows before it stand in the topic. */
  @Test
  void ticksOfMetricsWaitForTheirCheckpoint() throws Exception {
    try (OneInputStreamOperatorTestHarness<Message, Message> harness = new OneInputStreamOperatorTestHarness<>(new ProgressTicks(() -> 3))) {
      harness.open();
      harness.processWatermark(1000);
      harness.prepareSnapshotPreBarrier(1);
      harness.processWatermark(2000);
      assertEquals(0, Harness.take(harness).size());
      harness.notifyOfCompletedCheckpoint(1);
      List<Message> ticks = Harness.take(harness);
      assertEquals(3, ticks.size());
      for (int p = 0; p < 3; p++) {
        assertEquals(p, PartitionKey.partition(ticks.get(p).key()));
        assertEquals(1000, Records.newestTick(new Frames(), ticks.get(p).value(), 0));
      }
      harness.prepareSnapshotPreBarrier(2);
      harness.prepareSnapshotPreBarrier(3);
      harness.notifyOfCompletedCheckpoint(3); // 2 was never complete
      assertEquals(3, Harness.take(harness).size());
      harness.prepareSnapshotPreBarrier(4);
      harness.notifyOfCompletedCheckpoint(4);
      assertEquals(0, Harness.take(harness).size(), "event time stands still");
    }
  }
}
