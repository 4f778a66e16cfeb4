package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/glob"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/unpack"
)

// Origin is where artifacts come from. It is used concurrently.
type Origin interface {
	// DownloadURL returns a signed URL of an artifact, a fresh one with each call. Its
	// error matches artifact.ErrExpired if the artifact has expired, and
	// artifact.ErrNotFound if it does not exist.
	DownloadURL(ctx context.Context, repo artifact.Repo, id int64) (*url.URL, error)
}

// Sink is the directory that artifacts are brought into; *workspace.Stage is one.
// It is used concurrently.
type Sink interface {
	spool.Dir
	// Mkdir makes an empty directory and opens it.
	Mkdir(name string) (*os.Root, error)
	// RemoveAll deletes a tree. It is no error if there is none.
	RemoveAll(name string) error
}

// Stage is a Sink, with the limits of the place where it is.
type Stage struct {
	Sink  Sink
	Quota *spool.Quota  // of the disk that the Sink is on
	Owner *unpack.Owner // the owner of extracted files; nil is the process's user
	// CheckFile refuses a file that could not be moved to its place, which is given as a
	// slash-separated path below the destination; nil refuses none.
	CheckFile func(name string) error
}

// Progress shows how many bytes have arrived. Add may be called concurrently, and
// with a negative count for bytes that have to be fetched again.
type Progress interface {
	Add(n int64)
	Stop()
}

// Options set up an Engine.
type Options struct {
	Origin Origin
	// For Client and the next three fields see fetch.Options.
	Client      *http.Client
	Policy      httpx.Policy
	IdleTimeout time.Duration
	UserAgent   string
	// Notify is called with each event. It may be called concurrently, and may be nil.
	Notify func(Event)
	// Progress begins to show progress towards a total of bytes. The total is an
	// estimate, or 0 if there is none. Progress may be nil.
	Progress func(total int64) Progress

	// Concurrency is the number of artifacts, and of connections, at a time; 0 means as
	// many as help, at most AutoConcurrency.
	Concurrency int
	// MaxFiles and MaxSize, in bytes, bound all artifacts together. A MaxSize of 0 is no
	// bound.
	MaxFiles int
	MaxSize  int64

	Layout Layout
	// Files are globs on the paths inside an artifact; none means all files.
	Files []string
	// KeepArchives keeps archives as they are. NameByArtifact then names them after the
	// artifact (<artifact>.zip), whatever name the upload gave them.
	KeepArchives, NameByArtifact bool
	// ExpandTars expands the tars at the top of an artifact.
	ExpandTars bool
	// AllowMismatch lets an artifact pass whose digest differs from the one on record.
	AllowMismatch bool
	// Expect are digests that the artifacts have to have, one to one, whatever is on
	// record and whatever Files chooses: all of each artifact is fetched. None is no
	// check.
	Expect []Expected
}

// maxLocating bounds concurrent requests for download URLs, far below GitHub's
// limit of 100 concurrent requests.
const maxLocating = 32

// spoolMemory bounds what all spools keep in memory, in bytes. Each core extracts a large
// file of its own, so it has to hold what lies between the first and the last of them.
const spoolMemory = 40 << 20

// Engine brings artifacts into a Stage. Its methods are called one after the other.
type Engine struct {
	opt         Options
	expected    []Expected             // Options.Expect, without those of other jobs' artifacts: see ownExpected
	files       *glob.Tally            // Options.Files; nil is all files
	wanted      func(name string) bool // reports whether Options.Files chooses a file; nil is all files
	most        int                    // artifacts, and connections, at a time
	formats     unpack.FormatList      // of archives; tests add some
	budget      *unpack.Budget
	connections *fetch.Connections
	locating    *semaphore.Weighted
	early       early
	pool        *unpack.Pool
	memory      *spool.Memory
	progress    func(n int64)
	attempts    atomic.Int64   // numbers the trees
	kept        map[int64]Item // fetched by an earlier Fetch, by the artifact's id
}

// New makes an Engine.
func New(opt Options) *Engine {
	most := cmp.Or(opt.Concurrency, AutoConcurrency)
	if opt.Notify == nil {
		opt.Notify = func(Event) {}
	}
	e := &Engine{
		opt: opt, most: most, formats: unpack.Formats, budget: unpack.NewBudget(opt.MaxFiles, opt.MaxSize), progress: func(int64) {},
		connections: fetch.NewConnections(most), locating: semaphore.NewWeighted(int64(min(most, maxLocating))),
		pool: unpack.NewPool(2 * runtime.GOMAXPROCS(0)), memory: spool.NewMemory(spoolMemory),
	}
	if len(opt.Files) > 0 {
		e.files = glob.NewTally(opt.Files)
		e.wanted = e.files.Match
	}
	return e
}

// Items says where each artifact of chosen will go. It fails if the name of one cannot name
// a directory. all is the whole choice, of which chosen may be this job's part.
func (e *Engine) Items(chosen, all []artifact.Item) ([]Item, error) {
	e.expected = ownExpected(e.opt.Expect, chosen, all)
	items := make([]Item, len(chosen))
	for i, c := range chosen {
		if err := unpack.CheckName(c.Artifact.Name); err != nil {
			return nil, fmt.Errorf("artifact %d of %s: its name cannot name a directory: %w", c.Artifact.ID, c.Artifact.Repo, err)
		}
		items[i] = Item{Item: c, To: e.opt.Layout.Dir(c), asked: e.wanted != nil && i < maxOutlined}
	}
	return items, nil
}

