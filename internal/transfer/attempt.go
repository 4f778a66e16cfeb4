package transfer

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"sync/atomic"

	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/words"
)

// attempt is one attempt at one artifact.
type attempt struct {
	engine    *Engine
	stage     Stage  // without a Sink when files are only listed
	item      Item   // copied to the caller's when the attempt succeeds
	dir       string // the artifact's tree in the stage
	budget    *unpack.Budget
	disk      *spool.Share
	oneStream bool
	head      []byte       // how the blob begins; nil if its type says that it is an archive
	names     int          // how many files List and Files list by name
	tail      int64        // bytes of the end that are fetched first; 0 unless there is no Sink
	complete  bool         // the artifact is an archive whose end, with the directory, was read
	counted   atomic.Int64 // bytes that the progress has counted
}

func (e *Engine) newAttempt(stage Stage, item Item, oneStream bool) *attempt {
	return &attempt{
		engine: e, stage: stage, item: item, dir: fmt.Sprint(e.attempts.Add(1)),
		budget: e.budget.Part(), disk: stage.Quota.Share(), oneStream: oneStream,
	}
}

// abandon discards a failed attempt: its files, its part of the budget, the disk
// that it reserved, and its progress.
func (t *attempt) abandon() error {
	var err error
	if t.stage.Sink != nil { // a dry run has none
		err = t.stage.Sink.RemoveAll(t.dir)
	}
	t.budget.Undo()
	t.disk.ReleaseAll()
	t.engine.progress(-t.counted.Load())
	return err
}

// fetch brings the artifact into the stage.
func (t *attempt) fetch(ctx context.Context) (err error) {
	s := spool.New(t.stage.Sink, t.dir+".spool", t.engine.memory, t.disk)
	defer func() { err = errors.Join(err, s.Close()) }()
	blob, err := fetch.Open(ctx, t.fetchOptions(), t.locate, func(int64) (fetch.Spool, error) { return s, nil })
	if err != nil {
		return t.named(err)
	}
	defer blob.Close()
	err = t.receive(ctx, blob, s)
	info, blobErr := blob.Info()
	t.item.Wire = info.Fetched
	if err = t.checkEnd(outcome(err, blobErr), info); err != nil {
		return t.named(err)
	}
	t.item.Tree, t.item.by = t.dir, t
	return nil
}

// checkEnd returns err, the outcome of an attempt, unless the body ended only because the
// connection did, and may have been cut, or was encoded, and may be another text. Such a body
// counts as whole if a digest proves it, or if it is an archive that was read (an archive's
// directory is at its end). Otherwise the error is about the answer, not about the artifact.
func (t *attempt) checkEnd(err error, info fetch.Info) error {
	aboutArtifact := err == nil || is[*unpack.RefusedError](err) || is[*DigestError](err) || is[*ExpectError](err)
	switch {
	case !doubtful(info) || t.complete || err == nil && (t.proved() || info.MD5Checked):
	case info.ContentEncoding != "" && (aboutArtifact || is[*PageError](err)):
		return &EncodingError{info.ContentEncoding}
	case info.OpenEnded && aboutArtifact:
		return &fetch.LengthError{Want: -1}
	}
	return err
}

// doubtful reports whether a body may have been cut, or may be another text: see checkEnd.
func doubtful(info fetch.Info) bool { return info.OpenEnded || info.ContentEncoding != "" }

// EncodingError says that an artifact came encoded, although that was not asked for: a proxy
// may do that.
type EncodingError struct{ Encoding string }

func (e *EncodingError) Error() string {
	return fmt.Sprintf("the storage, or a proxy before it, sent it encoded as %q, which was not asked for", words.Cut(e.Encoding, 40))
}

