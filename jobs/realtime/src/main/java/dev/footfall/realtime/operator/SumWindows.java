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
public final class SumWindows extends WindowOperator<Delta, Message, SumWindows.Sums> {
  private static final long serialVersionUID = 1;

  private transient Buffer scratch;

  /** The counts of a window, and when they were last told. */
  static final class Sums {
    final long[] counts = new long[Delta.COUNTS];
    long emittedAt;
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
    Sums sums = window(delta.key(), expiry(WindowKey.start(delta.key())));
    for (int i = 0; i < sums.counts.length; i++) {
      sums.counts[i] += delta.counts()[i];
    }
    flushIfFull();
  }

  @Override
  Sums decode(byte[] bytes) {
    Sums sums = new Sums();
    if (bytes != null) {
      Cursor in = new Cursor(bytes);
      for (int i = 0; i < sums.counts.length; i++) {
        sums.counts[i] = in.varint();
      }
      sums.emittedAt = in.zigzag();
    }
    return sums;
  }

  /** The greatest emitted_at counts, so it grows though the clock of the machine that goes on be behind. */
  @Override
  byte[] close(Bytes key, Sums sums) {
    sums.emittedAt = Math.max(now(), sums.emittedAt + 1);
    int siteLength = WindowKey.siteLength(key);
    Records.metric(scratch.clear(), key.array(), siteLength, WindowKey.start(key), sums.counts, sums.emittedAt);
    emit(new Message(Arrays.copyOf(key.array(), siteLength), Frames.frame(scratch)));
    scratch.clear();
    for (long count : sums.counts) {
      scratch.varint(count);
    }
    return scratch.zigzag(sums.emittedAt).toBytes();
  }
}
