package search

import (
	"slices"
	"strings"

	"github.com/artifetch/artifetch/internal/artifact"
)

// shift is a change of the world between two pages of a list.
type shift struct {
	list  string // "runs" or "artifacts"
	after int    // requests
	do    func(*world)
}

// shifted makes the changes that follow a request for a page of a list. The world's
// lock is held.
func (w *world) shifted(list string) {
	for _, s := range w.lies.shifts {
		if s.list != list {
			continue
		}
		if s.after--; s.after == 0 {
			s.do(w)
		}
	}
}

// shift deletes or creates something of no interest between two pages. Where that is
// possible, an artifact or run that matters moves to the page that was read before.
func (r random) shift(w *world, req Request) {
	if w.mixRuns != nil || w.mixArtifacts != nil {
		return // one change would put all of the list into another order
	}
	s := &shift{list: pickOne(r, "runs", "artifacts")}
	var ids []int64
	targets := r.targets(w, req)
	meant := func(run int64) bool {
		return slices.ContainsFunc(targets, func(t artifact.Run) bool { return t.ID == run })
	}
	var at int // the first target's place in the list
	if s.list == "runs" {
		at = slices.IndexFunc(w.runs, func(v artifact.Run) bool { return meant(v.ID) })
		for _, v := range w.runs[:max(at, 0)/w.perPage*w.perPage] {
			ids = append(ids, v.ID)
		}
	} else {
		name := req.Select.OnlyName()
		list := slices.DeleteFunc(slices.Clone(w.artifacts), func(a artifact.Artifact) bool { return name != "" && a.Name != name })
		at = slices.IndexFunc(list, func(a artifact.Artifact) bool { return meant(a.Run.ID) })
		for _, a := range list[:max(at, 0)/w.perPage*w.perPage] {
			ids = append(ids, a.ID)
		}
	}
	s.after = max(1, at/w.perPage)
	if n := max(at, 0)%w.perPage + 1; n <= len(ids) && r.chance(80) {
		r.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		ids = ids[:n]
		s.do = func(w *world) { w.delete(s.list, ids) }
	} else {
		ids = nil
		s.do = (*world).createOther
	}
	after := &world{runs: w.runs, artifacts: w.artifacts, gone: w.gone, pulls: w.pulls, commits: w.commits, clock: w.now()}
	fits := func(w *world) string {
		var all string
		for _, repo := range req.Repos {
			all += text(w.fits(req, repo, nil)) + text(w.currentRun(req))
			for _, b := range req.Branches { // what a preferred branch has may vanish
				one := req
				one.Branches = []string{b}
				all += text(w.fits(one, repo, nil))
			}
		}
		return all
	}
	before := fits(w)
	if s.do(after); fits(after) != before {
		return // it is of interest
	}
	w.clock = w.now()
	w.lies.shifts = append(w.lies.shifts, s)
	if len(ids) > 0 {
		w.lies.tell("%s %v are deleted after %d requests for lists of %[1]s", s.list, ids, s.after)
	} else {
		w.lies.tell("a run is created after %d requests for lists of %s", s.after, s.list)
	}
}

// delete deletes runs with their artifacts, or artifacts.
func (w *world) delete(list string, ids []int64) {
	gone := func(id int64) bool { return slices.Contains(ids, id) }
	if list == "runs" {
		w.runs = slices.DeleteFunc(slices.Clone(w.runs), func(v artifact.Run) bool { return gone(v.ID) })
	}
	w.artifacts = slices.DeleteFunc(slices.Clone(w.artifacts), func(a artifact.Artifact) bool {
		return list == "runs" && gone(a.Run.ID) || list != "runs" && gone(a.ID)
	})
}

// createOther creates a run, of another workflow and branch, with an artifact.
func (w *world) createOther() {
	run := artifact.Run{
		ID: 999, Repo: app, RepoID: 1, HeadRepo: "octo/app", HeadRepoID: 1, WorkflowID: 9, WorkflowPath: ".github/workflows/x.yml", Event: "push", Actor: "octocat",
		Status: "queued", HeadBranch: "other", HeadSHA: strings.Repeat("d", 40), CreatedAt: w.now(), UpdatedAt: w.now(),
	}
	ref := &artifact.RunRef{ID: run.ID, RepoID: 1, HeadRepoID: 1, HeadBranch: run.HeadBranch, HeadSHA: run.HeadSHA}
	if late := w.lies.hidden["nothing"]; len(late) > 0 {
		late[run.ID] = true // it is newer than those that the list of all runs does not have yet
	}
	w.runs = slices.Insert(slices.Clone(w.runs), 0, run)
	w.artifacts = slices.Insert(slices.Clone(w.artifacts), 0, artifact.Artifact{ID: 999, Repo: app, Name: "a", CreatedAt: run.CreatedAt, Run: ref})
}
