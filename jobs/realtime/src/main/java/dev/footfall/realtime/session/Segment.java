package dev.footfall.realtime.session;

import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.EventView;
import dev.footfall.realtime.session.Visitors.Visitor;
import java.util.Arrays;

/**
 * The summary of a maximal run of one key's events within one UTC day with gaps of at most 30 minutes. Adding events only
 * makes, prolongs or merges segments: never does one split, since days and gaps only fill up.
 */
final class Segment {
  static final byte[] NONE = new byte[0];
  private static final byte[] MIXED = {'*'};

  long first = Long.MAX_VALUE; // time of the first and last event of any of the three types
  long last = Long.MIN_VALUE;

  Mark counted; // the first counted event; null without one
  Mark entry; // the first pageview; null without one
  Mark exit; // the last pageview
  byte[] entryPlace = NONE; // page behind its length, then the host
  byte[] exitPlace = NONE;

  long pageviews;
  long events;
  long interactive;
  long revenueEvents;
  long engagedMs;
  long revenue;
  byte[] currency = NONE; // "*" absorbs

  Visitor user; // of the first counted event, as userId and attributes
  byte[] userId; // null: it is the session id, as it mostly is
  byte[] attributes = NONE; // fields 22 to 38 of a Session record, as they will stand there
  Visitors visitors; // null while user is the only one

  boolean changed; // since the sessions were last told

  /** Takes the event of the session id into the summary. */
  void add(EventView e, byte[] sessionId) {
    first = Math.min(first, e.timestamp());
    last = Math.max(last, e.timestamp());
    changed = true;
    int type = e.type();
    if (type == EventView.ENGAGEMENT) {
      engagedMs += e.timeOnPage();
      return;
    }
    Mark mark = Mark.of(e);
    if (type == EventView.PAGEVIEW) {
      view(e, mark);
    } else if (e.interactive()) {
      interactive++;
    }
    if (e.length(EventView.CURRENCY) > 0) {
      revenueEvents++;
      earn(e.textEquals(EventView.CURRENCY, currency) ? currency : e.text(EventView.CURRENCY), e.revenue());
    }
    count(e, mark, sessionId);
  }

  private void view(EventView e, Mark mark) {
    byte[] place = place(e);
    if (pageviews == 0 || mark.before(entry)) {
      entry = mark;
      entryPlace = place;
    }
    if (pageviews == 0 || exit.before(mark)) {
      exit = mark;
      exitPlace = place;
    }
    pageviews++;
  }

  private static byte[] place(EventView e) {
    int page = e.length(EventView.PAGE);
    int host = e.length(EventView.HOSTNAME);
    Buffer place = new Buffer(Buffer.varintSize(page) + page + host).block(e.bytes(), e.from(EventView.PAGE), page);
    return place.put(e.bytes(), e.from(EventView.HOSTNAME), host).release();
  }

  /** Adds revenue in a currency; once there are two, the sum means nothing. */
  private void earn(byte[] in, long amount) {
    if (currency.length == 0 || Arrays.equals(currency, in)) {
      currency = in;
      revenue += amount;
    } else {
      currency = MIXED;
    }
    if (Arrays.equals(currency, MIXED)) {
      revenue = 0;
    }
  }

  private void count(EventView e, Mark mark, byte[] sessionId) {
    Visitor visitor = new Visitor(e.sampleKey(), e.visitorCoupon());
    if (events > 0) {
      meet(visitor);
    }
    if (events == 0 || mark.before(counted)) {
      counted = mark;
      user = visitor;
      userId = e.textEquals(EventView.USER_ID, sessionId) ? null : e.text(EventView.USER_ID);
      attributes = Attributes.of(e);
    }
    events++;
  }

  /** Adds a visitor to those of the segment, which has one at least. */
  private void meet(Visitor v) {
    if (visitors == null) {
      if (v.equals(user)) {
        return;
      }
      visitors = new Visitors();
      visitors.add(user);
    }
    visitors.add(v);
  }

  /** Takes the later or earlier segment o in. o stays as it is. */
  void merge(Segment o) {
    first = Math.min(first, o.first);
    last = Math.max(last, o.last);
    changed |= o.changed;
    engagedMs += o.engagedMs;
    interactive += o.interactive;
    revenueEvents += o.revenueEvents;
    if (o.currency.length > 0) {
      earn(o.currency, o.revenue);
    }
    if (o.pageviews > 0) {
      mergeViews(o);
    }
    if (o.events > 0) {
      mergeCounted(o);
    }
  }

  private void mergeViews(Segment o) {
    if (pageviews == 0 || o.entry.before(entry)) {
      entry = o.entry;
      entryPlace = o.entryPlace;
    }
    if (pageviews == 0 || exit.before(o.exit)) {
      exit = o.exit;
      exitPlace = o.exitPlace;
    }
    pageviews += o.pageviews;
  }

  private void mergeCounted(Segment o) {
    if (events == 0) {
      takeFirst(o);
      visitors = o.visitors == null ? null : o.visitors.copy();
      events = o.events;
      return;
    }
    if (o.visitors == null) {
      meet(o.user);
    } else {
      o.visitors.list().forEach(this::meet);
    }
    if (o.counted.before(counted)) {
      takeFirst(o);
    }
    events += o.events;
  }

  private void takeFirst(Segment o) {
    counted = o.counted;
    user = o.user;
    userId = o.userId;
    attributes = o.attributes;
  }

  /** A segment alike that may be changed on its own. */
  Segment copy() {
    Segment copy = new Segment();
    copy.merge(this);
    return copy;
  }
}
