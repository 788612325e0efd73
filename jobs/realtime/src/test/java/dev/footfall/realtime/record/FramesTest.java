package dev.footfall.realtime.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FramesTest {
  private static String seen(byte[] value) {
    List<String> seen = new ArrayList<>();
    Frames frames = new Frames().reset(value);
    while (frames.next()) {
      seen.add((frames.torn() ? "torn " : "") + frames.kind() + "[" + (frames.to - frames.from) + "]");
    }
    return String.join(" ", seen);
  }

  @Test
  void whole() {
    assertEquals("", seen(null));
    assertEquals("", seen(new byte[0]));
    assertEquals("1[1] 4[2]", seen(new byte[] {1, 1, 2, 4, 9}));
    assertEquals("0[0] 7[1]", seen(new byte[] {0, 1, 7}));
  }

  @Test
  void torn() {
    assertEquals("1[1] torn 1[2]", seen(new byte[] {1, 1, 9, 1, 2}));
    assertEquals("torn 0[0]", seen(new byte[] {5}));
    assertEquals("torn 255[2]", seen(new byte[] {-1, -1}));
    assertEquals("torn 255[11]", seen(new byte[] {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}));
    assertEquals("torn 3[1]", seen(new byte[] {-1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 3}), "a length that is negative as a long");
  }

  /** Whatever the bytes are, going through them ends, within them. */
  @Test
  void anything() {
    Random random = new Random(1);
    for (int i = 0; i < 20_000; i++) {
      byte[] value = new byte[random.nextInt(40)];
      random.nextBytes(value);
      Frames frames = new Frames().reset(value);
      EventView view = new EventView();
      ReceiptView receipt = new ReceiptView();
      int last = 0;
      while (frames.next()) {
        assertTrue(frames.from >= last && frames.to >= frames.from && frames.to <= value.length);
        last = frames.to;
        view.read(value, frames.from, frames.to);
        view.complete();
        receipt.read(value, frames.from, frames.to);
        Records.newestTick(new Frames(), value, 0);
      }
      assertFalse(frames.next());
    }
  }
}
