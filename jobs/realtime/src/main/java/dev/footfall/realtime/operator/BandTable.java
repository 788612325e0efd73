package dev.footfall.realtime.operator;

import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.Cursor;

/**
 * The visitors of one part of a window: sample key -> lowest bot band with which they were seen. A visitor whose lowest band
 * is b is one of the distinct visitors under every threshold above b.
 */
final class BandTable {
  private long[] keys = new long[8];
  private byte[] bands = new byte[8]; // band + 1, 0 where there is no visitor
  private int size;

  /** Notes a visitor. Returns the band it had before, otherwise where it is new. */
  int put(long key, int band, int otherwise) {
    if (size * 4 >= keys.length * 3) {
      grow();
    }
    int at = find(key);
    int before = bands[at] == 0 ? otherwise : bands[at] - 1;
    if (bands[at] == 0) {
      keys[at] = key;
      size++;
    }
    if (bands[at] == 0 || band < before) {
      bands[at] = (byte) (band + 1);
    }
    return before;
  }

  /** Sample keys are hashes, and the two top bits are those of the shard: the low ones choose the place. */
  private int find(long key) {
    int at = (int) key & keys.length - 1;
    while (bands[at] != 0 && keys[at] != key) {
      at = at + 1 & keys.length - 1;
    }
    return at;
  }

  private void grow() {
    long[] oldKeys = keys;
    byte[] oldBands = bands;
    keys = new long[oldKeys.length * 2];
    bands = new byte[oldBands.length * 2];
    for (int i = 0; i < oldKeys.length; i++) {
      if (oldBands[i] != 0) {
        int at = find(oldKeys[i]);
        keys[at] = oldKeys[i];
        bands[at] = oldBands[i];
      }
    }
  }

  /** As bytes: {@code number of visitors | for each: band (1) | sample key (8)}. */
  void encode(Buffer out) {
    out.varint(size);
    for (int i = 0; i < keys.length; i++) {
      if (bands[i] != 0) {
        out.put(bands[i] - 1).fixed64(keys[i]);
      }
    }
  }

  static BandTable decode(Cursor in) {
    BandTable table = new BandTable();
    for (long n = in.varint(); n > 0; n--) {
      int band = in.get();
      table.put(in.fixed64(), band, band);
    }
    return table;
  }
}
