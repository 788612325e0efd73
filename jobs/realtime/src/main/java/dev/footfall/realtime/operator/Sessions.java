package dev.footfall.realtime.operator;

import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.EventView;
import dev.footfall.realtime.record.Limits;
import dev.footfall.realtime.session.Timeline;
import dev.footfall.realtime.types.Bytes;
import dev.footfall.realtime.types.Item;
import dev.footfall.realtime.types.Message;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Keeps the sessions of each (site, session id, bot band) and tells what changed: withdrawals before upserts, all of one
 * key in one message. Keyed by {@link Item#sessionKey}.
 *
 * <p>The state of a key is dropped when the watermark has passed its last event by keepMs: by then no event that could
 * touch it can come. One timer a key sees to it; it is set when the key begins and again when it fires too early.
 */
public final class Sessions extends BundleOperator<Item, Message> implements Triggerable<Bytes, VoidNamespace> {
  private static final long serialVersionUID = 1;

  /** Some 20 MB of timelines. */
  private static final int MAX_OPEN = 20_000;

  /** A message is handed on when it is as long as that. */
  private static final int MESSAGE_BYTES = 256 << 10;

  private final long keepMs;

  private transient ValueState<byte[]> state;
  private transient InternalTimerService<VoidNamespace> timers;
  private transient Map<Bytes, Timeline> open;
  private transient EventView view;
  private transient Buffer scratch;
  private transient Buffer value;

  public Sessions(long flushMs, long keepMs) {
    super(flushMs);
    this.keepMs = keepMs;
  }

  @Override
  public void open() throws Exception {
    super.open();
    state = getKeyedStateStore().getState(new ValueStateDescriptor<>("segments", BytePrimitiveArraySerializer.INSTANCE));
    timers = getInternalTimerService("expiry", VoidNamespaceSerializer.INSTANCE, this);
    open = new HashMap<>();
    view = new EventView();
    scratch = new Buffer(1024);
    value = new Buffer(4096);
  }

  /** The key is set where the state is asked for, which is not for every event. */
  @Override
  @SuppressWarnings("rawtypes")
  public void setKeyContextElement1(StreamRecord element) {}

  @Override
  public void processElement(StreamRecord<Item> element) throws Exception {
    Item item = element.getValue();
    Bytes key = item.sessionKey();
    Timeline timeline = open.get(key);
    if (timeline == null) {
      timeline = load(key, item.timestamp());
      open.put(key, timeline);
      gathered();
    }
    view.read(item.record(), 0, item.record().length);
    timeline.add(view);
    if (open.size() >= MAX_OPEN) {
      flush();
    }
  }

  private Timeline load(Bytes key, long timestamp) throws Exception {
    setCurrentKey(key);
    byte[] bytes = state.value();
    if (bytes == null) {
      // A time in the future must not keep the key for so much longer.
      timers.registerEventTimeTimer(VoidNamespace.INSTANCE, Limits.plus(Math.min(timestamp, now()), keepMs));
    }
    return Timeline.load(key, bytes, Limits.plus(timers.currentWatermark(), -keepMs));
  }

  @Override
  void flush() throws Exception {
    for (Map.Entry<Bytes, Timeline> entry : open.entrySet()) {
      Timeline timeline = entry.getValue();
      timeline.tell(scratch, record -> add(timeline, record));
      finishMessage(timeline);
      setCurrentKey(entry.getKey());
      state.update(timeline.state(scratch));
    }
    open.clear();
  }

  private void add(Timeline timeline, Buffer record) {
    value.block(record.array(), 0, record.length());
    if (value.length() >= MESSAGE_BYTES) {
      finishMessage(timeline);
    }
  }

  private void finishMessage(Timeline timeline) {
    if (value.length() > 0) {
      emit(new Message(timeline.topicKey(), value.toBytes()));
      value.clear();
    }
  }

  @Override
  public void onEventTime(InternalTimer<Bytes, VoidNamespace> timer) throws Exception {
    if (open.containsKey(timer.getKey())) {
      flush();
    }
    setCurrentKey(timer.getKey());
    byte[] bytes = state.value();
    if (bytes == null) {
      return;
    }
    long last = Timeline.load(timer.getKey(), bytes, Long.MIN_VALUE).last();
    long watermark = timers.currentWatermark();
    // What is that far ahead of a timer that has waited for keepMs is no time that the door let in.
    if (Limits.plus(last, keepMs) <= watermark || last > Limits.plus(watermark, keepMs)) {
      state.clear();
    } else {
      timers.registerEventTimeTimer(VoidNamespace.INSTANCE, Limits.plus(last, keepMs));
    }
  }

  @Override
  public void onProcessingTime(InternalTimer<Bytes, VoidNamespace> timer) {
    throw new IllegalStateException("BUG: sessions have no processing-time timer");
  }
}
