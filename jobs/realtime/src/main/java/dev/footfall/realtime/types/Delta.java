package dev.footfall.realtime.types;

import dev.footfall.realtime.record.Limits;

/** What one shard adds to the counts of one window of a minute: pageviews and events by band, visitors by threshold, four each. */
public record Delta(Bytes key, int window, long[] counts) {
  public static final int PAGEVIEWS = 0;
  public static final int EVENTS = Limits.BANDS;
  public static final int VISITORS = 2 * Limits.BANDS;
  public static final int COUNTS = 3 * Limits.BANDS;
}
