package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// StallError says that a connection stayed open but brought nothing.
type StallError struct {
	Idle time.Duration
}

func (e *StallError) Error() string { return fmt.Sprintf("no byte arrived for %s", e.Idle) }

// Watch returns body with a watchdog: when a Read gets no byte for idle, it
// calls cancel with a *StallError, which has to end the request, and that
// Read fails with the same error. Time between Reads does not count.
func Watch(body io.ReadCloser, idle time.Duration, cancel context.CancelCauseFunc) io.ReadCloser {
	return &watched{ReadCloser: body, idle: idle, cancel: cancel}
}

type watched struct {
	io.ReadCloser
	idle    time.Duration
	cancel  context.CancelCauseFunc
	stalled atomic.Bool
}

// Read arms a timer of its own, because one that was shared could go off
// for the Read before.
func (w *watched) Read(p []byte) (int, error) {
	timer := time.AfterFunc(w.idle, func() {
		w.stalled.Store(true)
		w.cancel(&StallError{Idle: w.idle})
	})
	n, err := w.ReadCloser.Read(p)
	timer.Stop()
	if err != nil && !errors.Is(err, io.EOF) && w.stalled.Load() {
		err = &StallError{Idle: w.idle}
	}
	return n, err
}
