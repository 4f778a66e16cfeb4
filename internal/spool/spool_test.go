package spool

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// tempDir is a Dir.
type tempDir string

func (d tempDir) path(name string) string { return filepath.Join(string(d), name) }

func (d tempDir) Create(name string) (*os.File, error) {
	return os.OpenFile(d.path(name), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
}
func (d tempDir) Move(from, to string) error { return os.Rename(d.path(from), d.path(to)) }
func (d tempDir) Remove(name string) error   { return os.Remove(d.path(name)) }

// hasFile reports whether the spool's file is there.
func (d tempDir) hasFile() bool {
	_, err := os.Stat(d.path("s.spool"))
	return err == nil
}

// diskOf returns a share of a disk with the given number of bytes free.
func diskOf(free int64) *Share {
	return NewQuota("/out", func() (int64, error) { return free, nil }).Share()
}

// newSpool makes a spool whose memory holds the given number of blocks.
func newSpool(t testing.TB, blocks int64) (*Spool, tempDir) {
	t.Helper()
	dir := tempDir(t.TempDir())
	return New(dir, "s.spool", NewMemory(blocks*blockSize), diskOf(1<<30)), dir
}

// noise returns n bytes that depend on the seed only.
func noise(seed uint64, n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(p) // never fails
	return p
}

// fill writes noise to a spool, in pieces of odd sizes from the back to the
// front.
func fill(t *testing.T, s *Spool, size int) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(1, uint64(size)))
	data := noise(uint64(size), size)
	for end := size; end > 0; {
		start := max(end-1-r.IntN(blockSize/2), 0)
		if n, err := s.WriteAt(data[start:end], int64(start)); n != end-start || err != nil {
			t.Fatalf("write %d to %d: %d, %v", start, end, n, err)
		}
		end = start
	}
	return data
}

func TestSpool(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		blocks int64
		size   int
		file   bool
	}{
		"nothing":                   {blocks: 4},
		"small":                     {blocks: 4, size: 1000},
		"just in memory":            {blocks: 4, size: 4 * blockSize},
		"a byte more":               {blocks: 4, size: 4*blockSize + 1, file: true},
		"most of it in the file":    {blocks: 2, size: 9*blockSize + 77, file: true},
		"all of it in the file":     {size: 3*blockSize - 1, file: true},
		"small, but no memory left": {size: 10, file: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := newSpool(t, tt.blocks)
			data := fill(t, s, tt.size)
			got := make([]byte, tt.size)
			if n, err := s.ReadAt(got, 0); n != tt.size || err != nil || !bytes.Equal(got, data) {
				t.Errorf("read %d of %d: %v", n, tt.size, err)
			}
			if dir.hasFile() != tt.file {
				t.Errorf("it has a file: %v", !tt.file)
			}
			if err := s.Keep("kept", int64(tt.size)); err != nil {
				t.Fatal(err)
			}
			if kept, err := os.ReadFile(dir.path("kept")); err != nil || !bytes.Equal(kept, data) {
				t.Errorf("kept %d bytes of %d: %v", len(kept), tt.size, err)
			}
			clear(got)
			if n, err := s.ReadAt(got, 0); n != tt.size || err != nil || !bytes.Equal(got, data) {
				t.Errorf("read %d of %d after it was kept: %v", n, tt.size, err)
			}
			if _, err := s.WriteAt([]byte("x"), 0); !errors.Is(err, os.ErrClosed) {
				t.Errorf("a write after it was kept: %v", err)
			}
			if err := s.Reserve(1 << 20); !errors.Is(err, os.ErrClosed) {
				t.Errorf("reserved after it was kept: %v", err)
			}
			if err := errors.Join(s.Close(), s.Close()); err != nil {
				t.Error(err)
			}
			if s.memory.made != len(s.memory.free) || dir.hasFile() {
				t.Errorf("%d of %d blocks are free, or its file is there", len(s.memory.free), s.memory.made)
			}
			held := s.quota.Reserved()
			_, read := s.ReadAt(make([]byte, 1), 0)
			_, write := s.WriteAt([]byte("x"), 0)
			for what, err := range map[string]error{
				"read": read, "write": write, "truncate": s.Truncate(0), "reserve": s.Reserve(1 << 20), "keep": s.Keep("again", 0),
			} {
				if !errors.Is(err, os.ErrClosed) {
					t.Errorf("%s after it was closed: %v", what, err)
				}
			}
			if got := s.quota.Reserved(); got != held {
				t.Errorf("%d bytes are reserved after it was closed, and %d were before", got, held)
			}
		})
	}
}

