package search

import (
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

func TestDoubtsInWords(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	run := Doubt{Run: artifact.Run{ID: 8, Repo: app, Workflow: "CI", Number: 3}, Reason: "it ended lately"}
	stub := Doubt{Run: artifact.Run{ID: 9, Repo: app, Stub: true}, Reason: "it was not looked at"}
	late := func(id int64) Doubt {
		return Doubt{Run: artifact.Run{ID: id, Repo: app}, Reason: "it ended lately"}
	}
	list := func(since, until time.Time, filters ...string) Doubt {
		return Doubt{Since: since, Until: until, Filters: filters}
	}
	for name, tt := range map[string]struct {
		doubts []Doubt
		want   string
	}{
		"none":         {nil, ""},
		"a run":        {[]Doubt{run}, "run 8 of octo/app (CI #3): it ended lately"},
		"a run's stub": {[]Doubt{stub}, "run 9 of octo/app: it was not looked at"},
		"several":      {[]Doubt{run, stub, late(10), late(11), late(12)}, "run 8 of octo/app (CI #3): it ended lately; run 9 of octo/app: it was not looked at; run 10 of octo/app: it ended lately and 2 more"},
		"of two branches": {[]Doubt{list(time.Time{}, since, "branch"), run, list(time.Time{}, since, "branch"), run},
			"runs created until 2026-06-01 12:00:00 are known only from the server's list filtered by branch, which may be weeks old or lack some of them; run 8 of octo/app (CI #3): it ended lately"},
		"another reason": {[]Doubt{{Reason: "the server does not list the workflow's runs"}}, "the server does not list the workflow's runs"},
		"a list":         {[]Doubt{list(time.Time{}, time.Time{}, "branch")}, "runs are known only from the server's list filtered by branch, which may be weeks old or lack some of them"},
		"since":          {[]Doubt{list(since, unread, "branch", "conclusion")}, "runs created since 2026-06-01 12:00:00 are known only from the server's list filtered by branch and conclusion, which may be weeks old or lack some of them"},
		"until":          {[]Doubt{list(time.Time{}, since, "event")}, "runs created until 2026-06-01 12:00:00 are known only from the server's list filtered by event, which may be weeks old or lack some of them"},
		"from and to":    {[]Doubt{list(since, since.Add(time.Hour), "event")}, "runs created from 2026-06-01 12:00:00 to 2026-06-01 13:00:00 are known only from the server's list filtered by event, which may be weeks old or lack some of them"},
	} {
		if got := DoubtsInWords(tt.doubts); got != tt.want {
			t.Errorf("%s: got  %s\nwant %s", name, got, tt.want)
		}
	}
}
