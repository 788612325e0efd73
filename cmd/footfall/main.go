// Command footfall is the whole product: the server and the commands that look after it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/footfall-analytics/footfall/internal/config"
)

// version is set by the build.
var version = "dev"

// cli is the command line. Kong fills it.
type cli struct {
	Serve   serveCmd   `cmd:"" help:"Run the server."`
	Site    siteCmd    `cmd:"" help:"Manage sites."`
	Key     keyCmd     `cmd:"" help:"Manage API keys."`
	User    userCmd    `cmd:"" help:"Manage users of the dashboard."`
	Query   queryCmd   `cmd:"" help:"Answer a query (docs/format/api.md) from a file, or from standard input with -."`
	Audit   auditCmd   `cmd:"" help:"Recompute sessions, rollups and the ledger from the events; exit status 1 when anything differs."`
	Export  exportCmd  `cmd:"" help:"Write events to an archive of Parquet files (docs/format/parquet.md)."`
	Rebuild rebuildCmd `cmd:"" help:"Make an empty event store from an archive. No server may run; accounts stay as they are."`
	Migrate migrateCmd `cmd:"" help:"Copy this installation into a cluster, while its server runs; again and again until the address is moved. Exit status 1 when both differ in the end."`
	Batch   batchCmd   `cmd:"" help:"The daily job of a cluster: rollups of finished days for long ranges."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// exitError ends the process with its status and prints nothing more.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// run parses args, runs the command and returns the exit status: 0 done, 1 failed, 2 usage.
func run(ctx context.Context, args []string, io streams) int {
	var c cli
	status := -1 // set by --help, which would else end the process
	parser, err := kong.New(&c, kong.Name("footfall"), kong.UsageOnError(), kong.Writers(io.out, io.err),
		kong.Description("Web analytics in one binary. `footfall serve` starts it; data lies in ./footfall-data."),
		kong.Exit(func(code int) { status = code }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(io))
	if err != nil {
		fmt.Fprintln(io.err, "footfall:", err)
		return 2
	}
	command, err := parser.Parse(args)
	if status >= 0 {
		return status
	}
	if err != nil {
		fmt.Fprintln(io.err, "footfall:", err)
		return 2
	}
	return exitStatus(command.Run(), io)
}

func exitStatus(err error, io streams) int {
	var exit exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	}
	fmt.Fprintln(io.err, "footfall:", err)
	return 1
}

// common are the flags of every command.
type common struct {
	Data   string `help:"Data directory." placeholder:"DIR"`
	Config string `help:"Settings file (TOML); docs/config.md lists the keys." placeholder:"FILE" type:"path"`
}

// load returns the settings with the command's flags over them.
func (c common) load(flags map[string]any) (config.Config, error) {
	if flags == nil {
		flags = map[string]any{}
	}
	if c.Data != "" {
		flags["data"] = c.Data
	}
	return config.Load(c.Config, config.Environ(), flags)
}

type versionCmd struct {
	JSON bool `help:"Print JSON."`
}

func (v versionCmd) Run(io streams) error {
	if v.JSON {
		return io.json(map[string]string{"version": version})
	}
	fmt.Fprintln(io.out, version)
	return nil
}
