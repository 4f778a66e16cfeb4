package app

import (
	"context"
	"errors"
	"io"
	"syscall"

	"github.com/artifetch/artifetch/internal/report"
)

// Pipe is a stream that calls Broken when its reader is gone, to stop the run as a signal
// does. SIGPIPE is of no use for this: the system sends it for broken network connections,
// too.
type Pipe struct {
	io.Writer

	Broken context.CancelCauseFunc
}

// Write implements io.Writer.
func (p Pipe) Write(b []byte) (int, error) {
	n, err := p.Writer.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		p.Broken(readerGoneError{})
	}
	return n, err
}

// readerGoneError counts as a cancelled context.
type readerGoneError struct{}

func (readerGoneError) Error() string        { return "the log's reader is gone" }
func (readerGoneError) Is(target error) bool { return target == context.Canceled }

// output is stdout. Its errors are *report.StdoutErrors.
type output struct{ io.Writer }

func (o output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil {
		err = &report.StdoutError{Err: err}
	}
	return n, err
}