// receive extracts an archive, or keeps what arrives as a file, and checks it.
func (t *attempt) receive(ctx context.Context, blob *fetch.Blob, s *spool.Spool) error {
	format, name, err := t.format(blob)
	if err != nil {
		return err
	}
	if format == nil || t.engine.opt.KeepArchives {
		return t.whole(ctx, blob, s, format, name)
	}
	err = t.extract(ctx, blob, format)
	if is[*unpack.RefusedError](err) {
		return t.refused(blob, err)
	}
	if err != nil {
		return err
	}
	t.complete = true
	blob.Release(blob.Size()) // the bytes that no file needs are only for the digest
	info, err := blob.Wait()
	if err != nil {
		return err
	}
	return t.checkDigest(info)
}

// worthFinishing bounds the bytes that are fetched of a refused archive only to compare
// its digest.
const worthFinishing = 8 << 20

// refused returns why an archive was refused. If its digest differs, it arrived damaged,
// and that is the reason; otherwise the refusal itself is. The rest of the archive is
// fetched to compare the digest only if little of it is missing.
func (t *attempt) refused(blob *fetch.Blob, refusal error) error {
	info, _ := blob.Info()
	if blob.Size()-info.Fetched >= worthFinishing {
		return refusal
	}
	info, err := blob.Wait()
	if is[*fetch.MD5Error](err) {
		return err
	}
	if err != nil {
		return refusal
	}
	if err := t.checkDigest(info); err != nil {
		return err
	}
	return refusal
}

// outcome returns why an attempt failed, or nil, given the errors of its reader and of its
// download. The download's error explains the reader's, unless the reader refused bytes
// that had arrived. If the blob changed, they were another blob's, and the download's error
// counts.
func outcome(reader, download error) error {
	if download == nil {
		return reader
	}
	if is[*fetch.DownloadError](reader) {
		return download // whatever the reader made of it
	}
	known := is[*unpack.RefusedError](reader) || is[*unpack.LimitError](reader) || is[*spool.QuotaError](reader) ||
		is[*DigestError](reader) || is[*ExpectError](reader) || is[*nameError](reader) || is[*PageError](reader)
	if known && !startOver(download) {
		return reader
	}
	return download
}

// is reports whether err is an E, or wraps one.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// startOver reports whether err asks for another attempt: the blob changed, or the
// storage's support of ranges did.
func startOver(err error) bool {
	return is[*fetch.RangeError](err) || is[*fetch.ChangedError](err)
}

// mayDiffer reports whether another attempt may find another blob that can be believed.
// If the storage contradicted itself, only a digest tells which of its answers is right.
func (t *attempt) mayDiffer(err error) bool {
	if change, ok := errors.AsType[*fetch.ChangedError](err); ok {
		decides := t.engine.expects() || t.provable() == DigestVerified && !t.engine.opt.AllowMismatch
		return !change.Contradiction || decides
	}
	length, ok := errors.AsType[*fetch.LengthError](err)
	return ok && length.Want >= 0
}

// named says which artifact an error is about, unless the error says so itself.
func (t *attempt) named(err error) error {
	if is[*ExpectError](err) || is[*NoFileError](err) {
		return err
	}
	a := t.item.Artifact
	if isGone(err) {
		return &ExpiredError{ID: a.ID, Err: err}
	}
	return fmt.Errorf("artifact %q (%d) of %s: %w", a.Name, a.ID, a.Repo, err)
}

// spoolAhead is how far a download may run ahead of extraction, in bytes. It is so small
// that these bytes stay in memory.
const spoolAhead = 8 << 20

// directoryTail is how many bytes of an archive's end are fetched before the rest. They
// hold the end record, even with the longest comment, and the whole directory of most
// archives.
const directoryTail = 128 << 10

