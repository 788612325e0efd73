// Package config is the one struct of settings and its one loader. Nobody else reads files, the environment or flags.
//
// Defaults run the embedded product with no file. A TOML file is read over them, the environment (FOOTFALL_STORE__MEMORY_LIMIT
// for store.memory_limit) over that, flags over all. Unknown keys are errors. docs/config.md lists every key.
package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/structs"
	"github.com/knadh/koanf/v2"
)

// Config is everything that can be set. The zero value is not usable: start from Default.
type Config struct {
	// Data is the directory that holds everything: log, store, accounts, salts, socket.
	Data string `koanf:"data"`
	// Listen is the address of the door, the API and the dashboard.
	Listen string `koanf:"listen"`
	// OpsListen serves /metrics, /livez, /readyz and /debug/pprof. "" = the port after Listen's, on loopback (skipped when
	// that is taken); "off" = none.
	OpsListen string `koanf:"ops_listen"`
	// Roles are the parts that this process runs: collect (door), process (log to store), web (API and dashboard), batch (the daily
	// job of a cluster).
	// Empty runs all.
	Roles []string `koanf:"roles"`
	// Demo adds the demo site with its traffic and the shop under /demo/.
	Demo bool `koanf:"demo"`
	// TrustedProxies are the networks whose forwarding headers count.
	TrustedProxies []string `koanf:"trusted_proxies"`
	// TLSCert and TLSKey switch Listen to HTTPS.
	TLSCert string `koanf:"tls_cert"`
	TLSKey  string `koanf:"tls_key"`

	Collect Collect `koanf:"collect"`
	API     API     `koanf:"api"`
	Log     Log     `koanf:"log"`
	Store   Store   `koanf:"store"`
	Geo     Geo     `koanf:"geo"`
	Cluster Cluster `koanf:"cluster"`
	S3      S3      `koanf:"s3"`
	Archive Archive `koanf:"archive"`
	Batch   Batch   `koanf:"batch"`
}

// Collect holds the settings of the door.
type Collect struct {
	// EventsPerSecond is the limit for one address; loopback is exempt. 0 = no limit.
	EventsPerSecond int `koanf:"events_per_second"`
}

// API holds the settings of the HTTP API.
type API struct {
	// QueriesPerHour is how many queries, explains and reports one key may ask; 0 = no limit.
	QueriesPerHour int `koanf:"queries_per_hour"`
}

// Log holds the settings of the event log.
type Log struct {
	// RetentionDays is how long the log keeps what the store has taken; more than late_limit, at least 8.
	RetentionDays int `koanf:"retention_days"`
	// MaxBytes is the most the log may hold; what the store has not taken is never dropped: the door then answers 503.
	MaxBytes int64 `koanf:"max_bytes"`
}

// Store holds the settings of the embedded event store.
type Store struct {
	// MemoryLimit of DuckDB, as "128MB".
	MemoryLimit string `koanf:"memory_limit"`
	// Threads of DuckDB; 0 = one a core.
	Threads int `koanf:"threads"`
	// RetentionMonths is how long raw events are kept; rollups stay. 0 = for good.
	RetentionMonths int `koanf:"retention_months"`
	// QueryTimeoutSeconds ends a query that takes longer.
	QueryTimeoutSeconds int `koanf:"query_timeout_seconds"`
}

// Geo holds the settings of the place look-up.
type Geo struct {
	// CityFile is the owner's own city database (mmdb); "" = countries only, from the embedded table.
	CityFile string `koanf:"city_file"`
}