// Fetch brings every artifact into a tree of its own in the stage, and fills in the
// items. An artifact that an earlier call brought is not fetched again. The first failure
// ends the whole Fetch. The error is a *NoFilesError if Options.Files chose nothing at
// all, a *CountError or an *ExpectError if the digests are not those of Options.Expect.
func (e *Engine) Fetch(ctx context.Context, stage Stage, items []Item) error {
	if err := e.foresee(items); err != nil {
		return err
	}
	if err := e.checkRecords(items); err != nil {
		return err
	}
	missing, err := e.reuse(items)
	if err != nil {
		return err
	}
	total := e.estimate(missing)
	if e.files == nil { // with Files, only the chosen ones need room
		if err := stage.Quota.Check(total); err != nil {
			return err
		}
	}
	if e.opt.Progress != nil {
		progress := e.opt.Progress(total)
		defer progress.Stop()
		e.progress = progress.Add
	}
	err = forEach(ctx, len(missing), cmp.Or(e.opt.Concurrency, firstConcurrency), e.most, func(ctx context.Context, i int) error {
		return e.attempt(ctx, stage, missing[i], func(t *attempt) error { return t.fetch(ctx) })
	})
	if err != nil {
		e.keep(items)
		return err
	}
	if err := e.matchExpected(items); err != nil {
		return err
	}
	return e.checkFiles(items)
}

// onDemand reports whether only those bytes of artifacts are fetched that Options.Files
// needs.
func (e *Engine) onDemand() bool { return len(e.opt.Files) > 0 && !e.expects() }

// estimate returns the size of all artifacts to be fetched, in bytes; 0 means unknown.
func (e *Engine) estimate(items []*Item) (total int64) {
	if e.onDemand() {
		return 0
	}
	for _, item := range items {
		total += min(max(item.Artifact.Size, 0), math.MaxInt64-total) // the API's numbers may be of any size
	}
	return total
}

// reuse fills in the items that an earlier Fetch brought, and returns the others. It
// removes what an earlier Fetch brought and this one does not ask for.
func (e *Engine) reuse(items []Item) (missing []*Item, err error) {
	for i := range items {
		id := items[i].Artifact.ID
		if there, ok := e.kept[id]; ok {
			items[i] = there
			delete(e.kept, id)
			continue
		}
		missing = append(missing, &items[i])
	}
	var errs []error
	for _, item := range e.kept {
		errs = append(errs, item.by.abandon())
	}
	e.kept = nil
	return missing, errors.Join(errs...)
}

// keep remembers the items that were brought by a Fetch that failed.
func (e *Engine) keep(items []Item) {
	e.kept = map[int64]Item{}
	for _, item := range items {
		if item.Fetched() {
			e.kept[item.Artifact.ID] = item
		}
	}
}

// maxChanges is how often a download starts over because the blob changed.
const maxChanges = 2

// attempt makes attempts at an artifact, each by a call of do, until one succeeds or another
// one could not help. It gives back what a failed attempt took.
func (e *Engine) attempt(ctx context.Context, stage Stage, item *Item, do func(*attempt) error) error {
	oneStream := false
	var changed error // the only reason for the last attempt to be one stream
	for n := 0; ; n++ {
		t := e.newAttempt(stage, *item, oneStream)
		err := do(t)
		if err == nil {
			*item = t.item
			return nil
		}
		// The disk may be too small for this attempt's tree and the next one's.
		if left := t.abandon(); left != nil {
			return errors.Join(err, left)
		}
		if changed != nil && is[*StreamError](err) {
			return changed // not because the storage lacks ranges
		}
		noRanges := is[*fetch.RangeError](err)
		again := noRanges && !t.oneStream || t.mayDiffer(err) && n < maxChanges
		if !again || ctx.Err() != nil {
			return err
		}
		// The last attempt needs no ETag to be right: all bytes come in one answer.
		if oneStream = t.oneStream || noRanges; !oneStream && n+1 == maxChanges {
			oneStream, changed = true, err
		}
		e.opt.Notify(StartOver{Err: err})
	}
}

// locate returns the URL of an artifact.
func (e *Engine) locate(ctx context.Context, a artifact.Artifact) (*url.URL, error) {
	if u, there, err := e.early.take(ctx, a.ID); there {
		return u, err
	}
	return e.askOrigin(ctx, a)
}

// askOrigin asks the Origin for the URL of an artifact, in its turn.
func (e *Engine) askOrigin(ctx context.Context, a artifact.Artifact) (*url.URL, error) {
	if err := e.locating.Acquire(ctx, 1); err != nil {
		return nil, context.Cause(ctx)
	}
	defer e.locating.Release(1)
	return e.opt.Origin.DownloadURL(ctx, a.Repo, a.ID)
}

// Expired returns the ids of the artifacts that have expired, or were deleted. It asks the
// Origin, because lists may be stale.
func (e *Engine) Expired(ctx context.Context, artifacts []artifact.Artifact) (ids []int64, err error) {
	expired := make([]bool, len(artifacts))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxLocating)
	for i, a := range artifacts {
		g.Go(func() error {
			_, err := e.locate(ctx, a)
			if expired[i] = isGone(err); expired[i] {
				return nil
			}
			return err
		})
	}
	err = g.Wait()
	for i, a := range artifacts {
		if expired[i] {
			ids = append(ids, a.ID)
		}
	}
	return ids, err
}
