// Package realtime puts the Flink job of jobs/realtime to a real Kafka and a real Flink and compares all it writes with a
// recount that shares no code with it. Without addresses its test is skipped:
//
//	make jobs
//	go test ./test/realtime -v -args -kafka 127.0.0.1:19092 -flink http://127.0.0.1:18081 [-events 200000] [-rate 0]
//	    [-pid TASKMANAGER] [-fault 'COMMAND'] [-upgrade]
//
// With -pid it reports events per processor second of the TaskManager. -fault is run when half of the events are sent. The
// topics have a prefix of their own and are removed.
package realtime