// Cluster names the engines of a cluster. Without Kafka the product is embedded, and the rest has no meaning.
type Cluster struct {
	// Kafka are the brokers to begin with, host:port.
	Kafka []string `koanf:"kafka"`
	// TopicPrefix stands before the name of every topic, consumer group and Redis key, so that installations can share engines.
	TopicPrefix string `koanf:"topic_prefix"`
	// Partitions and Replication are those of topics that are made; topics that exist stay as they are.
	Partitions  int `koanf:"partitions"`
	Replication int `koanf:"replication"`
	// ClickHouse are the servers, host:port of the native protocol.
	ClickHouse []string `koanf:"clickhouse"`
	// Database, User and Password are ClickHouse's; queries use Reader instead of User where it is set.
	Database       string `koanf:"database"`
	User           string `koanf:"user"`
	Password       string `koanf:"password"`
	Reader         string `koanf:"reader"`
	ReaderPassword string `koanf:"reader_password"`
	// Redis are the servers, host:port.
	Redis []string `koanf:"redis"`
	// DruidBroker and DruidCoordinator are Druid's servers, as URLs: rollups for long ranges. Without them all is read from ClickHouse.
	DruidBroker      []string `koanf:"druid_broker"`
	DruidCoordinator []string `koanf:"druid_coordinator"`
	// Postgres is the database of the accounts, as a URL.
	Postgres string `koanf:"postgres"`
	// StreamDays is how old an imported event may be to go through Flink, at least 7 (late events): its job must keep state for
	// as long. Older ones are taken by role process.
	StreamDays int `koanf:"stream_days"`
}

// S3 is the object store of the lake: the archive of a cluster, and of the embedded product where it is told so. Without an
// endpoint there is none.
type S3 struct {
	// Endpoint is a URL, as "https://s3.example.net" or "http://127.0.0.1:9000".
	Endpoint string `koanf:"endpoint"`
	Region   string `koanf:"region"`
	// Bucket is made when it is missing; Prefix stands before every key.
	Bucket string `koanf:"bucket"`
	Prefix string `koanf:"prefix"`
	// AccessKey and SecretKey sign the requests.
	AccessKey string `koanf:"access_key"`
	SecretKey string `koanf:"secret_key"`
}

// Archive holds the settings of the archive in Parquet files.
type Archive struct {
	// To is where the embedded product archives finished days each night: a folder, "s3://" (the bucket and prefix of [s3]) or
	// "s3://bucket/prefix". "" = nowhere. A cluster archives to [s3], always.
	To string `koanf:"to"`
	// FileBytes and FileSeconds are how much the archiver of a cluster collects from a partition of the log before it writes
	// files: about so many bytes of records, and no longer than that.
	FileBytes   int64 `koanf:"file_bytes"`
	FileSeconds int   `koanf:"file_seconds"`
	// RetentionMonths is how long events stay in the archive, by their time; 0 = for good, -1 = as store.retention_months.
	RetentionMonths int `koanf:"retention_months"`
}

// ArchiveMonths returns how long events stay in the archive, in months of 31 days; 0 is for good.
func (c *Config) ArchiveMonths() int {
	if c.Archive.RetentionMonths < 0 {
		return c.Store.RetentionMonths
	}
	return c.Archive.RetentionMonths
}

// Batch holds the settings of the daily job of a cluster, which needs [s3], Druid and Spark.
type Batch struct {
	// SparkHome is the folder of a Spark 4 with S3A among its jars; "" = no daily job.
	SparkHome string `koanf:"spark_home"`
	// Master is where Spark runs, as "local[2]" or "spark://host:7077"; Memory is that of its driver, which in local mode is all.
	Master string `koanf:"master"`
	Memory string `koanf:"memory"`
	// Options are more options of spark-sql, each word by itself: ["--conf", "spark.executor.memory=4g"].
	Options []string `koanf:"options"`
	// Work is the folder for what does not fit into memory; "" = the system's for temporary files.
	Work string `koanf:"work"`
	// AfterMinutes is how long after its end a day is made by itself; EveryMinutes how often finished days are looked for.
	AfterMinutes int `koanf:"after_minutes"`
	EveryMinutes int `koanf:"every_minutes"`
	// MaxDays is the most days of one run.
	MaxDays int `koanf:"max_days"`
}

