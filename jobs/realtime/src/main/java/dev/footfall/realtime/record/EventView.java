package dev.footfall.realtime.record;

import java.util.Arrays;

/**
 * An Event record, read in place: where its fields are, without a copy of any. One view is used for record after record.
 *
 * <p>After {@link #read} has failed, the fields before the broken place are there: a failed payload tells whose it was.
 */
public final class EventView {
  // Field numbers of docs/format/record.md.
  public static final int ID = 1;
  public static final int WEBSITE_ID = 2;
  public static final int TYPE = 3;
  public static final int INTERACTIVE = 5;
  public static final int TIMESTAMP = 6;
  public static final int RECEIVED_AT = 7;
  public static final int USER_ID = 8;
  public static final int SAMPLE_KEY = 9;
  public static final int VISITOR_COUPON = 10;
  public static final int SESSION_ID = 11;
  public static final int PAGE = 12;
  public static final int HOSTNAME = 13;
  public static final int REFERRER = 15;
  public static final int SOURCE = 16;
  public static final int COUNTRY = 23;
  public static final int LANGUAGE = 32;
  public static final int BOT_SCORE = 33;
  public static final int REVENUE = 39;
  public static final int CURRENCY = 40;
  public static final int TIME_ON_PAGE = 41;
  public static final int PROPERTIES = 43;
  public static final int SESSION = 45;

  // Types of an event.
  public static final int PAGEVIEW = 1;
  public static final int CUSTOM = 2;
  public static final int ENGAGEMENT = 3;
  public static final int ERROR = 6;

  private static final int FIELDS = 46;
  private static final int ID_BYTES = 16;

  private final Fields fields = new Fields();
  private final int[] from = new int[FIELDS];
  private final int[] length = new int[FIELDS];
  private final long[] number = new long[FIELDS];
  private byte[] bytes;

  /** Reads bytes[start:end], a record of kind Event with its kind, which must stay as it is while the view is used. */
  public boolean read(byte[] bytes, int start, int end) {
    this.bytes = bytes;
    Arrays.fill(length, 0);
    Arrays.fill(number, 0);
    fields.reset(bytes, start + 1, end);
    while (fields.next()) {
      int num = fields.num;
      if (num < 0 || num >= FIELDS) {
        continue; // of a later release
      }
      if (!sound(num)) {
        return false;
      }
      from[num] = fields.from;
      length[num] = fields.length;
      number[num] = fields.number;
    }
    return !fields.bad();
  }

  /** Whether a field that is more than a text or number can be read. */
  private boolean sound(int num) {
    switch (num) {
      case ID:
        return fields.length == ID_BYTES;
      case PROPERTIES:
      case SESSION:
        return Fields.valid(bytes, fields.from, fields.from + fields.length);
      default:
        return true;
    }
  }

  /** Whether it has what no store can do without; the door never writes one that has not. */
  public boolean complete() {
    return length[WEBSITE_ID] > 0 && (idHigh() | idLow()) != 0 && type() >= PAGEVIEW && type() <= ERROR;
  }

  public byte[] bytes() {
    return bytes;
  }

  public int from(int num) {
    return from[num];
  }

  public int length(int num) {
    return length[num];
  }

  public byte[] text(int num) {
    return Arrays.copyOfRange(bytes, from[num], from[num] + length[num]);
  }

  public boolean textEquals(int num, byte[] other) {
    return Arrays.equals(bytes, from[num], from[num] + length[num], other, 0, other.length);
  }

  /** The first eight bytes of the id: its order is that of unsigned numbers. */
  public long idHigh() {
    return length[ID] == 0 ? 0 : bigEndian(from[ID]);
  }

  public long idLow() {
    return length[ID] == 0 ? 0 : bigEndian(from[ID] + 8);
  }

  private long bigEndian(int at) {
    long v = 0;
    for (int i = 0; i < 8; i++) {
      v = v << 8 | bytes[at + i] & 0xff;
    }
    return v;
  }

  public int type() {
    return (int) number[TYPE] & 0xff;
  }

  public static boolean counted(int type) {
    return type == PAGEVIEW || type == CUSTOM;
  }

  /** Whether events of the type form sessions. */
  public static boolean inSession(int type) {
    return counted(type) || type == ENGAGEMENT;
  }

  public boolean interactive() {
    return number[INTERACTIVE] != 0;
  }

  public long timestamp() {
    return signed(TIMESTAMP);
  }

  public long receivedAt() {
    return signed(RECEIVED_AT);
  }

  public long sampleKey() {
    return number[SAMPLE_KEY];
  }

  public int visitorCoupon() {
    return (int) number[VISITOR_COUPON];
  }

  public long revenue() {
    return signed(REVENUE);
  }

  public long timeOnPage() {
    return signed(TIME_ON_PAGE);
  }

  /** The bot band, a function of the score. */
  public int band() {
    long score = number[BOT_SCORE];
    return score < 0 || score >= 75 ? 3 : (int) score / 25;
  }

  private long signed(int num) {
    return number[num] >>> 1 ^ -(number[num] & 1);
  }
}
