package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/workspace"
)

// maxRedirecting is how many of these ask the API for a URL at a time, far
// below GitHub's limit of 100 concurrent requests.
const maxRedirecting = 32

// parcel is one artifact on its way, and what became of it.
type parcel struct {
	artifact.Item
	// to is below the destination, slash-separated: the artifact's directory,
	// or its file when it is kept as one.
	to      string
	fetched bool
	digest  digestState
	noLinks bool // it is known to hold no symlinks
	files   int
	bytes   int64 // extracted
	wire    int64 // fetched
}

// goneError says that an artifact expired although its listing did not say
// so: the choice has to be made again without it.
type goneError struct {
	id  int64
	err error
}

func (e *goneError) Error() string { return e.err.Error() }
func (e *goneError) Unwrap() error { return e.err }

// planned says where everything would go, without fetching it.
func (j *job) planned(items []artifact.Item) ([]parcel, error) {
	l := newLayout(j.cfg)
	all := make([]parcel, len(items))
	for i, item := range items {
		if err := unpack.CheckName(item.Artifact.Name); err != nil {
			return nil, fmt.Errorf("artifact %d of %s: its name cannot name a directory: %w", item.Artifact.ID, item.Artifact.Repo, err)
		}
		all[i] = parcel{Item: item, to: l.dir(item)}
	}
	return all, nil
}

// fetchAll brings every artifact into a tree of its own in the stage. The
// first failure ends all of them.
func (j *job) fetchAll(ctx context.Context, stage *workspace.Stage, all []parcel) ([]workspace.Tree, error) {
	var total int64
	if len(j.cfg.Files) == 0 { // else it is not known yet
		for _, p := range all {
			total += p.Artifact.Size
		}
	}
	progress := j.log.NewProgress(total)
	defer progress.Stop()

	most := cmp.Or(j.cfg.Concurrency, autoConcurrency)
	s := j.newSession(stage, progress.Add, most)
	if err := s.room.check(total); err != nil {
		return nil, err
	}
	trees := make([]workspace.Tree, len(all))
	err := sideBySide(ctx, len(all), cmp.Or(j.cfg.Concurrency, firstConcurrency), most, func(ctx context.Context, i int) error {
		dir, err := s.fetch(ctx, &all[i], strconv.Itoa(i))
		trees[i] = workspace.Tree{Dir: dir, To: newLayout(j.cfg).dir(all[i].Item), Label: all[i].Artifact.Name, NoLinks: all[i].noLinks}
		return err
	})
	if err != nil {
		return nil, err
	}
	return trees, j.checkFiles(all)
}

// checkFiles fails when the input files chose nothing at all.
func (j *job) checkFiles(all []parcel) error {
	if len(j.cfg.Files) == 0 || len(all) == 0 {
		return nil
	}
	for _, p := range all {
		if p.files > 0 {
			return nil
		}
	}
	return &noFilesError{patterns: j.cfg.Files, artifacts: len(all)}
}

// noFilesError says that no file of the artifacts was wanted.
type noFilesError struct {
	patterns  []string
	artifacts int
}

func (e *noFilesError) Error() string {
	return fmt.Sprintf("no file of the %s matches files: %q", count(e.artifacts, "artifact"), e.patterns)
}

// session is what the artifacts of one run share while they are fetched.
type session struct {
	*job
	stage       *workspace.Stage
	budget      *unpack.Budget
	room        *room
	progress    func(n int64)
	connections *fetch.Connections
	redirecting chan struct{}
	pool        *unpack.Pool
	memory      blocks
}

func (j *job) newSession(stage *workspace.Stage, progress func(int64), most int) *session {
	r := &room{free: j.free, where: j.dest.Abs}
	if r.free == nil && stage != nil {
		r.free = stage.Free
	}
	return &session{
		job: j, stage: stage, budget: unpack.NewBudget(j.cfg.MaxFiles, j.cfg.MaxSize), progress: progress, room: r,
		connections: fetch.NewConnections(most), redirecting: make(chan struct{}, min(most, maxRedirecting)),
		pool: unpack.NewPool(2 * runtime.GOMAXPROCS(0)),
	}
}

// maxChanges is how often a download starts over because the blob changed.
const maxChanges = 2

// fetch brings an artifact into the stage, and tells into which of its
// directories.
func (s *session) fetch(ctx context.Context, to *parcel, dir string) (string, error) {
	oneStream := false
	for try := 0; ; try++ {
		d := download{session: s, parcel: to, dir: fmt.Sprintf("%s.%d", dir, try), budget: s.budget.Part(), room: &roomShare{of: s.room}, oneStream: oneStream}
		err := d.try(ctx)
		_, noRanges := errors.AsType[*fetch.RangeError](err)
		_, changed := errors.AsType[*fetch.ChangedError](err)
		again := noRanges && !oneStream || changed && try < maxChanges
		if !again || ctx.Err() != nil {
			return d.dir, err
		}
		oneStream = oneStream || noRanges
		d.budget.Undo()
		d.room.undo()
		s.progress(-to.wire)
		s.log.Infof("artifact %q: %v; starting over", to.Artifact.Name, err)
	}
}
