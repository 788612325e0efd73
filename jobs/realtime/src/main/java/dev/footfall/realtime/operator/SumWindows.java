package dev.footfall.realtime.operator;

import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.Cursor;
import dev.footfall.realtime.record.Frames;
import dev.footfall.realtime.record.Records;
import dev.footfall.realtime.types.Bytes;
import dev.footfall.realtime.types.Delta;
import dev.footfall.realtime.types.Message;
import dev.footfall.realtime.types.WindowKey;
import java.util.Arrays;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/** The second step of the live windows: adds the parts of a window up and tells its row whenever it changes. */
public final class SumWindows extends WindowOperator<Delta, Message, SumWindows.Sums[]> {
  private static final long serialVersionUID = 1;

  private transient Buffer scratch;

  /** The counts of a window, and when they were last told. */
  static final class Sums {
    final long[] counts = new long[Delta.COUNTS];
    long emittedAt;
    boolean changed;
  }

  public SumWindows(long flushMs) {
    super(flushMs);
  }

  @Override
  public void open() throws Exception {
    super.open();
    scratch = new Buffer(256);
  }

  @Override
  public void processElement(StreamRecord<Delta> element) throws Exception {
    Delta delta = element.getValue();
    Sums[] minute = minute(delta.key(), WindowKey.start(delta.key()));
    Sums sums = minute[delta.window()];
    if (sums == null) {
      sums = new Sums();
      minute[delta.window()] = sums;
    }
    for (int i = 0; i < sums.counts.length; i++) {
      sums.counts[i] += delta.counts()[i];
    }
    sums.changed = true;
    flushIfFull();
  }

  @Override
  Sums[] decode(byte[] bytes) {
    Sums[] minute = new Sums[WindowKey.WINDOWS];
    if (bytes != null) {
      Cursor in = new Cursor(bytes);
      while (!in.atEnd()) {
        Sums sums = new Sums();
        minute[in.get()] = sums;
        for (int i = 0; i < sums.counts.length; i++) {
          sums.counts[i] = in.varint();
        }
        sums.emittedAt = in.zigzag();
      }
    }
    return minute;
  }

  @Override
  byte[] close(Bytes key, Sums[] minute) {
    for (int window = 0; window < WindowKey.WINDOWS; window++) {
      if (minute[window] != null && minute[window].changed) {
        tell(key, window, minute[window]);
      }
    }
    return encode(minute);
  }

  /** The greatest emitted_at counts, so it grows though the clock of the machine that goes on be behind. */
  private void tell(Bytes key, int window, Sums sums) {
    sums.emittedAt = Math.max(now(), sums.emittedAt + 1);
    int siteLength = WindowKey.siteLength(key);
    long start = WindowKey.start(key) + window * WindowKey.WINDOW_MS;
    Records.metric(scratch.clear(), key.array(), siteLength, start, sums.counts, sums.emittedAt);
    emit(new Message(Arrays.copyOf(key.array(), siteLength), Frames.frame(scratch)));
  }

  /** As bytes, for each window that has events: {@code window (1) | its 12 counts | emitted_at}. */
  private byte[] encode(Sums[] minute) {
    scratch.clear();
    for (int window = 0; window < WindowKey.WINDOWS; window++) {
      if (minute[window] != null) {
        scratch.put(window);
        for (long count : minute[window].counts) {
          scratch.varint(count);
        }
        scratch.zigzag(minute[window].emittedAt);
      }
    }
    return scratch.toBytes();
  }
}
