package dev.footfall.realtime.operator;

import dev.footfall.realtime.types.Bytes;
import dev.footfall.realtime.types.FlatType;
import dev.footfall.realtime.types.Message;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.util.OutputTag;

/** Flink's test harness, on RocksDB, or on the heap where a test counts the entries of the state. */
final class Harness {
  static final OutputTag<Message> LEDGER = new OutputTag<>("ledger", FlatType.MESSAGE);
  static final OutputTag<Message> FAILED = new OutputTag<>("failed", FlatType.MESSAGE);
  static final long FLUSH_MS = 3_000;

  /** A time for the harness's clock, which begins at 0. */
  static final long NOW = 1_763_856_000_000L;

  private Harness() {}

  static <I, O> KeyedOneInputStreamOperatorTestHarness<Bytes, I, O> open(
      OneInputStreamOperator<I, O> operator, KeySelector<I, Bytes> key, OperatorSubtaskState restored, boolean heap) throws Exception {
    KeyedOneInputStreamOperatorTestHarness<Bytes, I, O> harness =
        new KeyedOneInputStreamOperatorTestHarness<>(operator, key, FlatType.BYTES);
    harness.setStateBackend(restored == null && heap ? new HashMapStateBackend() : new EmbeddedRocksDBStateBackend(false));
    harness.setup();
    if (restored != null) {
      harness.initializeState(restored);
    }
    harness.open();
    harness.setProcessingTime(NOW);
    harness.setStateTtlProcessingTime(NOW);
    return harness;
  }

  /** What a barrier does: the operator lets go, then the state is taken. */
  static OperatorSubtaskState checkpoint(OneInputStreamOperatorTestHarness<?, ?> harness, long id) throws Exception {
    harness.prepareSnapshotPreBarrier(id);
    return harness.snapshot(id, id);
  }

  /** What came out since the last call, watermarks apart. */
  static <O> List<O> take(OneInputStreamOperatorTestHarness<?, O> harness) {
    List<O> elements = new ArrayList<>(harness.extractOutputValues());
    harness.getOutput().clear();
    return elements;
  }

  static <O> List<O> takeSide(OneInputStreamOperatorTestHarness<?, ?> harness, OutputTag<O> tag) {
    List<O> elements = new ArrayList<>();
    var queue = harness.getSideOutput(tag);
    if (queue != null) {
      queue.forEach(record -> elements.add(record.getValue()));
      queue.clear();
    }
    return elements;
  }
}
