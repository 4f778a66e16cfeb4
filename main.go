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
)

// version is set by the linker for releases and images.
var version string

func main() {
	app.SaveMemory()
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) { // nohup ignores SIGHUP
			signals = append(signals, s)
		}
	}
	signal.Ignore(syscall.SIGPIPE) // app.Pipe handles a log without a reader
	info, _ := debug.ReadBuildInfo()
	env := app.Env{
		Args: os.Args[1:], Version: app.Version(version, info), Lookup: os.LookupEnv, Environ: os.Environ, Getwd: os.Getwd,
		Columns: app.Columns(os.Stderr), OutColumns: app.Columns(os.Stdout), UID: os.Getuid(), Proxy: http.ProxyFromEnvironment,
		Run: app.Programs("", nil), TempDir: os.TempDir(),
	}
	ctx, stop := app.WithSignals(context.Background(), env.Again(os.Exit), signals...)
	ctx, cancel := context.WithCancelCause(ctx)
	env.Stdout, env.Stderr = app.Pipe{Writer: os.Stdout, Broken: cancel}, app.Pipe{Writer: os.Stderr, Broken: cancel}
	code := app.Main(ctx, env)
	cancel(nil)
	stop()
	os.Exit(code)
}
