package dev.footfall.realtime.types;

import dev.footfall.realtime.record.Buffer;
import java.util.Arrays;

/**
 * Keys of the live windows: {@code website_id | start of the minute (8, little endian) [ | shard ]}. The site is what stands
 * before the last eight or nine bytes. The six windows of a minute share a key, since each key costs a timer.
 */
public final class WindowKey {
  public static final long WINDOW_MS = 10_000;
  public static final long MINUTE_MS = 60_000;
  public static final int WINDOWS = 6;

  /** Visitors are counted in so many parts, so that a busy site keeps more than one core busy. Part of keys. */
  public static final int SHARDS = 4;

  private static final int START_BYTES = 8;

  private WindowKey() {}

  /** The key of the part of the event's minute that counts its visitor. */
  public static Bytes ofShard(byte[] bytes, int from, int length, long timestamp, long sampleKey) {
    Buffer key = new Buffer(length + START_BYTES + 1).put(bytes, from, length);
    key.fixed64(timestamp - Math.floorMod(timestamp, MINUTE_MS));
    return new Bytes(key.put((int) (sampleKey >>> 62)).release());
  }

  /** Which window of its minute a time is in. */
  public static int windowOf(long timestamp) {
    return (int) (Math.floorMod(timestamp, MINUTE_MS) / WINDOW_MS);
  }

  /** The key of the whole minute. */
  public static Bytes withoutShard(Bytes key) {
    return new Bytes(Arrays.copyOf(key.array(), key.array().length - 1));
  }

  public static int siteLength(Bytes withoutShard) {
    return withoutShard.array().length - START_BYTES;
  }

  public static long start(Bytes withoutShard) {
    return start(withoutShard.array(), siteLength(withoutShard));
  }

  public static long startOfShard(Bytes key) {
    return start(key.array(), key.array().length - START_BYTES - 1);
  }

  private static long start(byte[] bytes, int at) {
    long v = 0;
    for (int i = START_BYTES - 1; i >= 0; i--) {
      v = v << 8 | bytes[at + i] & 0xff;
    }
    return v;
  }
}
