package githubapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// Another call may shut the gate for longer during a pause.
func TestGateStaysShut(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ended := errors.New("the job was cancelled")
	tests := map[string]struct {
		shut []time.Duration // at first, and in each pause that follows
		end  int             // the context ends in that pause, from 1 on
		want time.Duration
		err  error
	}{
		"open":           {want: 0},
		"once":           {shut: []time.Duration{10 * time.Second}, want: 10 * time.Second},
		"longer":         {shut: []time.Duration{10 * time.Second, 100 * time.Second}, want: 100 * time.Second},
		"longer, twice":  {shut: []time.Duration{10 * time.Second, 100 * time.Second, 101 * time.Second}, want: 101 * time.Second},
		"shorter":        {shut: []time.Duration{10 * time.Second, 5 * time.Second}, want: 10 * time.Second},
		"ends in a wait": {shut: []time.Duration{10 * time.Second, 100 * time.Second}, end: 2, want: 10 * time.Second, err: ended},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var g gate
			now, pauses := start, 0
			if len(tt.shut) > 0 {
				g.shut(start.Add(tt.shut[0]))
			}
			policy := httpx.Policy{Sleep: func(_ context.Context, d time.Duration) error {
				if pauses++; pauses == tt.end {
					return ended
				}
				if pauses < len(tt.shut) {
					g.shut(start.Add(tt.shut[pauses]))
				}
				now = now.Add(d)
				return nil
			}}
			err := g.pass(t.Context(), policy, func() time.Time { return now })
			if !errors.Is(err, tt.err) || now.Sub(start) != tt.want {
				t.Errorf("passed after %s, %v; want %s, %v", now.Sub(start), err, tt.want, tt.err)
			}
		})
	}
}

// roundTripper is one as a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A RoundTripper has to return a response or an error, even if the context
// ends right after a good answer.
func TestContextEndsAfterTheAnswer(t *testing.T) {
	t.Parallel()
	cancelled := errors.New("the job was cancelled")
	for name, cancelAt := range map[string]string{"never": "", "when the answer begins": "header", "at its end": "body"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			tr := &transport{idle: time.Hour, now: time.Now, shared: &shared{forge: gitHub}, base: roundTripper(func(*http.Request) (*http.Response, error) {
				if cancelAt == "header" {
					cancel(cancelled)
				}
				body := io.Reader(strings.NewReader("{}"))
				if cancelAt == "body" {
					body = io.MultiReader(body, readerFunc(func([]byte) (int, error) { cancel(cancelled); return 0, io.EOF }))
				}
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(body)}, nil
			})}
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.github.com/", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			res, err := tr.RoundTrip(r)
			if (res == nil) == (err == nil) || cancelAt != "" && !errors.Is(err, cancelled) {
				t.Errorf("response %v, error %v", res, err)
			}
			if res != nil {
				_ = res.Body.Close()
			}
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
