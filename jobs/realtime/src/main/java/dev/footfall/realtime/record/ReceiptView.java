package dev.footfall.realtime.record;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A Receipt record: what arrived in one request, and what the door refused of it. */
public final class ReceiptView {
  /** One count of refused events. */
  public record Refused(int outcome, byte[] reason, long count) {}

  public byte[] websiteId = new byte[0];
  public long receivedAt;
  public long received;
  public final List<Refused> refused = new ArrayList<>();

  private final Fields fields = new Fields();

  /** Reads bytes[start:end], a record with its kind; false where it is none, with what stands before the broken place. */
  public boolean read(byte[] bytes, int start, int end) {
    websiteId = new byte[0];
    receivedAt = 0;
    received = 0;
    refused.clear();
    fields.reset(bytes, start + 1, end);
    while (fields.next()) {
      switch (fields.num) {
        case 1 -> websiteId = Arrays.copyOfRange(bytes, fields.from, fields.from + fields.length);
        case 2 -> receivedAt = fields.signed();
        case 3 -> received = fields.signed();
        case 4 -> {
          if (!readRefused(bytes, fields.from, fields.from + fields.length)) {
            return false;
          }
        }
        default -> { }
      }
    }
    return !fields.bad();
  }

  private boolean readRefused(byte[] bytes, int start, int end) {
    int outcome = 0;
    byte[] reason = new byte[0];
    long count = 0;
    Fields row = new Fields().reset(bytes, start, end);
    while (row.next()) {
      switch (row.num) {
        case 1 -> outcome = (int) row.number & 0xff;
        case 2 -> reason = Arrays.copyOfRange(bytes, row.from, row.from + row.length);
        case 3 -> count = row.signed();
        default -> { }
      }
    }
    refused.add(new Refused(outcome, reason, count));
    return !row.bad();
  }
}
