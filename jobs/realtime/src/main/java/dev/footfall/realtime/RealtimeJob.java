package dev.footfall.realtime;

import dev.footfall.realtime.Ends.Output;
import dev.footfall.realtime.operator.CountVisitors;
import dev.footfall.realtime.operator.Deduplicate;
import dev.footfall.realtime.operator.Intake;
import dev.footfall.realtime.operator.ProgressTicks;
import dev.footfall.realtime.operator.Sessions;
import dev.footfall.realtime.operator.SumWindows;
import dev.footfall.realtime.operator.TickTopics;
import dev.footfall.realtime.operator.ToHits;
import dev.footfall.realtime.record.EventView;
import dev.footfall.realtime.record.Limits;
import dev.footfall.realtime.types.Bytes;
import dev.footfall.realtime.types.FlatType;
import dev.footfall.realtime.types.Delta;
import dev.footfall.realtime.types.Hit;
import dev.footfall.realtime.types.Item;
import dev.footfall.realtime.types.Message;
import java.time.Duration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.OutputTag;

/**
 * The steps of the job and how they are joined:
 *
 * <pre>
 * raw_events → intake → deduplicate by (site, id) ┬→ events
 *               │ │            │                  ├→ by (site, session id, band): sessions → sessions
 *               │ │            │                  └→ by (window, shard): visitors → by window: sums → metrics
 *               │ └────────────┴→ ledger
 *               └→ failed_events
 * the watermarks of deduplicate, sessions and sums → ticks → every partition of events, sessions, ledger and metrics
 * </pre>
 *
 * <p>The uid of a step names its state in savepoints: it must not change, nor what is in the state without a way to read
 * the old one.
 */
public final class RealtimeJob {
  /** Sessions and windows wait this long at most for a checkpoint that lets go of what they gathered. */
  private static final long FLUSH_MS = 3_000;

  private static final OutputTag<Message> LEDGER = new OutputTag<>("ledger", FlatType.MESSAGE);
  private static final OutputTag<Message> FAILED = new OutputTag<>("failed", FlatType.MESSAGE);

  private final Settings settings;
  private final Ends ends;

  public RealtimeJob(Settings settings, Ends ends) {
    this.settings = settings;
    this.ends = ends;
  }

  /** Adds the job to the environment. */
  public void build(StreamExecutionEnvironment env) {
    SingleOutputStreamOperator<Item> taken = take(env);
    SingleOutputStreamOperator<Item> clean = clean(taken);
    write(clean.map(Item::message).returns(FlatType.MESSAGE).name("to events"), Output.EVENTS);
    SingleOutputStreamOperator<Message> sessions = sessions(clean);
    write(sessions, Output.SESSIONS);
    SingleOutputStreamOperator<Message> windows = windows(clean);
    write(windows, Output.METRICS);
    write(ticks(clean, sessions, windows), Output.TICKS).setParallelism(1);
    write(taken.getSideOutput(LEDGER).union(clean.getSideOutput(LEDGER)), Output.LEDGER);
    write(taken.getSideOutput(FAILED), Output.FAILED_EVENTS);
  }

  private SingleOutputStreamOperator<Item> take(StreamExecutionEnvironment env) {
    DataStream<byte[]> raw = ends.source(env);
    if (raw instanceof SingleOutputStreamOperator<byte[]> source) {
      source.uid("source");
    }
    return raw.transform("intake", FlatType.ITEM, new Intake(FLUSH_MS, LEDGER, FAILED)).uid("intake");
  }

  private SingleOutputStreamOperator<Item> clean(DataStream<Item> taken) {
    long late = settings.lateLimit().toMillis();
    return taken
        .keyBy(Item::eventKey, FlatType.BYTES)
        .transform("deduplicate", FlatType.ITEM, new Deduplicate(FLUSH_MS, late, settings.stateKept(), LEDGER))
        .uid("deduplicate");
  }

  private SingleOutputStreamOperator<Message> sessions(DataStream<Item> clean) {
    return clean
        .filter(item -> EventView.inSession(item.type()))
        .keyBy(Item::sessionKey, FlatType.BYTES)
        .transform("sessions", FlatType.MESSAGE, new Sessions(FLUSH_MS, sessionsKept().toMillis()))
        .uid("sessions");
  }

  /** An event is at most the late limit old when it is received, and touches what ended a gap before it. */
  private Duration sessionsKept() {
    Duration least = settings.lateLimit().plusMillis(Limits.GAP_MS);
    return settings.stateKept().compareTo(least) > 0 ? settings.stateKept() : least;
  }

  private SingleOutputStreamOperator<Message> windows(DataStream<Item> clean) {
    DataStream<Hit> hits = clean.flatMap(new ToHits()).returns(FlatType.HIT);
    SingleOutputStreamOperator<Delta> parts =
        hits.keyBy(Hit::key, FlatType.BYTES)
            .transform("visitors", FlatType.DELTA, new CountVisitors(FLUSH_MS))
            .uid("visitors");
    return parts
        .keyBy(Delta::key, FlatType.BYTES)
        .transform("windows", FlatType.MESSAGE, new SumWindows(FLUSH_MS))
        .uid("windows");
  }

  private SingleOutputStreamOperator<Message> ticks(
      SingleOutputStreamOperator<Item> clean, DataStream<Message> sessions, DataStream<Message> windows) {
    DataStream<Message> marks = clean.filter(item -> false).map(Item::message).returns(FlatType.MESSAGE); // only the watermarks go on
    return marks
        .union(sessions.filter(row -> false), windows.filter(row -> false))
        .transform("ticks", FlatType.MESSAGE, new ProgressTicks(ends.tickPartitions()))
        .uid("ticks")
        .setParallelism(1)
        .flatMap(new TickTopics())
        .returns(FlatType.MESSAGE)
        .name("tick topics")
        .setParallelism(1);
  }

  private org.apache.flink.streaming.api.datastream.DataStreamSink<Message> write(DataStream<Message> rows, Output output) {
    return rows.sinkTo(ends.sink(output)).uid("sink-" + output.label()).name(output.label());
  }
}
