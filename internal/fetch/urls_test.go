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
		s := newURLs(func(context.Context) (*url.URL, error) {
			asked++
			return &url.URL{}, gone
		})
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
		s.failed(u, &StorageError{Status: 503}, true)
		next(2)
		s.failed(&url.URL{}, &StorageError{Status: 403}, true) // another one, given up long ago
		next(2)
		s.failed(u, &StorageError{Status: 403}, true)
		u = next(3)
		if !s.failed(u, &StorageError{Status: 403}, true) {
			t.Error("a fresh URL has expired, although the storage serves others")
		}
		next(3)
		if s.failed(u, &StorageError{Status: 403}, false) {
			t.Error("the storage serves no others")
		}
		u = next(4)
		time.Sleep(urlFresh)
		if s.failed(u, &StorageError{Status: 403}, true) {
			t.Error("a URL that is not fresh may have expired")
		}
		u = next(5)
		s.worked(&url.URL{}) // another one
		if !s.failed(u, &StorageError{Status: 403}, true) {
			t.Error("the storage serves others, and this URL never worked")
		}
		s.worked(u)
		if s.failed(u, &StorageError{Status: 403}, true) {
			t.Error("a URL that worked may have expired, however fresh it is")
		}
		next(6)

		gone = errors.New("the artifact has expired")
		time.Sleep(urlAge)
		for range 3 {
			_, err := s.get(t.Context())
			if !errors.Is(err, gone) || strings.Contains(err.Error(), "403") || asked != 7 {
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
	ctx, end := context.WithCancelCause(t.Context())
	s := newURLs(func(ctx context.Context) (*url.URL, error) {
		asked++
		end(errOvertaken)
		return fresh, context.Cause(ctx)
	})
	if _, err := s.get(ctx); !errors.Is(err, errOvertaken) {
		t.Errorf("the request that ended: %v", err)
	}
	if u, err := s.get(t.Context()); u != fresh || err != nil || asked != 2 {
		t.Errorf("the next request, after %d questions: %v, %v", asked, u, err)
	}
}

// A request that ends while another one asks for a URL does not wait for that URL.
func TestURLsWhileAnotherRequestAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const answer = time.Minute
		fresh := &url.URL{}
		s := newURLs(func(context.Context) (*url.URL, error) {
			time.Sleep(answer)
			return fresh, nil
		})
		start := time.Now()
		type result struct {
			u     *url.URL
			err   error
			after time.Duration
		}
		get := func(ctx context.Context) chan result {
			c := make(chan result, 1)
			go func() {
				u, err := s.get(ctx)
				c <- result{u, err, time.Since(start)}
			}()
			synctest.Wait()
			return c
		}
		asks := get(t.Context())
		ctx, end := context.WithCancelCause(t.Context())
		ends, waits := get(ctx), get(t.Context())
		time.Sleep(time.Second)
		s.failed(&url.URL{}, &StorageError{Status: 403}, true) // does not wait either
		end(errOvertaken)
		if r := <-ends; !errors.Is(r.err, errOvertaken) || r.after != time.Second {
			t.Errorf("the request that ended: %v after %v, want %v after a second", r.err, r.after, errOvertaken)
		}
		for _, c := range []chan result{asks, waits} {
			if r := <-c; r != (result{u: fresh, after: answer}) {
				t.Errorf("the others: %v, %v after %v, want the one URL after %v", r.u, r.err, r.after, answer)
			}
		}
	})
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
