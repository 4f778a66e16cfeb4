package unpack

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"github.com/artifetch/artifetch/internal/inflate"
)

const (
	// A unit of work is a directory's run of files up to these bounds: large
	// enough to open the directory seldom, small enough to share out.
	unitFiles = 128
	unitBytes = 4 << 20

	// wholeEntry is up to what size, packed and unpacked, an entry is
	// decompressed in one piece.
	wholeEntry = 256 << 10
	// maxZstdWindow is what zstd entries may need of memory; 8 MiB are what
	// RFC 8878, section 3.1.1.1.2 recommends to support.
	maxZstdWindow = 8 << 20
)

// ExtractOptions say how to extract.
type ExtractOptions struct {
	// Workers is how many files are written side by side; 0 means one a
	// core. Memory is about 1 MiB each.
	Workers int
}

// Result counts what was written. Directories do not count as files.
type Result struct {
	Files int
	Bytes int64
}

// Extract writes all entries below root, which must be empty: a file that
// is there already is an error. The first failure, or the end of ctx, ends
// it and leaves what is there so far. Contents that are not what the
// archive declares are *RefusedError.
func (a *Archive) Extract(ctx context.Context, root *os.Root, o ExtractOptions) (Result, error) {
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if err := a.makeDirs(ctx, root); err != nil {
		return Result{}, err
	}
	var files, bytes atomic.Int64
	units := make(chan []Entry)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(units)
		return a.eachUnit(func(unit []Entry) error {
			select {
			case units <- unit:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	})
	for range o.Workers {
		g.Go(func() error {
			x := newExtractor(a.r)
			defer x.close()
			for unit := range units {
				if err := x.unit(ctx, root, unit); err != nil {
					return err
				}
				files.Add(int64(len(unit)))
				for i := range unit {
					bytes.Add(unit[i].Size)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return Result{}, err
	}
	links, err := a.makeLinks(root)
	return Result{Files: int(files.Load()) + links, Bytes: bytes.Load()}, err
}

// makeDirs makes every directory once, parents first. In sorted order a
// parent that is new is new for the entry at hand.
func (a *Archive) makeDirs(ctx context.Context, root *os.Root) error {
	made := map[string]bool{".": true}
	var mkdir func(dir string) error
	mkdir = func(dir string) error {
		if made[dir] {
			return nil
		}
		if err := mkdir(path.Dir(dir)); err != nil {
			return err
		}
		made[dir] = true
		return root.Mkdir(dir, 0o777)
	}
	for i := range a.Entries {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		dir := path.Dir(a.Entries[i].Name)
		if a.Entries[i].Mode.IsDir() {
			dir = a.Entries[i].Name
		}
		if err := mkdir(dir); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
	}
	return nil
}

// eachUnit cuts the files into units and hands them to do.
func (a *Archive) eachUnit(do func([]Entry) error) error {
	var bytes int64
	start := 0
	flush := func(end int) error {
		unit := a.Entries[start:end]
		start, bytes = end, 0
		if len(unit) == 0 {
			return nil
		}
		return do(unit)
	}
	for i := range a.Entries {
		e := &a.Entries[i]
		if !e.Mode.IsRegular() {
			if err := flush(i); err != nil {
				return err
			}
			start = i + 1
			continue
		}
		full := i-start >= unitFiles || bytes+e.Size > unitBytes
		if i > start && (full || path.Dir(e.Name) != path.Dir(a.Entries[start].Name)) {
			if err := flush(i); err != nil {
				return err
			}
		}
		bytes += e.Size
	}
	return flush(len(a.Entries))
}

func (a *Archive) makeLinks(root *os.Root) (int, error) {
	n := 0
	for i := range a.Entries {
		e := &a.Entries[i]
		if e.Mode&fs.ModeSymlink == 0 {
			continue
		}
		if err := root.Symlink(e.target, e.Name); err != nil {
			return n, fmt.Errorf("make symlink: %w", err)
		}
		n++
	}
	return n, nil
}

// extractor holds what a worker uses again and again.
type extractor struct {
	r       io.ReaderAt
	inflate inflate.Decoder
	zstd    *zstd.Decoder // made when it is first needed
	packed  []byte        // a small entry's compressed data
	buf     []byte        // and its content, or a piece of a stored one
}

func newExtractor(r io.ReaderAt) *extractor {
	return &extractor{r: r, packed: make([]byte, wholeEntry), buf: make([]byte, wholeEntry)}
}

// unit writes files that share a directory, which is opened once.
func (x *extractor) unit(ctx context.Context, root *os.Root, files []Entry) error {
	if dir := path.Dir(files[0].Name); dir != "." {
		sub, err := root.OpenRoot(dir)
		if err != nil {
			return err
		}
		defer sub.Close()
		root = sub
	}
	for i := range files {
		if err := x.file(ctx, root, &files[i]); err != nil {
			return err
		}
	}
	return nil
}

// file writes one file into dir. The umask decides its permissions.
func (x *extractor) file(ctx context.Context, dir *os.Root, e *Entry) (err error) {
	perm := fs.FileMode(0o666)
	if e.Mode&0o111 != 0 {
		perm = 0o777
	}
	f, err := dir.OpenFile(path.Base(e.Name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return x.copy(&contextWriter{ctx, f}, e)
}

// contextWriter ends a long copy with its context.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

func (w *contextWriter) Write(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	return w.w.Write(p)
}

// copy decompresses an entry into w and holds it against its size and
// CRC-32.
func (x *extractor) copy(w io.Writer, e *Entry) error {
	var sum uint32
	var err error
	switch {
	case e.Method == methodStored:
		sum, err = x.stored(w, e)
	case e.Method == methodZstd:
		sum, err = x.unzstd(w, e)
	case e.Size <= wholeEntry && e.CompressedSize <= wholeEntry:
		sum, err = x.small(w, e)
	default:
		out := &entryWriter{w: w}
		var res inflate.Result
		if res, err = x.inflate.Copy(out, io.NewSectionReader(x.r, e.offset, e.CompressedSize), e.Size); err != nil {
			err = e.damaged(err, out.err)
		}
		sum = res.CRC
	}
	if err != nil {
		return err
	}
	if sum != e.CRC32 {
		return e.refuse("its CRC-32 is %08x, and %08x was declared", sum, e.CRC32)
	}
	return nil
}

// small decompresses an entry as a whole, and writes it in one piece.
func (x *extractor) small(w io.Writer, e *Entry) (uint32, error) {
	src, dst := x.packed[:e.CompressedSize], x.buf[:e.Size]
	if _, err := io.ReadFull(io.NewSectionReader(x.r, e.offset, e.CompressedSize), src); err != nil {
		return 0, e.damaged(err, nil)
	}
	res, err := x.inflate.Decode(dst, src)
	if err != nil {
		return 0, e.damaged(err, nil)
	}
	if _, err := w.Write(dst); err != nil {
		return 0, e.writing(err)
	}
	return res.CRC, nil
}

// stored copies an entry that is not compressed.
func (x *extractor) stored(w io.Writer, e *Entry) (uint32, error) {
	return x.pump(w, io.NewSectionReader(x.r, e.offset, e.CompressedSize), e)
}

// unzstd decompresses an entry of method 93.
func (x *extractor) unzstd(w io.Writer, e *Entry) (uint32, error) {
	section := io.NewSectionReader(x.r, e.offset, e.CompressedSize)
	if x.zstd == nil {
		var err error
		if x.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderLowmem(true)); err != nil {
			return 0, err
		}
	}
	if err := x.zstd.Reset(section); err != nil {
		return 0, e.damaged(err, nil)
	}
	return x.pump(w, x.zstd, e)
}

// pump copies the content of an entry, and computes its CRC-32.
func (x *extractor) pump(w io.Writer, r io.Reader, e *Entry) (uint32, error) {
	var size int64
	var sum uint32
	for {
		n, err := r.Read(x.buf)
		if size += int64(n); size > e.Size {
			return 0, e.refuse("it holds more than the %d bytes it declares", e.Size)
		}
		sum = crc32.Update(sum, crc32.IEEETable, x.buf[:n])
		if n > 0 {
			if _, err := w.Write(x.buf[:n]); err != nil {
				return 0, e.writing(err)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, e.damaged(err, nil)
		}
	}
	if size != e.Size {
		return 0, e.refuse("it holds %d bytes and declares %d", size, e.Size)
	}
	return sum, nil
}

// close gives back what the extractor holds besides memory.
func (x *extractor) close() {
	if x.zstd != nil {
		x.zstd.Close()
	}
}

// entryWriter remembers its own error, to tell it from those of the data.
type entryWriter struct {
	w   io.Writer
	err error
}

func (w *entryWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.err = err
	return n, err
}

func (e *Entry) writing(err error) error { return fmt.Errorf("write %q: %w", e.Name, err) }

// damaged tells bad data from a reader that fails, and from a writer that
// did.
func (e *Entry) damaged(err, writing error) error {
	var corrupt *inflate.Error
	switch {
	case writing != nil:
		return e.writing(writing)
	case errors.As(err, &corrupt) && errors.Is(err, inflate.ErrSize):
		return e.refuse("it holds %s and declares %d", corrupt.Detail, e.Size)
	case corrupt != nil, errors.Is(err, io.ErrUnexpectedEOF), isZstdError(err):
		return e.refuse("its compressed data is damaged: %v", err)
	}
	return fmt.Errorf("read entry %q: %w", e.raw, err)
}

// isZstdError tells zstd's own errors, all of which are about the data.
func isZstdError(err error) bool {
	return slices.ContainsFunc(zstdErrors, func(z error) bool { return errors.Is(err, z) })
}

var zstdErrors = []error{
	zstd.ErrReservedBlockType, zstd.ErrCompressedSizeTooBig, zstd.ErrBlockTooSmall, zstd.ErrUnexpectedBlockSize, zstd.ErrMagicMismatch,
	zstd.ErrWindowSizeExceeded, zstd.ErrWindowSizeTooSmall, zstd.ErrDecoderSizeExceeded, zstd.ErrUnknownDictionary,
	zstd.ErrFrameSizeExceeded, zstd.ErrFrameSizeMismatch, zstd.ErrCRCMismatch,
}
