package fetch

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// Locate returns a URL of the blob, a fresh one with each call. Its errors end the
// download. One goroutine at a time calls it.
type Locate func(ctx context.Context) (*url.URL, error)

// urlAge is how old a URL may get. GitHub's live for a minute. Source: REST
// API reference, "Download an artifact".
const urlAge = 45 * time.Second

// urlFresh is how old a URL is that cannot have expired.
const urlFresh = 10 * time.Second

// urls keeps the last URL of a blob as long as it is valid.
type urls struct {
	locate Locate
	asking *semaphore.Weighted // held during a call of locate

	mu   sync.Mutex
	last *url.URL // nil: a fresh one is needed
	got  time.Time
	// again is set if last was asked for because the one before was refused.
	again bool
	// works is set once the storage has served a request with last.
	works bool
	// refused is why the storage refused the last URL, on any connection. It is nil once
	// there is a new URL.
	refused error
	// err is the error of locate, which ends the download.
	err error
}

func newURLs(locate Locate) *urls {
	return &urls{locate: locate, asking: semaphore.NewWeighted(1)}
}

// get is a Locate that asks for a fresh URL only if the last one is old or was refused,
// and never again after locate has failed. A request that ends while it asks, because ctx
// does, ends no other one; while another one asks, it returns the cause of ctx's end.
func (s *urls) get(ctx context.Context) (*url.URL, error) {
	if u, err := s.known(); u != nil || err != nil {
		return u, err
	}
	if s.asking.Acquire(ctx, 1) != nil {
		return nil, context.Cause(ctx)
	}
	defer s.asking.Release(1)
	if u, err := s.known(); u != nil || err != nil { // another request asked meanwhile
		return u, err
	}
	u, err := s.locate(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		located := &locateError{err: err, because: s.refused}
		if ctx.Err() == nil {
			s.err = located
		}
		return nil, located
	}
	s.last, s.got, s.again, s.works, s.refused = u, time.Now(), s.refused != nil, false, nil
	return u, nil
}

// known returns the last URL if it is valid, or the error of locate; neither if locate has
// to be called.
func (s *urls) known() (*url.URL, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && time.Since(s.got) < urlAge {
		return s.last, nil
	}
	return nil, s.err
}

// worked says that the storage has served a request with a URL.
func (s *urls) worked(u *url.URL) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.works = s.works || s.last == u
}

// failed drops a URL if err, the error of a request with it, says that the URL is no longer
// valid. A second URL in a row that is refused while other requests are served is kept if it is
// younger than urlFresh and no request was served with it: then the storage refuses the request,
// not the URL, and failed returns true.
func (s *urls) failed(u *url.URL, err error, served bool) (crowded bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refused, ok := errors.AsType[*StorageError](err)
	switch {
	case !ok || !isExpired(refused) || s.last != u:
		return false
	case served && s.again && !s.works && time.Since(s.got) < urlFresh:
		return true
	}
	s.last, s.refused = nil, err
	return false
}

// locateError is the error of a Locate.
type locateError struct {
	err     error
	because error // why the URL before was given up; nil if it was not
}

func (e *locateError) Error() string { return e.err.Error() }
func (e *locateError) Unwrap() error { return e.err }
