package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

const (
	// firstPart is how many bytes the first request asks for. It brings all of a small
	// blob.
	firstPart = 4 << 20
	// firstOnDemand is the same for a blob of which little may be wanted.
	firstOnDemand = 64 << 10
	// discardUnit is how many bytes the spool discards at a time: a multiple of file
	// systems' blocks, and large enough for few system calls.
	discardUnit = 1 << 20
)

// Blob is a remote blob that is being fetched. Its methods may be called
// concurrently.
type Blob struct {
	o     Options
	spool Spool
	urls  *urls
	sums  *sums
	// stream is set if the blob is one part that is fetched from front to back before
	// Open returns. Only one goroutine uses the Blob then, so it needs no lock.
	stream   bool
	restarts int // of a stream, because the blob changed

	ctx    context.Context //nolint:containedctx // of the goroutines that Open starts; ReadAt has none
	cancel context.CancelCauseFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	moved   sync.Cond // something arrived, or err was set
	info    Info
	parts   []*part // that arrived or are under way, by offset
	tries   []*try  // that are under way
	queue   queue
	pace    pace
	window  window
	running int // connections
	odd     int // answers in a row that were of another range or another size
	err     error

	hedging int     // parts with two tries
	kept    int     // lost tries that were left open, see keep
	wasted  int64   // bytes that had arrived before
	waits   []int64 // the bytes that readers wait for, without the digest's

	openPart *part // see hold
	held     bool  // openPart waits for readers

	pauses  []*pausing
	lent    int       // connections that pause, and whose place others have taken
	rest    time.Time // no request is sent again before this time: Retry-After
	watched bool      // ticker is going to call tick
	ticker  *time.Timer

	discarder  discarder // nil: the spool keeps all bytes
	discarding bool
	discarded  int64 // bytes before this offset are no longer in the spool
	released   int64 // bytes before this offset are not read again
	digested   int64 // bytes before this offset are in the digest
}

// Open begins to fetch a blob, and returns once its size is known; for a stream, once all
// of it has arrived. create returns the spool for the bytes; its argument is the size, or
// -1 for a stream. The caller must call Close. Bytes that were read can be trusted only
// if Wait succeeds.
//
// Errors of the spool are *WriteError; those of the storage *StorageError,
// *TruncatedError, *ChangedError, *RangeError, *LengthError, *WaitError,
// *httpx.StallError, *httpx.SlowError or the network's.
func Open(ctx context.Context, o Options, locate Locate, create func(size int64) (Spool, error)) (*Blob, error) {
	b := &Blob{o: o.withDefaults(), urls: newURLs(locate), sums: newSums(o.MD5), stream: true}
	b.moved.L = &b.mu
	b.pace.most = min(b.o.Connections.most, mostConnections)
	b.window.size = b.o.Ahead
	b.ctx, b.cancel = context.WithCancelCause(ctx)
	if err := b.open(create); err != nil { //nolint:contextcheck // it has b.ctx
		b.cancel(nil)
		return nil, err
	}
	context.AfterFunc(b.ctx, b.ended) //nolint:contextcheck // ended reads that context's cause
	return b, nil
}

// open finds out the blob's size and whether the storage supports ranges, and begins to
// fetch the blob.
func (b *Blob) open(create func(int64) (Spool, error)) (err error) {
	p := b.newPart(span{start: b.o.From})
	b.setSize(p, -1)
	b.parts = []*part{p}
	var first *answer
	if !b.o.OneStream {
		if first, err = b.begin(p); err != nil {
			return err
		}
	}
	if b.spool, err = create(b.info.Size); err != nil {
		if first != nil {
			first.close()
		}
		return err
	}
	if b.stream {
		p.begin(0)
		return b.fetchStream(p, first)
	}
	b.start(p, first)
	return nil
}

// fetchStream fetches all of the blob, before there are readers. Its digest is
// computed on the way.
func (b *Blob) fetchStream(p *part, first *answer) error {
	if err := b.fetch(b.reenlist(p), first); err != nil {
		return err
	}
	b.info.Whole, b.digested = true, b.info.Size
	b.discarder, _ = b.spool.(discarder)
	return b.sums.finish(&b.info)
}

// start starts to fetch the first part, and the rest.
func (b *Blob) start(p *part, first *answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running = 1
	if b.o.OnDemand = b.o.OnDemand && (p.start > 0 || p.end < b.info.Size); !b.o.OnDemand {
		tail := max(p.end, b.info.Size-b.o.Tail)
		b.want(span{p.end, tail})
		b.want(span{tail, b.info.Size})
		b.discarder, _ = b.spool.(discarder)
		b.work.Go(b.digest)
	}
	t := b.enlist(p)
	b.work.Go(func() { b.connection(t, first) })
}

// Size returns the blob's size in bytes.
func (b *Blob) Size() int64 { return b.info.Size }

// ContentType returns the storage's header of that name.
func (b *Blob) ContentType() string { return b.info.ContentType }

// ContentDisposition returns the storage's header of that name.
func (b *Blob) ContentDisposition() string { return b.info.ContentDisposition }

