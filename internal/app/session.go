package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/spool"
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
	by      *download // that fetched it; nil before
	digest  digestState
	noLinks bool // it is known to hold no symlinks
	files   int
	bytes   int64          // extracted
	wire    int64          // fetched
	lost    workspace.Lost // what of it is not in the destination
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

// fetchAll brings every artifact into a tree of its own in the stage, but those
// that an earlier choice had and that are there already. The first failure
// ends all of them.
func (s *session) fetchAll(ctx context.Context, all []parcel) ([]workspace.Tree, error) {
	todo, err := s.remaining(all)
	if err != nil {
		return nil, err
	}
	var total int64
	if len(s.cfg.Files) == 0 { // else it is not known yet
		for _, p := range todo {
			total += min(max(p.Artifact.Size, 0), math.MaxInt64-total) // whatever the API says
		}
	}
	if err := s.quota.Check(total); err != nil {
		return nil, err
	}
	progress := s.log.NewProgress(total)
	defer progress.Stop()
	s.progress = progress.Add
	err = sideBySide(ctx, len(todo), cmp.Or(s.cfg.Concurrency, firstConcurrency), s.most, func(ctx context.Context, i int) error {
		return s.fetch(ctx, todo[i])
	})
	if err != nil {
		s.keepFetched(all)
		return nil, err
	}
	trees := s.places(all)
	for i, p := range all {
		trees[i].Dir, trees[i].NoLinks = p.by.dir, p.noLinks
	}
	return trees, s.checkFiles(all)
}

// places says where artifacts go, whether or not they are there.
func (j *job) places(all []parcel) []workspace.Tree {
	trees := make([]workspace.Tree, len(all))
	for i, p := range all {
		trees[i] = workspace.Tree{To: newLayout(j.cfg).dir(p.Item), Label: p.Artifact.Name}
	}
	return trees
}

// remaining lists what of a choice is still to be fetched, and forgets what an
// earlier choice had besides.
func (s *session) remaining(all []parcel) ([]*parcel, error) {
	var todo []*parcel
	for i := range all {
		id := all[i].Artifact.ID
		if there, ok := s.done[id]; ok {
			all[i] = there
			delete(s.done, id)
			continue
		}
		todo = append(todo, &all[i])
	}
	var errs []error
	for _, p := range s.done {
		errs = append(errs, p.by.abandon())
	}
	s.done = nil
	return todo, errors.Join(errs...)
}

// keepFetched remembers what is there although all of the choice is not.
func (s *session) keepFetched(all []parcel) {
	s.done = map[int64]parcel{}
	for _, p := range all {
		if p.by != nil {
			s.done[p.Artifact.ID] = p
		}
	}
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
	shown, more := e.patterns[:min(len(e.patterns), maxNames)], ""
	if n := len(e.patterns) - len(shown); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("no file of the %s matches files: %q%s", count(e.artifacts, "artifact"), shown, more)
}

// session is what the artifacts of one run share while they are fetched, also
// when they are chosen again because one was gone.
type session struct {
	*job
	stage       *workspace.Stage // nil before anything is to be written
	budget      *unpack.Budget
	quota       *spool.Quota
	progress    func(n int64)
	most        int // artifacts, and connections, side by side
	connections *fetch.Connections
	redirecting chan struct{}
	pool        *unpack.Pool
	memory      *spool.Memory
	tries       atomic.Int64     // numbers the trees
	done        map[int64]parcel // fetched for an earlier choice, by id
}

// newSession makes a session. close has to be called.
func (j *job) newSession() *session {
	most := cmp.Or(j.cfg.Concurrency, autoConcurrency)
	return &session{
		job: j, budget: unpack.NewBudget(j.cfg.MaxFiles, j.cfg.MaxSize), progress: func(int64) {}, most: most,
		connections: fetch.NewConnections(most), redirecting: make(chan struct{}, min(most, maxRedirecting)),
		pool: unpack.NewPool(2 * runtime.GOMAXPROCS(0)), memory: spool.NewMemory(spoolMemory),
	}
}

// open makes the stage, once, after what killed runs left is put back.
func (s *session) open(ctx context.Context) (err error) {
	if s.stage != nil {
		return nil
	}
	recovered, err := workspace.Recover(ctx, s.dest)
	s.logRecovered(recovered)
	if err != nil {
		return err
	}
	if s.stage, err = workspace.NewStage(s.dest, workspace.StageOptions{Chown: s.chown, OwnerOf: s.runner.Workspace}); err != nil {
		return err
	}
	if err := s.stage.ChownErr(); err != nil {
		s.log.Warningf("%v; the files will belong to this process's user, and later steps of another user may not be able to change them", err)
	}
	free := s.stage.Free
	if s.free != nil {
		free = s.free
	}
	s.quota = spool.NewQuota(s.dest.Abs, free)
	return nil
}

// close removes what was staged.
func (s *session) close() error {
	if s.stage == nil {
		return nil
	}
	return s.stage.Close()
}

// maxChanges is how often a download starts over because the blob changed.
const maxChanges = 2

// fetch brings an artifact into the stage.
func (s *session) fetch(ctx context.Context, p *parcel) error {
	return s.download(ctx, p, func(d *download) error {
		if err := d.try(ctx); err != nil {
			return err
		}
		d.parcel.by = d
		return nil
	})
}

// download calls do for one try at an artifact after the other, until one
// succeeds or starting over cannot help. What a failed one took it gives back.
func (s *session) download(ctx context.Context, p *parcel, do func(*download) error) error {
	oneStream := false
	for try := 0; ; try++ {
		d := s.newDownload(*p, oneStream)
		err := do(d)
		if err == nil {
			*p = d.parcel
			return nil
		}
		// The disk may not have room for this try's tree besides the next one's.
		if left := d.abandon(); left != nil {
			return errors.Join(err, left)
		}
		_, noRanges := errors.AsType[*fetch.RangeError](err)
		again := noRanges && !d.oneStream || d.mayDiffer(err) && try < maxChanges
		if !again || ctx.Err() != nil {
			return err
		}
		oneStream = d.oneStream || noRanges
		s.log.Infof("%v; starting over", err)
	}
}

// mayDiffer reports whether a download that failed may find another blob when
// it begins anew, and can be believed then. Which of two contradicting answers
// is right only a digest can tell.
func (d *download) mayDiffer(err error) bool {
	if change, ok := errors.AsType[*fetch.ChangedError](err); ok {
		decides := strings.HasPrefix(d.parcel.Artifact.Digest, "sha256:") && d.cfg.DigestMismatch == config.MismatchError
		return !change.Contradiction || decides
	}
	length, ok := errors.AsType[*fetch.LengthError](err)
	return ok && length.Want >= 0
}
