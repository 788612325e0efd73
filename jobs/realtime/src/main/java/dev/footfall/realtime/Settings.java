package dev.footfall.realtime;

import dev.footfall.realtime.record.Limits;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * The parameters of the job.
 *
 * @param bootstrap addresses of Kafka
 * @param prefix stands before the name of every topic, transaction and group
 * @param parallelism at most the number of partitions of raw_events: a source without a partition holds event time for ever
 * @param checkpointInterval results become visible with each checkpoint
 * @param lateLimit window of duplicates and of late events; the door has the same
 * @param stateKept how long ids and sessions are kept; more than lateLimit by the longest outage to be survived
 * @param group Kafka group of the source, for people who look at its lag; offsets are in Flink's checkpoints
 * @param transactionTimeout an outage between a checkpoint and its commit that is longer loses results; the broker has a maximum
 */
public record Settings(
    String bootstrap,
    String prefix,
    int parallelism,
    Duration checkpointInterval,
    Duration lateLimit,
    Duration stateKept,
    String group,
    Duration transactionTimeout) {

  private static final Set<String> NAMES =
      Set.of(
          "bootstrap", "prefix", "parallelism", "checkpoint-interval", "late-limit-ms", "state-days", "group",
          "transaction-timeout-ms");

  /** Reads --name value pairs; every one may be left out. */
  public static Settings parse(String... args) {
    Map<String, String> given = pairs(args);
    Duration late = millis(given, "late-limit-ms", Limits.LATE_LIMIT_MS);
    Duration kept = late.plusDays(1);
    if (given.containsKey("state-days")) {
      kept = Duration.ofDays(number(given, "state-days", 0));
    }
    if (kept.compareTo(late) < 0) {
      throw new IllegalArgumentException("--state-days is less than --late-limit-ms: late duplicates would be stored");
    }
    String prefix = given.getOrDefault("prefix", "");
    return new Settings(
        given.getOrDefault("bootstrap", "127.0.0.1:9092"),
        prefix,
        (int) number(given, "parallelism", 2),
        millis(given, "checkpoint-interval", 3_000),
        late,
        kept,
        given.getOrDefault("group", prefix + "footfall-realtime"),
        millis(given, "transaction-timeout-ms", 15 * 60_000));
  }

  private static Map<String, String> pairs(String[] args) {
    Map<String, String> given = new HashMap<>();
    for (int i = 0; i < args.length; i += 2) {
      String name = args[i].startsWith("--") ? args[i].substring(2) : "";
      if (!NAMES.contains(name)) {
        throw new IllegalArgumentException("unknown parameter \"" + args[i] + "\"; there are " + NAMES);
      }
      if (i + 1 == args.length) {
        throw new IllegalArgumentException("parameter \"" + args[i] + "\" has no value");
      }
      given.put(name, args[i + 1]);
    }
    return given;
  }

  private static Duration millis(Map<String, String> given, String name, long otherwise) {
    return Duration.ofMillis(number(given, name, otherwise));
  }

  private static long number(Map<String, String> given, String name, long otherwise) {
    String text = given.get(name);
    if (text == null) {
      return otherwise;
    }
    long value;
    try {
      value = Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("parameter --" + name + " is no number: \"" + text + "\"", e);
    }
    if (value <= 0) {
      throw new IllegalArgumentException("parameter --" + name + " must be above 0");
    }
    return value;
  }
}
