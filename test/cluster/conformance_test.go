package cluster

import (
	"os"
	"os/exec"
	"testing"
)

// conform puts the conformance suite to a deployment, events to one process and questions to another: a proxy stands in for the
// balancer, since the suite has one address.
func conform(t *testing.T, d *deployment, run string, seed string) {
	t.Helper()
	args := []string{"test", "../conformance", "-count=1", "-timeout", "25m", "-parallel", "400", "-run", run,
		"-url", balance(t, d.url("collect"), d.url("web")), "-key", d.key, "-without", "rollups,order", "-spread", "3s"}
	if seed != "" {
		args = append(args, "-seed", seed)
	}
	cmd := exec.Command("go", args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("the conformance suite: %v", err)
	}
}

// Every event goes through Flink, whatever its age.
func TestConformanceThroughFlink(t *testing.T) {
	d := deploy(t, 1000, "process", "collect", "web")
	conform(t, d, "TestConformance", "")
	if t.Failed() || testing.Short() { // the random histories take minutes: they are of the long form
		return
	}
	conform(t, d, "TestRandomHistories", os.Getenv("FOOTFALL_TEST_SEED"))
}

// What is older than a week goes by topic imports, as it does by default.
func TestConformanceByImports(t *testing.T) {
	d := deploy(t, 7, "process", "collect", "web")
	conform(t, d, "TestConformance", "")
}
