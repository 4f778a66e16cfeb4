package app

import (
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// below is where the paths of a searchWorld's lines begin.
const below = "/repos/octo/app/actions/"

// lie reads the words of a line that declares a lie:
//
//	runs workflow-runs artifacts run-artifacts workflows   the list; any if not given
//	in=octo/lib                       of this repository; of any if not given
//	narrowed=branch                   only where that parameter is given
//	narrowed=nothing                  only where none is
//	times=2 skip=1                    only so many requests, and not the first ones
//	empty newest=3 younger=10m        what is left out
//	lacks=9000,8999                   these runs, or their artifacts
//	lacks-artifacts=70                these artifacts
//	order=oldest-first order=by-id
//	order=shuffled seed=7
//	moved=70:99                       the item 70 is at place 99
func lie(t *testing.T, words []string) githubsim.Lie {
	t.Helper()
	var l githubsim.Lie
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "runs", "workflow-runs", "artifacts", "run-artifacts", "workflows":
			l.List = githubsim.List(key)
		case "in":
			l.Repo = value
		case "narrowed":
			l.Narrowed = value
		case "times":
			l.Times = number(t, value)
		case "skip":
			l.Skip = number(t, value)
		case "empty":
			l.Empty = true
		case "newest":
			l.Newest = number(t, value)
		case "younger":
			l.Younger = duration(t, value)
		case "lacks":
			l.Runs = numbers(t, value)
		case "lacks-artifacts":
			l.Artifacts = numbers(t, value)
		case "order":
			l.Order = map[string]githubsim.Order{"oldest-first": githubsim.OldestFirst, "by-id": githubsim.ByID, "shuffled": githubsim.Shuffled}[value]
			if l.Order == githubsim.Unchanged {
				t.Fatalf("unknown order %q", value)
			}
		case "seed":
			l.Seed = uint64(number(t, value))
		case "moved":
			id, place, _ := strings.Cut(value, ":")
			l.Moved = map[int64]int{int64(number(t, id)): number(t, place)}
		default:
			t.Fatalf("unknown word %q", word)
		}
	}
	return l
}

func numbers(t *testing.T, text string) []int64 {
	t.Helper()
	var list []int64
	for word := range strings.SplitSeq(text, ",") {
		list = append(list, int64(number(t, word)))
	}
	return list
}

// gone makes a path answer 404, or another status, as GitHub does for what vanished.
func (w *searchWorld) gone(t *testing.T, words []string) {
	t.Helper()
	f := githubsim.Fault{Host: githubsim.API, Path: below + words[0], Times: -1, Status: 404, Message: "Not Found"}
	if len(words) > 1 {
		f.Status, f.Message = number(t, words[1]), "Artifact has expired"
	}
	w.Fault(f)
}

// after declares what happens once a list was asked for so many times.
func (w *searchWorld) after(t *testing.T, line string) {
	t.Helper()
	words := strings.SplitN(line, " ", 4)
	if len(words) < 4 {
		t.Fatalf("%q is not: requests, a list, what happens, to what", line)
	}
	n, what, rest := number(t, words[0]), words[2], words[3]
	var from, to int
	if strings.HasPrefix(what, "delete-") {
		from, to = idRange(t, rest)
	}
	app := w.repos["app"]
	w.Change(githubsim.Change{Path: below + words[1], After: n, Do: func() {
		switch what {
		case "delete-artifact":
			for id := from; id <= to; id++ {
				app.DeleteArtifact(int64(id))
			}
		case "delete-run":
			for id := from; id <= to; id++ {
				app.DeleteRun(int64(id))
			}
		case "add":
			w.line(t, rest)
		case "attempt":
			w.attempt(t, rest)
		default:
			t.Errorf("unknown change %q", what)
		}
	}})
}

// setTimes reads which run was created when.
func (w *searchWorld) setTimes(t *testing.T, words []string) {
	t.Helper()
	newest, age, apart := number(t, words[0]), duration(t, words[1]), duration(t, words[2])
	w.times = func(id int) time.Time { return searchTime.Add(-age - time.Duration(newest-id)*apart) }
}
