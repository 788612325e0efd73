package dev.footfall.realtime.record;

import java.util.Arrays;

/** A Failed record: a payload that the door could not read. Only whose it is matters here. */
public final class FailedView {
  public byte[] websiteId = new byte[0];
  public long receivedAt;

  private final Fields fields = new Fields();

  /** Reads bytes[start:end], a record with its kind; false where it is none, with what stands before the broken place. */
  public boolean read(byte[] bytes, int start, int end) {
    websiteId = new byte[0];
    receivedAt = 0;
    fields.reset(bytes, start + 1, end);
    while (fields.next()) {
      if (fields.num == 1) {
        websiteId = Arrays.copyOfRange(bytes, fields.from, fields.from + fields.length);
      } else if (fields.num == 2) {
        receivedAt = fields.signed();
      }
    }
    return !fields.bad();
  }
}
