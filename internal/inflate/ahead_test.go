package inflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/iotest"
)

// crew is a world in which Scouts work: how many there are, and which bytes they may have.
type crew struct {
	scouts int
	stride int64
	has    func(off, n int64) bool
	data   func(r io.ReaderAt) io.ReaderAt // what Scouts get; nil: r
}

func everything(int64, int64) bool { return true }

// large returns data like that of the benchmarks, and the stream that it deflates to. No test
// changes them.
var large = sync.OnceValues(func() (data, src []byte) {
	data = corpus(2<<20, 1)
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 6)
	if err == nil {
		_, err = w.Write(data)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	return data, b.Bytes()
})

// copyAhead decompresses src with a crew, and returns how far the last reader begins that
// the Decoder opened: at 0 unless it took what a Scout had found.
func (c crew) copyAhead(t testing.TB, w io.Writer, src []byte, size int64) (Result, int64, error) {
	t.Helper()
	scouts := NewScouts(c.scouts, func(working int) bool { return working < c.scouts })
	r := bytes.NewReader(src)
	var opened int64
	a := Ahead{Scouts: scouts, Size: int64(len(src)), Has: c.has, Data: r, stride: c.stride}
	if c.data != nil {
		a.Data = c.data(r)
	}
	a.Open = func(off int64) io.Reader {
		if off < opened {
			t.Errorf("it went back from byte %d to %d", opened, off)
		}
		opened = off
		return io.NewSectionReader(r, off, int64(len(src))-off)
	}
	var d Decoder
	res, err := d.CopyAhead(w, size, a)
	if scouts.lent != 0 || scouts.working != 0 {
		t.Errorf("%d Scouts did not come back, and %d are at work", scouts.lent, scouts.working)
	}
	return res, opened, err
}

func TestCopyAhead(t *testing.T) {
	t.Parallel()
	like, _ := large()
	mixed := slices.Concat(like[:600<<10], noise(300<<10), like[1<<20:][:600<<10])
	packed := deflate(t, 6, like[:300<<10])
	for _, tt := range []struct {
		name   string
		level  int
		data   []byte
		unused bool // Scouts find nothing that is of use
	}{
		{"data like that of the benchmarks", 6, like, false},
		{"text", 9, text(largest), false},
		{"fast", 1, like[:1<<20], false},
		{"only literals", flate.HuffmanOnly, text(largest), false},
		{"stored blocks in between", 6, mixed, false},
		{"stored", 0, text(largest), true},
		{"noise", 6, noise(largest), true},
		{"zeros", 6, make([]byte, 1<<20), true},
		{"blocks that are data", 0, bytes.Repeat(packed, 6), true},
		{"little", 6, text(1000), true},
		{"nothing", 6, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			src := deflate(t, tt.level, tt.data)
			for _, c := range []crew{
				{scouts: 1, stride: 100 << 10, has: everything},
				{scouts: 4, stride: 100 << 10, has: everything},
				{scouts: 4, stride: 20 << 10, has: everything},
				{scouts: 2, stride: defaultStride, has: everything},
			} {
				var b bytes.Buffer
				res, opened, err := c.copyAhead(t, &b, src, int64(len(tt.data)))
				if err != nil || !bytes.Equal(b.Bytes(), tt.data) || res.CRC != crc32.ChecksumIEEE(tt.data) || res.Consumed != int64(len(src)) {
					t.Errorf("%d, %d: %v, %d of %d bytes, %+v", c.scouts, c.stride, err, b.Len(), len(tt.data), res)
				}
				if c.stride == 100<<10 && tt.unused != (opened == 0) {
					t.Errorf("%d, %d: the last reader began at byte %d", c.scouts, c.stride, opened)
				}
			}
		})
	}
}

