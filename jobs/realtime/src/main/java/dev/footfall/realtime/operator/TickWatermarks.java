package dev.footfall.realtime.operator;

import dev.footfall.realtime.record.Frames;
import dev.footfall.realtime.record.Records;
import java.util.function.LongSupplier;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;

/**
 * The event time of one partition: that of its newest tick, less the time by which what was received before a tick may stand
 * behind it. Only ticks count. The received_at of events would move the time no further, since every collector ticks each
 * second, and it can be anything: that of imports is old, and one wrong one in the future would close all windows for good.
 * For the same reason a tick ahead of this machine's clock is not believed.
 */
public final class TickWatermarks implements WatermarkGenerator<byte[]> {
  /** How far behind a tick an event may stand that was received before it. */
  public static final long BEHIND_MS = 2_000;

  /** How far clocks of machines may differ. */
  private static final long AHEAD_MS = 60_000;

  private final LongSupplier clock;
  private final Frames frames = new Frames();
  private long newest = Long.MIN_VALUE;

  public TickWatermarks(LongSupplier clock) {
    this.clock = clock;
  }

  @Override
  public void onEvent(byte[] value, long timestamp, WatermarkOutput output) {
    long tick = Records.newestTick(frames, value, Long.MIN_VALUE);
    if (tick > newest && tick <= clock.getAsLong() + AHEAD_MS) {
      newest = tick;
    }
  }

  @Override
  public void onPeriodicEmit(WatermarkOutput output) {
    if (newest > Long.MIN_VALUE + BEHIND_MS) {
      output.emitWatermark(new Watermark(newest - BEHIND_MS - 1));
    }
  }
}
