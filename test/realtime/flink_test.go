package realtime

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// flink speaks to the REST interface of a cluster.
type flink struct {
	t   *testing.T
	url string
}

func (f flink) call(method, path, contentType string, body io.Reader, into any) error {
	request, err := http.NewRequest(method, f.url+path, body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", contentType)
	client := http.Client{Timeout: time.Minute}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, path, response.StatusCode, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

func (f flink) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// submit uploads the jar and runs it, from a savepoint if there is one; the job is cancelled when the test ends.
func (f flink) submit(jar, savepoint string, parallelism int, args ...string) string {
	f.t.Helper()
	content, err := os.ReadFile(jar)
	if err != nil {
		f.t.Fatalf("no jar: run `make jobs` first (%v)", err)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("jarfile", "footfall-realtime.jar")
	f.must(err)
	_, err = part.Write(content)
	f.must(err)
	f.must(form.Close())
	var uploaded struct{ Filename string }
	f.must(f.call("POST", "/jars/upload", form.FormDataContentType(), &body, &uploaded))
	id := filepath.Base(uploaded.Filename)
	f.t.Cleanup(func() { _ = f.call("DELETE", "/jars/"+id, "", nil, nil) })
	run := map[string]any{"parallelism": parallelism, "programArgsList": append(args, "--parallelism", fmt.Sprint(parallelism))}
	if savepoint != "" {
		run["savepointPath"] = savepoint
	}
	request, err := json.Marshal(run)
	f.must(err)
	var started struct{ JobID string }
	f.must(f.call("POST", "/jars/"+id+"/run", "application/json", bytes.NewReader(request), &started))
	f.t.Cleanup(func() { _ = f.call("PATCH", "/jobs/"+started.JobID+"?mode=cancel", "", nil, nil) })
	return started.JobID
}

// stop stops the job with a savepoint and returns where it is.
func (f flink) stop(job string) string {
	f.t.Helper()
	var trigger struct {
		ID string `json:"request-id"`
	}
	f.must(f.call("POST", "/jobs/"+job+"/stop", "application/json", strings.NewReader(`{"drain":false}`), &trigger))
	var savepoint struct {
		Status    struct{ ID string }
		Operation struct {
			Location string
			Cause    any `json:"failure-cause"`
		}
	}
	eventually(f.t, "the savepoint", func() bool {
		return f.call("GET", "/jobs/"+job+"/savepoints/"+trigger.ID, "", nil, &savepoint) == nil && savepoint.Status.ID == "COMPLETED"
	})
	if savepoint.Operation.Location == "" {
		f.t.Fatalf("no savepoint: %v", savepoint.Operation.Cause)
	}
	return savepoint.Operation.Location
}

// running reports whether all tasks of the job run.
func (f flink) running(job string) bool {
	var state struct {
		State    string
		Vertices []struct{ Status string }
	}
	if f.call("GET", "/jobs/"+job, "", nil, &state) != nil || state.State != "RUNNING" {
		return false
	}
	for _, v := range state.Vertices {
		if v.Status != "RUNNING" {
			return false
		}
	}
	return true
}

// checkpoints returns how many are complete and a line about the last.
func (f flink) checkpoints(job string) (int, string) {
	var c struct {
		Counts struct{ Completed, Failed, Restored int }
		Latest struct {
			Completed struct {
				ID       int   `json:"id"`
				State    int64 `json:"state_size"`
				Full     int64 `json:"full_size"`
				Duration int64 `json:"end_to_end_duration"`
			}
		}
	}
	if f.call("GET", "/jobs/"+job+"/checkpoints", "", nil, &c) != nil {
		return 0, ""
	}
	last := c.Latest.Completed
	return c.Counts.Completed, fmt.Sprintf("%d complete, %d failed, %d restored; last: %d ms, %.1f MB written, %.1f MB in all",
		c.Counts.Completed, c.Counts.Failed, c.Counts.Restored, last.Duration, float64(last.State)/1e6, float64(last.Full)/1e6)
}

func (f flink) exceptions(job string) string {
	var e struct {
		Root string `json:"root-exception"`
	}
	_ = f.call("GET", "/jobs/"+job+"/exceptions", "", nil, &e)
	return strings.Join(strings.SplitN(e.Root, "\n", 12), "\n")
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); !ok(); time.Sleep(300 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 5 minutes: %s", what)
		}
	}
}
