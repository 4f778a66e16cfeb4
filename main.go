// Command artifetch finds artifacts of GitHub Actions workflow runs, fetches
// them and extracts them into the workspace: as a step of a job, or on a
// developer's machine.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"github.com/artifetch/artifetch/internal/app"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := app.Main(ctx, app.Env{
		Args: os.Args[1:], Version: version, Lookup: os.LookupEnv, Environ: os.Environ, Getwd: os.Getwd,
		Stdout: os.Stdout, Stderr: os.Stderr, Terminal: term.IsTerminal(int(os.Stderr.Fd())), UID: os.Getuid(),
	})
	stop()
	os.Exit(code)
}
