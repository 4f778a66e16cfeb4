// Command artifetch finds artifacts of GitHub Actions workflow runs, fetches
// them and extracts them into the workspace: as a step of a job, or on a
// developer's machine.
package main

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/artifetch/artifetch/internal/app"
	"github.com/artifetch/artifetch/internal/machine"
	"github.com/artifetch/artifetch/internal/process"
)

// version is set by the linker for releases and images.
var version string

func main() {
	process.SaveMemory()
	signal.Ignore(syscall.SIGPIPE) // process.Pipe handles a log without a reader
	info, _ := debug.ReadBuildInfo()
	env := app.Env{
		Args: os.Args[1:], Version: process.Version(version, info), Lookup: os.LookupEnv, Environ: os.Environ, Getwd: os.Getwd,
		Columns: process.Columns(os.Stderr), OutColumns: process.Columns(os.Stdout), UID: os.Getuid(), Proxy: http.ProxyFromEnvironment,
		Run: machine.Exec, TempDir: os.TempDir(),
	}
	// Signals are caught to the end: the exit code of a run that is over stays what it is.
	ctx, _ := process.WithSignals(context.Background(), env.Again(os.Exit), process.Endings()...)
	ctx, cancel := context.WithCancelCause(ctx)
	env.Stdout, env.Stderr = process.Pipe{Writer: os.Stdout, Broken: cancel}, process.Pipe{Writer: os.Stderr, Broken: cancel}
	os.Exit(app.Main(ctx, env))
}