// Discarding makes space for new blocks.
func TestSpoolDiscard(t *testing.T) {
	t.Parallel()
	s, dir := newSpool(t, 2)
	part := make([]byte, blockSize)
	for i := range int64(8) {
		if _, err := s.WriteAt(part, i*blockSize); err != nil {
			t.Fatal(err)
		}
		s.Discard(i*blockSize-min(i, 1)*10, blockSize+10) // the block before is only touched
	}
	if dir.hasFile() {
		t.Error("it took a file, though there was memory")
	}
	if n, err := s.ReadAt(part, 3*blockSize); n != 0 || !errors.Is(err, ErrDiscarded) {
		t.Errorf("a read of what was discarded: %d, %v", n, err)
	}
	if err := s.Keep("kept", 8*blockSize); !errors.Is(err, ErrDiscarded) {
		t.Errorf("keep what was discarded: %v", err)
	}
	if err := s.Close(); err != nil || len(s.memory.free) != 1 {
		t.Errorf("%d blocks are free, %v", len(s.memory.free), err)
	}
}

// A second answer of a server may be shorter than the first.
func TestSpoolShorterAgain(t *testing.T) {
	t.Parallel()
	for name, blocks := range map[string]int64{"in memory": 8, "in both": 2, "in the file": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{0, 1, 1000, blockSize - 1, blockSize, blockSize + 1, 3 * blockSize} {
				s, dir := newSpool(t, blocks)
				fill(t, s, 4*blockSize+99)
				if err := s.Truncate(0); err != nil {
					t.Fatal(err)
				}
				if used := s.memory.made - len(s.memory.free); used != 0 || s.quota.Reserved() != 0 {
					t.Errorf("%d blocks and %d bytes of the disk are in use", used, s.quota.Reserved())
				}
				want := fill(t, s, size)
				if n, err := s.ReadAt(make([]byte, 10), int64(size)); n != 0 || !errors.Is(err, io.EOF) {
					t.Errorf("a read behind the end: %d, %v", n, err)
				}
				if err := s.Keep("kept", int64(size)); err != nil {
					t.Errorf("%d bytes: %v", size, err)
				}
				if got, err := os.ReadFile(dir.path("kept")); err != nil || !bytes.Equal(got, want) {
					t.Errorf("kept %d bytes of %d, %v", len(got), size, err)
				}
				if err := s.Close(); err != nil || s.quota.Reserved() != int64(size) {
					t.Errorf("%d bytes of %d are reserved, %v", s.quota.Reserved(), size, err)
				}
			}
		})
	}
}

// Sizes and offsets are sums of numbers from servers.
func TestSpoolRefusesWhatNoBlobHas(t *testing.T) {
	t.Parallel()
	s, dir := newSpool(t, 1)
	parts := NewParts(10)
	fill(t, s, 100)
	for _, n := range []int64{-1, math.MinInt64, math.MaxInt64, math.MaxInt64 - blockSize} {
		_, write := s.WriteAt(make([]byte, 10), n)
		_, read := s.ReadAt(make([]byte, 10), n)
		_, toParts := parts.WriteAt(make([]byte, 10), n)
		_, fromParts := parts.ReadAt(make([]byte, 10), n)
		for what, err := range map[string]error{"write": write, "read": read, "keep": s.Keep("kept", n), "write parts": toParts, "read parts": fromParts} {
			if err == nil || errors.Is(err, io.EOF) {
				t.Errorf("%s at %d: %v", what, n, err)
			}
		}
		s.Discard(n, 10)
		s.Discard(n, n)
		if n < 0 {
			if s.Truncate(n) == nil || parts.Truncate(n) == nil {
				t.Errorf("a size of %d was accepted", n)
			}
		}
	}
	if err := s.Keep("kept", 101); err == nil {
		t.Error("more was kept than was written")
	}
	if err := errors.Join(s.Keep("kept", 99), s.Close()); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(dir.path("kept")); err != nil || info.Size() != 99 {
		t.Errorf("%v, %v", info, err)
	}
}

