/**
 * The ends of the job in Kafka. Kafka's own classes have other names in the jar that stands on a Flink cluster, so only
 * Flink's types are used where there is a choice.
 */
package dev.footfall.realtime.kafka;
