package dev.footfall.realtime.operator;

import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.Frames;
import dev.footfall.realtime.record.Limits;
import dev.footfall.realtime.record.Records;
import dev.footfall.realtime.types.Bytes;
import dev.footfall.realtime.types.Item;
import dev.footfall.realtime.types.Message;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/** Counts of the ledger, added up until they are let go. */
final class LedgerCounts {
  static final byte[] NO_REASON = new byte[0];

  private static final int MAX_ROWS = 20_000;

  private record Row(Bytes site, long minute, int outcome, Bytes reason) {}

  private final Map<Row, long[]> rows = new HashMap<>();
  private final Buffer scratch = new Buffer(128);

  // The row counted last: neighbours in the log are mostly alike.
  private Row lastRow;
  private long[] lastCount;

  void add(byte[] site, long at, int outcome, byte[] reason, long count) {
    if (count == 0) {
      return;
    }
    Row row = new Row(new Bytes(site), Limits.minute(at), outcome, new Bytes(reason));
    if (!row.equals(lastRow)) {
      lastRow = row;
      lastCount = rows.computeIfAbsent(row, r -> new long[1]);
    }
    lastCount[0] += count;
  }

  /** Counts an event, mostly without making anything. */
  void add(Item item, int outcome) {
    if (lastRow != null
        && lastRow.outcome == outcome
        && lastRow.minute == Limits.minute(item.receivedAt())
        && item.siteEquals(lastRow.site.array())) {
      lastCount[0]++;
    } else {
      add(item.site(), item.receivedAt(), outcome, NO_REASON, 1);
    }
  }

  boolean full() {
    return rows.size() >= MAX_ROWS;
  }

  void flush(Consumer<Message> out) {
    rows.forEach((row, count) -> {
      Records.ledger(scratch.clear(), row.site.array(), row.minute, row.outcome, row.reason.array(), count[0]);
      out.accept(new Message(row.site.array(), Frames.frame(scratch)));
    });
    rows.clear();
    lastRow = null;
  }
}
