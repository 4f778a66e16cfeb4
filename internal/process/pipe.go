package process

import (
	"context"
	"errors"
	"io"
	"syscall"
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

// ReaderGone reports whether err is, or was caused by, a write to a stream whose reader is
// gone, as that of stdout in artifetch ls | head.
func ReaderGone(err error) bool {
	_, gone := errors.AsType[readerGoneError](err)
	return gone || errors.Is(err, syscall.EPIPE)
}

// readerGoneError counts as a cancelled context.
type readerGoneError struct{}

func (readerGoneError) Error() string        { return "the log's reader is gone" }
func (readerGoneError) Is(target error) bool { return target == context.Canceled }
