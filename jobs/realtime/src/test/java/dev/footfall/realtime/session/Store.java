package dev.footfall.realtime.session;

import dev.footfall.realtime.SessionRow;
import dev.footfall.realtime.TestEvent;
import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.EventView;
import dev.footfall.realtime.types.Bytes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** States of timelines, and the sessions that their changes left. */
final class Store {
  final Map<Bytes, byte[]> states = new LinkedHashMap<>();
  final Map<String, SessionRow> sessions = new LinkedHashMap<>();
  long floor = Long.MIN_VALUE;

  private final Buffer scratch = new Buffer(16);

  /** Takes a batch as one bundle and returns what it changed, in the order of the keys' first events. */
  List<SessionRow> step(List<TestEvent> batch) {
    Map<Bytes, Timeline> open = new LinkedHashMap<>();
    for (TestEvent e : batch) {
      if (EventView.inSession(e.type)) {
        open.computeIfAbsent(e.item().sessionKey(), k -> Timeline.load(k, states.get(k), floor)).add(e.view());
      }
    }
    List<SessionRow> rows = new ArrayList<>();
    open.forEach((key, timeline) -> {
      timeline.tell(scratch, r -> rows.add(SessionRow.of(r.array(), 0, r.length())));
      states.put(key, timeline.state(scratch));
    });
    rows.forEach(this::apply);
    return rows;
  }

  void apply(SessionRow row) {
    if (!row.withdrawn()) {
      sessions.put(row.ref(), row);
    } else if (sessions.remove(row.ref()) == null) {
      throw new AssertionError(row.ref() + " is withdrawn but is not there");
    }
  }
}
