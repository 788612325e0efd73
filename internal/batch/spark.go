package batch

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/footfall-analytics/footfall/jobs/daily"
)

// SparkOptions say how Spark is started and where it reads and writes. Home and Root are needed.
type SparkOptions struct {
	Home    string   // of the distribution: its bin/spark-sql is started
	Master  string   // "": local[2]
	Memory  string   // of the driver, which is all of Spark in local mode; "": 1g
	Options []string // more options of spark-sql, as "--conf", "spark.executor.memory=4g"
	Work    string   // folder for what does not fit into memory; "": the system's for temporary files
	Root    string   // what stands before the keys of objects: "s3a://bucket/prefix" or "file:///folder"

	// S3 is where s3a leads; the keys go by the environment, so that no list of processes shows them.
	Endpoint, Region     string
	AccessKey, SecretKey string
}

func (o *SparkOptions) setDefaults() {
	o.Master = cmp.Or(o.Master, "local[2]")
	o.Memory = cmp.Or(o.Memory, "1g")
	o.Work = cmp.Or(o.Work, os.TempDir())
	o.Region = cmp.Or(o.Region, "us-east-1")
	o.Root = strings.TrimSuffix(o.Root, "/")
}

// Spark runs the daily job, each run as a process of its own. It is safe for concurrent use.
type Spark struct{ options SparkOptions }

// NewSpark returns a runner. It starts nothing.
func NewSpark(o SparkOptions) *Spark {
	o.setDefaults()
	return &Spark{o}
}

// Job is one run of the daily job.
type Job struct {
	Days   []string // of the archive that are read, as their folders are named; one at least
	Bytes  int64    // about how much that is
	Range  Range    // the days that are made
	Folder string   // key of an empty folder for what is made
}

const (
	killGrace      = 10 * time.Second
	partitionBytes = 8 << 20 // of the archive: some 60 MB of rows
	minPartitions  = 4
	maxPartitions  = 1000
)

// Run returns when all is written, or with what Spark said last. When ctx ends, the process ends.
func (s *Spark) Run(ctx context.Context, job Job) error {
	work, err := os.MkdirTemp(s.options.Work, "footfall-daily-")
	if err != nil {
		return fmt.Errorf("cannot make a work folder for Spark: %w", err)
	}
	defer os.RemoveAll(work)
	script := filepath.Join(work, "daily.sql")
	if err := os.WriteFile(script, []byte(daily.SQL), 0o600); err != nil {
		return fmt.Errorf("cannot write the daily job: %w", err)
	}
	command := exec.CommandContext(ctx, filepath.Join(s.options.Home, "bin", "spark-sql"), s.arguments(job, work, script)...)
	command.Dir = work
	command.Env = s.environment(work)
	said := &tail{}
	command.Stdout, command.Stderr = said, said
	// The script that is started ends in the JVM, but need not be it: the whole group is ended.
	command.SysProcAttr = ownGroup()
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = killGrace
	runtime.LockOSThread() // the process ends with this thread
	defer runtime.UnlockOSThread()
	if err := command.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("cannot run the daily job of %v: %w: %s", job.Range, err, said)
	}
	return nil
}

func (s *Spark) arguments(job Job, work, script string) []string {
	o := &s.options
	conf := []string{
		"spark.ui.enabled=false",
		"spark.driver.host=127.0.0.1", "spark.driver.bindAddress=127.0.0.1",
		"spark.local.dir=" + work,
		"spark.sql.catalogImplementation=in-memory", "spark.sql.warehouse.dir=" + filepath.Join(work, "warehouse"),
		"spark.sql.session.timeZone=UTC",
		"spark.sql.shuffle.partitions=" + strconv.Itoa(partitions(job.Bytes)),
		// Without it rows would be sent around once more for each window that groups them more finely.
		"spark.sql.requireAllClusterKeysForCoPartition=false",
		// The folder is new and nobody reads it before the end: files may appear task by task.
		"spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version=2",
		"spark.hadoop.fs.s3a.path.style.access=true",
		"spark.hadoop.fs.s3a.change.detection.mode=none", // a file that is rewritten while it is read is still one of its versions
		"spark.hadoop.fs.s3a.endpoint.region=" + o.Region,
		"spark.hadoop.fs.s3a.attempts.maximum=3", "spark.hadoop.fs.s3a.retry.limit=3", "spark.hadoop.fs.s3a.connection.establish.timeout=5000",
	}
	if o.Endpoint != "" {
		conf = append(conf, "spark.hadoop.fs.s3a.endpoint="+o.Endpoint)
	}
	args := []string{"--master", o.Master, "--name", "footfall daily " + job.Range.String(), "--driver-memory", o.Memory}
	for _, c := range conf {
		args = append(args, "--conf", c)
	}
	args = append(args, o.Options...)
	for _, variable := range [][2]string{
		{"events", o.Root + "/" + eventsFolder + "{" + strings.Join(job.Days, ",") + "}"},
		{"from", strconv.FormatInt(job.Range.From.UnixMilli(), 10)}, {"to", strconv.FormatInt(job.Range.To.UnixMilli(), 10)},
		{"out", o.Root + "/" + job.Folder},
	} {
		args = append(args, "--hivevar", variable[0]+"="+variable[1])
	}
	return append(args, "-f", script)
}

func partitions(bytes int64) int {
	return int(min(max(bytes/partitionBytes, minPartitions), maxPartitions))
}

// environment is the process's, with what Spark needs in it.
func (s *Spark) environment(work string) []string {
	env := []string{
		"SPARK_HOME=" + s.options.Home, "SPARK_LOCAL_IP=127.0.0.1", "SPARK_LOCAL_DIRS=" + work, "AWS_REGION=" + s.options.Region,
		"AWS_EC2_METADATA_DISABLED=true",
	}
	if s.options.AccessKey != "" {
		env = append(env, "AWS_ACCESS_KEY_ID="+s.options.AccessKey, "AWS_SECRET_ACCESS_KEY="+s.options.SecretKey)
	}
	return append((&exec.Cmd{}).Environ(), env...)
}

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

const tailBytes = 8 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.kept = append(t.kept, b...)
	if over := len(t.kept) - 2*tailBytes; over > 0 {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-tailBytes:]...)
	}
	return len(b), nil
}

// String returns the lines that say what went wrong, or the last ones.
func (t *tail) String() string {
	lines := bytes.Split(bytes.TrimSpace(t.kept), []byte("\n"))
	var out [][]byte
	for _, line := range lines {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte("at ")) {
			continue // of a stack
		}
		if bytes.Contains(line, []byte("rror")) || bytes.Contains(line, []byte("xception")) {
			out = append(out, line)
		}
	}
	if len(out) == 0 {
		out = lines
	}
	return string(bytes.Join(out[:min(len(out), 10)], []byte("; ")))
}