// After data in which Scouts find no blocks they find others again.
func TestCopyAheadGoesOn(t *testing.T) {
	t.Parallel()
	like, _ := large()
	data := slices.Concat(like[:300<<10], noise(largest), like)
	src := deflate(t, 6, data)
	var b bytes.Buffer
	_, opened, err := crew{scouts: 2, stride: 70 << 10, has: everything}.copyAhead(t, &b, src, int64(len(data)))
	if err != nil || !bytes.Equal(b.Bytes(), data) || opened < 300<<10+largest {
		t.Errorf("%v, %d of %d bytes, the last reader began at byte %d of %d", err, b.Len(), len(data), opened, len(src))
	}
}

// What scouts are not given they do not read, and what they cannot read does no harm.
func TestCopyAheadWithoutData(t *testing.T) {
	t.Parallel()
	data, src := large()
	unread := func(io.ReaderAt) io.ReaderAt {
		return readerAt(func([]byte, int64) (int, error) {
			t.Error("it was read")
			return 0, io.EOF
		})
	}
	short := func(r io.ReaderAt) io.ReaderAt {
		return readerAt(func(p []byte, off int64) (int, error) {
			n, _ := r.ReadAt(p[:len(p)/3], off)
			return n, iotest.ErrTimeout
		})
	}
	for _, c := range []crew{
		{scouts: 0, stride: 100 << 10, has: everything, data: unread},
		{scouts: 4, stride: 100 << 10, has: func(int64, int64) bool { return false }, data: unread},
		{scouts: 4, stride: 100 << 10, has: everything, data: short},
		{scouts: 4, stride: 100 << 10, has: func(off, _ int64) bool { return off > 500<<10 }},
	} {
		var b bytes.Buffer
		if res, _, err := c.copyAhead(t, &b, src, int64(len(data))); err != nil || !bytes.Equal(b.Bytes(), data) {
			t.Errorf("%v, %d bytes, %+v", err, b.Len(), res)
		}
	}
}

type readerAt func(p []byte, off int64) (int, error)

func (f readerAt) ReadAt(p []byte, off int64) (int, error) { return f(p, off) }

