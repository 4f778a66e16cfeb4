package app

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// newSpool makes a spool whose memory has room for so many blocks, and tells
// where the stage is.
func newSpool(t *testing.T, room int) (*spool, string) {
	t.Helper()
	dir := t.TempDir()
	stage := newStage(t, dir)
	stages, _ := filepath.Glob(filepath.Join(dir, ".artifetch-*"))
	if len(stages) != 1 {
		t.Fatalf("stages: %q", stages)
	}
	return &spool{stage: stage, name: "s.spool", memory: &blocks{made: spoolMemory/blockSize - room}, room: shareOf(1 << 30), kept: map[int64]*block{}}, stages[0]
}

// fill writes noise to a spool, in pieces of odd sizes from the back to the
// front.
func fill(t *testing.T, s *spool, size int) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(1, uint64(size)))
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
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
	for name, tc := range map[string]struct {
		room, size int
		file       bool
	}{
		"nothing":                   {room: 4},
		"small":                     {room: 4, size: 1000},
		"just in memory":            {room: 4, size: 4 * blockSize},
		"a byte more":               {room: 4, size: 4*blockSize + 1, file: true},
		"most of it in the file":    {room: 2, size: 9*blockSize + 77, file: true},
		"all of it in the file":     {size: 3*blockSize - 1, file: true},
		"small, but no memory left": {size: 10, file: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, stage := newSpool(t, tc.room)
			data := fill(t, s, tc.size)
			got := make([]byte, tc.size)
			if n, err := s.ReadAt(got, 0); n != tc.size || err != nil || !bytes.Equal(got, data) {
				t.Errorf("read %d of %d: %v", n, tc.size, err)
			}
			if _, err := os.Stat(filepath.Join(stage, s.name)); (err == nil) != tc.file {
				t.Errorf("its file: %v", err)
			}
			if err := s.keep("kept", int64(tc.size)); err != nil {
				t.Fatal(err)
			}
			if kept, err := os.ReadFile(filepath.Join(stage, "kept")); err != nil || !bytes.Equal(kept, data) {
				t.Errorf("kept %d bytes of %d: %v", len(kept), tc.size, err)
			}
			if err := s.close(); err != nil {
				t.Error(err)
			}
			if free := len(s.memory.free) + spoolMemory/blockSize - s.memory.made; free != tc.room {
				t.Errorf("%d blocks are free, of %d", free, tc.room)
			}
			if _, err := os.Stat(filepath.Join(stage, s.name)); err == nil {
				t.Error("its file is still there")
			}
		})
	}
}

// What is discarded makes room for what comes.
func TestSpoolDiscard(t *testing.T) {
	t.Parallel()
	s, stage := newSpool(t, 2)
	part := make([]byte, blockSize)
	for i := range int64(8) {
		if _, err := s.WriteAt(part, i*blockSize); err != nil {
			t.Fatal(err)
		}
		s.Discard(i*blockSize-10, blockSize+10) // the part before is only touched
	}
	if _, err := os.Stat(filepath.Join(stage, s.name)); err == nil {
		t.Error("it took a file, though there was memory")
	}
	if err := s.close(); err != nil || len(s.memory.free) != 1 {
		t.Errorf("%d blocks are free, %v", len(s.memory.free), err)
	}
}
