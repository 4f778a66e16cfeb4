package app

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/workspace"
)

// maxRedirecting is how many of these ask the API for a URL at a time, far
// below GitHub's limit of 100 concurrent requests.
const maxRedirecting = 32

// got is one artifact and what became of it.
type got struct {
	item artifact.Item
	// to is below the destination, slash-separated: the artifact's directory,
	// or its file when it is kept as one.
	to      string
	fetched bool
	digest  digestState
	files   int
	bytes   int64 // extracted
	wire    int64 // fetched
}

type digestState int

const (
	digestAbsent digestState = iota // GitHub gives none
	digestVerified
	digestMismatch  // and digest-mismatch lets it pass
	digestUnknown   // of an algorithm we do not know
	digestUnchecked // not all of the artifact was fetched
)

func (d digestState) String() string {
	switch d {
	case digestVerified:
		return "verified"
	case digestMismatch:
		return "**mismatch**"
	case digestUnknown:
		return "unknown algorithm"
	case digestUnchecked:
		return "not checked, as only a part was fetched (CRC-32 was)"
	}
	return "none given"
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
func (j *job) planned(items []artifact.Item) ([]got, error) {
	l := newLayout(j.cfg)
	all := make([]got, len(items))
	for i, item := range items {
		if err := unpack.CheckName(item.Artifact.Name); err != nil {
			return nil, fmt.Errorf("artifact %d of %s: its name cannot name a directory: %w", item.Artifact.ID, item.Artifact.Repo, err)
		}
		all[i] = got{item: item, to: l.dir(item)}
	}
	return all, nil
}

// fetchAll brings every artifact into a tree of its own in the stage. The
// first failure ends all of them.
func (j *job) fetchAll(ctx context.Context, stage *workspace.Stage, all []got) ([]workspace.Tree, error) {
	var total int64
	if len(j.cfg.Files) == 0 { // else it is not known yet
		for _, g := range all {
			total += g.item.Artifact.Size
		}
	}
	if err := j.checkRoom(stage, total); err != nil {
		return nil, err
	}
	progress := j.log.NewProgress(total)
	defer progress.Stop()

	most := cmp.Or(j.cfg.Concurrency, autoConcurrency)
	s := j.newSession(stage, progress.Add, most)
	trees := make([]workspace.Tree, len(all))
	err := sideBySide(ctx, len(all), cmp.Or(j.cfg.Concurrency, firstConcurrency), most, func(ctx context.Context, i int) error {
		dir, err := s.get(ctx, &all[i], strconv.Itoa(i))
		trees[i] = workspace.Tree{Dir: dir, To: newLayout(j.cfg).dir(all[i].item), Label: all[i].item.Artifact.Name}
		return err
	})
	if err != nil {
		return nil, err
	}
	return trees, j.checkFiles(all)
}

// checkFiles fails when the input files chose nothing at all.
func (j *job) checkFiles(all []got) error {
	if len(j.cfg.Files) == 0 || len(all) == 0 {
		return nil
	}
	for _, g := range all {
		if g.files > 0 {
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

// checkRoom fails unless the destination's disk has room for n bytes.
func (j *job) checkRoom(stage *workspace.Stage, n int64) error {
	free, err := stage.Free()
	if err != nil {
		return err
	}
	if n > free {
		return &roomError{need: n, free: free, where: j.dest.Abs}
	}
	return nil
}

// session is what the artifacts of one run share while they are fetched.
type session struct {
	*job
	stage       *workspace.Stage
	budget      *unpack.Budget
	progress    func(n int64)
	connections *fetch.Connections
	redirecting chan struct{}
	pool        *unpack.Pool
	memory      blocks
}

func (j *job) newSession(stage *workspace.Stage, progress func(int64), most int) *session {
	return &session{
		job: j, stage: stage, budget: unpack.NewBudget(j.cfg.MaxFiles, j.cfg.MaxSize), progress: progress,
		connections: fetch.NewConnections(most), redirecting: make(chan struct{}, min(most, maxRedirecting)),
		pool: unpack.NewPool(2 * runtime.GOMAXPROCS(0)),
	}
}

// maxChanges is how often a download starts over because the blob changed.
const maxChanges = 2

// get brings an artifact into the stage, and tells into which of its
// directories.
func (s *session) get(ctx context.Context, to *got, dir string) (string, error) {
	oneStream := false
	for try := 0; ; try++ {
		g := getter{session: s, got: to, dir: fmt.Sprintf("%s.%d", dir, try), budget: s.budget.Part(), oneStream: oneStream}
		err := g.get(ctx)
		_, noRanges := errors.AsType[*fetch.RangeError](err)
		_, changed := errors.AsType[*fetch.ChangedError](err)
		again := noRanges && !oneStream || changed && try < maxChanges
		if !again || ctx.Err() != nil {
			return g.dir, err
		}
		oneStream = oneStream || noRanges
		g.budget.Undo()
		s.progress(-to.wire)
		s.log.Infof("artifact %q: %v; starting over", to.item.Artifact.Name, err)
	}
}

// getter is one try at one artifact.
type getter struct {
	*session
	got       *got
	dir       string // the artifact's tree in the stage
	budget    *unpack.Budget
	oneStream bool
}

func (g *getter) get(ctx context.Context) (err error) {
	a := g.got.item.Artifact
	spool := &spool{stage: g.stage, name: g.dir + ".spool", memory: &g.memory, kept: map[int64]*block{}}
	defer func() { err = errors.Join(err, spool.close()) }()
	blob, err := fetch.Open(ctx, g.fetchOptions(), g.locate(a), func(int64) (fetch.Spool, error) { return spool, nil })
	if err != nil {
		return g.named(err)
	}
	defer blob.Close()
	err = g.take(ctx, blob, spool)
	info, blobErr := blob.Info()
	g.got.wire = info.Fetched
	if blobErr != nil {
		err = blobErr // whatever it led to
	}
	if err != nil {
		return g.named(err)
	}
	g.got.fetched = true
	return nil
}

// take extracts or keeps what arrives, and checks it.
func (g *getter) take(ctx context.Context, blob *fetch.Blob, spool *spool) error {
	archive, err := isArchive(blob)
	if err != nil {
		return err
	}
	if !archive || g.cfg.SkipDecompress {
		if wanted := filesWanted(g.cfg.Files); wanted != nil && !wanted(g.fileName(blob.ContentDisposition(), archive)) {
			g.got.digest = digestUnchecked
			return g.empty()
		}
		blob.All()
		info, err := blob.Wait()
		if err != nil {
			return err
		}
		if err := g.checkDigest(info); err != nil {
			return err
		}
		return g.keep(ctx, info, spool, archive)
	}
	err = g.extract(ctx, blob)
	// Of an archive that is refused, too, the digest tells whether it came
	// damaged.
	_, refused := errors.AsType[*unpack.RefusedError](err)
	if err != nil && (!refused || g.got.item.Artifact.Digest == "") {
		return err
	}
	info, waitErr := blob.Wait()
	if waitErr != nil {
		return waitErr
	}
	if digestErr := g.checkDigest(info); digestErr != nil {
		return digestErr
	}
	return err
}

func (g *getter) named(err error) error {
	a := g.got.item.Artifact
	if api, ok := errors.AsType[*githubapi.Error](err); ok && api.Kind == githubapi.Gone {
		return &goneError{id: a.ID, err: err}
	}
	return fmt.Errorf("artifact %q (%d) of %s: %w", a.Name, a.ID, a.Repo, err)
}

// directoryTail is what is fetched of an archive's end before the rest: the
// end record with the longest comment, and most directories.
const directoryTail = 128 << 10

func (g *getter) fetchOptions() fetch.Options {
	o := fetch.Options{
		Client: g.storage, IdleTimeout: g.idle, Policy: g.policy, Progress: g.progress, UserAgent: g.agent,
		Connections: g.connections, OneStream: g.oneStream, OnDemand: len(g.cfg.Files) > 0,
	}
	if !g.cfg.SkipDecompress {
		o.Tail, o.Ahead = directoryTail, spoolAhead
	}
	return o
}

func (g *getter) locate(a artifact.Artifact) fetch.Locate {
	return func(ctx context.Context) (*url.URL, error) {
		select {
		case g.redirecting <- struct{}{}:
			defer func() { <-g.redirecting }()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		return g.api.Download(ctx, a.Repo, a.ID)
	}
}

// checkDigest compares with what GitHub has on record, under the policy of
// digest-mismatch.
func (g *getter) checkDigest(blob fetch.Info) error {
	a := g.got.item.Artifact
	if a.Digest == "" {
		return nil
	}
	want, ok := strings.CutPrefix(a.Digest, "sha256:")
	if !ok {
		g.got.digest = digestUnknown
		g.log.Warningf("artifact %q: its digest %s is of an unknown algorithm and was not checked", a.Name, a.Digest)
		return nil
	}
	if !blob.Whole {
		g.got.digest = digestUnchecked
		return nil
	}
	sum := hex.EncodeToString(blob.SHA256[:])
	if strings.EqualFold(want, sum) {
		g.got.digest = digestVerified
		return nil
	}
	err := &digestError{name: a.Name, want: want, got: sum}
	g.got.digest = digestMismatch
	switch g.cfg.DigestMismatch {
	case config.MismatchIgnore:
	case config.MismatchInfo:
		g.log.Infof("%v", err)
	case config.MismatchWarn:
		g.log.Warningf("%v", err)
	default:
		return err
	}
	return nil
}

func (g *getter) extract(ctx context.Context, blob *fetch.Blob) error {
	archive, err := unpack.Open(blob, blob.Size(), unpack.Options{Budget: g.budget, Files: filesWanted(g.cfg.Files)})
	if err != nil {
		return err
	}
	if err := g.checkRoom(g.stage, archive.Size); err != nil {
		return err
	}
	pairs, more := archive.CaseCollisions(maxWarnings)
	for _, pair := range pairs {
		g.log.Warningf("artifact %q: %q and %q differ in case only; on a file system that ignores case one would be lost",
			g.got.item.Artifact.Name, pair[0], pair[1])
	}
	if more > 0 {
		g.log.Warningf("artifact %q: %d more names differ in case only", g.got.item.Artifact.Name, more)
	}
	root, err := g.stage.Mkdir(g.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	res, err := archive.Extract(ctx, root, unpack.ExtractOptions{Pool: g.pool})
	if err != nil {
		return err
	}
	g.got.files, g.got.bytes = res.Files, res.Bytes
	return g.expand(ctx, root, archive.Links())
}

// expand expands the tars of an artifact, if that is asked for.
func (g *getter) expand(ctx context.Context, root *os.Root, links map[string]string) error {
	if !g.cfg.Unpack {
		return nil
	}
	res, err := unpack.ExpandTars(ctx, root, unpack.TarOptions{Links: links, Budget: g.budget, Pool: g.pool})
	g.got.files += res.Files
	g.got.bytes += res.Bytes
	return err
}

// filesWanted reads the input files; nil is all of them.
func filesWanted(patterns []string) func(name string) bool {
	if len(patterns) == 0 {
		return nil
	}
	return artifact.Selector{Patterns: patterns}.Matches
}

// empty makes the tree of an artifact of which nothing is wanted.
func (g *getter) empty() error {
	root, err := g.stage.Mkdir(g.dir)
	if err != nil {
		return err
	}
	return root.Close()
}

// fileName is the name of an artifact that is kept as a file.
func (g *getter) fileName(disposition string, archive bool) string {
	if archive {
		return g.got.item.Artifact.Name + ".zip"
	}
	return cmp.Or(fetch.FileName(disposition), g.got.item.Artifact.Name)
}

// keep makes what was fetched the artifact's file.
func (g *getter) keep(ctx context.Context, blob fetch.Info, spool *spool, archive bool) error {
	name := g.fileName(blob.ContentDisposition, archive)
	if err := unpack.CheckName(name); err != nil {
		return fmt.Errorf("its file name: %w", err)
	}
	if err := g.budget.Take(1, blob.Size); err != nil {
		return err
	}
	root, err := g.stage.Mkdir(g.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := spool.keep(path.Join(g.dir, name), blob.Size); err != nil {
		return err
	}
	if archive || g.cfg.SkipDecompress {
		g.got.to = path.Join(g.got.to, name)
	}
	g.got.files, g.got.bytes = 1, blob.Size
	return g.expand(ctx, root, nil)
}

// isArchive tells a zip from a file that was uploaded as it is. The magic
// bytes are not enough: formats that build on zip (jar, docx, …) have them
// too, and a damaged zip lacks them.
func isArchive(blob *fetch.Blob) (bool, error) {
	mediaType, _, _ := mime.ParseMediaType(blob.ContentType()) // empty where it cannot be parsed
	switch mediaType {
	case "application/zip", "application/x-zip-compressed", "application/zip-compressed", "zip":
		return true, nil
	case "", "application/octet-stream", "binary/octet-stream":
		head := make([]byte, min(4, blob.Size()))
		_, err := blob.ReadAt(head, 0)
		return unpack.IsZip(head), err
	}
	return false, nil
}

func ibytes(n int64) string { return humanize.IBytes(nonNegative(n)) }
