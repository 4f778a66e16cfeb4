package search

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/artifetch/artifetch/internal/artifact"
)

// tryNamed asks for artifacts or runs by their ids, or for the run that triggered the
// workflow. Lists narrowed by a filter have no part in that, and nothing may be left open.
func tryNamed(ctx context.Context, seed uint64, without map[int64]bool) trial {
	r, more := stream(seed, 7), stream(seed, 12)
	w := r.world()
	more.crowd(w)
	req := more.lie(w, func(w *world) Request { return more.conditions(w, more.request(w)) })
	req = more.naming(w, req)
	w.delete("runs", slices.Collect(maps.Keys(without)))
	one := trial{world: w, req: req, most: w.boundOfIDs(req)}
	w.enough = 4 * one.most
	plan, err := w.chooser().Choose(ctx, req)
	if got, want := named(plan, err), w.wantNamed(req); got != want {
		one.why = fmt.Sprintf("got %s, want %s; %v", got, want, err)
	} else if err == nil && len(plan.Doubts) > 0 {
		one.why = "doubts: " + DoubtsInWords(plan.Doubts)
	} else if n := len(w.calls); n > one.most {
		one.why = fmt.Sprintf("%d requests, more than %d", n, one.most)
	}
	return one
}

// naming returns the request with ids: most of them of what there is.
func (r random) naming(w *world, req Request) Request {
	req.Conclusions, req.MaxAge, req.RunRepos, req.ArtifactRepos = nil, 0, map[int64]artifact.Repo{}, map[int64]artifact.Repo{}
	if len(w.artifacts) == 0 || len(w.runs) == 0 {
		req.RunIDs = []int64{1}
		return req
	}
	if r.chance(10) { // by current-first, too
		req.Repos, req.Trigger, req.Runs = []artifact.Repo{app}, w.runs[r.IntN(len(w.runs))].ID, 1
		return req
	}
	how := r.IntN(3)
	if how != 0 {
		req.Select, req.Merge = artifact.Selector{}, r.chance(30)
		if r.chance(50) {
			w.lies.refused = map[int64]bool{w.artifacts[r.IntN(len(w.artifacts))].ID: true}
		}
		for range r.many() {
			a := w.artifacts[r.IntN(len(w.artifacts))]
			if id := r.some(a.ID); !slices.Contains(req.ArtifactIDs, id) {
				req.ArtifactIDs = append(req.ArtifactIDs, id)
				r.place(req, req.ArtifactRepos, id, a.Repo)
			}
			if how == 2 && !slices.Contains(req.RunIDs, a.Run.ID) && r.chance(90) {
				req.RunIDs = append(req.RunIDs, a.Run.ID)
			}
		}
	}
	if how == 0 || how == 2 && len(req.RunIDs) == 0 {
		for range r.many() {
			run := w.runs[r.IntN(len(w.runs))]
			if id := r.some(run.ID); !slices.Contains(req.RunIDs, id) {
				req.RunIDs = append(req.RunIDs, id)
				r.place(req, req.RunRepos, id, run.Repo)
			}
		}
		if req.CurrentRun != 0 && !slices.Contains(req.RunIDs, req.CurrentRun) && r.chance(30) {
			req.RunIDs = append(req.RunIDs, req.CurrentRun)
		}
	}
	return req
}

// many is how many things are named.
func (r random) many() int { return pickOne(r, 1, 1, 2, 3, 12) }

// some is the id, or seldom one of nothing.
func (r random) some(id int64) int64 {
	if r.chance(5) {
		return id + 1<<32
	}
	return id
}

// place gives the repository of an id, as an address does: often the one that has it.
func (r random) place(req Request, repos map[int64]artifact.Repo, id int64, repo artifact.Repo) {
	switch {
	case r.chance(70):
	case slices.Contains(req.Repos, repo):
		repos[id] = repo
	default:
		repos[id] = req.Repos[0]
	}
}

// boundOfIDs is how many requests a choice by ids may send: for each id and repository one,
// and the pages of the runs' own lists.
func (w *world) boundOfIDs(req Request) int {
	most := (len(req.RunIDs)+len(req.ArtifactIDs))*len(req.Repos) + len(req.ArtifactIDs) + 10
	for _, run := range append(slices.Clone(req.RunIDs), req.CurrentRun, req.Trigger) {
		n := 0
		for _, a := range w.artifacts {
			if a.Run.ID == run {
				n++
			}
		}
		most += 2 * (n/w.perPage + 1) * len(req.Repos)
	}
	if len(req.RunIDs)+len(req.ArtifactIDs) == 0 {
		most += w.bound(req)
	}
	return most
}

// named is an outcome in words. The order of the runs is left out.
func named(plan *Plan, err error) string {
	var fork *ForkError
	var same *SameNameError
	var nf *NotFoundError
	switch {
	case err == nil:
		artifacts, runs, _ := strings.Cut(describe(plan, nil), "|")
		ids := strings.Fields(runs)
		slices.Sort(ids)
		return artifacts + "|" + strings.Join(ids, " ")
	case errors.As(err, &fork):
		return "a fork"
	case errors.As(err, &same):
		return "one name"
	case errors.As(err, &nf), missing(err):
		return "nothing"
	}
	return err.Error()
}