// Default returns the settings of the embedded product.
func Default() Config {
	return Config{
		Data:           "./footfall-data",
		Listen:         "127.0.0.1:8080",
		TrustedProxies: []string{"127.0.0.0/8", "::1/128"},
		Collect:        Collect{EventsPerSecond: 5000},
		Log:            Log{RetentionDays: 8, MaxBytes: 32 << 30},
		Store:          Store{MemoryLimit: "128MB", RetentionMonths: 14, QueryTimeoutSeconds: 30},
		Cluster:        Cluster{Partitions: 3, Replication: 1, Database: "footfall", User: "default", StreamDays: 7},
		S3:             S3{Region: "us-east-1", Bucket: "footfall"},
		Archive:        Archive{FileBytes: 64 << 20, FileSeconds: 300, RetentionMonths: -1},
		Batch:          Batch{Master: "local[2]", Memory: "1g", AfterMinutes: 60, EveryMinutes: 5, MaxDays: 31},
	}
}

const envPrefix = "FOOTFALL_"

// Load reads file (none when "") and environ over the defaults, and flags (keys as in the file) over both.
func Load(path string, environ []string, flags map[string]any) (Config, error) {
	k := koanf.New(".")
	if err := k.Load(structs.Provider(Default(), "koanf"), nil); err != nil {
		return Config{}, fmt.Errorf("cannot take the default settings: %w", err)
	}
	if path != "" {
		if err := k.Load(file.Provider(path), toml.Parser()); err != nil {
			return Config{}, fmt.Errorf("cannot read the settings in %q: %w", path, err)
		}
	}
	fromEnv := env.Provider(".", env.Opt{
		Prefix:        envPrefix,
		EnvironFunc:   func() []string { return environ },
		TransformFunc: envKey,
	})
	if err := k.Load(fromEnv, nil); err != nil {
		return Config{}, fmt.Errorf("cannot read the settings in the environment: %w", err)
	}
	if err := k.Load(confmap.Provider(flags, "."), nil); err != nil {
		return Config{}, fmt.Errorf("cannot read the flags: %w", err)
	}
	return decode(k, path)
}

// envKey turns FOOTFALL_STORE__MEMORY_LIMIT into store.memory_limit, and splits lists at commas. What belongs to the tests
// (test/engines/README.md) is no setting.
func envKey(key, value string) (string, any) {
	if strings.HasPrefix(key, envPrefix+"TEST_") || strings.HasPrefix(key, envPrefix+"ENGINES_") {
		return "", nil
	}
	key = strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(key, envPrefix)), "__", ".")
	if slices.Contains(lists[:], key) {
		return key, strings.Split(value, ",")
	}
	return key, value
}

// lists are the keys whose values in the environment are split at commas.
var lists = [...]string{"trusted_proxies", "roles", "cluster.kafka", "cluster.clickhouse", "cluster.redis", "cluster.druid_broker", "cluster.druid_coordinator", "batch.options"}

func decode(k *koanf.Koanf, path string) (Config, error) {
	var c Config
	err := k.UnmarshalWithConf("", &c, koanf.UnmarshalConf{Tag: "koanf", DecoderConfig: &mapstructure.DecoderConfig{
		Result: &c, TagName: "koanf", ErrorUnused: true, WeaklyTypedInput: true,
	}})
	if err != nil {
		return Config{}, fmt.Errorf("cannot use the settings in %q and the environment: %w", path, err)
	}
	return c, c.Validate()
}

