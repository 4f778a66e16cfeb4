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

// StallError means that nothing arrived on an open connection.
type StallError struct {
	Idle time.Duration
}

func (e *StallError) Error() string { return fmt.Sprintf("no byte arrived for %s", e.Idle) }

// Watch returns body with a watchdog: if a Read gets no byte for idle, the
// watchdog calls cancel with a *StallError, and the Read fails with it. cancel has
// to end the request. Time between Reads does not count.
func Watch(body io.ReadCloser, idle time.Duration, cancel context.CancelCauseFunc) io.ReadCloser {
	return &watched{ReadCloser: body, idle: idle, cancel: cancel}
}

type watched struct {
	io.ReadCloser
	idle    time.Duration
	cancel  context.CancelCauseFunc
	stalled atomic.Bool
}

// Read has a timer of its own: a shared one could still go off for the Read
// before.
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

// SlowError means that too few bytes arrived on a connection.
type SlowError struct {
	Bytes int64
	Over  time.Duration
}

func (e *SlowError) Error() string {
	return fmt.Sprintf("only %d bytes arrived in %s", e.Bytes, e.Over.Round(time.Second))
}

// WatchRate returns body with a watchdog for bodies that drip: whenever Reads have
// taken window in all, it calls tooSlow with the number of bytes that they got. If
// tooSlow reports true, the watchdog calls cancel with a *SlowError, and the Read
// fails with it. cancel has to end the request. Time between Reads does not count.
// Close has to be called.
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

// count adds to the window how long the Read under way has taken. w.mu is held.
func (w *rated) count(now time.Time) {
	if !w.reading.IsZero() {
		w.took += now.Sub(w.reading)
		w.reading = now
	}
}

// check ends the window if its time is up.
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
