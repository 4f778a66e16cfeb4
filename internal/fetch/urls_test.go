package fetch

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A URL is used while it is young and not refused.
func TestURLs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		var gone error
		s := urls{locate: func(context.Context) (*url.URL, error) {
			asked++
			return &url.URL{}, gone
		}}
		next := func(want int) *url.URL {
			t.Helper()
			u, err := s.get(t.Context())
			if err != nil || asked != want {
				t.Errorf("a URL was asked for %d times, want %d; %v", asked, want, err)
			}
			return u
		}
		next(1)
		time.Sleep(urlAge - time.Second)
		next(1)
		time.Sleep(time.Second)
		u := next(2)
		s.failed(u, &StorageError{Status: 503})
		next(2)
		s.failed(&url.URL{}, &StorageError{Status: 403}) // another one, given up long ago
		next(2)
		s.failed(u, &StorageError{Status: 403})
		next(3)

		gone = errors.New("the artifact has expired")
		time.Sleep(urlAge)
		for range 3 {
			_, err := s.get(t.Context())
			if !errors.Is(err, gone) || strings.Contains(err.Error(), "403") || asked != 4 {
				t.Errorf("asked %d times, %v; want the error of the first time, without a refusal that is long past", asked, err)
			}
		}
	})
}

// A request that ends while it asks for a URL, because another one was faster, fails alone.
func TestURLsAfterARequestThatEnded(t *testing.T) {
	t.Parallel()
	fresh := &url.URL{}
	asked := 0
	s := urls{locate: func(ctx context.Context) (*url.URL, error) {
		asked++
		return fresh, context.Cause(ctx)
	}}
	ctx, end := context.WithCancelCause(t.Context())
	end(errOvertaken)
	if _, err := s.get(ctx); !errors.Is(err, errOvertaken) {
		t.Errorf("the request that ended: %v", err)
	}
	if u, err := s.get(t.Context()); u != fresh || err != nil || asked != 2 {
		t.Errorf("the next request, after %d questions: %v, %v", asked, u, err)
	}
}

// testNoFreshURL fetches a blob whose first URL is refused, and for which there is no other.
// It returns how many times a URL was asked for.
func testNoFreshURL(t *testing.T, o Options, locate Locate) int64 {
	t.Helper()
	gone := errors.New("the artifact has expired")
	var asked atomic.Int64
	b, err := Open(t.Context(), o, func(ctx context.Context) (*url.URL, error) {
		if asked.Add(1) > 1 {
			return nil, gone
		}
		return locate(ctx)
	}, new(kept).create)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err = b.Wait(); !errors.Is(err, gone) || !strings.Contains(err.Error(), "403") {
		t.Errorf("no fresh URL: %v", err)
	}
	return asked.Load()
}

// If a URL that was refused on one connection is replaced for another connection, the
// error of the new URL says why the old one was replaced.
func TestWhyThereIsNoURL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &ranged{script: script{hook: once(1, says(403))}}
		o, locate := s.start(t)
		o.Policy.Sleep = func(ctx context.Context, _ time.Duration) error { // the connection that was refused never comes back
			<-ctx.Done()
			return context.Cause(ctx)
		}
		if n := testNoFreshURL(t, o, locate); n != 2 {
			t.Errorf("a URL was asked for %d times, want 2: the first failure ends the download", n)
		}
	})
}
