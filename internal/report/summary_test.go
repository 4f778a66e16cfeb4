package report

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/workspace"
)

var update = flag.Bool("update", false, "write the summaries in testdata anew")

// Each kind of summary, as GitHub gets it.
func TestSummaries(t *testing.T) {
	t.Parallel()
	repo := artifact.Repo{Owner: "octo", Name: "app"}
	run := func(id int64, change func(*artifact.Run)) artifact.Run {
		r := artifact.Run{
			ID: id, Repo: repo, RepoID: 1, HeadRepoID: 1, Workflow: "CI", Number: int(id) + 100, Event: "push", HeadBranch: "main",
			HeadSHA: "0123456789abcdef", Status: "completed", Conclusion: "success", CreatedAt: now.Add(-time.Duration(100-id) * time.Hour),
			URL: "https://github.com/octo/app/actions/runs/" + string(rune('0'+id)),
		}
		if change != nil {
			change(&r)
		}
		return r
	}
	item := func(name string, of artifact.Run, change func(*transfer.Item)) transfer.Item {
		i := transfer.Item{
			Item: artifact.Item{Artifact: artifact.Artifact{ID: 11, Name: name, Repo: repo, Size: 4096}, Run: of},
			To:   name, Tree: "0", Digest: transfer.DigestVerified, Files: 3, Bytes: 9000, Wire: 4000,
		}
		if change != nil {
			change(&i)
		}
		return i
	}
	listed := func(files int) func(*transfer.Item) {
		return func(i *transfer.Item) { i.Tree, i.Files = "", files }
	}
	dest := workspace.Destination{Abs: "/ws/out", Output: "out"}
	seven, six := run(7, nil), run(6, nil)
	missing := &search.NotFoundError{What: `artifact "x"`, Repo: repo}
	passed := []search.PassedOver{
		{Run: run(9, func(r *artifact.Run) { r.Conclusion = "failure" }), Reason: "its conclusion is failure"},
		{Run: run(8, nil), Reason: "it has no artifacts", Look: search.LookedAtAll, Fits: true},
		{Run: run(5, nil), Reason: `it has no artifact "x"`, Look: search.LookedForNames, Fits: true},
		{Run: run(4, nil), Reason: `no artifact matches`, Names: []string{"a", "b"}, Fits: true},
		{Run: artifact.Run{ID: 3, Repo: repo, Stub: true, HeadBranch: "main"}, Reason: "it was deleted"},
	}
	hostile := "![x](https://evil.example)</details>|<b>@octo #1 `::error::`\r\n- [ ] "
	for name, r := range map[string]Result{
		"one-run": {Found: true, Published: true, Destination: dest, Took: 1234 * time.Millisecond, Runs: []artifact.Run{seven},
			Items: []transfer.Item{item("dist", seven, nil), item("docs", seven, func(i *transfer.Item) { i.Digest = transfer.DigestAbsent })}},
		"several-runs": {Found: true, Published: true, Destination: dest, Runs: []artifact.Run{seven, six},
			Items: []transfer.Item{item("dist", seven, nil), item("dist", six, nil), item("old", artifact.Run{}, nil)}},
		"places": {Found: true, Published: true, Destination: dest, Runs: []artifact.Run{seven},
			Items: []transfer.Item{item("a", seven, nil), item("b", seven, nil)},
			Places: workspace.Report{Replaced: 2, Skipped: 1, Conflicting: 1, Conflicts: []workspace.Conflict{
				{Path: "log.txt", Winner: workspace.Holder{Tree: 0}, Losers: []workspace.Holder{{Tree: 1}}, Lost: 1}}}},
		"dry-run": {Found: true, DryRun: true, Destination: dest, Runs: []artifact.Run{seven}, PassedOver: passed[:1],
			Items: []transfer.Item{item("dist", seven, listed(0))}},
		"dry-run-of-files": {Found: true, DryRun: true, Destination: dest, Runs: []artifact.Run{seven},
			Items: []transfer.Item{item("dist", seven, listed(12))}},
		"nothing-found": {NotFound: missing, PassedOver: passed},
		"inputs": {Err: &config.Errors{Problems: []*config.InputError{
			{Input: "max-size", Value: "5 potatoes", Problem: "is not a size"}, {Input: "name", Value: hostile, Problem: "is odd"}}}},
		"failed":            {Err: errors.New("it broke")},
		"failed-afterwards": {Err: &DeleteError{Errs: []error{errors.New("it broke")}}, Published: true, Destination: dest, Runs: []artifact.Run{seven}, Items: []transfer.Item{item("dist", seven, nil)}},
		"hostile": {Found: true, Published: true, Destination: dest,
			Runs:       []artifact.Run{run(7, func(r *artifact.Run) { r.Workflow, r.HeadBranch, r.URL = hostile, hostile, `https://x"><b>` })},
			Items:      []transfer.Item{item(hostile, seven, func(i *transfer.Item) { i.To = hostile })},
			DryRun:     true,
			PassedOver: []search.PassedOver{{Run: run(6, func(r *artifact.Run) { r.Workflow, r.URL = hostile, "javascript:alert(1)" }), Reason: hostile, Names: []string{hostile}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join("testdata", "summary", name+".md")
			got := r.Summary()
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil || got != string(want) {
				t.Errorf("%v; got\n%s\nwant\n%s", err, got, want)
			}
		})
	}
}
