package fetch

import (
	"context"
	"errors"
	"net/url"
	"strings"
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
