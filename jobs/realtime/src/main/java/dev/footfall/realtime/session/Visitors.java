package dev.footfall.realtime.session;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Distinct visitors of a segment, two at least. */
final class Visitors {
  /** One user id in the two forms that queries count. */
  record Visitor(long sampleKey, int coupon) {}

  /**
   * So many fit into one message of Kafka. A session id that more visitors share is no session id; those beyond are left
   * out, and the job goes on.
   */
  static final int MAX = 32_768;

  private static final int SHORT = 16;
  private static final Comparator<Visitor> ORDER =
      ((Comparator<Visitor>) (a, b) -> Long.compareUnsigned(a.sampleKey, b.sampleKey))
          .thenComparing((a, b) -> Integer.compareUnsigned(a.coupon, b.coupon));

  private final List<Visitor> list = new ArrayList<>();
  private Set<Visitor> known; // null while the list is short

  void add(Visitor v) {
    if (list.size() >= MAX || known == null && list.contains(v)) {
      return;
    }
    if (known == null && list.size() >= SHORT) {
      known = new HashSet<>(list);
    }
    if (known == null || known.add(v)) {
      list.add(v);
    }
  }

  List<Visitor> list() {
    return list;
  }

  Visitors copy() {
    Visitors copy = new Visitors();
    copy.list.addAll(list);
    return copy;
  }

  List<Visitor> sorted() {
    List<Visitor> sorted = new ArrayList<>(list);
    sorted.sort(ORDER);
    return sorted;
  }
}