// ReadAt waits until the bytes have arrived. It fails with *DownloadError if the download
// failed, and fails for bytes that were released.
func (b *Blob) ReadAt(p []byte, off int64) (int, error) { return b.read(p, off, true) }

// read is ReadAt for readers and for the digest. Nothing is requested for the digest alone.
func (b *Blob) read(p []byte, off int64, isReader bool) (int, error) {
	if off < 0 {
		return 0, errors.New("fetch: negative offset")
	}
	n := min(int64(len(p)), max(b.info.Size-off, 0))
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	if err := b.await(span{off, off + n}, isReader); err != nil {
		return 0, err
	}
	got, err := b.spool.ReadAt(p[:n], off)
	if int64(got) == n {
		err = nil
	}
	if err == nil && n < int64(len(p)) {
		err = io.EOF
	}
	return got, err
}

// Has reports whether ReadAt would read n bytes at off without waiting for them.
func (b *Blob) Has(off, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err == nil && off >= b.discarded && n <= b.info.Size-off && b.reach(off) >= off+n
}

// Want requests n bytes before everything that is not under way yet. It does not wait for
// them.
func (b *Blob) Want(off, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	off = min(max(off, 0), b.info.Size)
	b.want(span{off, off + min(max(n, 0), b.info.Size-off)}) // sums of numbers from an archive may overflow
}

// Release says that the caller will not read the bytes before off again, so that the
// spool need not keep them.
func (b *Blob) Release(off int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.released = max(b.released, min(off, b.info.Size))
	b.moveOn()
}

// moveOn requests what the window has room for, now that it has moved. b.mu is held.
func (b *Blob) moveOn() {
	if b.discarder != nil {
		b.discard()
	}
	if b.held {
		b.moved.Broadcast()
	}
	b.staff()
}

// discard lets the spool discard the bytes that neither readers nor the digest need. b.mu
// is held, except while the spool works: calls in that time return at once, and the first
// call does their work.
func (b *Blob) discard() {
	for !b.discarding {
		from, to := b.discarded, b.low()/discardUnit*discardUnit
		if to <= from {
			return
		}
		b.discarded, b.discarding = to, true
		b.mu.Unlock()
		b.discarder.Discard(from, to-from)
		b.mu.Lock()
		b.discarding = false
	}
}

// All lets the whole of a blob that is fetched on demand be fetched, with a digest.
func (b *Blob) All() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.o.OnDemand || b.info.Whole {
		return
	}
	b.o.OnDemand = false
	b.want(span{0, b.info.Size})
	b.work.Go(b.digest)
}

// Wait waits until the whole blob has arrived, unless it is fetched on demand, and
// returns what is known of it. From then on bytes are fetched however far they are ahead
// of readers.
func (b *Blob) Wait() (Info, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.window.size = 0
	b.moved.Broadcast() // see hold
	b.staff()
	for b.err == nil && !b.info.Whole && !b.o.OnDemand {
		b.moved.Wait()
	}
	return b.info, b.err
}

// Info returns what is known so far, and the download's error if it failed.
func (b *Blob) Info() (Info, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.info, b.err
}

// Close ends all requests that are under way. Afterwards the caller closes the spool.
func (b *Blob) Close() {
	b.cancel(context.Canceled)
	b.mu.Lock()
	if b.ticker != nil {
		b.ticker.Stop() // a tick that has begun starts nothing
	}
	b.mu.Unlock()
	b.work.Wait()
}

// ended is called when the context of all that is under way ends.
func (b *Blob) ended() { b.fail(context.Cause(b.ctx)) }

// fail ends the download; the first error counts.
func (b *Blob) fail(err error) {
	b.mu.Lock()
	if b.err == nil {
		b.err = err
	}
	b.moved.Broadcast()
	b.mu.Unlock()
	b.cancel(err)
}

// digest computes SHA-256 over all bytes in order, as they arrive.
func (b *Blob) digest() {
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	for off := int64(0); off < b.info.Size; {
		n, err := b.read(buf[:min(bufferSize, b.info.Size-off)], off, false)
		if err != nil {
			b.fail(err) // if the download has not failed before, the spool did now
			return
		}
		b.sums.write(buf[:n])
		off += int64(n)
		b.mu.Lock()
		b.digested = off
		b.moveOn()
		b.mu.Unlock()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.sums.finish(&b.info)
	if b.info.Whole = err == nil; err != nil && b.err == nil {
		b.err = err
	}
	b.moved.Broadcast()
}

// await waits until a span has arrived.
func (b *Blob) await(s span, isReader bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.start < b.discarded {
		return fmt.Errorf("fetch: byte %d was released", s.start)
	}
	for asked := false; ; asked = true {
		off := b.reach(s.start)
		if b.err != nil {
			return &DownloadError{b.err}
		}
		if off >= s.end {
			return nil
		}
		if b.o.OnDemand && !asked {
			for _, m := range b.missing(s) {
				if !b.queue.has(m) {
					b.want(m)
				}
			}
		}
		if !isReader {
			b.moved.Wait()
			continue
		}
		b.starved(off)
		b.waits = append(b.waits, off)
		b.moved.Wait()
		b.waits = slices.Delete(b.waits, slices.Index(b.waits, off), slices.Index(b.waits, off)+1)
	}
}