// fetchOptions says how to fetch the artifact.
func (t *attempt) fetchOptions() fetch.Options {
	progress := func(n int64) {
		t.counted.Add(n)
		t.engine.progress(n)
	}
	opt := &t.engine.opt
	o := fetch.Options{
		Client: opt.Client, IdleTimeout: opt.IdleTimeout, Policy: opt.Policy, Progress: progress, UserAgent: opt.UserAgent,
		Connections: t.engine.connections, OneStream: t.oneStream, OnDemand: t.stage.Sink == nil || t.engine.onDemand(),
		OpenEnded: true, MD5: t.provable() != DigestVerified,
	}
	if !opt.KeepArchives {
		o.Tail, o.Ahead = directoryTail, spoolAhead
	}
	if t.tail > 0 {
		// The directory is read first. If the API's size is not that of the archive,
		// another request brings it.
		o.First, o.From = t.tail, max(t.item.Artifact.Size-t.tail, 0)
	}
	return o
}

func (t *attempt) locate(ctx context.Context) (*url.URL, error) {
	return t.engine.locate(ctx, t.item.Artifact)
}

// maxPairs bounds the pairs of names in a CaseCollisions.
const maxPairs = 10

// extract extracts an archive while it arrives.
func (t *attempt) extract(ctx context.Context, blob *fetch.Blob, f *unpack.Format) error {
	archive, err := t.openArchive(blob, f, t.engine.wanted)
	if err != nil {
		return err
	}
	if err := t.outlineArchive(archive); err != nil {
		return err
	}
	if err := t.checkPlaces(archive); err != nil {
		return err
	}
	if err := t.disk.Reserve(archive.Size); err != nil {
		return err
	}
	if pairs, more := archive.CaseCollisions(maxPairs); len(pairs) > 0 {
		t.engine.opt.Notify(CaseCollisions{Artifact: t.item.Artifact, Pairs: pairs, More: more})
	}
	if n := archive.Replaced; n > 0 {
		t.engine.opt.Notify(ReplacedEntries{Artifact: t.item.Artifact, Files: n})
	}
	root, err := t.stage.Sink.Mkdir(t.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	res, err := archive.Extract(ctx, root, unpack.ExtractOptions{Pool: t.engine.pool, Owner: t.stage.Owner})
	if err != nil {
		return err
	}
	t.item.Files, t.item.Bytes = res.Files, res.Bytes
	links := archive.Links()
	t.item.NoLinks = len(links) == 0 && !t.engine.opt.ExpandTars // a tar may hold symlinks
	return t.expand(ctx, root, links)
}

// checkPlaces refuses an archive, before its files are fetched, if one of them could not
// be moved to its place.
func (t *attempt) checkPlaces(archive *unpack.Archive) error {
	if t.stage.CheckFile == nil {
		return nil
	}
	return archive.Each(func(e unpack.Entry) error {
		if e.Mode.IsDir() {
			return nil
		}
		return t.stage.CheckFile(path.Join(t.engine.opt.Layout.Dir(t.item.Item), e.Name))
	})
}

// expand expands the tars of an artifact, if that is asked for.
func (t *attempt) expand(ctx context.Context, root *os.Root, links map[string]string) error {
	if !t.engine.opt.ExpandTars {
		return nil
	}
	reserved := t.disk.Reserved()
	res, err := unpack.ExpandTars(ctx, root, unpack.TarOptions{Links: links, Budget: t.budget, Room: t.disk.Reserve, Pool: t.engine.pool, Owner: t.stage.Owner})
	if err != nil {
		return err
	}
	if len(res.Kept) > 0 {
		t.engine.opt.Notify(KeptTars{Artifact: t.item.Artifact, Files: res.Kept, More: res.KeptMore})
	}
	if len(res.Replaced) > 0 {
		t.engine.opt.Notify(ReplacedByTars{Artifact: t.item.Artifact, Files: res.Replaced, More: res.ReplacedMore})
	}
	t.item.Files += res.Files
	t.item.Bytes += res.Bytes
	// The tars are removed: other artifacts may use their disk space.
	t.disk.Release(t.disk.Reserved() - reserved - res.Bytes)
	return nil
}
