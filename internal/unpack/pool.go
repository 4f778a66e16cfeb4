package unpack

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"runtime"

	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"golang.org/x/sync/semaphore"

	"github.com/artifetch/artifetch/internal/inflate"
)

const (
	// maxPool is how many decoders a Pool has at most: more cores than that
	// wait for the disk.
	maxPool = 16
	// maxEntryWindow is how much memory zstd may need for an entry, in bytes;
	// RFC 8878, section 3.1.1.1.2 recommends to support 8 MiB.
	maxEntryWindow = 8 << 20
	// maxTarWindow is the same for a tar, and for all windows of a Pool together.
	// It is enough for zstd -1 to -20; --ultra -21 and -22 take 64 and 128 MiB,
	// --long=27 128 MiB.
	maxTarWindow = 32 << 20
	// maxScouts is how many scouts a Pool has at most. Three at work keep a decoder busy with
	// what they have found.
	maxScouts = 4
	// worthScouts is the compressed size, in bytes, from which scouts help with an entry.
	worthScouts = 2 << 20
)

// Pool bounds how many entries and tars are decompressed at a time, and with them the
// memory: about 1 MiB each, 12 MiB for scouts, for all of zstd, LZMA and bzip2 together the
// largest window that zstd may have, and the largest dictionary of one xz. It bounds how
// many directories are kept open, too, by what the system allows. It is safe for concurrent
// use.
type Pool struct {
	handles *handles
	free    chan *decoder
	large   *semaphore.Weighted // of units: what is read between them has to be kept
	windows *semaphore.Weighted // bytes
	idle    chan *zstdReader    // all for windows of the same size
	scouts  *inflate.Scouts     // for large entries, on cores that are idle
	xz      *xz.Reader          // of the stream that holds all windows; nil: not made yet
}

// NewPool makes a pool for n entries, or for fewer if n is large. Half of them may be
// large: more would spread what is read over a longer part of the archive, all of which has
// to be kept meanwhile.
func NewPool(n int) *Pool {
	n = min(n, maxPool)
	p := &Pool{
		handles: newHandles(maxDescriptors()),
		free:    make(chan *decoder, n), large: semaphore.NewWeighted(int64(n+1) / 2), windows: semaphore.NewWeighted(maxTarWindow),
		idle: make(chan *zstdReader, maxTarWindow/maxEntryWindow),
	}
	cores := runtime.GOMAXPROCS(0)
	// For each other core one is at work and one has found something, and one waits.
	p.scouts = inflate.NewScouts(min(2*cores-1, maxScouts), func(working int) bool { return p.hasCore(working, cores) })
	for range n {
		p.free <- &decoder{pool: p}
	}
	return p
}

func defaultPool() *Pool { return NewPool(2 * runtime.GOMAXPROCS(0)) }

// hasCore reports whether there are more cores than decoders in use and scouts at work. A
// decoder that waits for bytes counts as well: it may go on at any moment.
func (p *Pool) hasCore(scouts, cores int) bool { return cap(p.free)-len(p.free)+scouts < cores }

// decoder holds what one worker uses again and again.
type decoder struct {
	pool    *Pool
	inflate *inflate.Decoder // nil until an entry is deflated
	packed  []byte           // neighbours as they lie in the archive, see piece
	buf     []byte           // a piece of the content of an entry that is not deflated, see piece
}

// piece returns n bytes of a buffer, or unitBytes if that is less. The buffer grows as more
// is asked for: to clear all of it would take longer than to extract a tiny archive.
func piece(buf *[]byte, n int64) []byte {
	n = min(n, unitBytes)
	if had := int64(len(*buf)); *buf == nil || had < n {
		*buf = make([]byte, min(max(n, 2*had), unitBytes))
	}
	return (*buf)[:n]
}

func (p *Pool) get(ctx context.Context) (*decoder, error) {
	select {
	case d := <-p.free:
		return d, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p *Pool) put(d *decoder) { p.free <- d }

// zstdReader is a decoder in use.
type zstdReader struct {
	*zstd.Decoder
	pool   *Pool
	window int64
}

// zstd decompresses what r has, as soon as there is memory for the window,
// which may not be larger than most. It cannot deadlock: a goroutine that waits for
// window memory holds a decoder, but so does the one that will release it.
func (p *Pool) zstd(ctx context.Context, r *bufio.Reader, most int64) (*zstdReader, error) {
	window := most
	head, _ := r.Peek(zstd.HeaderMaxSize) // what is wrong comes again when it is read
	var h zstd.Header
	if h.Decode(head) == nil && !h.Skippable {
		need := h.WindowSize
		if h.SingleSegment {
			need = h.FrameContentSize
		}
		if need > uint64(most) { //nolint:gosec // a constant
			return nil, &windowError{need, most}
		}
		if need <= maxEntryWindow {
			window = maxEntryWindow
		}
	}
	if err := p.windows.Acquire(ctx, window); err != nil {
		return nil, context.Cause(ctx)
	}
	z, err := p.decoder(window)
	if err == nil {
		err = z.Reset(r) // it reads nothing yet
	}
	if err != nil {
		p.windows.Release(window)
		return nil, err
	}
	return z, nil
}

// decoder takes a decoder of zstd that was used before, or makes one. Decoders for
// windows of another size give their memory up for it.
func (p *Pool) decoder(window int64) (*zstdReader, error) {
	for {
		select {
		case z := <-p.idle:
			if z.window == window {
				return z, nil
			}
			z.Decoder.Close()
		default:
			z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(uint64(window)), zstd.WithDecoderLowmem(true)) //nolint:gosec // a constant
			return &zstdReader{z, p, window}, err
		}
	}
}

// Close gives the memory to the next one.
func (z *zstdReader) Close() error {
	_ = z.Reset(nil) // lets go of the reader
	z.pool.idle <- z
	z.pool.windows.Release(z.window)
	return nil
}

// windowReader is a decompressor for which memory of the pool's windows is reserved.
type windowReader struct {
	io.Reader
	pool  *Pool
	bytes int64
}

// reserve waits for memory, in bytes, at most maxTarWindow. It cannot deadlock, as
// zstd cannot. Idle decoders of zstd give their memory up for it.
func (p *Pool) reserve(ctx context.Context, n int64) (*windowReader, error) {
	if err := p.windows.Acquire(ctx, n); err != nil {
		return nil, context.Cause(ctx)
	}
	for {
		select {
		case z := <-p.idle:
			z.Decoder.Close()
		default:
			return &windowReader{pool: p, bytes: n}, nil
		}
	}
}

// Close gives the memory to the next one.
func (r *windowReader) Close() error {
	r.pool.windows.Release(r.bytes)
	return nil
}

// windowError says that zstd needs too much memory.
type windowError struct {
	need uint64
	most int64
}

func (e *windowError) Error() string {
	return fmt.Sprintf("zstd needs %d MiB of memory to decompress it, more than the %d MiB there are; compress it without --ultra and --long", (e.need-1)>>20+1, e.most>>20)
}