// Errors are those of Copy.
func TestCopyAheadErrors(t *testing.T) {
	t.Parallel()
	data, src := large()
	damaged := bytes.Clone(src)
	for i := range 200 {
		damaged[len(damaged)/2+i] ^= 0x55
	}
	full := errors.New("disk full")
	left := 1 << 20
	for _, tt := range []struct {
		name string
		src  []byte
		size int
		w    io.Writer
		want error
	}{
		{"more than announced", src, len(data) - 1, io.Discard, ErrSize},
		{"much more than announced", src, 1000, io.Discard, ErrSize},
		{"less than announced", src, len(data) + 1, io.Discard, ErrSize},
		{"truncated", src[:len(src)-1000], len(data), io.Discard, io.ErrUnexpectedEOF},
		{"truncated in the middle", src[:len(src)/2], len(data), io.Discard, io.ErrUnexpectedEOF},
		{"damaged", damaged, len(data), io.Discard, nil},
		{"a writer that fails", src, len(data), writer(func(p []byte) (int, error) {
			if left -= len(p); left < 0 {
				return 0, full
			}
			return len(p), nil
		}), full},
	} {
		c := crew{scouts: 3, stride: 100 << 10, has: everything}
		_, _, err := c.copyAhead(t, tt.w, tt.src, int64(tt.size))
		want := tt.want
		if want == nil {
			var d Decoder
			_, serial := d.Copy(tt.w, bytes.NewReader(tt.src), int64(tt.size))
			if err == nil || serial == nil || err.Error() != serial.Error() {
				t.Errorf("%s: %v, and Copy has %v", tt.name, err, serial)
			}
			continue
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

type writer func(p []byte) (int, error)

func (f writer) Write(p []byte) (int, error) { return f(p) }

// A reader that fails further on fails the Decoder.
func TestCopyAheadReadError(t *testing.T) {
	t.Parallel()
	data, src := large()
	a := Ahead{
		Scouts: NewScouts(2, func(int) bool { return true }), Size: int64(len(src)), Has: everything, Data: bytes.NewReader(src), stride: 100 << 10,
		Open: func(off int64) io.Reader {
			if off > 0 {
				return iotest.ErrReader(iotest.ErrTimeout)
			}
			return bytes.NewReader(src)
		},
	}
	var d Decoder
	if _, err := d.CopyAhead(io.Discard, int64(len(data)), a); !errors.Is(err, iotest.ErrTimeout) {
		t.Error(err)
	}
}

// threeCodes begins a block that has 257 literals and lengths, and more: a zero has 1 bit, the
// last two have 2, and the others are missing. Its only distance, 1, has 1 bit. last is 1 for
// the last block of the stream, or 0.
func (w *bitWriter) threeCodes(last, more uint64) {
	w.bits(last|2<<1, 3)
	w.bits(more|0<<5|14<<10, 14)
	for _, sym := range codeOrder[:18] {
		w.bits(map[uint8]uint64{18: 1, 1: 2, 2: 2}[sym], 3)
	}
	w.code(2, 2)
	w.code(0, 1)
	w.bits(138-11, 7)
	w.code(0, 1)
	w.bits(116+more-11, 7)
	w.code(3, 2)
	w.code(3, 2)
	w.code(2, 2)
}

// Blocks with more literals than a Decoder's buffer has room for, and than a Scout keeps.
func TestCopyAheadLargeBlocks(t *testing.T) {
	t.Parallel()
	var w bitWriter
	size := 0
	for i, literals := range []int{300_000, 300_000, 300_000, 300_000, 1_000_000, 1_000_000, 300_000, 300_000} {
		last := uint64(0)
		if i == 7 {
			last = 1
		}
		w.threeCodes(last, 0) // 255 has 2 bits, as the end has
		for range literals / 4 {
			w.bits(0, 4)
		}
		w.code(3, 2)
		size += literals
	}
	src := w.done()
	var b bytes.Buffer
	res, _, err := crew{scouts: 2, stride: 70 << 10, has: everything}.copyAhead(t, &b, src, int64(size))
	if err != nil || !bytes.Equal(b.Bytes(), make([]byte, size)) || res.Consumed != int64(len(src)) {
		t.Errorf("%v, %d of %d bytes, %+v", err, b.Len(), size, res)
	}
}

// manySteps returns a stream of zeros whose blocks have a literal and so many matches of length
// 3, with stored blocks in between.
func manySteps(matches int) []byte {
	var w bitWriter
	for range 12 {
		w.threeCodes(0, 1) // the end has 2 bits, as the length 3 has
		w.code(0, 1)
		for range matches {
			w.code(3, 2)
			w.code(0, 1)
		}
		w.code(2, 2)
		for range 4 {
			w.bits(0, 3)
			w.done()
			w.bits(0xffff<<16, 32)
		}
	}
	w.bits(1, 3)
	w.done()
	w.bits(0xffff<<16, 32)
	return w.done()
}

// Blocks with as many matches as a Scout keeps, then stored blocks, each of which is a step
// more.
func TestCopyAheadManySteps(t *testing.T) {
	t.Parallel()
	const matches = maxSteps - 2
	src, size := manySteps(matches), 12*(1+3*matches)
	var b bytes.Buffer
	res, opened, err := crew{scouts: 2, stride: 200 << 10, has: everything}.copyAhead(t, &b, src, int64(size))
	if err != nil || !bytes.Equal(b.Bytes(), make([]byte, size)) || res.Consumed != int64(len(src)) || opened == 0 {
		t.Errorf("%v, %d of %d bytes, %+v, the last reader began at byte %d", err, b.Len(), size, res, opened)
	}
}

// A Scout begins so far ahead that the Decoder does not wait for it, behind what the Decoder has
// read, and behind other Scouts.
func TestNext(t *testing.T) {
	t.Parallel()
	const stride = defaultStride
	at := func(froms ...int64) (queue []*Scout) {
		for _, from := range froms {
			queue = append(queue, &Scout{from: from})
		}
		return queue
	}
	for _, tt := range []struct {
		queue  []*Scout
		waited []bool
		misses int
		waits  bool
		want   int64 // for a Decoder at 10 strides
	}{
		{nil, nil, 0, false, 11 * stride},
		{nil, []bool{true, true, false}, 0, false, 11*stride + stride/8 - stride/64},
		{nil, slices.Repeat([]bool{true}, 99), 0, false, 12 * stride},
		{nil, slices.Repeat([]bool{false}, 99), 0, false, 10*stride + stride/2},
		{nil, nil, 1, false, 12 * stride},
		{nil, nil, 99, false, 18 * stride},
		{at(10*stride + stride/4), nil, 0, false, 11*stride + stride/4 + stride/2},
		{at(10*stride, 11*stride), nil, 0, false, 12*stride + stride/2},
		{at(12 * stride), nil, 0, false, 13 * stride},
		{at(0, 1, 2), slices.Repeat([]bool{false}, 99), 0, false, 10*stride + stride/4},
		{nil, nil, 0, true, 12 * stride},
		{at(10*stride + stride/4), nil, 0, true, 12*stride + stride/4 + stride/2},
	} {
		a := ahead{Ahead: Ahead{stride: stride}, queue: tt.queue, lead: stride, misses: tt.misses}
		for _, waited := range tt.waited {
			a.pace(waited)
		}
		if got := a.next(10*stride, tt.waits); got != tt.want {
			t.Errorf("%d Scouts, waits %v, misses %d: %d, want %d", len(tt.queue), tt.waited, tt.misses, got, tt.want)
		}
	}
	if defaultStride/4 <= inputSize {
		t.Error("a Scout may begin before what the Decoder has read")
	}
}

func TestScoutsAreShared(t *testing.T) {
	t.Parallel()
	s := NewScouts(2, func(working int) bool { return working < 1 })
	first := s.get()
	if first == nil || !s.mayBegin() {
		t.Fatal("no Scout for an idle core")
	}
	s.begin()
	if s.mayBegin() {
		t.Error("two may work on one core")
	}
	s.rest()
	second := s.get()
	if second == nil || second == first || !s.mayBegin() {
		t.Fatal("what the first found was not needed any more")
	}
	if s.get() != nil {
		t.Error("a third one")
	}
	s.put(first)
	if s.get() == nil {
		t.Error("none in the place of one that came back")
	}
}

// No Scout waits for a worker while none finds anything.
func TestPlanAfterMisses(t *testing.T) {
	t.Parallel()
	_, src := large()
	for misses, want := range []int{1, 0, 0} {
		busy := NewScouts(2, func(int) bool { return false })
		a := ahead{Ahead: Ahead{Scouts: busy, Size: int64(len(src)), Has: everything, Data: bytes.NewReader(src), stride: 100 << 10}, lead: 100 << 10, misses: misses}
		a.workers.n = 1
		if a.plan(0); len(a.queue) != want {
			t.Errorf("%d Scouts wait after %d misses", len(a.queue), misses)
		}
	}
}

// A Scout that waits is run by the worker that finishes next, unless it is taken back.
func TestWorkers(t *testing.T) {
	t.Parallel()
	w := workers{scouts: NewScouts(3, func(working int) bool { return working < 1 })}
	scout := func() *Scout { return &Scout{done: make(chan struct{})} }
	one, two := scout(), scout()
	if w.mayWait() || w.leave(one) || w.withdraw(one) {
		t.Error("one waits, and there is no worker")
	}
	w.n = 1 // a worker that finishes when this test says so
	if !w.mayWait() || !w.leave(one) || w.mayWait() {
		t.Error("not one may wait for a worker")
	}
	if w.withdraw(two) || !w.withdraw(one) || w.withdraw(one) || !w.mayWait() {
		t.Error("it was not taken back")
	}
	if !w.leave(two) || w.take() != two || !w.mayWait() || w.take() != nil || w.mayWait() {
		t.Error("it was not run, or the worker did not end")
	}
	w.run(one)
	<-one.done
	w.running.Wait()
	if w.n != 0 || w.scouts.working != 0 {
		t.Errorf("%d workers, %d of them counted", w.n, w.scouts.working)
	}
}
