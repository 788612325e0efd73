package dev.footfall.realtime.operator;

import dev.footfall.realtime.record.Limits;
import dev.footfall.realtime.record.Outcome;
import dev.footfall.realtime.types.Item;
import dev.footfall.realtime.types.Message;
import java.time.Duration;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.StateTtlConfig;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.OutputTag;

/**
 * Drops the events whose id a stored event of the same site has, within lateMs of it by received_at, to either side. Keyed
 * by {@link Item#eventKey}; counts in the ledger what became of each.
 *
 * <p>Nearly every id has one stored occurrence, so that has a state of its own: one number. Further ones are of ids that
 * come again after a week.
 */
public final class Deduplicate extends BundleOperator<Item, Item> {
  private static final long serialVersionUID = 1;

  private final long lateMs;
  private final Duration ttl;
  private final OutputTag<Message> ledgerTag;

  private transient ValueState<Long> stored;
  private transient ListState<Long> more;
  private transient LedgerCounts ledger;

  /** ttl must exceed lateMs by the longest time that a copy may wait in the log or at the door. */
  public Deduplicate(long flushMs, long lateMs, Duration ttl, OutputTag<Message> ledgerTag) {
    super(flushMs);
    this.lateMs = lateMs;
    this.ttl = ttl;
    this.ledgerTag = ledgerTag;
  }

  @Override
  public void open() throws Exception {
    super.open();
    StateTtlConfig expiry = StateTtlConfig.newBuilder(ttl).cleanupInRocksdbCompactFilter(10_000).build();
    ValueStateDescriptor<Long> first = new ValueStateDescriptor<>("stored", LongSerializer.INSTANCE);
    ListStateDescriptor<Long> others = new ListStateDescriptor<>("more", LongSerializer.INSTANCE);
    first.enableTimeToLive(expiry);
    others.enableTimeToLive(expiry);
    stored = getKeyedStateStore().getState(first);
    more = getKeyedStateStore().getListState(others);
    ledger = new LedgerCounts();
  }

  @Override
  public void processElement(StreamRecord<Item> element) throws Exception {
    Item item = element.getValue();
    boolean duplicate = duplicate(item.receivedAt());
    int outcome = duplicate ? Outcome.DUPLICATE : Outcome.STORED;
    ledger.add(item, outcome);
    gathered();
    if (!duplicate) {
      emit(item);
    }
    if (ledger.full()) {
      flush();
    }
  }

  /** Whether the current id was stored near that time; if not, it is from now on. */
  private boolean duplicate(long receivedAt) throws Exception {
    Long first = stored.value();
    if (first == null) {
      stored.update(receivedAt);
      return false;
    }
    if (near(first, receivedAt)) {
      return true;
    }
    for (Long other : more.get()) {
      if (near(other, receivedAt)) {
        return true;
      }
    }
    more.add(receivedAt);
    stored.update(first); // the first must not expire before the others, or they would not be looked at
    return false;
  }

  private boolean near(long a, long b) {
    return a <= Limits.plus(b, lateMs) && b <= Limits.plus(a, lateMs);
  }

  @Override
  void flush() {
    ledger.flush(row -> emit(ledgerTag, row));
  }
}
