package inflate

import (
	"io"
	"sync"
)

// Ahead is what a Decoder needs to decompress a large stream together with Scouts.
type Ahead struct {
	Scouts *Scouts
	// Open returns a reader of the compressed data from a byte on. The Decoder calls it with
	// ever larger offsets, and reads from the latest reader only.
	Open func(off int64) io.Reader
	// Size is how many bytes of compressed data there are.
	Size int64
	// Has reports whether n bytes at off can be read without waiting for them.
	Has func(off, n int64) bool
	// Data has the compressed data, too. The goroutine that called CopyAhead reads it for
	// Scouts, ahead of what it reads for the Decoder.
	Data io.ReaderAt

	stride int64 // of a Scout; 0: the default
}

// defaultStride is how many bytes of compressed data a Scout decodes: enough that the search
// for a block takes little of its time, and few enough that what it makes of them is small.
const defaultStride = 512 << 10

// mostDoublings bounds how much further ahead a Scout begins after others found nothing.
const mostDoublings = 3

// CopyAhead is Copy, with the same result. While Scouts are free, they decode parts of the
// stream ahead of the Decoder. They have ended when it returns.
func (d *Decoder) CopyAhead(w io.Writer, size int64, a Ahead) (Result, error) {
	if a.stride == 0 {
		a.stride = defaultStride
	}
	d.ahead = &ahead{Ahead: a, workers: workers{scouts: a.Scouts}, lead: a.stride}
	defer func() {
		d.ahead.end()
		d.ahead = nil
	}()
	return d.Copy(w, a.Open(0), size)
}

// ahead is the state of a CopyAhead.
type ahead struct {
	Ahead

	workers workers
	queue   []*Scout // waiting, under way or done, in the order of the stream
	misses  int      // Scouts in a row that found nothing, or no block of the stream
	lead    int64    // how many bytes the Decoder is to decode while a Scout does its part
}

// advance is called when d is between two blocks. It lets Scouts begin, and takes what
// they found where d has come to. It reports whether that was the end of the stream.
func (a *ahead) advance(d *Decoder) (last bool, err error) {
	for !last && err == nil {
		a.plan(d.bit() / 8)
		if len(a.queue) == 0 || d.bit() < a.queue[0].from*8 {
			return false, nil
		}
		s := a.queue[0]
		if a.workers.withdraw(s) {
			a.queue = a.queue[1:]
			a.Scouts.put(s)
			continue
		}
		if a.wait(s) {
			a.plan(d.bit() / 8) // a core is idle now
		}
		if s.start > d.bit() {
			return false, nil
		}
		if s.start == d.bit() {
			last, a.misses = s.last, 0
			if err = d.follow(s); err == nil {
				err = d.jump(s.end)
			}
		} else {
			a.misses++
		}
		a.queue = a.queue[1:]
		a.Scouts.put(s)
	}
	return last, err
}

// wait waits until a Scout has done its part, and reports whether it had to.
func (a *ahead) wait(s *Scout) (waited bool) {
	select {
	case <-s.done:
	default:
		waited = true
		<-s.done
	}
	a.pace(waited)
	return waited
}

// pace makes the next lead longer if the Decoder had to wait for a Scout, else a little shorter.
func (a *ahead) pace(waited bool) {
	if waited {
		a.lead += a.stride / 16
	} else {
		a.lead -= a.stride / 64
	}
	a.lead = min(max(a.lead, a.stride/2), 2*a.stride)
}

// plan lets Scouts begin, or wait for a worker, for a Decoder that is at byte at.
func (a *ahead) plan(at int64) {
	for {
		waits := !a.Scouts.mayBegin()
		if waits && (a.misses > 0 || !a.workers.mayWait()) {
			return
		}
		from := a.next(at, waits)
		until := min(from+a.stride, a.Size)
		to := min(until+beyond, a.Size)
		if until-from < a.stride/2 || !a.Has(from, to-from) {
			return
		}
		s := a.Scouts.get()
		if s == nil {
			return
		}
		// What the Decoder has read may be released, so a Scout does not read by itself.
		n, _ := a.Data.ReadAt(s.input[:to-from], from) // an error comes again when the Decoder reads
		s.data, s.from, s.until, s.done = s.input[:n], from, until, make(chan struct{})
		s.ended.Store(false)
		a.queue = append(a.queue, s)
		if !waits || !a.workers.leave(s) {
			a.workers.run(s)
		}
	}
}

// next returns where the next Scout is to begin: behind the others, and so far ahead of a
// Decoder at byte at that the Scout has finished when the Decoder comes there. Until then the
// Decoder decodes what no Scout does, and carries out what other Scouts found, which takes it
// a quarter of the time that decoding takes. Each Scout that found nothing doubles the
// distance: there may be no blocks to find, as in what is only stored. The distance is a
// quarter of a stride at least: what the Decoder has read, inputSize at most, may be released.
// waits is set if the Scout has to wait for a worker.
func (a *ahead) next(at int64, waits bool) int64 {
	least := at + a.stride/4
	work := int64(0) // of the Decoder before it comes to at
	for _, s := range a.queue {
		work += max(s.from-at, 0) + a.stride/4
		at = max(at, s.from+a.stride)
	}
	lead := a.lead << min(a.misses, mostDoublings)
	if waits {
		lead += a.lead // while the Scout before it does its part
	}
	return max(at, at+lead-work, least)
}

// end waits until no Scout is under way any more.
func (a *ahead) end() {
	for _, s := range a.queue {
		s.ended.Store(true)
	}
	a.workers.running.Wait()
	for _, s := range a.queue {
		a.Scouts.put(s)
	}
}

// jump goes on at a bit ahead.
func (d *Decoder) jump(bit int64) error {
	if p := bit/8 - d.base; p <= int64(d.end) {
		d.p = int(p)
	} else {
		d.p, d.end, d.base, d.srcErr = 0, 0, bit/8, nil
		d.source = d.ahead.Open(bit / 8)
	}
	d.acc, d.n = 0, 0
	d.fill(1)
	if _, ok := d.take(uint(bit % 8)); !ok {
		return d.truncated()
	}
	return nil
}

// Scouts bounds how many Scouts several Decoders have together. Its methods may be called
// concurrently.
type Scouts struct {
	most int
	idle func(working int) bool

	mu      sync.Mutex
	lent    int
	working int
}

// NewScouts returns a Scouts that lends no more than most Scouts at a time. idle reports whether
// a core is free for another Scout while working Scouts are at work.
func NewScouts(most int, idle func(working int) bool) *Scouts {
	return &Scouts{most: most, idle: idle}
}

// unused has Scouts for the next stream. The garbage collector takes them if there is none
// soon.
var unused = sync.Pool{New: func() any { return new(Scout) }}

// mayBegin reports whether a core is free for another Scout.
func (s *Scouts) mayBegin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.idle(s.working)
}

// get returns a Scout, or nil if all are lent.
func (s *Scouts) get() *Scout {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lent == s.most {
		return nil
	}
	s.lent++
	return unused.Get().(*Scout) //nolint:forcetypeassert // nothing else is in it
}

// begin says that another Scout works from now on.
func (s *Scouts) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.working++
}

// rest says that one of them has ended.
func (s *Scouts) rest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.working--
}

// put takes a Scout back that has done its work, and whose result is no longer needed.
func (s *Scouts) put(scout *Scout) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lent--
	unused.Put(scout)
}
