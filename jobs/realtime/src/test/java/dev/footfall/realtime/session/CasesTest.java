package dev.footfall.realtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.footfall.realtime.SessionRow;
import dev.footfall.realtime.TestEvent;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The text cases of internal/stream/testdata/sessions: internal/stream/cases_test.go says what a line means. */
class CasesTest {
  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("uuuu-MM-dd.HH:mm:ss.SSS");

  @Test
  void casesOfGo() throws IOException {
    int files = 0;
    try (DirectoryStream<Path> cases = Files.newDirectoryStream(Path.of("../../internal/stream/testdata/sessions"), "*.txt")) {
      for (Path file : cases) {
        String text = Files.readString(file);
        assertEquals(text, new Run().run(text), file.getFileName().toString());
        files++;
      }
    }
    assertTrue(files >= 4, files + " files");
  }

  /** Runs a file and writes it anew with the outcomes as they are. */
  private static final class Run {
    private final StringBuilder out = new StringBuilder();
    private final List<TestEvent> batch = new ArrayList<>();
    private Store store;

    String run(String text) {
      for (String line : text.split("\n")) {
        if (line.startsWith("#")) {
          if (store != null) {
            finish();
            out.append('\n');
          }
          store = new Store();
          out.append(line).append('\n');
        } else if (line.isBlank() || "-+=".indexOf(line.charAt(0)) >= 0) {
          apply();
        } else {
          out.append(line).append('\n');
          batch.add(parse(line));
        }
      }
      finish();
      return out.toString();
    }

    private void apply() {
      if (batch.isEmpty()) {
        return;
      }
      List<SessionRow> rows = store.step(batch);
      batch.clear();
      rows.stream().filter(SessionRow::withdrawn).forEach(r -> out.append("- ").append(time(r.start())).append(' ').append(key(r)).append('\n'));
      rows.stream().filter(r -> !r.withdrawn()).forEach(r -> out.append("+ ").append(describe(r)).append('\n'));
      if (rows.isEmpty()) {
        out.append("- nothing\n");
      }
    }

    private void finish() {
      apply();
      store.sessions.values().stream().map(CasesTest::describe).sorted().forEach(line -> out.append("= ").append(line).append('\n'));
    }
  }

  private static TestEvent parse(String line) {
    String[] words = line.split(" ");
    TestEvent e = new TestEvent().at(LocalDateTime.parse("2026-01-" + words[0], TIME).toInstant(ZoneOffset.UTC).toEpochMilli());
    e.type = TestEvent.typeOf(words[1]);
    for (String word : List.of(words).subList(2, words.length)) {
      String[] pair = word.split("=", 2);
      switch (pair[0]) {
        case "id" -> e.id[0] = (byte) Integer.parseInt(pair[1]);
        case "page" -> e.page = pair[1];
        case "user" -> e.user = pair[1];
        case "source" -> e.source = pair[1];
        case "band" -> e.band = Integer.parseInt(pair[1]);
        case "key" -> e.session = pair[1];
        case "engaged" -> e.timeOnPage = Long.parseLong(pair[1]);
        case "revenue" -> e.revenue = Long.parseLong(pair[1]);
        case "currency" -> e.currency = pair[1];
        case "auto" -> e.interactive = false;
        default -> throw new IllegalArgumentException(line);
      }
    }
    e.user.chars().forEach(c -> e.sampleKey = e.sampleKey << 8 | c);
    return e;
  }

  private static String time(long ms) {
    return TIME.format(Instant.ofEpochMilli(ms).atOffset(ZoneOffset.UTC)).substring("2026-01-".length());
  }

  private static String key(SessionRow s) {
    return s.text(2) + "/" + s.number(3);
  }

  private static String describe(SessionRow s) {
    boolean bounce = s.number(11) <= 1 && s.number(13) == 0;
    String text =
        String.format(
            "%s..%s %s chain=%s pageviews=%d events=%d duration=%d bounce=%b engaged=%d entry=%s exit=%s user=%s source=%s",
            time(s.start()), time(s.number(6)), key(s), time(s.number(5)), s.number(11), s.number(12), s.number(6) - s.start(),
            bounce, s.number(14), s.text(18), s.text(20), s.text(7), s.text(22));
    if (s.number(15) > 0) {
      text += String.format(" revenue=%d*%d%s", s.number(15), s.number(16), s.text(17));
    }
    return s.text(10).isEmpty() ? text : text + " visitors=" + s.text(10).split(" ").length;
  }
}
