package dev.footfall.realtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class SettingsTest {
  @Test
  void defaults() {
    Settings s = Settings.parse();
    assertEquals(Duration.ofDays(7), s.lateLimit());
    assertEquals(Duration.ofDays(8), s.stateKept());
    assertEquals(Duration.ofSeconds(3), s.checkpointInterval());
    assertEquals("", s.prefix());
    assertEquals("footfall-realtime", s.group());
  }

  @Test
  void given() {
    Settings s = Settings.parse("--bootstrap", "k:1", "--prefix", "x_", "--parallelism", "4", "--late-limit-ms", "60000", "--state-days", "2",
        "--checkpoint-interval", "1000", "--transaction-timeout-ms", "600000");
    assertEquals("k:1 x_ 4 x_footfall-realtime", s.bootstrap() + " " + s.prefix() + " " + s.parallelism() + " " + s.group());
    assertEquals(Duration.ofDays(2), s.stateKept());
    assertEquals(Duration.ofMinutes(1), s.lateLimit());
    assertEquals(Duration.ofMinutes(1).plusDays(1), Settings.parse("--late-limit-ms", "60000").stateKept());
  }

  @Test
  void refused() {
    for (String[] args : new String[][] {
      {"--unknown", "1"}, {"bootstrap", "x"}, {"--group"}, {"--parallelism", "two"}, {"--parallelism", "0"}, {"--state-days", "6"},
    }) {
      assertThrows(IllegalArgumentException.class, () -> Settings.parse(args), String.join(" ", args));
    }
  }
}
