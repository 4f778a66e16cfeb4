package httpx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// run tries op under p until it succeeds or Attempts gives up.
func run(ctx context.Context, p Policy, op func(try int) error) error {
	attempts := p.Attempts()
	for try := 1; ; try++ {
		err := op(try)
		if err == nil {
			return nil
		}
		if err := attempts.Again(ctx, err); err != nil {
			return err
		}
	}
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	fault := Temporary(errors.New("fault"), 0)
	final := errors.New("final")
	tests := map[string]struct {
		errs  []error // of each try; nil afterwards
		tries int
		want  string
	}{
		"at once":       {nil, 1, ""},
		"third time":    {[]error{fault, io.ErrUnexpectedEOF}, 3, ""},
		"not temporary": {[]error{fault, final}, 2, "final"},
		"tries used up": {[]error{fault, fault, fault, fault}, 3, "after 3 tries: fault"},
		"another first": {[]error{fault, fault, io.EOF}, 3, "after 3 tries: EOF (the first time: fault)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := 0
				err := run(t.Context(), Policy{MaxTries: 3}, func(int) error {
					n++
					if n <= len(tt.errs) {
						return tt.errs[n-1]
					}
					return nil
				})
				if n != tt.tries || fmt.Sprint(err) != cmp.Or(tt.want, "<nil>") {
					t.Errorf("%d tries, %v; want %d, %q", n, err, tt.tries, tt.want)
				}
				if len(tt.errs) >= n && !errors.Is(err, tt.errs[n-1]) {
					t.Errorf("%v does not wrap the last error", err)
				}
			})
		})
	}
}

func TestAttemptsRenew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		p := Policy{Base: time.Second, MaxTries: 3, Notify: func(_ error, d time.Duration) { waits = append(waits, d) }}
		attempts, tries := p.Attempts(), 1
		for ; attempts.Again(t.Context(), io.EOF) == nil; tries++ {
			if last := tries == 2 || tries == 4; attempts.Last() != last {
				t.Errorf("after %d tries: Last is %v", tries, !last)
			}
			if tries == 2 {
				attempts.Renew()
			}
		}
		if tries != 5 {
			t.Errorf("%d tries, want the 2 before Renew and 3 more", tries)
		}
		if len(waits) != 4 || waits[2] > 1500*time.Millisecond {
			t.Errorf("pauses %v, want 4 with the third short again", waits)
		}
	})
}

func TestAttemptsPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		p := Policy{Base: time.Second, Max: 4 * time.Second, MaxTries: 5, Notify: func(_ error, d time.Duration) { waits = append(waits, d) }}
		start := time.Now()
		_ = run(t.Context(), p, func(try int) error {
			if try == 2 {
				return Temporary(io.EOF, time.Minute)
			}
			return io.EOF
		})
		if len(waits) != 4 || waits[1] != time.Minute {
			t.Fatalf("pauses %v, want 4 with the second a minute", waits)
		}
		var sum time.Duration
		for i, base := range []time.Duration{time.Second, 0, 4 * time.Second, 4 * time.Second} {
			sum += waits[i]
			if base != 0 && (waits[i] < base/2 || waits[i] > min(base*3/2, p.Max)) {
				t.Errorf("pause %d is %v, want about %v", i, waits[i], base)
			}
		}
		if took := time.Since(start); took != sum {
			t.Errorf("took %v, announced %v", took, sum)
		}
	})
}

// Jitter makes no pause longer than the policy says.
func TestAttemptsPausesAreBounded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		policy      Policy
		first, most time.Duration // the shortest first one, the longest of all
	}{
		"defaults":      {Policy{}, 250 * time.Millisecond, 12 * time.Second},
		"many tries":    {Policy{MaxTries: 20}, 250 * time.Millisecond, 30 * time.Second},
		"a short first": {Policy{First: 100 * time.Millisecond, Base: time.Second}, 50 * time.Millisecond, 30 * time.Second},
		"a short most":  {Policy{Base: time.Second, Max: 2 * time.Second}, 500 * time.Millisecond, 2 * time.Second},
	} {
		for range 50 {
			var waits []time.Duration
			tt.policy.Sleep = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
			_ = run(t.Context(), tt.policy, func(int) error { return io.EOF })
			if len(waits) != tt.policy.tries()-1 || waits[0] < tt.first || slices.Max(waits) > tt.most ||
				tt.policy.First > 0 && waits[0] > tt.policy.First*3/2 {
				t.Fatalf("%s: pauses %v, want none longer than %v", name, waits, tt.most)
			}
		}
	}
}

func TestAttemptsCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("the job was cancelled")
		start := time.Now()
		time.AfterFunc(time.Second, func() { cancel(cause) })
		err := run(ctx, Policy{Base: time.Hour, Max: time.Hour}, func(int) error { return io.EOF })
		if !errors.Is(err, cause) || !errors.Is(err, io.EOF) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %q, want both the cause and the last error, in one line", err)
		}
		if time.Since(start) != time.Second {
			t.Errorf("the pause went on for %v", time.Since(start))
		}
		// net/http returns the cause itself.
		if err := (Policy{}).Attempts().Again(ctx, &url.Error{Op: "Get", URL: "http://h", Err: cause}); err.Error() != `Get "http://h": the job was cancelled` {
			t.Errorf("got %q, want the cause once", err)
		}
	})
}
