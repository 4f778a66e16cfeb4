package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/unpack"
)

// download is one try at one artifact.
type download struct {
	*session
	parcel    *parcel
	dir       string // the artifact's tree in the stage
	budget    *unpack.Budget
	room      *roomShare
	oneStream bool
}

func (d *download) try(ctx context.Context) (err error) {
	s := &spool{stage: d.stage, name: d.dir + ".spool", memory: &d.memory, room: d.room, kept: map[int64]*block{}}
	defer func() { err = errors.Join(err, s.close()) }()
	blob, err := fetch.Open(ctx, d.fetchOptions(), d.locate(), func(int64) (fetch.Spool, error) { return s, nil })
	if err != nil {
		return d.named(err)
	}
	defer blob.Close()
	err = d.receive(ctx, blob, s)
	info, blobErr := blob.Info()
	d.parcel.wire = info.Fetched
	if blobErr != nil {
		err = blobErr // whatever it led to
	}
	if err != nil {
		return d.named(err)
	}
	d.parcel.fetched = true
	return nil
}

// receive extracts or keeps what arrives, and checks it.
func (d *download) receive(ctx context.Context, blob *fetch.Blob, s *spool) error {
	archive, err := isArchive(blob)
	if err != nil {
		return err
	}
	if !archive || d.cfg.SkipDecompress {
		return d.whole(ctx, blob, s, archive)
	}
	err = d.extract(ctx, blob)
	// Of an archive that is refused, too, the digest tells whether it came
	// damaged.
	_, refused := errors.AsType[*unpack.RefusedError](err)
	if err != nil && (!refused || d.parcel.Artifact.Digest == "") {
		return err
	}
	info, waitErr := blob.Wait()
	if waitErr != nil {
		return waitErr
	}
	if digestErr := d.checkDigest(info); digestErr != nil {
		return digestErr
	}
	return err
}

func (d *download) named(err error) error {
	a := d.parcel.Artifact
	if api, ok := errors.AsType[*githubapi.Error](err); ok && api.Kind == githubapi.Gone {
		return &goneError{id: a.ID, err: err}
	}
	return fmt.Errorf("artifact %q (%d) of %s: %w", a.Name, a.ID, a.Repo, err)
}

// directoryTail is what is fetched of an archive's end before the rest: the
// end record with the longest comment, and most directories.
const directoryTail = 128 << 10

func (d *download) fetchOptions() fetch.Options {
	o := fetch.Options{
		Client: d.storage, IdleTimeout: d.idle, Policy: d.policy, Progress: d.progress, UserAgent: d.agent,
		Connections: d.connections, OneStream: d.oneStream, OnDemand: len(d.cfg.Files) > 0,
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
	if err := d.room.take(archive.Size); err != nil {
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
	res, err := archive.Extract(ctx, root, unpack.ExtractOptions{Pool: d.pool})
	if err != nil {
		return err
	}
	d.parcel.files, d.parcel.bytes = res.Files, res.Bytes
	links := archive.Links()
	d.parcel.noLinks = len(links) == 0 && !d.cfg.Unpack // tars have symlinks of their own
	return d.expand(ctx, root, links)
}

// expand expands the tars of an artifact, if that is asked for.
func (d *download) expand(ctx context.Context, root *os.Root, links map[string]string) error {
	if !d.cfg.Unpack {
		return nil
	}
	res, err := unpack.ExpandTars(ctx, root, unpack.TarOptions{Links: links, Budget: d.budget, Pool: d.pool})
	d.parcel.files += res.Files
	d.parcel.bytes += res.Bytes
	return err
}

// filesWanted reads the input files; nil is all of them.
func filesWanted(patterns []string) func(name string) bool {
	if len(patterns) == 0 {
		return nil
	}
	return artifact.Selector{Patterns: patterns}.Matches
}
