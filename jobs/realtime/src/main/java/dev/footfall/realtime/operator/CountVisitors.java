package dev.footfall.realtime.operator;

import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.Limits;
import dev.footfall.realtime.types.Bytes;
import dev.footfall.realtime.types.Delta;
import dev.footfall.realtime.types.Hit;
import dev.footfall.realtime.types.WindowKey;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * The first step of the live windows: the distinct visitors of one part of a window, told as what they add to its counts. A
 * visitor is always in the same part, so the parts add up. Events of windows that have been closed for 35 minutes are in
 * the history only.
 */
public final class CountVisitors extends WindowOperator<Hit, Delta, CountVisitors.Part> {
  private static final long serialVersionUID = 1;

  /** How far an event may be ahead of the clock: the door lets none be ahead of its own. */
  private static final long AHEAD_MS = 60_000;

  private transient Buffer scratch;

  /** The visitors of a part, and what was counted since it was last let go. */
  static final class Part {
    final BandTable visitors;
    final long[] counts = new long[Delta.COUNTS];

    Part(BandTable visitors) {
      this.visitors = visitors;
    }

    void add(Hit hit) {
      counts[Delta.EVENTS + hit.band()]++;
      if (hit.pageview()) {
        counts[Delta.PAGEVIEWS + hit.band()]++;
      }
      int before = visitors.put(hit.sampleKey(), hit.band(), Limits.BANDS);
      for (int band = hit.band(); band < before; band++) {
        counts[Delta.VISITORS + band]++; // under the threshold band + 1
      }
    }
  }

  public CountVisitors(long flushMs) {
    super(flushMs);
  }

  @Override
  public void open() throws Exception {
    super.open();
    scratch = new Buffer(1024);
  }

  @Override
  public void processElement(StreamRecord<Hit> element) throws Exception {
    Hit hit = element.getValue();
    long start = WindowKey.startOfShard(hit.key());
    long expiry = expiry(start);
    if (expired(expiry) || start > now() + AHEAD_MS) {
      return;
    }
    window(hit.key(), expiry).add(hit);
    flushIfFull();
  }

  @Override
  Part decode(byte[] bytes) {
    return new Part(bytes == null ? new BandTable() : BandTable.decode(bytes));
  }

  @Override
  byte[] close(Bytes key, Part part) {
    emit(new Delta(WindowKey.withoutShard(key), part.counts));
    return part.visitors.encode(scratch);
  }
}