// Validate says what is wrong with the first setting that cannot be used.
func (c *Config) Validate() error {
	if c.Data == "" {
		return fmt.Errorf("data: no directory given")
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if c.OpsListen != "" && c.OpsListen != "off" {
		if _, _, err := net.SplitHostPort(c.OpsListen); err != nil {
			return fmt.Errorf("ops_listen: %w", err)
		}
	}
	if _, err := c.Proxies(); err != nil {
		return err
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return fmt.Errorf("tls_cert and tls_key: one without the other")
	}
	for _, role := range c.Roles {
		if role != "collect" && role != "process" && role != "web" && role != "batch" {
			return fmt.Errorf("roles: %q is none of collect, process, web, batch", role)
		}
	}
	if err := c.validateCluster(); err != nil {
		return err
	}
	if err := c.validateArchive(); err != nil {
		return err
	}
	if err := c.validateBatch(); err != nil {
		return err
	}
	return c.validateNumbers()
}

// Clustered reports whether the parts are the engines of a cluster.
func (c *Config) Clustered() bool { return len(c.Cluster.Kafka) > 0 }

func (c *Config) validateCluster() error {
	k := &c.Cluster
	if !c.Clustered() {
		if len(k.ClickHouse)+len(k.Redis)+len(k.DruidBroker)+len(k.DruidCoordinator) > 0 || k.Postgres != "" {
			return fmt.Errorf("cluster.kafka: no broker is given, but other engines are")
		}
		return nil
	}
	for name, servers := range map[string][]string{"kafka": k.Kafka, "clickhouse": k.ClickHouse, "redis": k.Redis} {
		if len(servers) == 0 {
			return fmt.Errorf("cluster.%s: no server is given", name)
		}
		for _, server := range servers {
			if _, _, err := net.SplitHostPort(server); err != nil {
				return fmt.Errorf("cluster.%s: %w", name, err)
			}
		}
	}
	switch {
	case len(k.DruidBroker) > 0 && len(k.DruidCoordinator) == 0:
		return fmt.Errorf("cluster.druid_coordinator: no server is given, but a broker is")
	case len(k.DruidBroker) == 0 && len(k.DruidCoordinator) > 0:
		return fmt.Errorf("cluster.druid_broker: no server is given, but a coordinator is")
	case k.Postgres == "":
		return fmt.Errorf("cluster.postgres: no database is given")
	case k.Partitions < 1:
		return fmt.Errorf("cluster.partitions: %d is less than 1", k.Partitions)
	case k.Replication < 1:
		return fmt.Errorf("cluster.replication: %d is less than 1", k.Replication)
	case k.StreamDays < 7:
		return fmt.Errorf("cluster.stream_days: %d is less than 7 (late events are taken for 7 days)", k.StreamDays)
	case c.Demo:
		return fmt.Errorf("demo: the demo site is for the embedded product")
	}
	return nil
}

// Batches reports whether this process runs the daily job.
func (c *Config) Batches() bool { return c.Batch.SparkHome != "" && c.Runs("batch") }

func (c *Config) validateBatch() error {
	b := &c.Batch
	asked := b.SparkHome != "" || slices.Contains(c.Roles, "batch")
	switch {
	case asked && !c.Clustered():
		return fmt.Errorf("batch: the daily job is for a cluster")
	case asked && b.SparkHome == "":
		return fmt.Errorf("batch.spark_home: no Spark is given")
	case asked && c.S3.Endpoint == "":
		return fmt.Errorf("batch: the daily job needs s3.endpoint")
	case asked && len(c.Cluster.DruidBroker) == 0:
		return fmt.Errorf("batch: the daily job needs cluster.druid_broker")
	case b.AfterMinutes < 0:
		return fmt.Errorf("batch.after_minutes: %d is negative", b.AfterMinutes)
	case b.EveryMinutes < 1:
		return fmt.Errorf("batch.every_minutes: %d is less than 1", b.EveryMinutes)
	case b.MaxDays < 1:
		return fmt.Errorf("batch.max_days: %d is less than 1", b.MaxDays)
	}
	return nil
}

func (c *Config) validateArchive() error {
	if c.S3.Endpoint != "" {
		u, err := url.Parse(c.S3.Endpoint)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("s3.endpoint: %q is no URL of http or https", c.S3.Endpoint)
		}
	}
	switch {
	case c.S3.Endpoint != "" && c.S3.Bucket == "":
		return fmt.Errorf("s3.bucket: none is given")
	case c.S3.Endpoint == "" && strings.HasPrefix(c.Archive.To, "s3://"):
		return fmt.Errorf("archive.to: %q needs s3.endpoint", c.Archive.To)
	case c.Clustered() && c.Archive.To != "":
		return fmt.Errorf("archive.to: a cluster archives to [s3]")
	case c.Archive.FileBytes < 1<<10:
		return fmt.Errorf("archive.file_bytes: %d is less than 1 KiB", c.Archive.FileBytes)
	case c.Archive.FileSeconds < 1:
		return fmt.Errorf("archive.file_seconds: %d is less than 1", c.Archive.FileSeconds)
	case c.ArchiveMonths() > 0 && (c.Store.RetentionMonths == 0 || c.ArchiveMonths() < c.Store.RetentionMonths):
		return fmt.Errorf("archive.retention_months: the archive keeps events for %d months, less than the store (store.retention_months %d): it could not be made anew", c.ArchiveMonths(), c.Store.RetentionMonths)
	}
	return nil
}

