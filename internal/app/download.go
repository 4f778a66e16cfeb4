package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"strings"
	"sync/atomic"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/unpack"
)

// download is one try at one artifact.
type download struct {
	*session
	parcel    parcel
	dir       string // the artifact's tree in the stage
	budget    *unpack.Budget
	disk      *spool.Share
	oneStream bool
	unpacked  bool         // all of it was an archive, and was extracted
	counted   atomic.Int64 // bytes, by the progress
}

func (s *session) newDownload(p parcel, oneStream bool) *download {
	return &download{
		session: s, parcel: p, dir: fmt.Sprint(s.tries.Add(1)),
		budget: s.budget.Part(), disk: s.quota.Share(), oneStream: oneStream,
	}
}

// abandon discards a failed try: its files, its part of the budget, the disk
// that it reserved, and its progress.
func (d *download) abandon() error {
	var err error
	if d.stage != nil { // a dry run has none
		err = d.stage.RemoveAll(d.dir)
	}
	d.budget.Undo()
	d.disk.ReleaseAll()
	d.progress(-d.counted.Load())
	return err
}

func (d *download) try(ctx context.Context) (err error) {
	s := spool.New(d.stage, d.dir+".spool", d.memory, d.disk)
	defer func() { err = errors.Join(err, s.Close()) }()
	blob, err := fetch.Open(ctx, d.fetchOptions(), d.locate(), func(int64) (fetch.Spool, error) { return s, nil })
	if err != nil {
		return d.named(err)
	}
	defer blob.Close()
	err = d.receive(ctx, blob, s)
	info, blobErr := blob.Info()
	d.parcel.wire = info.Fetched
	if err = d.checkEnd(outcome(err, blobErr), info); err != nil {
		return d.named(err)
	}
	return nil
}

// checkEnd doubts a body that only its connection ended, so that it may have
// been cut: it is whole if its digest is right, or if it is an archive, whose
// end is at its end and all of whose files passed their checks. What else was
// found wrong with it is no fault of the artifact.
func (d *download) checkEnd(err error, info fetch.Info) error {
	if !info.OpenEnded || err == nil && (d.unpacked || d.parcel.digest == digestVerified || info.MD5Checked) {
		return err
	}
	_, refused := errors.AsType[*unpack.RefusedError](err)
	_, differs := errors.AsType[*digestError](err)
	if err == nil || refused || differs {
		return &fetch.LengthError{Want: -1}
	}
	return err
}

// receive extracts or keeps what arrives, and checks it.
func (d *download) receive(ctx context.Context, blob *fetch.Blob, s *spool.Spool) error {
	form, name, err := d.formOfBlob(blob)
	if err != nil {
		return err
	}
	if form != archive || d.cfg.SkipDecompress {
		return d.whole(ctx, blob, s, form, name)
	}
	err = d.extract(ctx, blob)
	if _, refused := errors.AsType[*unpack.RefusedError](err); refused {
		return d.refused(blob, err)
	}
	if err != nil {
		return err
	}
	d.unpacked = true
	info, err := blob.Wait()
	if err != nil {
		return err
	}
	return d.checkDigest(info)
}

// worthFinishing is how much may be missing of a refused archive, in bytes,
// for it to be fetched to its end.
const worthFinishing = 8 << 20

// refused returns why an archive was refused. If it came damaged, which only a
// digest can say, that is why; it is found out as long as that takes little.
func (d *download) refused(blob *fetch.Blob, refusal error) error {
	info, _ := blob.Info()
	if blob.Size()-info.Fetched >= worthFinishing {
		return refusal
	}
	info, err := blob.Wait()
	if _, differs := errors.AsType[*fetch.MD5Error](err); differs {
		return err
	}
	if err != nil {
		return refusal
	}
	if err := d.checkDigest(info); err != nil {
		return err
	}
	return refusal
}

// outcome is what a try failed with, if it did. When the download failed, that
// is why all else did; but what was found wrong with the bytes before counts,
// unless they were those of another blob.
func outcome(err, download error) error {
	if _, ok := errors.AsType[*fetch.DownloadError](err); ok && download != nil {
		return download // whatever the reader made of it
	}
	_, refused := errors.AsType[*unpack.RefusedError](err)
	_, limit := errors.AsType[*unpack.LimitError](err)
	_, room := errors.AsType[*spool.QuotaError](err)
	_, digest := errors.AsType[*digestError](err)
	_, name := errors.AsType[*nameError](err)
	_, page := errors.AsType[*pageError](err)
	if download == nil || (refused || limit || room || digest || name || page) && !startOver(download) {
		return err
	}
	return download
}

