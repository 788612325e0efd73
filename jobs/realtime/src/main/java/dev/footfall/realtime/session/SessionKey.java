package dev.footfall.realtime.session;

import dev.footfall.realtime.record.Cursor;
import dev.footfall.realtime.types.Bytes;
import java.util.Arrays;

/** The parts of a key of sessions; {@code Item.sessionKey} draws its bytes. */
record SessionKey(byte[] websiteId, byte[] sessionId, int band) {
  static SessionKey of(Bytes key) {
    byte[] bytes = key.array();
    Cursor in = new Cursor(bytes);
    int band = in.get();
    byte[] site = in.block();
    int length = bytes.length - in.position();
    return new SessionKey(site, Arrays.copyOfRange(bytes, bytes.length - length, bytes.length), band);
  }

  /** The key of the session's messages. */
  byte[] topicKey() {
    byte[] key = Arrays.copyOf(websiteId, websiteId.length + sessionId.length);
    System.arraycopy(sessionId, 0, key, websiteId.length, sessionId.length);
    return key;
  }
}
