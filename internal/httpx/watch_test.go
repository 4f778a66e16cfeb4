package httpx

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/sleep"
)

// slowBody returns one byte after each pause.
type slowBody struct {
	ctx    context.Context
	pauses []time.Duration
}

func (b *slowBody) Read(p []byte) (int, error) {
	if len(b.pauses) == 0 {
		return 0, io.EOF
	}
	d := b.pauses[0]
	b.pauses = b.pauses[1:]
	if err := sleep.For(b.ctx, d); err != nil {
		return 0, err
	}
	p[0] = 'x'
	return 1, nil
}
func (*slowBody) Close() error { return nil }

func TestWatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pauses []time.Duration
		bytes  int
		stall  bool
	}{
		"steady":               {[]time.Duration{time.Second, 9 * time.Second, 9 * time.Second}, 3, false},
		"stalls at the start":  {[]time.Duration{time.Hour}, 0, true},
		"stalls in the middle": {[]time.Duration{time.Second, 11 * time.Second}, 1, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				body := Watch(&slowBody{ctx, tt.pauses}, 10*time.Second, cancel)
				defer body.Close()
				got, err := io.ReadAll(body)
				stall, stalled := errors.AsType[*StallError](err)
				if len(got) != tt.bytes || stalled != tt.stall {
					t.Fatalf("%d bytes, %v", len(got), err)
				}
				if stalled && stall.Idle != 10*time.Second {
					t.Errorf("stall says %v", stall.Idle)
				}
			})
		})
	}
}

// stubbornBody returns its last byte and the end after a time, even if its request was
// cancelled.
type stubbornBody struct{ time.Duration }

func (b stubbornBody) Read(p []byte) (int, error) {
	time.Sleep(b.Duration)
	p[0] = 'x'
	return 1, io.EOF
}
func (stubbornBody) Close() error { return nil }

func TestWatchKeepsTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		n, err := Watch(stubbornBody{2 * time.Second}, time.Second, cancel).Read(make([]byte, 1))
		if n != 1 || !errors.Is(err, io.EOF) {
			t.Errorf("%d bytes, %v; want the last one and EOF", n, err)
		}
		if _, ok := errors.AsType[*StallError](context.Cause(ctx)); !ok {
			t.Errorf("the request was ended by %v", context.Cause(ctx))
		}
	})
}

func TestWatchIgnoresPausesOfTheReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		body := Watch(&slowBody{ctx, make([]time.Duration, 2)}, time.Second, cancel)
		for range 2 {
			if _, err := body.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if err := sleep.For(ctx, time.Minute); err != nil {
				t.Fatalf("the watchdog bit while there was no reader: %v", err)
			}
		}
	})
}