// startOver reports whether a download begins anew after an error: the blob
// changed, or what the storage makes of ranges.
func startOver(err error) bool {
	_, noRanges := errors.AsType[*fetch.RangeError](err)
	_, changed := errors.AsType[*fetch.ChangedError](err)
	return noRanges || changed
}

func (d *download) named(err error) error {
	a := d.parcel.Artifact
	if isGone(err) {
		return &goneError{id: a.ID, err: err}
	}
	return fmt.Errorf("artifact %q (%d) of %s: %w", a.Name, a.ID, a.Repo, err)
}

const (
	// spoolMemory bounds what all spools keep in memory, in bytes.
	spoolMemory = 24 << 20
	// spoolAhead is how far a download may run ahead of extraction, in bytes:
	// so little that all of it stays in memory.
	spoolAhead = 8 << 20
)

// directoryTail is what is fetched of an archive's end before the rest: the
// end record with the longest comment, and most directories.
const directoryTail = 128 << 10

func (d *download) fetchOptions() fetch.Options {
	progress := func(n int64) {
		d.counted.Add(n)
		d.progress(n)
	}
	o := fetch.Options{
		Client: d.storage, IdleTimeout: d.idle, Policy: d.policy, Progress: progress, UserAgent: d.agent,
		Connections: d.connections, OneStream: d.oneStream, OnDemand: len(d.cfg.Files) > 0,
		OpenEnded: true, MD5: !strings.HasPrefix(d.parcel.Artifact.Digest, "sha256:"),
	}
	if !d.cfg.SkipDecompress {
		o.Tail, o.Ahead = directoryTail, spoolAhead
	}
	return o
}

func (d *download) locate() fetch.Locate {
	a := d.parcel.Artifact
	return func(ctx context.Context) (*url.URL, error) {
		select {
		case d.redirecting <- struct{}{}:
			defer func() { <-d.redirecting }()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		return d.api.Download(ctx, a.Repo, a.ID)
	}
}

func (d *download) extract(ctx context.Context, blob *fetch.Blob) error {
	archive, err := unpack.Open(blob, blob.Size(), unpack.Options{Budget: d.budget, Files: filesWanted(d.cfg.Files)})
	if err != nil {
		return err
	}
	if err := d.checkMounts(archive); err != nil {
		return err
	}
	if err := d.disk.Reserve(archive.Size); err != nil {
		return err
	}
	pairs, more := archive.CaseCollisions(maxWarnings)
	for _, pair := range pairs {
		d.log.Warningf("artifact %q: %q and %q differ in case only; on a file system that ignores case one would be lost",
			d.parcel.Artifact.Name, pair[0], pair[1])
	}
	if more > 0 {
		d.log.Warningf("artifact %q: %d more names differ in case only", d.parcel.Artifact.Name, more)
	}
	root, err := d.stage.Mkdir(d.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	res, err := archive.Extract(ctx, root, unpack.ExtractOptions{Pool: d.pool, Owner: d.owner()})
	if err != nil {
		return err
	}
	d.parcel.files, d.parcel.bytes = res.Files, res.Bytes
	links := archive.Links()
	d.parcel.noLinks = len(links) == 0 && !d.cfg.Unpack // tars have symlinks of their own
	return d.expand(ctx, root, links)
}

// checkMounts refuses an archive that has files for a mount below the
// destination, before they are fetched.
func (d *download) checkMounts(archive *unpack.Archive) error {
	if !d.stage.HasMounts() {
		return nil
	}
	return archive.Each(func(e unpack.Entry) error {
		if e.Mode.IsDir() {
			return nil
		}
		return d.stage.CheckMount(path.Join(newLayout(d.cfg).dir(d.parcel.Item), e.Name))
	})
}

// expand expands the tars of an artifact, if that is asked for.
func (d *download) expand(ctx context.Context, root *os.Root, links map[string]string) error {
	if !d.cfg.Unpack {
		return nil
	}
	reserved := d.disk.Reserved()
	res, err := unpack.ExpandTars(ctx, root, unpack.TarOptions{Links: links, Budget: d.budget, Room: d.disk.Reserve, Pool: d.pool, Owner: d.owner()})
	if err != nil {
		return err
	}
	d.parcel.files += res.Files
	d.parcel.bytes += res.Bytes
	// The tars are gone, and others can have their room.
	d.disk.Release(d.disk.Reserved() - reserved - res.Bytes)
	return nil
}

// owner returns who gets what is extracted; nil leaves it with the process.
func (d *download) owner() *unpack.Owner {
	uid, gid, ok := d.stage.Owner()
	if !ok {
		return nil
	}
	return &unpack.Owner{UID: uid, GID: gid}
}

// filesWanted reads the input files; nil is all of them.
func filesWanted(patterns []string) func(name string) bool {
	if len(patterns) == 0 {
		return nil
	}
	return artifact.Selector{Patterns: patterns}.Matcher()
}
