package dev.footfall.realtime.session;

import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.EventView;

/**
 * What a session has of its first counted event: the texts source to language, kept as the fields 22 to 38 of a Session
 * record, so that they are copied and never taken apart.
 */
final class Attributes {
  private static final int FIRST = 22;

  /** The fields of an event, in the order in which a session has them. */
  private static final int[] OF_EVENT = {
    EventView.SOURCE, 17, 18, 19, 20, 21, // to channel
    EventView.REFERRER,
    EventView.COUNTRY, 24, 25, 26, 27, 28, 29, 30, 31, EventView.LANGUAGE
  };

  private Attributes() {}

  static byte[] of(EventView e) {
    int size = 0;
    for (int num : OF_EVENT) {
      int n = e.length(num);
      size += n == 0 ? 0 : 2 + Buffer.varintSize(n) + n; // their tags take two bytes
    }
    Buffer out = new Buffer(size);
    for (int i = 0; i < OF_EVENT.length; i++) {
      int num = OF_EVENT[i];
      out.textField(FIRST + i, e.bytes(), e.from(num), e.length(num));
    }
    return out.release();
  }
}
