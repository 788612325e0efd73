// Package session keeps, in memory, what the door has seen of running sessions: for the live feed, and to carry a visitor's
// id over midnight.
//
// It is best effort by design: bounded, lost on restart, and never read by anything that counts. Sessions that are counted
// are made by internal/stream from the stored events. In a cluster internal/session/redis stands behind it. It may import event.
package session
