package app

// registerMetrics tells operators what the parts count. Names follow the Prometheus conventions.
func (a *App) registerMetrics() {
	m, c := a.metrics, a.door.Counters()
	counter := func(name, help string, read func() int64) {
		m.Counter(name, help, nil, func() float64 { return float64(read()) })
	}
	counter("footfall_ingest_requests_total", "Requests to the door.", c.Requests.Load)
	counter("footfall_ingest_bytes_total", "Bytes of request bodies as sent.", c.Bytes.Load)
	counter("footfall_ingest_received_total", "Events that arrived.", c.Received.Load)
	counter("footfall_ingest_accepted_total", "Events in the log.", c.Accepted.Load)
	counter("footfall_ingest_unreadable_total", "Bodies answered 400.", c.Unreadable.Load)
	counter("footfall_ingest_too_large_total", "Requests answered 413.", c.TooLarge.Load)
	counter("footfall_ingest_limited_total", "Requests answered 429.", c.Limited.Load)
	counter("footfall_ingest_unavailable_total", "Requests answered 503.", c.Unavailable.Load)
	counter("footfall_log_appends_total", "Appends to the log.", c.Appends.Load)
	m.Counter("footfall_log_append_seconds_total", "Time that appends took, together.", nil, func() float64 { return float64(c.AppendMicros.Load()) / 1e6 })
	m.Counters("footfall_ingest_refused_total", "Events filtered or failed, by reason.", "reason", c.Refused)
	counter("footfall_salt_errors_total", "Tries to keep or get the salts of visitor ids that failed.", c.SaltErrors.Load)
	a.parts.watch(m)
}
