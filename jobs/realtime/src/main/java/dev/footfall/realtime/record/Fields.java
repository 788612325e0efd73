package dev.footfall.realtime.record;

/**
 * Goes through the fields of one message in the protobuf wire format, in place.
 *
 * <p>It takes and refuses exactly what the reader in internal/event does: both processings of a record must agree on
 * whether it can be read.
 */
public final class Fields {
  private byte[] bytes;
  private int pos;
  private int end;
  private boolean bad;

  /** Of the current field. A number is 0 where the field is a text, and the text empty where it is a number. */
  public int num;

  public long number;
  public int from;
  public int length;

  /** Begins a message: bytes[from:to]. */
  public Fields reset(byte[] bytes, int from, int to) {
    this.bytes = bytes;
    this.pos = from;
    this.end = to;
    this.bad = false;
    return this;
  }

  /** Goes to the next field; false at the end of the message and where it cannot be read. */
  public boolean next() {
    if (pos >= end) {
      return false;
    }
    long tag = varint();
    if (bad || tag >>> 3 == 0) {
      return fail();
    }
    num = (int) (tag >>> 3);
    number = 0;
    from = pos;
    length = 0;
    switch ((int) tag & 7) {
      case 0:
        number = varint();
        return !bad;
      case 1:
        return fixed(8);
      case 5:
        return fixed(4);
      case 2:
        return text();
      default:
        return fail();
    }
  }

  /** Whether the message could not be read to its end. */
  public boolean bad() {
    return bad;
  }

  /** The current number as a sint64. */
  public long signed() {
    return (number >>> 1) ^ -(number & 1);
  }

  /** Whether bytes[from:to] is a message. */
  public static boolean valid(byte[] bytes, int from, int to) {
    Fields fields = new Fields().reset(bytes, from, to);
    while (fields.next()) {
      // only to see whether it comes to its end
    }
    return !fields.bad;
  }

  private boolean text() {
    long n = varint();
    if (bad || n < 0 || n > end - pos) {
      return fail();
    }
    from = pos;
    length = (int) n;
    pos += length;
    return true;
  }

  private boolean fixed(int size) {
    if (end - pos < size) {
      return fail();
    }
    for (int i = size - 1; i >= 0; i--) {
      number = number << 8 | bytes[pos + i] & 0xff;
    }
    pos += size;
    return true;
  }

  private long varint() {
    long v = 0;
    int last = Math.min(end, pos + 10);
    for (int i = pos, shift = 0; i < last; i++, shift += 7) {
      byte b = bytes[i];
      v |= (long) (b & 0x7f) << shift;
      if (b >= 0) {
        pos = i + 1;
        return v;
      }
    }
    bad = true;
    return 0;
  }

  private boolean fail() {
    bad = true;
    return false;
  }
}
