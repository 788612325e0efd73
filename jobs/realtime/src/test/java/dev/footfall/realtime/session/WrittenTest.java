package dev.footfall.realtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.footfall.realtime.TestEvent;
import dev.footfall.realtime.Vectors;
import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.EventView;
import dev.footfall.realtime.record.Outcome;
import dev.footfall.realtime.record.Records;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Records as the job writes them, for the test of internal/event that reads them. With -Dfootfall.rewrite=true the file is
 * written anew: see what the difference means for Go.
 */
class WrittenTest {
  private static final String FILE = "written.txt";
  private static final long AT = 1_763_856_000_000L;

  private final List<String> lines = new ArrayList<>();
  private final Buffer out = new Buffer(64);

  @Test
  void goReadsWhatIsWritten() throws IOException {
    sessions();
    byte[] site = "größe".getBytes(java.nio.charset.StandardCharsets.UTF_8);
    Records.metric(out.clear(), site, site.length, AT, new long[] {1, 0, 0, 300, 1, 0, 0, 301, 1, 1, 1, 1L << 40}, AT + 1234);
    line("metric", out);
    Records.ledger(out.clear(), site, -60_000, Outcome.STORED, new byte[0], 1L << 40);
    line("ledger", out);
    Records.ledger(out.clear(), new byte[0], AT, Outcome.FAILED, "no type".getBytes(), 1);
    line("ledger", out);
    Records.failed(out.clear(), site, AT, "undecodable_record".getBytes(), new byte[300], 0, 300);
    line("failed", out);
    Records.failed(out.clear(), new byte[0], 0, "undecodable_record".getBytes(), new byte[0], 0, 0);
    line("failed", out);
    Records.tick(out.clear(), AT);
    line("tick", out);
    String text = String.join("\n", lines) + "\n";
    if (Boolean.getBoolean("footfall.rewrite")) {
      Files.writeString(Path.of("src/test/resources", FILE), text);
    }
    assertEquals(Vectors.read(FILE), text);
  }

  /** Two sessions, an event that bridges them, one before them that is another's and pays in another currency. */
  private void sessions() {
    TestEvent first = event(1, 0);
    first.currency = "EUR";
    first.revenue = -123_456;
    TestEvent second = event(2, 50 * 60_000);
    second.type = EventView.CUSTOM;
    TestEvent bridge = event(3, 25 * 60_000);
    bridge.page = "/" + "x".repeat(300);
    TestEvent before = event(4, -60_000);
    before.user = "anna";
    before.sampleKey = -1;
    before.coupon = -1;
    before.currency = "USD";
    Store store = new Store();
    Buffer scratch = new Buffer(16);
    for (List<TestEvent> bundle : List.of(List.of(first, second), List.of(bridge), List.of(before))) {
      Timeline timeline = Timeline.load(first.item().sessionKey(), store.states.get(first.item().sessionKey()), Long.MIN_VALUE);
      bundle.forEach(e -> timeline.add(e.view()));
      timeline.tell(scratch, r -> line("session", r));
      store.states.put(first.item().sessionKey(), timeline.state(scratch));
    }
  }

  private static TestEvent event(int id, long after) {
    TestEvent e = new TestEvent().at(AT + after).id(id, id);
    e.sampleKey = 1L << 63;
    e.coupon = 77;
    e.page = "/a";
    e.hostname = "example.org";
    e.source = "Google";
    e.language = "de";
    e.band = 2;
    return e;
  }

  private void line(String kind, Buffer record) {
    lines.add(kind + " " + HexFormat.of().formatHex(record.toBytes()));
  }
}
