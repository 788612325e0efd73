package dev.footfall.realtime.operator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The cases of test/conformance that can be judged from sessions and the ledger alone, put to the steps of the job. The rest
 * of each file needs the door and the query engine.
 */
class ConformanceTest {
  private static final Path CASES = Path.of("../../test/conformance/testdata");

  @Test
  void sessions() throws Exception {
    int answers = run("sessions.txt");
    assertTrue(answers >= 13, answers + " answers were judged");
  }

  @Test
  void duplicates() throws Exception {
    int answers = run("duplicates.txt");
    assertTrue(answers >= 7, answers + " answers were judged");
  }

  private static int run(String file) throws Exception {
    int answers = 0;
    for (List<String> lines : cases(file)) {
      if (ConformanceEvent.canBeJudged(lines)) {
        try (ConformanceRun run = new ConformanceRun()) {
          for (int i = 0; i < lines.size(); i++) {
            answers += step(run, lines, i) ? 1 : 0;
          }
        }
      }
    }
    return answers;
  }

  /** Takes a line; true when it was a question whose answer could be judged. */
  private static boolean step(ConformanceRun run, List<String> lines, int i) throws Exception {
    String line = lines.get(i);
    if (line.startsWith("20")) {
      for (var e : ConformanceEvent.parse(line)) {
        run.add(e);
      }
      return false;
    }
    if (!line.startsWith("query ") && !line.startsWith("ledger ")) {
      return false;
    }
    List<String> want = new ArrayList<>();
    for (int k = i + 1; k < lines.size() && (lines.get(k).startsWith("= ") || lines.get(k).startsWith("#")); k++) {
      if (lines.get(k).startsWith("= ")) {
        want.add(lines.get(k).substring(2));
      }
    }
    if (line.startsWith("ledger ")) {
      String[] counts = want.get(0).split(" ");
      assertEquals(counts[1] + " " + counts[2], run.storedAndDuplicate(), lines.get(0));
      return true;
    }
    List<String> got = run.answer(line.substring("query ".length()));
    if (got == null) {
      return false;
    }
    want.sort(null);
    assertEquals(want, got, lines.get(0) + "\n" + line);
    return true;
  }

  /** The cases, each as its lines, its name first; a query is one line. */
  private static List<List<String>> cases(String file) throws IOException {
    List<List<String>> cases = new ArrayList<>();
    for (String line : Files.readAllLines(CASES.resolve(file))) {
      if (line.startsWith("case ")) {
        cases.add(new ArrayList<>());
      }
      if (cases.isEmpty() || line.isBlank()) {
        continue;
      }
      List<String> last = cases.get(cases.size() - 1);
      if (line.startsWith("  ")) {
        last.set(last.size() - 1, last.get(last.size() - 1) + line.strip());
      } else {
        last.add(line);
      }
    }
    return cases;
  }
}
