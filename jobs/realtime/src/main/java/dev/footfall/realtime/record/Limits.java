package dev.footfall.realtime.record;

/** The limits of the semantics, as internal/event has them, and those that keep one record from stopping the job. */
public final class Limits {
  public static final long GAP_MS = 30 * 60_000L;
  public static final long SPLIT_MS = 24 * 3_600_000L;
  public static final long DAY_MS = 24 * 3_600_000L;
  public static final long MINUTE_MS = 60_000L;
  public static final long LATE_LIMIT_MS = 7 * DAY_MS;
  public static final int BANDS = 4;

  /** A failed payload is cut here. */
  public static final int MAX_EVENT_BYTES = 32 << 10;

  /**
   * No record that the door writes comes near it. A larger one could be more than Kafka takes back in one message, and the
   * job would fail on it for ever.
   */
  public static final int MAX_RECORD_BYTES = 256 << 10;

  private Limits() {}

  /** The start of the minute that ms lies in. */
  public static long minute(long ms) {
    return ms - Math.floorMod(ms, MINUTE_MS);
  }

  /** a + b; times are whatever a record says, and must not wrap round. */
  public static long plus(long a, long b) {
    long sum = a + b;
    if (((a ^ sum) & (b ^ sum)) < 0) {
      return a < 0 ? Long.MIN_VALUE : Long.MAX_VALUE;
    }
    return sum;
  }
}
