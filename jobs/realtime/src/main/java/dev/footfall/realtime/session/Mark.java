package dev.footfall.realtime.session;

import dev.footfall.realtime.record.EventView;

/** The place of an event in its key's order: time, then id. The byte order of an id is that of its text. */
record Mark(long time, long idHigh, long idLow) {
  static Mark of(EventView e) {
    return new Mark(e.timestamp(), e.idHigh(), e.idLow());
  }

  boolean before(Mark other) {
    if (time != other.time) {
      return time < other.time;
    }
    int high = Long.compareUnsigned(idHigh, other.idHigh);
    return high != 0 ? high < 0 : Long.compareUnsigned(idLow, other.idLow) < 0;
  }
}
