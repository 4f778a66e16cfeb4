package transfer

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// origin is an Origin that takes a second, and counts.
type origin struct {
	asked int
	err   error
}

func (o *origin) DownloadURL(ctx context.Context, _ artifact.Repo, _ int64) (*url.URL, error) {
	o.asked++
	select {
	case <-time.After(time.Second):
		return &url.URL{Host: "storage"}, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// A URL that was asked for early is used once, while it is fresh. No URL is asked for early
// if the Options may refuse the artifact.
func TestEarly(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	dist := artifact.Artifact{ID: 1, Name: "dist"}
	for name, tt := range map[string]struct {
		opt    Options
		origin origin
		early  []artifact.Artifact
		after  time.Duration // until it is needed
		asked  int           // after Early, and in all
		all    int
		took   time.Duration // until it is there, once it is needed
	}{
		"in time":              {early: []artifact.Artifact{dist}, after: 5 * time.Second, asked: 1, all: 1},
		"at the same time":     {early: []artifact.Artifact{dist}, asked: 1, all: 1, took: time.Second},
		"twice":                {early: []artifact.Artifact{dist, dist}, asked: 1, all: 1, took: time.Second},
		"it fails":             {origin: origin{err: broken}, early: []artifact.Artifact{dist}, after: time.Hour, asked: 1, all: 1},
		"too early":            {early: []artifact.Artifact{dist}, after: earlyAge, asked: 1, all: 2, took: time.Second},
		"of another":           {early: []artifact.Artifact{{ID: 2, Name: "logs"}}, asked: 1, all: 2, took: time.Second},
		"its name is refused":  {early: []artifact.Artifact{{ID: 1, Name: ".."}}, asked: 0, all: 1, took: time.Second},
		"digests are expected": {opt: Options{Expect: []Expected{{}}}, early: []artifact.Artifact{dist}, asked: 0, all: 1, took: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tt.opt.Origin = &tt.origin
				e := New(tt.opt)
				for _, a := range tt.early {
					e.Early(t.Context(), a)
				}
				synctest.Wait()
				if tt.origin.asked != tt.asked {
					t.Errorf("asked %d times early, want %d", tt.origin.asked, tt.asked)
				}
				time.Sleep(tt.after)
				start := time.Now()
				_, err := e.locate(t.Context(), dist)
				if took := time.Since(start); !errors.Is(err, tt.origin.err) || took != tt.took || tt.origin.asked != tt.all {
					t.Errorf("%v after %s, want %s; asked %d times in all, want %d", err, took, tt.took, tt.origin.asked, tt.all)
				}
				if _, _, err := e.early.take(t.Context(), dist.ID); err != nil || len(e.early.urls) > 1 {
					t.Errorf("the URL is used again: %v", err)
				}
				synctest.Wait()
			})
		})
	}
}

// A wait for a URL that was asked for early ends with the context.
func TestEarlyEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		e := New(Options{Origin: &origin{}})
		e.Early(ctx, artifact.Artifact{ID: 1, Name: "dist"})
		if _, err := e.locate(ctx, artifact.Artifact{ID: 1}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
