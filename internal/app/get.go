package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"golang.org/x/sync/errgroup"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/workspace"
)

// autoConcurrency is how many artifacts are fetched side by side unless the
// input concurrency says otherwise: enough to hide latency, far below
// GitHub's limit of 100 concurrent requests.
const autoConcurrency = 8

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
	digestMismatch // and digest-mismatch lets it pass
	digestUnknown  // of an algorithm we do not know
)

func (d digestState) String() string {
	switch d {
	case digestVerified:
		return "verified"
	case digestMismatch:
		return "**mismatch**"
	case digestUnknown:
		return "unknown algorithm"
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
	for _, g := range all {
		total += g.item.Artifact.Size
	}
	if err := j.checkRoom(stage, total); err != nil {
		return nil, err
	}
	progress := j.log.NewProgress(total)
	defer progress.Stop()

	trees := make([]workspace.Tree, len(all))
	budget := unpack.NewBudget(j.cfg.MaxFiles, j.cfg.MaxSize)
	g, ctx := errgroup.WithContext(ctx)
	limit := j.cfg.Concurrency
	if limit == 0 {
		limit = autoConcurrency
	}
	g.SetLimit(limit)
	for i := range all {
		g.Go(func() error {
			one := getter{job: j, stage: stage, budget: budget, progress: progress.Add, dir: strconv.Itoa(i), got: &all[i]}
			trees[i] = workspace.Tree{Dir: one.dir, To: newLayout(j.cfg).dir(all[i].item), Label: all[i].item.Artifact.Name}
			return one.get(ctx)
		})
	}
	return trees, g.Wait()
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

// getter brings one artifact into the stage.
type getter struct {
	*job
	stage    *workspace.Stage
	budget   *unpack.Budget
	progress func(n int64)
	dir      string // the artifact's tree in the stage
	got      *got
}

func (g *getter) get(ctx context.Context) (err error) {
	a := g.got.item.Artifact
	spool, err := g.stage.Create(g.spool())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, spool.Close()) }()
	blob, err := fetch.ToFile(ctx, g.fetchOptions(), g.locate(a), spool)
	if err != nil {
		return g.named(err)
	}
	g.got.wire = blob.Size
	if err := g.checkDigest(blob); err != nil {
		return err
	}
	archive, err := isArchive(spool, blob)
	if err != nil {
		return err
	}
	if archive && !g.cfg.SkipDecompress {
		err = g.extract(ctx, spool, blob.Size)
	} else {
		err = g.keep(blob, archive)
	}
	if err != nil {
		return g.named(err)
	}
	g.got.fetched = true
	return nil
}

// spool is the name of the file that the artifact is fetched to.
func (g *getter) spool() string { return g.dir + ".spool" }

func (g *getter) named(err error) error {
	a := g.got.item.Artifact
	if api, ok := errors.AsType[*githubapi.Error](err); ok && api.Kind == githubapi.Gone {
		return &goneError{id: a.ID, err: err}
	}
	return fmt.Errorf("artifact %q (%d) of %s: %w", a.Name, a.ID, a.Repo, err)
}

func (g *getter) fetchOptions() fetch.Options {
	return fetch.Options{
		Client: g.storage, IdleTimeout: g.idle, Policy: g.policy, Progress: g.progress, UserAgent: g.agent,
	}
}

func (g *getter) locate(a artifact.Artifact) fetch.Locate {
	return func(ctx context.Context) (*url.URL, error) { return g.api.Download(ctx, a.Repo, a.ID) }
}

// checkDigest compares with what GitHub has on record, under the policy of
// digest-mismatch.
func (g *getter) checkDigest(blob fetch.Blob) error {
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

func (g *getter) extract(ctx context.Context, spool *os.File, size int64) error {
	archive, err := unpack.Read(spool, size, g.budget)
	if err != nil {
		return err
	}
	if err := g.checkRoom(g.stage, archive.Size); err != nil {
		return err
	}
	for _, pair := range archive.CaseCollisions() {
		g.log.Warningf("artifact %q: %q and %q differ in case only; on a file system that ignores case one would be lost",
			g.got.item.Artifact.Name, pair[0], pair[1])
	}
	root, err := g.stage.Mkdir(g.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	res, err := archive.Extract(ctx, root, unpack.ExtractOptions{})
	if err != nil {
		return err
	}
	g.got.files, g.got.bytes = res.Files, res.Bytes
	// The spool has done its work; with many artifacts the disk needs the room.
	return g.stage.Remove(g.spool())
}

// keep makes the spool itself the artifact's file.
func (g *getter) keep(blob fetch.Blob, archive bool) error {
	a := g.got.item.Artifact
	name := a.Name
	if archive {
		name += ".zip"
	} else if named := fetch.FileName(blob.ContentDisposition); named != "" {
		name = named
	}
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
	if err := g.stage.Move(g.spool(), path.Join(g.dir, name)); err != nil {
		return err
	}
	if archive || g.cfg.SkipDecompress {
		g.got.to = path.Join(g.got.to, name)
	}
	g.got.files, g.got.bytes = 1, blob.Size
	return nil
}

// isArchive tells a zip from a file that was uploaded as it is. The magic
// bytes are not enough: formats that build on zip (jar, docx, …) have them
// too, and a damaged zip lacks them.
func isArchive(spool io.ReaderAt, blob fetch.Blob) (bool, error) {
	head := make([]byte, min(4, blob.Size))
	if _, err := spool.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	mediaType, _, _ := mime.ParseMediaType(blob.ContentType) // empty where it cannot be parsed
	switch mediaType {
	case "application/zip", "application/x-zip-compressed", "application/zip-compressed", "zip":
		return true, nil
	case "", "application/octet-stream", "binary/octet-stream":
		return unpack.IsZip(head), nil
	}
	return false, nil
}

func ibytes(n int64) string { return humanize.IBytes(nonNegative(n)) }
