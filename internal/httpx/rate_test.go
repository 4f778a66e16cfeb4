package httpx

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestWatchRate(t *testing.T) {
	t.Parallel()
	const window = time.Minute
	for name, tt := range map[string]struct {
		pauses   []time.Duration // before each byte
		between  time.Duration   // before each Read
		measured []int64         // the bytes of each window
		got      int
		slow     bool
	}{
		"fast":                  {pauses: slices.Repeat([]time.Duration{11 * time.Second}, 12), measured: []int64{5, 5}, got: 12},
		"drips":                 {pauses: slices.Repeat([]time.Duration{25 * time.Second}, 9), measured: []int64{2}, got: 2, slow: true},
		"gets slow":             {pauses: append(make([]time.Duration, 5), time.Second, time.Hour), measured: []int64{6, 0}, got: 6, slow: true},
		"the reader is slow":    {pauses: make([]time.Duration, 9), between: time.Hour, got: 9},
		"both are slow":         {pauses: slices.Repeat([]time.Duration{25 * time.Second}, 9), between: time.Hour, measured: []int64{2}, got: 2, slow: true},
		"it ends in the window": {pauses: slices.Repeat([]time.Duration{29 * time.Second}, 2), got: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				var measured []int64
				body := WatchRate(&slowBody{ctx, tt.pauses}, window, func(n int64) bool {
					measured = append(measured, n)
					return n < 4
				}, cancel)
				defer body.Close()
				n := 0
				var err error
				for err == nil {
					time.Sleep(tt.between)
					var m int
					m, err = body.Read(make([]byte, 1))
					n += m
				}
				slow, ok := errors.AsType[*SlowError](err)
				if n != tt.got || ok != tt.slow || !ok && !errors.Is(err, io.EOF) {
					t.Errorf("%d bytes, %v; want %d", n, err, tt.got)
				}
				if ok && (slow.Over < window || slow.Bytes != measured[len(measured)-1] || !errors.Is(context.Cause(ctx), slow)) {
					t.Errorf("%v of %v; the request was ended by %v", slow, measured, context.Cause(ctx))
				}
				if len(measured) > 0 && !slices.Equal(measured, tt.measured) {
					t.Errorf("measured %v, want %v", measured, tt.measured)
				}
			})
		})
	}
}

// A window that ends while the body is closed leaves no timer behind.
func TestWatchRateEndsWithItsBody(t *testing.T) {
	t.Parallel()
	w := WatchRate(io.NopCloser(nil), time.Hour, func(int64) bool { return false }, func(error) {}).(*rated)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.check() // the timer had gone off, and waited for Close
	if w.timer.Stop() {
		t.Error("the timer runs on")
	}
}
