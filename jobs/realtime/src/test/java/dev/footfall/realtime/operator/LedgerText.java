package dev.footfall.realtime.operator;

import dev.footfall.realtime.record.Fields;
import dev.footfall.realtime.record.Frames;
import dev.footfall.realtime.record.Kind;
import dev.footfall.realtime.types.Message;
import java.util.List;

/** Rows of the ledger as "key: site minute outcome reason count", sorted. */
final class LedgerText {
  private LedgerText() {}

  static String of(List<Message> rows) {
    return String.join("\n", rows.stream().map(LedgerText::row).sorted().toList());
  }

  private static String row(Message m) {
    Frames frames = new Frames().reset(m.value());
    if (!frames.next() || frames.kind() != Kind.LEDGER) {
      throw new IllegalArgumentException("no ledger row");
    }
    String site = "";
    String reason = "";
    long minute = 0;
    long outcome = 0;
    long count = 0;
    Fields f = new Fields().reset(m.value(), frames.from + 1, frames.to);
    while (f.next()) {
      switch (f.num) {
        case 1 -> site = new String(m.value(), f.from, f.length);
        case 2 -> minute = f.signed();
        case 3 -> outcome = f.number;
        case 4 -> reason = new String(m.value(), f.from, f.length);
        case 5 -> count = f.signed();
        default -> throw new IllegalArgumentException("field " + f.num);
      }
    }
    if (!site.equals(new String(m.key()))) {
      throw new IllegalArgumentException("key of another site");
    }
    return String.join(" ", site, Long.toString(minute), Long.toString(outcome), reason, Long.toString(count));
  }
}
