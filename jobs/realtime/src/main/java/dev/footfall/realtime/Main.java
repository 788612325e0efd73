package dev.footfall.realtime;

import dev.footfall.realtime.kafka.KafkaEnds;
import java.time.Duration;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.state.rocksdb.RocksDBConfigurableOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Submits the job. */
public final class Main {
  /** The name of the jar: scripts find the running job by it. */
  private static final String NAME = "footfall-realtime";

  private Main() {}

  public static void main(String[] args) throws Exception {
    Settings settings = Settings.parse(args);
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(configuration(settings));
    env.setParallelism(settings.parallelism());
    new RealtimeJob(settings, new KafkaEnds(settings)).build(env);
    env.execute(NAME);
  }

  /** What the job needs to be exactly once and quick; the cluster's configuration says where checkpoints are put. */
  static Configuration configuration(Settings settings) {
    Configuration c = new Configuration();
    c.set(PipelineOptions.GENERIC_TYPES, false);
    c.set(PipelineOptions.OBJECT_REUSE, true);
    c.set(PipelineOptions.MAX_PARALLELISM, 256); // of states: it cannot be raised later
    c.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, settings.checkpointInterval());
    c.set(CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE, CheckpointingMode.EXACTLY_ONCE);
    c.set(CheckpointingOptions.MIN_PAUSE_BETWEEN_CHECKPOINTS, Duration.ofMillis(500));
    c.set(CheckpointingOptions.TOLERABLE_FAILURE_NUMBER, 100);
    c.set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, true);
    c.set(StateBackendOptions.STATE_BACKEND, "rocksdb");
    c.set(RocksDBConfigurableOptions.USE_BLOOM_FILTER, true); // most ids are looked for and not there
    c.set(RestartStrategyOptions.RESTART_STRATEGY, "exponential-delay"); // without end
    c.set(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_INITIAL_BACKOFF, Duration.ofSeconds(1));
    c.set(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_MAX_BACKOFF, Duration.ofSeconds(30));
    return c;
  }
}
