package process_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/artifetch/artifetch/internal/process"
)

// A stream without a reader ends the context that it was given, and only then.
func TestPipe(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fails error
		gone  bool
	}{
		"read":      {},
		"no reader": {&os.PathError{Op: "write", Path: "|1", Err: syscall.EPIPE}, true},
		"full disk": {&os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			_, err := process.Pipe{Writer: failing{tt.fails}, Broken: cancel}.Write([]byte("x"))
			if !errors.Is(err, tt.fails) || process.ReaderGone(err) != tt.gone {
				t.Errorf("Write: %v", err)
			}
			cause := context.Cause(ctx)
			if (cause != nil) != tt.gone {
				t.Errorf("the context ended: %v", cause)
			}
			if tt.gone && (!errors.Is(cause, context.Canceled) || !process.ReaderGone(fmt.Errorf("stopped: %w", cause)) || cause.Error() != "the log's reader is gone") {
				t.Errorf("the context ended: %v", cause)
			}
		})
	}
	if process.ReaderGone(nil) || process.ReaderGone(context.Canceled) || process.ReaderGone(io.ErrClosedPipe) {
		t.Error("another error counts as a reader that is gone")
	}
}

// failing fails with an error, which may be nil.
type failing struct{ err error }

func (f failing) Write(p []byte) (int, error) { return len(p), f.err }

// A file or a pipe has no columns.
func TestColumns(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if process.Columns(r) != nil || process.Columns(w) != nil {
		t.Error("a pipe counts as a terminal")
	}
	if err := errors.Join(r.Close(), w.Close()); err != nil {
		t.Error(err)
	}
}

// What ends the parent ends the context, and stop does.
func TestWithSignalsWithoutSignals(t *testing.T) {
	t.Parallel()
	parent, end := context.WithCancelCause(t.Context())
	ctx, stop := process.WithSignals(parent, nil, syscall.SIGTERM)
	end(errors.New("the parent ended"))
	if <-ctx.Done(); !strings.Contains(context.Cause(ctx).Error(), "the parent ended") {
		t.Error(context.Cause(ctx))
	}
	stop()
	ctx, stop = process.WithSignals(t.Context(), nil, syscall.SIGTERM)
	stop()
	<-ctx.Done()
}
