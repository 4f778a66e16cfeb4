package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
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

// SlowError says that a connection brought something, but too little.
type SlowError struct {
	Bytes int64
	Over  time.Duration
}

func (e *SlowError) Error() string {
	return fmt.Sprintf("only %d bytes arrived in %s", e.Bytes, e.Over.Round(time.Second))
}

// WatchRate returns body with a watchdog for one that drips: each time when
// Reads have taken window in all, it asks tooSlow about the bytes that they
// brought. If that is so, it calls cancel with a *SlowError, which has to end
// the request, and the Read fails with the same error. Time between Reads does
// not count.
func WatchRate(body io.ReadCloser, window time.Duration, tooSlow func(n int64) bool, cancel context.CancelCauseFunc) io.ReadCloser {
	w := &rated{ReadCloser: body, window: window, tooSlow: tooSlow, cancel: cancel}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(window, w.check)
	return w
}

type rated struct {
	io.ReadCloser
	window  time.Duration
	tooSlow func(n int64) bool
	cancel  context.CancelCauseFunc

	mu      sync.Mutex
	timer   *time.Timer
	bytes   int64 // of this window
	took    time.Duration
	reading time.Time // when the Read under way began; zero between Reads
	slow    *SlowError
	closed  bool
}

// count adds what a Read took by now to the window. w.mu is held.
func (w *rated) count(now time.Time) {
	if !w.reading.IsZero() {
		w.took += now.Sub(w.reading)
		w.reading = now
	}
}

// check ends a window, unless some of it is left.
func (w *rated) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.count(time.Now())
	if left := w.window - w.took; left > 0 {
		w.timer.Reset(max(left, w.window/16)) // not too often while nothing is read
		return
	}
	if w.tooSlow(w.bytes) {
		w.slow = &SlowError{Bytes: w.bytes, Over: w.took}
		w.cancel(w.slow)
		return
	}
	w.bytes, w.took = 0, 0
	w.timer.Reset(w.window)
}

func (w *rated) Read(p []byte) (int, error) {
	w.mu.Lock()
	w.reading = time.Now()
	w.mu.Unlock()
	n, err := w.ReadCloser.Read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count(time.Now())
	w.reading = time.Time{}
	w.bytes += int64(n)
	if err != nil && !errors.Is(err, io.EOF) && w.slow != nil {
		err = w.slow
	}
	return n, err
}

func (w *rated) Close() error {
	w.mu.Lock()
	w.closed = true
	w.timer.Stop()
	w.mu.Unlock()
	return w.ReadCloser.Close()
}
