package workspace

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// IfExists says what becomes of a file whose place is taken.
type IfExists string

// The choices of the input if-exists.
const (
	Overwrite IfExists = "overwrite"
	Skip      IfExists = "skip"
	Fail      IfExists = "fail"
)

// Tree is a staged directory and where its content goes.
type Tree struct {
	// Dir is the name it was given with Mkdir.
	Dir string
	// To is below the destination, slash-separated; "" is the destination.
	To string
	// Label names it in messages.
	Label string
	// NoLinks tells that it holds no symlinks, so that it need not be searched
	// for any.
	NoLinks bool
}

// Conflict is a path that several trees bring.
type Conflict struct {
	Path          string
	Winner, Loser string // labels
}

func (c Conflict) String() string {
	return fmt.Sprintf("%q is in %q and in %q", c.Path, c.Winner, c.Loser)
}

// Report is what Publish did with paths that were taken.
type Report struct {
	// Replaced counts files that gave way, Skipped those that were kept.
	Replaced, Skipped int
	// Conflicts lists, for each file written that several trees bring, the
	// trees whose file was not taken.
	Conflicts []Conflict
}

// ExistsError lists what is in the way when if-exists is fail.
type ExistsError struct {
	// Paths are taken in the destination, below which they are given.
	Paths []string
	// Conflicts are paths that several trees bring.
	Conflicts []Conflict
}

// Error names the first few.
func (e *ExistsError) Error() string {
	var parts []string
	switch len(e.Paths) {
	case 0:
	case 1:
		parts = append(parts, fmt.Sprintf("%q is already there", e.Paths[0]))
	default:
		quoted := make([]string, len(e.Paths))
		for i, p := range e.Paths {
			quoted[i] = fmt.Sprintf("%q", p)
		}
		parts = append(parts, fmt.Sprintf("%d files are already there: %s", len(e.Paths), few(quoted, ", ")))
	}
	if len(e.Conflicts) > 0 {
		texts := make([]string, len(e.Conflicts))
		for i, c := range e.Conflicts {
			texts[i] = c.String()
		}
		parts = append(parts, "artifacts have files of the same name: "+few(texts, "; "))
	}
	return strings.Join(parts, "; ")
}

// few joins the first ten.
func few(list []string, sep string) string {
	const most = 10
	if n := len(list) - most; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], sep), n)
	}
	return strings.Join(list, sep)
}

// ClashError says that a path cannot be what it would have to be: a file
// where a directory is or the other way round, two names for one place.
type ClashError struct {
	Path   string // below the destination
	Reason string
}

func (e *ClashError) Error() string { return fmt.Sprintf("%q %s", e.Path, e.Reason) }

// LinkError says that a symlink would lead, or could come to lead, out of the
// destination.
type LinkError struct {
	Label  string // of the tree
	Entry  string // below the tree
	Target string
	Reason string
}

func (e *LinkError) Error() string {
	return fmt.Sprintf("artifact %q: entry %q: its target %q %s", e.Label, e.Entry, e.Target, e.Reason)
}

// Publish moves trees into place. On equal paths the earlier tree wins. All
// of it is planned, and refused, before the first change: *ClashError,
// *ExistsError, *LinkError. A later failure, the end of ctx included, undoes
// every change made and is returned together with what could not be undone, if
// anything. Where another process changed the destination between plan and
// change, all is undone, planned and tried again a few times. Trees must not be
// open or change any more. Whatever the outcome, they are not to be published
// again.
func (s *Stage) Publish(ctx context.Context, trees []Tree, ifExists IfExists) (Report, error) {
	defer s.at.forget(".")
	end, err := takeTurn(ctx, s.root, s.pause)
	if err != nil {
		return Report{}, err
	}
	defer end()
	for race := 1; ; race++ {
		report, err := s.publishOnce(ctx, trees, ifExists)
		if err == nil {
			return report, nil
		}
		if _, busy := errors.AsType[*busyError](err); !busy || s.spent || race == maxRaces {
			return Report{}, err
		}
		s.at.forget(".")
		if err := s.pause(ctx, jitter(racePause<<race)); err != nil {
			return Report{}, err
		}
	}
}

// racePause is waited after a race was lost, and twice as long after the next.
const racePause = time.Millisecond

// publishOnce plans, and carries the plan out or undoes all of it.
func (s *Stage) publishOnce(ctx context.Context, trees []Tree, ifExists IfExists) (Report, error) {
	p := s.planner(ctx, ifExists)
	if err := p.plan(trees); err != nil {
		return Report{}, err
	}
	if len(p.taken.Paths)+len(p.taken.Conflicts) > 0 {
		return Report{}, &p.taken
	}
	if err := p.checkLinks(); err != nil {
		return Report{}, err
	}
	if err := s.carryOut(ctx, p.steps); err != nil {
		return Report{}, err
	}
	return p.report, nil
}

func (s *Stage) planner(ctx context.Context, ifExists IfExists) *planner {
	return &planner{stage: s, ctx: ctx, ifExists: ifExists, claimed: map[string]int{}}
}

// plan turns trees into steps.
func (p *planner) plan(trees []Tree) error {
	s := p.stage
	sources := make([]source, len(trees))
	for i, t := range trees {
		to := split(t.To)
		if len(to) > 0 && (!filepath.IsLocal(filepath.FromSlash(t.To)) || path.Clean(t.To) != t.To) {
			return &ClashError{t.To, "is no path below the destination"}
		}
		sources[i] = source{tree: &trees[i], dir: path.Join(s.dir, t.Dir), virtual: slices.Concat(s.missing, to)}
	}
	top := path.Join(append([]string{s.base}, s.missing...)...)
	return p.merge(spot{real: s.base, top: top}, sources)
}
