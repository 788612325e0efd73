// Package live holds what the real-time view shows and pushes it to those who watch.
//
// It promises that a Snapshot equals a recount of the stored events of the last
// 30 minutes, and that one slow watcher delays nobody. Processing hands events in
// after they are committed (Hub.Apply), so nothing is shown that a kill could take
// back; after a restart Hub.Restore reads the last minutes from the store. It may
// import event and stream. Messages and replies are drawn in docs/format/api.md,
// "Real time" and "Live"; the WebSocket itself is in internal/api.
package live
