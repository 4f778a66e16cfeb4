package githubapi

import (
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// How far the server's clock is ahead follows its newest answer, whatever that is.
func TestAhead(t *testing.T) {
	t.Parallel()
	ours := time.Date(2026, 6, 1, 12, 0, 0, 5e8, time.UTC)
	theirs := ours
	f := newFixture(t, githubsim.Options{Now: func() time.Time { return theirs }}, Auth{Token: "tok"})
	c := f.newWith(t, f.APIURL, Options{Auth: Auth{Token: "tok"}, Now: func() time.Time { return ours }, Conditional: true})
	if got := c.Ahead(); got != 0 {
		t.Errorf("before any answer: %s", got)
	}
	for _, tt := range []struct {
		ahead time.Duration
		id    int64
	}{{5 * time.Minute, f.run.ID}, {-time.Hour, f.run.ID}, {7 * time.Second, 404}, {0, f.run.ID}} {
		theirs = ours.Add(tt.ahead)
		_, _ = c.Run(t.Context(), app, tt.id)
		if got := c.Ahead(); got != tt.ahead {
			t.Errorf("%s ahead: %s", tt.ahead, got)
		}
	}
}
