package search

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// held is a run and its artifacts that are asked for.
type held struct {
	run       artifact.Run
	artifacts []artifact.Artifact
}

// text is what describe makes of a plan.
func text(all []held) string {
	var artifacts []artifact.Artifact
	var runs []artifact.Run
	for _, h := range all {
		artifacts = append(artifacts, h.artifacts...)
		runs = append(runs, h.run)
	}
	slices.SortFunc(artifacts, func(a, b artifact.Artifact) int { return older(a.CreatedAt, b.CreatedAt, a.ID, b.ID) })
	slices.SortFunc(runs, func(a, b artifact.Run) int { return older(a.CreatedAt, b.CreatedAt, a.ID, b.ID) })
	var ids, runIDs []string
	for _, a := range artifacts {
		ids = append(ids, fmt.Sprint(a.ID))
	}
	for _, r := range runs {
		runIDs = append(runIDs, fmt.Sprint(r.ID))
	}
	return strings.Join(ids, " ") + "|" + strings.Join(runIDs, " ")
}

// older orders the newest first, and by the highest id within a second.
func older(a, b time.Time, idA, idB int64) int {
	if a.After(b) || a.Equal(b) && idA > idB {
		return -1
	}
	return 1
}

// fits lists the runs that match a request, newest first, of the first branch and
// head that has any, if it were not for some runs.
func (w *world) fits(req Request, repo artifact.Repo, without map[int64]bool) []held {
	branches := req.Branches
	shas := map[string]bool{}
	for _, name := range []string{req.Commit, req.Ref} {
		if branch := strings.TrimPrefix(name, "refs/heads/"); name == req.Ref && (branch != name || branch == "main") {
			branches = []string{branch}
		} else if name != "" {
			shas[w.sha(name)] = true
		}
	}
	if len(branches) == 0 {
		branches = []string{""}
	}
	heads := []string{""}
	if req.PR != 0 {
		heads = []string{"commit"}
		if id := w.pulls[0].HeadRepoID; id != 0 && (req.AllowForks || id == 1) {
			heads = append(heads, "branch")
		}
	}
	for _, head := range heads {
		for _, branch := range branches {
			var list []held
			for _, r := range w.runs {
				one := len(shas) == 0 || len(shas) == 1 && shas[r.HeadSHA]
				if without[r.ID] || r.Repo != current(repo) || !one || branch != "" && r.HeadBranch != branch || !w.isHead(head, r) || !w.counts(req, r) {
					continue
				}
				if artifacts := w.holds(req, r); len(artifacts) > 0 {
					list = append(list, held{r, artifacts})
				}
			}
			if len(list) > 0 {
				slices.SortFunc(list, func(a, b held) int { return older(a.run.CreatedAt, b.run.CreatedAt, a.run.ID, b.run.ID) })
				return list
			}
		}
	}
	return nil
}

// sha is the commit of that name.
func (w *world) sha(name string) string {
	for ref, sha := range w.commits {
		if name == sha || ref == name || ref == "tags/"+strings.TrimPrefix(name, "refs/tags/") {
			return sha
		}
	}
	return name
}

func (w *world) isHead(how string, r artifact.Run) bool {
	switch p := w.pulls[0]; how {
	case "commit":
		return r.HeadSHA == p.HeadSHA
	case "branch":
		return r.HeadBranch == p.HeadBranch && (r.HeadRepoID == p.HeadRepoID || byOwnEvent(r) && r.RepoID == p.HeadRepoID)
	}
	return true
}

// byOwnEvent reports whether the event shows that a run is of the repository's
// own commit, as the server has nothing to say of the head repository.
func byOwnEvent(r artifact.Run) bool {
	return (r.Event == "push" || r.Event == "schedule") && r.HeadRepoID == 0 && !r.HeadRepoDeleted
}

// counts reports whether a run meets the other conditions.
func (w *world) counts(req Request, r artifact.Run) bool {
	in := func(list []string, values ...string) bool {
		return len(list) == 0 || slices.ContainsFunc(values, func(v string) bool { return slices.Contains(list, v) })
	}
	workflow := req.Workflow
	if workflow == "" && r.Repo == app {
		workflow = req.CurrentWorkflow
	}
	ofWorkflow := map[string]int64{"ci.yml": 7, "CI": 7, "8": 8, ".github/workflows/other.yml": 8, "": r.WorkflowID, "*": r.WorkflowID}
	grows := req.Waiting && len(req.Select.Names) == 0 && len(req.Conclusions) == 0 && r.UnderWay()
	return r.ID != req.CurrentRun && !grows && !slices.Contains(w.gone, r.ID) && in(req.Events, r.Event) &&
		in(req.Conclusions, r.Conclusion, r.Status) && (req.Actor == "" || r.Actor == strings.ToLower(req.Actor)) &&
		(req.RunNumber == 0 || r.Number == req.RunNumber) && (req.AllowForks || r.RepoID != 0 && r.HeadRepoID == r.RepoID || byOwnEvent(r)) &&
		ofWorkflow[workflow] == r.WorkflowID && (req.MaxAge == 0 || w.now().Sub(r.CreatedAt) <= req.MaxAge)
}

// holds are a run's artifacts that are asked for, the newest of each name;
// none if one is missing.
func (w *world) holds(req Request, r artifact.Run) []artifact.Artifact {
	newest := map[string]artifact.Artifact{}
	for _, a := range w.artifacts {
		if a.Run.ID != r.ID || a.Expired || req.Gone[a.ID] || !asked(req.Select, a.Name) {
			continue
		}
		if b, ok := newest[a.Name]; !ok || a.CreatedAt.After(b.CreatedAt) || a.CreatedAt.Equal(b.CreatedAt) && a.ID > b.ID {
			newest[a.Name] = a
		}
	}
	if len(newest) < len(req.Select.Names) {
		return nil
	}
	return slices.Collect(maps.Values(newest))
}

func asked(s artifact.Selector, name string) bool {
	switch {
	case len(s.Names) > 0:
		return slices.Contains(s.Names, name)
	case len(s.Patterns) > 0:
		not, negated := strings.CutPrefix(s.Patterns[0], "!")
		matched, _ := path.Match(not, name) // as good for these patterns
		return matched != negated
	}
	return true
}
