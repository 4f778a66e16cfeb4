package httpx

import (
	"context"
	"fmt"
	"io"
	"sync"
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
	w := &watched{body: body, idle: idle}
	w.timer = time.AfterFunc(idle, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.reading {
			w.stalled = true
			cancel(&StallError{Idle: idle})
		}
	})
	w.timer.Stop()
	return w
}

type watched struct {
	body  io.ReadCloser
	idle  time.Duration
	timer *time.Timer

	mu               sync.Mutex
	reading, stalled bool
}

func (w *watched) Read(p []byte) (int, error) {
	w.set(true)
	w.timer.Reset(w.idle)
	n, err := w.body.Read(p)
	w.timer.Stop()
	if w.set(false) && err != nil {
		err = &StallError{Idle: w.idle}
	}
	return n, err
}

// set notes whether a Read is under way and tells whether it has stalled.
func (w *watched) set(reading bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reading = reading
	return w.stalled
}

func (w *watched) Close() error {
	w.timer.Stop()
	return w.body.Close()
}
