package githubsim

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"time"
)

// Change is what happens on the server while a client asks the API. Path selects
// requests; one of After and At says which of them brings the change about.
type Change struct {
	// Path is a pattern of path.Match on the URL's path; "" is any.
	Path string
	// After calls Do after so many requests. The last of them is answered as if
	// nothing had happened, but its answer is sent only when Do has returned.
	After int
	// At calls Do before the first request at this time or later.
	At time.Time
	// Do is called once. It may call the methods of the Sim and of what is in it.
	Do func()
}

type change struct {
	Change
	seen int
	done bool
}

// Change declares a change.
func (s *Sim) Change(c Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes = append(s.changes, &change{Change: c})
}

// takeChanges returns what has to be done before a request is dealt with, and after.
func (s *Sim) takeChanges(r *http.Request) (before, after []func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.changes {
		if ok, err := path.Match(c.Path, r.URL.Path); c.done || c.Path != "" && (err != nil || !ok) {
			continue
		}
		c.seen++
		switch {
		case !c.At.IsZero() && !s.opt.Now().Before(c.At):
			before = append(before, c.Do)
			c.done = true
		case c.At.IsZero() && c.seen == c.After:
			after = append(after, c.Do)
			c.done = true
		}
	}
	return before, after
}

// changing wraps the API's handler: it applies changes.
func (s *Sim) changing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.applying.Lock() // requests side by side see the world after the change
		before, after := s.takeChanges(r)
		for _, do := range before {
			do()
		}
		s.applying.Unlock()
		if len(after) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		held := httptest.NewRecorder()
		next.ServeHTTP(held, r)
		for _, do := range after {
			do()
		}
		maps.Copy(w.Header(), held.Header())
		w.WriteHeader(held.Code)
		_, _ = w.Write(held.Body.Bytes())
	})
}

// DeleteRun deletes a run with its artifacts.
func (r *Repo) DeleteRun(id int64) {
	r.sim.mu.Lock()
	defer r.sim.mu.Unlock()
	r.runs, r.newestRuns = slices.DeleteFunc(r.runs, func(run *Run) bool { return run.ID == id }), nil
	r.deleteArtifacts(func(a *Artifact) bool { return a.run.ID == id })
}

// DeleteArtifact deletes an artifact.
func (r *Repo) DeleteArtifact(id int64) {
	r.sim.mu.Lock()
	defer r.sim.mu.Unlock()
	r.deleteArtifacts(func(a *Artifact) bool { return a.ID == id })
}

// deleteArtifacts deletes artifacts with their blobs. It needs the lock.
func (r *Repo) deleteArtifacts(meant func(*Artifact) bool) {
	r.newestArtifacts = nil
	r.artifacts = slices.DeleteFunc(r.artifacts, func(a *Artifact) bool {
		if !meant(a) {
			return false
		}
		delete(r.sim.blobs, a.key())
		return true
	})
}

// Rename gives a repository a former name: every request below that name is redirected to
// /repositories/ID.
func (s *Sim) Rename(former string, now *Repo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.former[strings.ToLower(former)] = now
}
