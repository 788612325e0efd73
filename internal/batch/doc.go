// Package batch runs the daily job of a cluster: Spark makes the rollups by the minute and the sessions of finished days from the
// archive, Druid takes the rollups, the event store the sessions that differ, and what agrees everywhere is marked as rolled.
//
// It promises that a day is marked only when the event store holds the events that Spark read, and the same sessions, from before
// Druid shows the day until after; so an archive that lags behind, an outage or a kill at any point leaves a day that is read
// from the event store and made again. It may import internal/event, internal/object, internal/lake and jobs/daily; the stores behind its
// interfaces are chosen by internal/app. What Spark reads and writes is drawn in docs/format/daily.md.
package batch
