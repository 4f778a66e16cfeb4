package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/workspace"
)

// merged are artifacts of several runs and repositories, some of the same name.
var merged = []transfer.Item{
	mergedItem("dist", "app", artifact.Run{}),
	mergedItem("part", "app", artifact.Run{ID: 8, Workflow: "CI", Number: 2}),
	mergedItem("part", "app", artifact.Run{ID: 7, Workflow: "CI", Number: 1}),
	mergedItem("part", "lib", artifact.Run{ID: 9}),
}

func mergedItem(name, repo string, run artifact.Run) transfer.Item {
	return transfer.Item{Item: artifact.Item{Artifact: artifact.Artifact{Name: name, Repo: artifact.Repo{Owner: "octo", Name: repo}}, Run: run}, Tree: name}
}

// conflicts makes conflicts of two trees.
func conflicts(n int) []workspace.Conflict {
	list := make([]workspace.Conflict, n)
	for i := range list {
		list[i] = workspace.Conflict{
			Path: fmt.Sprintf("f%02d", i), Winner: workspace.Holder{Tree: 8, Label: "w"}, Losers: []workspace.Holder{{Tree: 9, Label: "l"}}, Lost: 1,
		}
	}
	return list
}

// conflictLines is what the log says of some of them.
func conflictLines(before string, from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "%s\"f%02d\" was taken from artifact \"w\", the newest; it is also in \"l\"\n", before, i)
	}
	return b.String()
}

// The summary folds the files that several artifacts have, names each once, and is
// neither broken by their names nor without bound.
func TestMergedList(t *testing.T) {
	t.Parallel()
	summary := func(list []workspace.Conflict, all int) string {
		r := Result{Found: true, Items: merged, Places: workspace.Report{Conflicts: list, Conflicting: all}}
		return r.Summary()
	}
	if got := summary(nil, 0); strings.Contains(got, "<details>") {
		t.Error(got)
	}
	got := summary([]workspace.Conflict{{
		Path: "</details>|x\n", Winner: workspace.Holder{Tree: 1}, Losers: []workspace.Holder{{Tree: 2}}, Lost: 1,
	}}, 1)
	const want = "<details><summary>1 file is in several artifacts</summary>\n\n| File | Taken from | Also in |\n| --- | --- | --- |\n"
	_, rest, ok := strings.Cut(got, want)
	row, rest, _ := strings.Cut(rest, "\n")
	if !ok || strings.ContainsAny(strings.ReplaceAll(row, " | ", ""), "<>") || !strings.Contains(row, "run 8 of octo/app") || rest != "\n</details>\n\n" {
		t.Error(got)
	}
	got = summary(conflicts(maxMerged+1), 3000)
	if n := strings.Count(got, "\n| f"); n != maxMerged || !strings.Contains(got, "| f00 | ") || !strings.Contains(got, "and 2,800 more files\n\n</details>") {
		t.Errorf("%d rows: %s", n, got)
	}
}
