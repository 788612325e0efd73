// Package report makes the historical report: users, sessions, pageviews and
// bounce rate by date, source and device.
//
// It promises that a report is a query: its numbers are those that POST
// /api/v2/query gives for the same range, never counted another way. It may import
// event and query. The form is docs/format/api.md, "Report".
package report
