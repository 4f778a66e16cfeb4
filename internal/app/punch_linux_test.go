package app

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// The room of a spool's file is given back, and nothing else is.
func TestSpoolPunches(t *testing.T) {
	t.Parallel()
	s, stage := newSpool(t, 0)
	const size, off, n = 9 << 20, 1 << 20, 4 << 20
	data := fill(t, s, size)
	s.Discard(off, n)
	info, err := os.Stat(filepath.Join(stage, s.name))
	if err != nil {
		t.Fatal(err)
	}
	var stat unix.Stat_t
	if err := unix.Fstat(int(s.file.Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	if took := stat.Blocks * 512; info.Size() != size || took > size-n+1<<20 {
		t.Errorf("a file of %d bytes takes %d", info.Size(), took)
	}
	got := make([]byte, size)
	if _, err := s.ReadAt(got, 0); err != nil {
		t.Fatal(err)
	}
	clear(data[off : off+n])
	if !bytes.Equal(got, data) {
		t.Error("other bytes than those were forgotten")
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}
