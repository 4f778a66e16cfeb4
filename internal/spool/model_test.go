package spool

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"
)

// model is the contract of a spool, in plain bytes.
type model struct {
	data      []byte // up to the end
	written   [modelBlocks]bool
	discarded [modelBlocks]bool
	undefined [modelBlocks * blockSize]bool
}

const modelBlocks = 7

func (m *model) write(p []byte, off int) {
	if len(p) == 0 {
		return
	}
	end := off + len(p)
	if end > len(m.data) {
		m.data = append(m.data, make([]byte, end-len(m.data))...)
	}
	for b := off / blockSize; b*blockSize < end; b++ {
		if m.discarded[b] {
			for i := range blockSize {
				m.undefined[b*blockSize+i] = true
			}
		}
		m.discarded[b], m.written[b] = false, true
	}
	copy(m.data[off:], p)
	clear(m.undefined[off:end])
}

func (m *model) truncate(size int) {
	if size >= len(m.data) {
		return
	}
	m.data = m.data[:size:size]
	for b := (size + blockSize - 1) / blockSize; b < modelBlocks; b++ {
		m.written[b], m.discarded[b] = false, false
		clear(m.undefined[b*blockSize : (b+1)*blockSize])
	}
}

func (m *model) discard(off, n int) {
	for b := (off + blockSize - 1) / blockSize; (b+1)*blockSize <= min(off+n, len(m.data)+blockSize-1) && b < modelBlocks; b++ {
		m.discarded[b] = m.written[b]
	}
}

// readable returns how many of n bytes can be read at off, and the error.
func (m *model) readable(off, n int) (int, error) {
	end := min(off+n, len(m.data))
	for i := off; i < end; {
		if m.discarded[i/blockSize] {
			return i - off, ErrDiscarded
		}
		i = (i/blockSize + 1) * blockSize
	}
	if got := max(end-off, 0); got < n {
		return got, io.EOF
	}
	return n, nil
}

// same reports whether bytes are those of the model from off on.
func (m *model) same(p []byte, off int) bool {
	if len(p) == 0 || bytes.Equal(p, m.data[off:off+len(p)]) {
		return true
	}
	for i, b := range p {
		if b != m.data[off+i] && !m.undefined[off+i] {
			return false
		}
	}
	return true
}

// againstModel runs a program on a spool and on the model.
func againstModel(t *testing.T, seed uint64, steps, blocks int, noPunch bool) {
	t.Helper()
	s, dir := newSpool(t, int64(blocks))
	s.noPunch = noPunch
	r := rand.New(rand.NewPCG(seed, 1))
	var m model
	// Offsets and lengths are mostly near the ends of blocks.
	offset := func() int {
		if r.IntN(3) == 0 {
			return r.IntN(modelBlocks * blockSize)
		}
		return min(max(r.IntN(modelBlocks+1)*blockSize+r.IntN(5)-2, 0), modelBlocks*blockSize)
	}
	random := noise(seed, modelBlocks*blockSize)
	for step := range steps {
		from, to := offset(), offset()
		from, to = min(from, to), max(from, to)
		switch r.IntN(10) {
		case 0:
			m.truncate(from)
			if err := s.Truncate(int64(from)); err != nil {
				t.Fatal(err)
			}
		case 1, 2:
			m.discard(from, to-from)
			s.Discard(int64(from), int64(to-from))
		case 3, 4, 5, 6:
			to = min(to, from+2*blockSize)
			p := random[r.IntN(len(random)-(to-from)+1):][:to-from]
			m.write(p, from)
			if n, err := s.WriteAt(p, int64(from)); n != len(p) || err != nil {
				t.Fatalf("step %d: write %d to %d: %d, %v", step, from, to, n, err)
			}
		default:
			got := make([]byte, to-from)
			n, err := s.ReadAt(got, int64(from))
			want, wantErr := m.readable(from, to-from)
			if n != want || !errors.Is(err, wantErr) || (err != nil) != (wantErr != nil) || !m.same(got[:n], from) {
				t.Fatalf("step %d: read %d to %d of %d: %d, %v; want %d, %v, or other bytes came", step, from, to, len(m.data), n, err, want, wantErr)
			}
		}
	}
	m.keep(t, s, dir, r.IntN(len(m.data)+1))
}

// keep compares a kept file, and what is left of the spool.
func (m *model) keep(t *testing.T, s *Spool, dir tempDir, size int) {
	t.Helper()
	_, wantErr := m.readable(0, size)
	err := s.Keep("kept", int64(size))
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("keep %d of %d: %v, want %v", size, len(m.data), err, wantErr)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got, readErr := os.ReadFile(dir.path("kept"))
	if err == nil && (readErr != nil || len(got) != size || !m.same(got, 0)) {
		t.Fatalf("kept %d bytes of %d, or others, %v", len(got), size, readErr)
	}
	if want := int64(len(got)); s.quota.Reserved() != want || len(s.memory.free) != s.memory.made || dir.hasFile() {
		t.Fatalf("%d bytes are reserved, want %d; %d of %d blocks are free", s.quota.Reserved(), want, len(s.memory.free), s.memory.made)
	}
}

func TestSpoolAgreesWithModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		againstModel(t, seed, 25, int(seed%5), seed%3 == 0)
	}
}

func FuzzSpool(f *testing.F) {
	f.Add(uint64(1), uint8(20), uint8(3), false)
	f.Fuzz(func(t *testing.T, seed uint64, steps, blocks uint8, noPunch bool) {
		againstModel(t, seed, int(steps), int(blocks%(modelBlocks+1)), noPunch)
	})
}

// Parts agree with plain bytes, too.
func TestPartsAgreeWithModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		const most, end = 60, 100
		s := NewParts(most)
		var data [end]byte
		var there [end]bool
		for range 40 {
			off := r.IntN(end)
			n := r.IntN(min(end-off, 30))
			switch r.IntN(4) {
			case 0:
				if err := s.Truncate(int64(off)); err != nil {
					t.Fatal(err)
				}
				clear(there[off:])
			case 1, 2:
				p := make([]byte, n)
				for i := range p {
					p[i] = byte(r.Uint32())
				}
				next := there
				for i := range p {
					next[off+i] = true
				}
				_, err := s.WriteAt(p, int64(off))
				if full := count(next[:]) > most; full != errors.Is(err, ErrFull) || !full && err != nil {
					t.Fatalf("%d bytes: %v", count(next[:]), err)
				} else if !full {
					there = next
					copy(data[off:], p)
				}
			default:
				want := 0
				for want < n && there[off+want] {
					want++
				}
				p := make([]byte, n)
				got, err := s.ReadAt(p, int64(off))
				if got != want || (got < n) != errors.Is(err, io.EOF) || !bytes.Equal(p[:got], data[off:off+got]) {
					t.Fatalf("%d to %d: %d, %v; want %d", off, off+n, got, err, want)
				}
			}
			if s.size != int64(count(there[:])) || s.size != total(s.list) {
				t.Fatalf("it counts %d bytes of %d", s.size, count(there[:]))
			}
		}
	}
}

func count(set []bool) int {
	n := 0
	for _, b := range set {
		if b {
			n++
		}
	}
	return n
}

// Parts that are packed agree with plain bytes.
func TestPackedPartsAgreeWithModel(t *testing.T) {
	t.Parallel()
	const blocks, end = 7, 7 * blockSize
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 3))
		s := NewParts(end + blockSize)
		data, there := make([]byte, end), make([]byte, end) // there: 1 where a byte is
		offset := func() int {
			return min(max(r.IntN(blocks+1)*blockSize+r.IntN(3)*r.IntN(1000)-r.IntN(3), 0), end)
		}
		for step := range 40 {
			off, to := offset(), offset()
			off, to = min(off, to), max(off, to)
			p := make([]byte, to-off)
			switch r.IntN(4) {
			case 0:
				if err := s.Truncate(int64(to)); err != nil {
					t.Fatal(err)
				}
				clear(there[to:])
			case 1, 2:
				if seed%3 == 0 {
					p = noise(uint64(step), len(p))
				} else {
					for i := range p {
						p[i] = byte(i / 100 * step)
					}
				}
				copy(data[off:], p)
				copy(there[off:], bytes.Repeat([]byte{1}, len(p)))
				if n, err := s.WriteAt(p, int64(off)); n != len(p) || err != nil {
					t.Fatalf("%d bytes at %d: %d, %v", len(p), off, n, err)
				}
			default:
				want := bytes.IndexByte(there[off:to], 0)
				if want < 0 {
					want = len(p)
				}
				got, err := s.ReadAt(p, int64(off))
				if got != want || (got < len(p)) != errors.Is(err, io.EOF) || !bytes.Equal(p[:got], data[off:off+got]) {
					t.Fatalf("seed %d, step %d: %d to %d: %d, %v; want %d", seed, step, off, to, got, err, want)
				}
			}
			if kept := bytes.Count(there, []byte{1}); s.size != total(s.list) || s.size > int64(kept) {
				t.Fatalf("it counts %d bytes of %d", s.size, kept)
			}
		}
	}
}

// Compressible bytes take a fraction of their size, in whatever order they come.
func TestPartsPack(t *testing.T) {
	t.Parallel()
	block := bytes.Repeat([]byte("org/example/project/module/generated "), blockSize/37+1)[:blockSize]
	for _, n := range []int{500, 1000, blockSize - 1, blockSize} {
		s := NewParts(packFrom + 2*blockSize)
		for i := range int64(20) {
			for off := 0; off < blockSize; off += n {
				p := block[off:min(off+n, blockSize)]
				if _, err := s.WriteAt(p, i*blockSize+int64(off)); err != nil {
					t.Fatalf("pieces of %d bytes: %v", n, err)
				}
			}
		}
		if s.size > packFrom+blockSize || len(s.list) != 20 {
			t.Errorf("pieces of %d bytes: %d parts take %d bytes", n, len(s.list), s.size)
		}
	}
}
