package dev.footfall.realtime.operator;

import dev.footfall.realtime.record.Limits;
import dev.footfall.realtime.types.Bytes;
import dev.footfall.realtime.types.WindowKey;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * What both steps of the live windows have in common: a key is one minute (or a part of one), its state is dropped when the
 * watermark has passed the minute's end by 35 minutes, and what is gathered for it is let go before that.
 *
 * @param <W> what is gathered for one minute
 */
abstract class WindowOperator<I, O, W> extends BundleOperator<I, O> implements Triggerable<Bytes, VoidNamespace> {
  private static final long serialVersionUID = 1;

  /** A window takes events until it has been closed for this long: LateMillis of internal/stream. */
  static final long LATE_MS = 35 * 60_000L;

  private static final int MAX_OPEN = 20_000;

  private transient ValueState<byte[]> state;
  private transient InternalTimerService<VoidNamespace> timers;
  private transient Map<Bytes, W> open;
  private transient long firstExpiry; // of the minutes in open

  WindowOperator(long flushMs) {
    super(flushMs);
  }

  /** The minute as its state has it, null for none. */
  abstract W decode(byte[] bytes);

  /** Tells what changed of the minute's windows, and returns its state. */
  abstract byte[] close(Bytes key, W minute);

  @Override
  public void open() throws Exception {
    super.open();
    state = getKeyedStateStore().getState(new ValueStateDescriptor<>("windows", BytePrimitiveArraySerializer.INSTANCE));
    timers = getInternalTimerService("expiry", VoidNamespaceSerializer.INSTANCE, this);
    open = new HashMap<>();
    firstExpiry = Long.MAX_VALUE;
  }

  /** The key is set where the state is asked for, which is not for every element. */
  @Override
  @SuppressWarnings("rawtypes")
  public void setKeyContextElement1(StreamRecord element) {}

  /** Whether a window takes no event any more. */
  final boolean closed(long windowStart) {
    return Limits.plus(windowStart, WindowKey.WINDOW_MS + LATE_MS) <= timers.currentWatermark();
  }

  /** The minute of the key, which begins at start. */
  final W minute(Bytes key, long start) throws Exception {
    W minute = open.get(key);
    if (minute == null) {
      long expiry = Limits.plus(start, WindowKey.MINUTE_MS + LATE_MS);
      setCurrentKey(key);
      byte[] bytes = state.value();
      if (bytes == null) {
        timers.registerEventTimeTimer(VoidNamespace.INSTANCE, expiry);
      }
      minute = decode(bytes);
      open.put(key, minute);
      firstExpiry = Math.min(firstExpiry, expiry);
      gathered();
    }
    return minute;
  }

  final void flushIfFull() throws Exception {
    if (open.size() >= MAX_OPEN) {
      flush();
    }
  }

  @Override
  void flush() throws Exception {
    for (Map.Entry<Bytes, W> entry : open.entrySet()) {
      setCurrentKey(entry.getKey());
      state.update(close(entry.getKey(), entry.getValue()));
    }
    open.clear();
    firstExpiry = Long.MAX_VALUE;
  }

  /** What is gathered must not come behind the watermark that ends its minute, neither here nor at the next step. */
  @Override
  public void processWatermark(Watermark mark) throws Exception {
    if (firstExpiry <= mark.getTimestamp()) {
      flush();
    }
    super.processWatermark(mark);
  }

  @Override
  public void onEventTime(InternalTimer<Bytes, VoidNamespace> timer) {
    state.clear();
  }

  @Override
  public void onProcessingTime(InternalTimer<Bytes, VoidNamespace> timer) {
    throw new IllegalStateException("BUG: windows have no processing-time timer");
  }
}