// A spool reserves the disk space of its file, and no more.
func TestSpoolReserves(t *testing.T) {
	t.Parallel()
	s, _ := newSpool(t, 1)
	part := make([]byte, blockSize)
	step := func(what string, err error, want int64) {
		t.Helper()
		if got := s.quota.Reserved(); err != nil || got != want {
			t.Errorf("%s: %d bytes, %v; want %d", what, got, err, want)
		}
	}
	write := func(number int64) error {
		_, err := s.WriteAt(part, number*blockSize)
		return err
	}
	step("in memory", write(0), 0)
	step("in the file", write(1), blockSize)
	step("written again", write(1), blockSize)
	step("reserved", s.Reserve(5*blockSize), 5*blockSize)
	step("within that", errors.Join(write(2), write(3)), 5*blockSize)
	s.Discard(2*blockSize, blockSize)
	step("a part discarded", nil, 5*blockSize)
	step("cut off", s.Truncate(2*blockSize), 5*blockSize)
	step("written after all", errors.Join(write(2), write(3)), 5*blockSize)
	step("kept", s.Keep("kept", 4*blockSize), 4*blockSize)
	step("closed", s.Close(), 4*blockSize)

	s, _ = newSpool(t, 0)
	step("another", errors.Join(write(0), write(1), write(2), write(3)), 4*blockSize)
	s.Discard(0, 2*blockSize)
	if want := map[bool]int64{false: 2 * blockSize, true: 4 * blockSize}[s.noPunch]; s.quota.Reserved() != want {
		t.Errorf("after a part was discarded: %d bytes, want %d", s.quota.Reserved(), want)
	}
	step("written after all", errors.Join(write(0), write(1)), 4*blockSize)
	step("cut off", s.Truncate(3*blockSize), 3*blockSize)
	step("thrown away", s.Close(), 0)

	s, _ = newSpool(t, 0)
	s.quota = diskOf(2*blockSize - 1)
	if err := errors.Join(write(0), write(1)); err == nil {
		t.Error("it wrote more than there is room for")
	}
	step("refused", s.Close(), 0)
}

// Bytes that were not written are zeros, whatever the memory held before.
func TestSpoolShowsNoOtherBlob(t *testing.T) {
	t.Parallel()
	for name, writes := range map[string][]int64{
		"one":          {100},
		"the gap ends": {10, 100},
		"it begins":    {100, 10},
		"both":         {100, 10, 200},
		"none":         {100, 104, 96},
	} {
		memory := NewMemory(blockSize)
		other := New(tempDir(t.TempDir()), "s.spool", memory, diskOf(0))
		if _, err := other.WriteAt(bytes.Repeat([]byte("x"), blockSize), 0); err != nil {
			t.Fatal(err)
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		s := New(tempDir(t.TempDir()), "s.spool", memory, diskOf(0))
		want := make([]byte, blockSize)
		for _, off := range append(writes, blockSize-4) {
			copy(want[off:], "data")
			if _, err := s.WriteAt([]byte("data"), off); err != nil {
				t.Fatal(err)
			}
		}
		got := make([]byte, blockSize)
		if n, err := s.ReadAt(got, 0); n != len(got) || err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v, or others than were written", name, n, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Once its spool is closed, the memory of a large blob is free for other uses, except for a
// few buffers, and spools may take as much again.
func TestCloseFreesMemory(t *testing.T) {
	t.Parallel()
	const blocks = 3 * keptFree
	memory := NewMemory(blocks * blockSize)
	for range 2 {
		s := New(tempDir(t.TempDir()), "s.spool", memory, diskOf(0))
		for i := range int64(blocks) {
			if _, err := s.WriteAt([]byte("x"), i*blockSize); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if memory.made != keptFree || len(memory.free) != keptFree {
			t.Errorf("%d buffers are made, and %d free", memory.made, len(memory.free))
		}
	}
}
