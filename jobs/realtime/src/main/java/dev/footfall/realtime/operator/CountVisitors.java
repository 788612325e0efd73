package dev.footfall.realtime.operator;

import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.Cursor;
import dev.footfall.realtime.record.Limits;
import dev.footfall.realtime.types.Bytes;
import dev.footfall.realtime.types.Delta;
import dev.footfall.realtime.types.Hit;
import dev.footfall.realtime.types.WindowKey;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * The first step of the live windows: the distinct visitors of one part of each window, told as what they add to its counts. A
 * visitor is always in the same part, so the parts add up. Events of windows that have been closed for 35 minutes are in
 * the history only.
 */
public final class CountVisitors extends WindowOperator<Hit, Delta, CountVisitors.Part> {
  private static final long serialVersionUID = 1;

  /** How far an event may be ahead of the clock: the door lets none be ahead of its own. */
  private static final long AHEAD_MS = 60_000;

  private transient Buffer scratch;

  /** For each window of a minute the visitors of a part, and what was counted since it was last let go; null for none. */
  static final class Part {
    final BandTable[] visitors = new BandTable[WindowKey.WINDOWS];
    final long[][] added = new long[WindowKey.WINDOWS][];

    void add(Hit hit) {
      int window = hit.window();
      if (visitors[window] == null) {
        visitors[window] = new BandTable();
      }
      if (added[window] == null) {
        added[window] = new long[Delta.COUNTS];
      }
      count(hit, visitors[window], added[window]);
    }

    private static void count(Hit hit, BandTable visitors, long[] counts) {
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
    long minute = WindowKey.startOfShard(hit.key());
    long start = Limits.plus(minute, hit.window() * WindowKey.WINDOW_MS);
    if (closed(start) || start > now() + AHEAD_MS) {
      return;
    }
    minute(hit.key(), minute).add(hit);
    flushIfFull();
  }

  @Override
  Part decode(byte[] bytes) {
    Part part = new Part();
    if (bytes != null) {
      Cursor in = new Cursor(bytes);
      while (!in.atEnd()) {
        int window = in.get();
        part.visitors[window] = BandTable.decode(in);
      }
    }
    return part;
  }

  @Override
  byte[] close(Bytes key, Part part) {
    Bytes whole = WindowKey.withoutShard(key);
    scratch.clear();
    for (int window = 0; window < WindowKey.WINDOWS; window++) {
      if (part.added[window] != null) {
        emit(new Delta(whole, window, part.added[window]));
      }
      if (part.visitors[window] != null) {
        part.visitors[window].encode(scratch.put(window));
      }
    }
    return scratch.toBytes();
  }
}
