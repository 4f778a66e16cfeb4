package search

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// clock is a time that passes in pauses only.
type clock struct {
	t      time.Time
	pauses []time.Duration
	// end ends the context after that many pauses; 0 is never.
	end int
}

var errPassing = errors.New("the server is in trouble")

var errEnded = errors.New("the job was cancelled")

func (c *clock) now() time.Time { return c.t }

func (c *clock) pause(_ context.Context, d time.Duration) error {
	if c.end > 0 && len(c.pauses) == c.end {
		return errEnded
	}
	c.t = c.t.Add(d)
	c.pauses = append(c.pauses, d)
	return nil
}

func TestAwait(t *testing.T) {
	t.Parallel()
	pending := []artifact.Run{{ID: 7, Workflow: "CI", Number: 3, Status: "in_progress"}}
	broken := errors.New("GitHub is down")
	never := 1000 * time.Hour
	tests := map[string]struct {
		wait time.Duration
		// found is when there is something to find, done when the run that
		// might have it is no longer under way, fails when asking fails.
		found, done, fails time.Duration
		// named is set if the run was named by its id. Before the wait it had been over
		// for that long. final is when nothing can be found any more.
		named  bool
		before time.Duration
		final  time.Duration
		// trouble is from when on the server is in trouble that may pass.
		trouble time.Duration
		end     int
		waited  time.Duration
		err     string // a part of it
	}{
		"found at once":            {wait: time.Hour, found: 0, done: never, fails: never, waited: 0},
		"no wait":                  {wait: 0, found: never, done: never, fails: never, waited: 0, err: "not found"},
		"found in time":            {wait: time.Hour, found: 4 * time.Minute, done: never, fails: never, waited: 4*time.Minute + 41*time.Second},
		"time is up":               {wait: 10 * time.Minute, found: never, done: never, fails: never, waited: 10 * time.Minute, err: `artifact "x" not found in octo/app; waited 10m0s, and run 7 (CI #3) is still in_progress`},
		"found at the last":        {wait: 10 * time.Minute, found: 10 * time.Minute, done: never, fails: never, waited: 10 * time.Minute},
		"nothing under way":        {wait: 10 * time.Minute, found: never, done: 0, fails: never, waited: 10 * time.Minute, err: "waited 10m0s, and no run that could match is under way"},
		"a short wait":             {wait: 30 * time.Second, found: never, done: 0, fails: never, waited: 30 * time.Second, err: "waited 30s"},
		"begun late":               {wait: 10 * time.Minute, found: 150 * time.Second, done: 0, fails: never, waited: 161 * time.Second},
		"ends without a match":     {wait: 20 * time.Minute, found: never, done: 5 * time.Minute, fails: never, waited: 20 * time.Minute, err: "waited 20m"},
		"cannot be there":          {wait: time.Hour, found: never, done: 0, fails: never, final: 6 * time.Second, waited: 13 * time.Second, err: "not found"},
		"trouble that passes":      {wait: time.Hour, trouble: 6 * time.Second, found: time.Minute, done: never, fails: never, waited: 66 * time.Second},
		"trouble that does not":    {wait: 2 * time.Minute, trouble: 6 * time.Second, found: never, done: never, fails: never, waited: 2 * time.Minute, err: "in trouble"},
		"a run, found":             {wait: time.Hour, named: true, found: time.Minute, done: 2 * time.Minute, fails: never, waited: 66 * time.Second},
		"a run, found after it":    {wait: time.Hour, named: true, found: 100 * time.Second, done: time.Minute, fails: never, waited: 104 * time.Second},
		"a run without it":         {wait: time.Hour, named: true, found: never, done: time.Minute, fails: never, waited: 126 * time.Second, err: "waited 2m6s, and the run is over"},
		"a run that goes on":       {wait: 2 * time.Minute, named: true, found: never, done: never, fails: never, waited: 2 * time.Minute, err: "is still in_progress"},
		"a run, over for long":     {wait: time.Hour, named: true, before: time.Hour, found: never, done: 0, fails: never, waited: 0, err: "not found"},
		"a run, over for a while":  {wait: time.Hour, named: true, before: 40 * time.Second, found: never, done: 0, fails: never, waited: 20 * time.Second, err: "waited 20s, and the run is over"},
		"a run, over by no clock":  {wait: time.Hour, named: true, found: never, done: 0, fails: never, waited: time.Minute, err: "waited 1m0s, and the run is over"},
		"an error of another sort": {wait: time.Hour, found: never, done: never, fails: time.Minute, waited: 66 * time.Second, err: "GitHub is down"},
		"cancelled":                {wait: time.Hour, found: never, done: never, fails: never, end: 3, waited: 24 * time.Second, err: "cancelled"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &clock{t: epoch, end: tt.end}
			told, explained := 0, false
			plan, err := Await(t.Context(), Wait{For: tt.wait, Now: c.now, Pause: c.pause, Notify: func(error, time.Duration) { told++ }, Passing: func(err error) bool { return errors.Is(err, errPassing) }},
				func(_ context.Context, brief bool) (*Plan, error) {
					explained = !brief
					nf := &NotFoundError{Repo: app, What: `artifact "x"`}
					since := c.t.Sub(epoch)
					nf.Final = tt.final > 0 && since >= tt.final
					switch {
					case tt.named && since >= tt.done:
						nf.RunID, nf.Settled, nf.SettledFor = 7, true, tt.before
						if tt.before > 0 {
							nf.SettledFor += since
						}
					case tt.named:
						nf.RunID, nf.Pending = 7, pending
					case since < tt.done:
						nf.Pending = pending
					}
					switch {
					case since >= tt.found:
						return &Plan{}, nil
					case since >= tt.fails:
						return nil, broken
					case tt.trouble > 0 && since >= tt.trouble:
						return nil, errPassing
					}
					return nil, nf
				})
			contains(t, err, tt.err)
			if waited := c.t.Sub(epoch).Round(time.Second); waited != tt.waited {
				t.Errorf("waited %s, want %s: %v", waited, tt.waited, c.pauses)
			}
			if (plan != nil) != (tt.err == "") {
				t.Errorf("plan %v", plan)
			}
			if nf, ok := errors.AsType[*NotFoundError](err); ok && !nf.Final && !explained {
				t.Errorf("a brief look was the last: %v", nf)
			}
			if want := len(c.pauses); told != want && tt.end == 0 {
				t.Errorf("told %d times of %d pauses", told, want)
			}
			for i, d := range c.pauses {
				if d > maxPause || i > 0 && i < len(c.pauses)-1 && d < c.pauses[i-1] {
					t.Errorf("pauses %v", c.pauses)
				}
			}
		})
	}
}

// Each id that the server does not know has a minute of its own, in each repository.
func TestAwaitUnknownIDs(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]*NotFoundError{
		"another id":         {Repo: app, What: "run 8"},
		"another repository": {Repo: lib, What: "run 7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &clock{t: epoch}
			_, err := Await(t.Context(), Wait{For: time.Hour, Now: c.now, Pause: c.pause}, func(context.Context, bool) (*Plan, error) {
				nf := &NotFoundError{Repo: app, What: "run 7"}
				if c.t.Sub(epoch) > 40*time.Second {
					nf = second
				}
				nf.Settled = true
				return nil, nf
			})
			contains(t, err, second.What+" not found in "+second.Repo.String())
			if waited := c.t.Sub(epoch); waited < 100*time.Second {
				t.Errorf("waited %s", waited)
			}
		})
	}
}

func contains(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case err == nil && want == "":
	case err == nil, want == "", !strings.Contains(err.Error(), want):
		t.Errorf("error %v, want one with %q", err, want)
	}
}
