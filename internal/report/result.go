package report

import (
	"fmt"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/words"
	"github.com/artifetch/artifetch/internal/workspace"
)

// Result is the outcome of a run, as far as it got. Log.Ended, Outputs and Summary put
// it into words.
type Result struct {
	Destination workspace.Destination
	// Runs were taken, newest first, and Items are their artifacts. Both are empty if the
	// run failed before it published.
	Runs  []artifact.Run
	Items []transfer.Item
	// PassedOver are the runs that a search met and did not take; Explained is
	// set once the log has them.
	PassedOver []search.PassedOver
	Explained  bool
	// Doubts are why a newer run than those taken may fit.
	Doubts []search.Doubt
	// Found is set if everything that was asked for was found, Published once it
	// is in the destination.
	Found, Published bool
	DryRun           bool
	// Places is what publishing did where a place was taken; its trees are in the order of
	// Items.
	Places workspace.Report
	// NotFound says what was not found, if that is no failure. Warn then asks for a
	// warning.
	NotFound error
	Warn     bool
	// Err is why the run failed, or nil.
	Err  error
	Took time.Duration
}

// totals returns what the artifacts add up to: files, their bytes, and bytes received.
func (r *Result) totals() (files int, bytes, wire int64) {
	for _, item := range r.Items {
		files += item.Files
		bytes += item.Bytes
		wire += item.Wire
	}
	return files, bytes, wire
}

// DeleteError says that fetching worked and deleting did not.
type DeleteError struct {
	Errs []error
	// Untried counts further artifacts, which would have failed for the same reasons.
	Untried int
}

func (e *DeleteError) Error() string {
	text := "the files are in place, but artifacts could not be deleted on GitHub: " + joinErrors(e.Errs[:min(len(e.Errs), maxNames)])
	if more := len(e.Errs) - maxNames; more > 0 {
		text += fmt.Sprintf("; and %s", words.Count(more, "more artifact"))
	}
	if e.Untried > 0 {
		text += fmt.Sprintf("; for the same reason %s not tried", words.Were(e.Untried, "more artifact"))
	}
	return text
}

// Unwrap returns the failures of single artifacts.
func (e *DeleteError) Unwrap() []error { return e.Errs }

// CertificateError says that the file of ca-cert cannot be read.
type CertificateError struct{ Err error }

func (e *CertificateError) Error() string { return "ca-cert: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *CertificateError) Unwrap() error { return e.Err }

// StdoutError says that what a command was asked for could not be written to stdout.
type StdoutError struct{ Err error }

func (e *StdoutError) Error() string { return "stdout: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *StdoutError) Unwrap() error { return e.Err }