// Runs reports whether this process has the role.
func (c *Config) Runs(role string) bool { return len(c.Roles) == 0 || slices.Contains(c.Roles, role) }

func (c *Config) validateNumbers() error {
	switch {
	case c.Log.RetentionDays < 8:
		return fmt.Errorf("log.retention_days: %d is less than 8 (late events are taken for 7 days)", c.Log.RetentionDays)
	case c.Log.MaxBytes < 64<<20:
		return fmt.Errorf("log.max_bytes: %d is less than 64 MiB", c.Log.MaxBytes)
	case c.Collect.EventsPerSecond < 0:
		return fmt.Errorf("collect.events_per_second: %d is negative", c.Collect.EventsPerSecond)
	case c.API.QueriesPerHour < 0:
		return fmt.Errorf("api.queries_per_hour: %d is negative", c.API.QueriesPerHour)
	case c.Store.RetentionMonths < 0:
		return fmt.Errorf("store.retention_months: %d is negative", c.Store.RetentionMonths)
	case c.Store.Threads < 0:
		return fmt.Errorf("store.threads: %d is negative", c.Store.Threads)
	case c.Store.QueryTimeoutSeconds < 1:
		return fmt.Errorf("store.query_timeout_seconds: %d is less than 1", c.Store.QueryTimeoutSeconds)
	}
	if c.Store.MemoryBytes() < 64e6 {
		return fmt.Errorf("store.memory_limit: %q is no size such as 128MB, or less than 64MB", c.Store.MemoryLimit)
	}
	return nil
}

// units of sizes, decimal as DuckDB reads them and binary with an i.
var units = map[string]float64{"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

// size reads "128MB" as bytes, 0 when it is no size.
func size(text string) int64 {
	number := strings.TrimRight(text, "KMGiB")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || n <= 0 {
		return 0
	}
	return int64(n * units[text[len(number):]])
}

// MemoryBytes returns MemoryLimit in bytes.
func (s *Store) MemoryBytes() int64 { return size(s.MemoryLimit) }

// Proxies returns TrustedProxies as networks; a single address is a network of one.
func (c *Config) Proxies() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range c.TrustedProxies {
		text = strings.TrimSpace(text)
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			addr, addrErr := netip.ParseAddr(text)
			if addrErr != nil {
				return nil, fmt.Errorf("trusted_proxies: %q is neither an address nor a network", text)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		out = append(out, prefix)
	}
	return out, nil
}

// Path returns where name lies in the data directory.
func (c *Config) Path(name string) string { return filepath.Join(c.Data, name) }

// Socket returns the path of the unix socket that the commands use while a server runs.
func (c *Config) Socket() string { return c.Path("footfall.sock") }

// Environ is what Load wants from the process.
func Environ() []string { return os.Environ() }