// wantNamed is the right outcome of a request that names things by ids.
func (w *world) wantNamed(req Request) string {
	var all []held
	switch {
	case len(req.ArtifactIDs) > 0:
		return w.wantArtifacts(req)
	case len(req.RunIDs) > 0:
		for _, id := range req.RunIDs {
			one := w.namedRun(req, id)
			if len(one) == 0 {
				return "nothing"
			}
			all = append(all, one...)
		}
		if !each(req.Repos, func(repo artifact.Repo) bool {
			return slices.ContainsFunc(all, func(h held) bool { return h.run.Repo == current(repo) })
		}) {
			return "nothing"
		}
	default:
		return w.wantTrigger(req)
	}
	return wantHeld(all)
}

// wantHeld is named for runs that are to be taken.
func wantHeld(all []held) string {
	plan := &Plan{}
	for _, h := range all {
		plan.Runs = append(plan.Runs, h.run)
		for _, a := range h.artifacts {
			plan.Items = append(plan.Items, artifact.Item{Artifact: a})
		}
	}
	slices.SortFunc(plan.Items, func(a, b artifact.Item) int {
		return older(a.Artifact.CreatedAt, b.Artifact.CreatedAt, a.Artifact.ID, b.Artifact.ID)
	})
	return named(plan, nil)
}

func each[T any](list []T, is func(T) bool) bool {
	return !slices.ContainsFunc(list, func(v T) bool { return !is(v) })
}

// asksThere reports whether an id may be looked for in a repository, which has it.
func asksThere(req Request, homes map[int64]artifact.Repo, id int64, has artifact.Repo) bool {
	return slices.ContainsFunc(req.Repos, func(repo artifact.Repo) bool {
		home, told := homes[id]
		return current(repo) == has && (!told || home == repo)
	})
}

// namedRun is the run with an id, if it holds what is asked for and may be asked for it.
func (w *world) namedRun(req Request, id int64) []held {
	for _, run := range w.runs {
		grows := req.Waiting && len(req.Select.Names) == 0 && run.UnderWay() && id != req.CurrentRun
		if run.ID != id || grows || !w.exists(id) || w.lies.emptied[id] || !asksThere(req, req.RunRepos, id, run.Repo) {
			continue
		}
		if artifacts := w.holds(req, run); len(artifacts) > 0 {
			return []held{{run, artifacts}}
		}
	}
	return nil
}

func (w *world) wantArtifacts(req Request) string {
	runs := map[int64]artifact.Run{}
	var all []held
	places := map[string]bool{}
	twice := false
	for _, id := range req.ArtifactIDs {
		i := slices.IndexFunc(w.artifacts, func(a artifact.Artifact) bool { return a.ID == id })
		if i < 0 {
			return "nothing"
		}
		a := w.artifacts[i]
		known := !w.blind || len(req.RunIDs) > 0
		ofRuns := len(req.RunIDs) == 0 || slices.Contains(req.RunIDs, a.Run.ID) && (!w.blind || !w.lies.emptied[a.Run.ID] && asksThere(req, req.RunRepos, a.Run.ID, a.Repo))
		if a.Expired || req.Gone[id] || w.lies.refused[id] || !ofRuns || !asksThere(req, req.ArtifactRepos, id, a.Repo) {
			return "nothing"
		}
		place := a.Repo.Name + " " + a.Name
		if len(req.RunIDs) > 1 {
			place += fmt.Sprint(a.Run.ID)
		}
		twice = twice || places[place]
		places[place] = true
		all = append(all, held{artifact.Run{ID: a.Run.ID, Repo: a.Repo}, []artifact.Artifact{a}})
		if known {
			runs[a.Run.ID] = artifact.Run{ID: a.Run.ID}
		}
	}
	if !each(req.Repos, func(repo artifact.Repo) bool {
		return slices.ContainsFunc(all, func(h held) bool { return h.run.Repo == current(repo) })
	}) {
		return "nothing"
	}
	if twice && !req.Merge {
		return "one name"
	}
	artifacts, _, _ := strings.Cut(wantHeld(all), "|")
	var ids []string
	for id := range runs {
		ids = append(ids, fmt.Sprint(id))
	}
	slices.Sort(ids)
	return artifacts + "|" + strings.Join(ids, " ")
}

// wantTrigger is the right outcome where a run triggered the workflow.
func (w *world) wantTrigger(req Request) string {
	var all []held
	if req.CurrentFirst {
		if all = w.currentRun(req); len(all) == 1 {
			return wantHeld(all)
		}
	}
	for _, run := range w.runs {
		own := run.RepoID != 0 && run.HeadRepoID == run.RepoID || byOwnEvent(run)
		switch {
		case run.ID != req.Trigger || run.Repo != app || !w.exists(run.ID):
		case !own && !req.AllowForks:
			return "a fork"
		default:
			req.RunRepos = nil
			all = w.namedRun(req, run.ID)
		}
	}
	if len(all) == 0 {
		return "nothing"
	}
	return wantHeld(all)
}
