package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

const (
	// firstPart is what is asked for before the size is known: small blobs
	// come whole.
	firstPart = 4 << 20
	// firstOnDemand is the same where little of the blob may be wanted.
	firstOnDemand = 64 << 10
	// discardUnit is what the spool forgets at a time, in bytes: a multiple
	// of file systems' blocks, and few system calls.
	discardUnit = 1 << 20
)

// Blob is a remote blob that is being fetched. Its methods may be called
// concurrently.
type Blob struct {
	o     Options
	spool Spool
	urls  urls
	sums  *sums
	// stream is set where the blob is one part that is fetched from front to
	// back before Open returns, by one goroutine, which needs no lock then.
	stream   bool
	restarts int // of a stream, because the blob changed

	ctx    context.Context //nolint:containedctx // of the goroutines that Open starts; ReadAt has none
	cancel context.CancelCauseFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	moved   sync.Cond // something arrived, or err was set
	info    Info
	parts   []*piece // that arrived or are under way, in their order
	queue   queue
	pace    pace
	window  window
	running int // connections
	odd     int // answers in a row that were of another range or another size
	err     error

	discarder  discarder // nil: the spool keeps what there is
	discarding bool
	discarded  int64 // what is before is not in the spool any more
	released   int64 // what is before is not read any more
	digested   int64 // what is before is in the digest
}

// Open begins to fetch a blob, and returns once its size is known: of a stream,
// once all of it has arrived. create returns what the bytes are kept in; its
// size is -1 for a stream. Close has to be called. What was read is good only
// if Wait succeeds.
//
// Errors of the spool are *WriteError; those of the storage *StorageError,
// *TruncatedError, *ChangedError, *RangeError, *LengthError, *WaitError,
// *httpx.StallError, *httpx.SlowError or the network's.
func Open(ctx context.Context, o Options, locate Locate, create func(size int64) (Spool, error)) (*Blob, error) {
	b := &Blob{o: o.withDefaults(), urls: urls{locate: locate}, sums: newSums(o.MD5), stream: true}
	b.moved.L = &b.mu
	b.pace.most = min(b.o.Connections.most, mostConnections)
	b.window.size = b.o.Ahead
	b.ctx, b.cancel = context.WithCancelCause(ctx)
	if err := b.open(create); err != nil {
		b.cancel(nil)
		return nil, err
	}
	context.AfterFunc(b.ctx, b.ended) //nolint:contextcheck // ended reads that context's cause
	return b, nil
}

// open finds out what the storage has and can do, and begins to fetch it.
func (b *Blob) open(create func(int64) (Spool, error)) (err error) {
	p := newPiece(span{})
	b.setSize(p, -1)
	b.parts = []*piece{p}
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
		return b.fetchStream(p, first)
	}
	b.start(p, first)
	return nil
}

// begin asks for the first bytes. If they come, b.stream is off and the answer
// is that of the first part; else the answer, if there is one, is the stream.
func (b *Blob) begin(p *piece) (first *answer, err error) {
	n := int64(firstPart)
	if b.o.OnDemand {
		n = firstOnDemand
	}
	err = b.retry(func() (int64, error) {
		b.info.Requests++
		res, err := b.o.ask(b.ctx, b.urls.get, fmt.Sprintf("0-%d", n-1), "")
		if err != nil {
			return 0, err
		}
		if res.StatusCode == http.StatusOK || b.describe(p, res.Response, n) {
			first = res
			return 0, nil
		}
		defer res.close()
		if res.StatusCode == http.StatusPartialContent || res.StatusCode == http.StatusRequestedRangeNotSatisfiable {
			return 0, nil // of an empty blob, too
		}
		err = statusError(res.Response)
		b.urls.failed(res.from, err)
		return 0, err
	})
	return first, err
}

// fetchStream fetches all of the blob, before there are readers. Its digest is
// computed on the way.
func (b *Blob) fetchStream(p *piece, first *answer) error {
	if err := b.fetch(p, first); err != nil {
		return err
	}
	b.info.Whole, b.digested = true, b.info.Size
	b.discarder, _ = b.spool.(discarder)
	return b.sums.finish(&b.info)
}

// start lets the first part arrive, and the rest.
func (b *Blob) start(p *piece, first *answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running = 1
	if b.o.OnDemand = b.o.OnDemand && p.end < b.info.Size; !b.o.OnDemand {
		tail := max(p.end, b.info.Size-b.o.Tail)
		b.want(span{p.end, tail})
		b.want(span{tail, b.info.Size})
		b.discarder, _ = b.spool.(discarder)
		b.work.Go(b.digest)
	}
	b.work.Go(func() { b.connection(p, first) })
}

// Size is the blob's, in bytes.
func (b *Blob) Size() int64 { return b.info.Size }

// ContentType and ContentDisposition are what the storage says.
func (b *Blob) ContentType() string { return b.info.ContentType }

// ContentDisposition is the header of that name.
func (b *Blob) ContentDisposition() string { return b.info.ContentDisposition }

// ReadAt waits until the bytes are there. It fails with *DownloadError when
// the download does, and for bytes that were released.
func (b *Blob) ReadAt(p []byte, off int64) (int, error) { return b.read(p, off, b.starved) }

// read is ReadAt. While it waits it calls waiting, with b.mu held and the
// byte that is missing.
func (b *Blob) read(p []byte, off int64, waiting func(off int64)) (int, error) {
	if off < 0 {
		return 0, errors.New("fetch: negative offset")
	}
	n := min(int64(len(p)), max(b.info.Size-off, 0))
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	if err := b.await(span{off, off + n}, waiting); err != nil {
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

// Want asks for n bytes before all that is not under way yet. It does not
// wait for them.
func (b *Blob) Want(off, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	off = min(max(off, 0), b.info.Size)
	b.want(span{off, off + min(max(n, 0), b.info.Size-off)}) // sums of what an archive says may overflow
}

// Release says that the caller reads nothing before off any more, so that the
// spool need not keep it.
func (b *Blob) Release(off int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.released = max(b.released, min(off, b.info.Size))
	b.moveOn()
}

// moveOn goes on with what there is room for, now that the window has moved.
// b.mu is held.
func (b *Blob) moveOn() {
	if b.discarder != nil {
		b.discard()
	}
	b.staff()
}

// discard lets the spool forget what neither readers nor the digest need any
// more. b.mu is held, but not while the spool is at it: another call leaves
// the rest to that one.
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

// All makes a blob that is fetched on demand one that is fetched whole, with a
// digest.
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

// Wait waits until all of the blob is there, unless it is fetched on demand,
// and returns what is known of it. What is not read by then is fetched however
// far ahead it is.
func (b *Blob) Wait() (Info, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.window.size = 0
	b.staff()
	for b.err == nil && !b.info.Whole && !b.o.OnDemand {
		b.moved.Wait()
	}
	return b.info, b.err
}

// Info returns what is known by now, and what the download failed with, if it
// did.
func (b *Blob) Info() (Info, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.info, b.err
}

// Close ends what is still under way. The spool is the caller's to close
// afterwards.
func (b *Blob) Close() {
	b.cancel(context.Canceled)
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

// digest computes SHA-256 over all bytes as they come in.
func (b *Blob) digest() {
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	for off := int64(0); off < b.info.Size; {
		n, err := b.read(buf[:min(bufferSize, b.info.Size-off)], off, func(int64) {})
		if err != nil {
			b.fail(err) // if the download did not fail, the spool did
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

// await waits until a span is there.
func (b *Blob) await(s span, waiting func(off int64)) error {
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
		waiting(off)
		b.moved.Wait()
	}
}
