package dev.footfall.realtime.record;

/** Writes the records that the job makes, sessions apart. The bytes are those that internal/event writes. */
public final class Records {
  private Records() {}

  /** A payload that could not be read, bytes[from:to], cut where need be. */
  public static void failed(Buffer out, byte[] websiteId, long receivedAt, byte[] reason, byte[] bytes, int from, int to) {
    out.put(Kind.FAILED).blockField(1, websiteId, 0, websiteId.length).sintField(2, receivedAt);
    out.blockField(3, reason, 0, reason.length);
    out.blockField(4, bytes, from, Math.min(to - from, Limits.MAX_EVENT_BYTES));
  }

  public static void ledger(Buffer out, byte[] websiteId, long minute, int outcome, byte[] reason, long count) {
    out.put(Kind.LEDGER).textField(1, websiteId).sintField(2, minute).uintField(3, outcome);
    out.textField(4, reason).sintField(5, count);
  }

  public static void tick(Buffer out, long at) {
    out.put(Kind.TICK).sintField(1, at);
  }

  /** The window of a site; counts are pageviews, events and visitors, four each. */
  public static void metric(Buffer out, byte[] site, int siteLength, long start, long[] counts, long emittedAt) {
    out.put(Kind.METRIC).textField(1, site, 0, siteLength).sintField(2, start);
    Buffer packed = new Buffer(Limits.BANDS * 10);
    for (int i = 0; i < 3; i++) {
      packed.clear();
      for (int band = 0; band < Limits.BANDS; band++) {
        packed.varint(counts[i * Limits.BANDS + band]);
      }
      out.blockField(3 + i, packed.array(), 0, packed.length());
    }
    out.sintField(6, emittedAt);
  }

  /** The time of the newest tick among the frames of a value, min where there is none. */
  public static long newestTick(Frames frames, byte[] value, long min) {
    long newest = min;
    frames.reset(value);
    while (frames.next()) {
      if (frames.kind() == Kind.TICK && !frames.torn()) {
        newest = Math.max(newest, tickAt(value, frames.from, frames.to, min));
      }
    }
    return newest;
  }

  private static long tickAt(byte[] bytes, int start, int end, long otherwise) {
    long at = otherwise;
    Fields fields = new Fields().reset(bytes, start + 1, end);
    while (fields.next()) {
      if (fields.num == 1) {
        at = fields.signed();
      }
    }
    return fields.bad() ? otherwise : at;
  }
}
