package spool

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// The disk space of a spool's file is freed, and nothing else is.
func TestSpoolPunches(t *testing.T) {
	t.Parallel()
	s, dir := newSpool(t, 0)
	const size, off, n = 9 << 20, 1 << 20, 4 << 20
	data := fill(t, s, size)
	s.Discard(off, n)
	info, err := os.Stat(dir.path(s.name))
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
	for _, part := range [][2]int{{0, off}, {off + n, size}} {
		got := make([]byte, part[1]-part[0])
		if _, err := s.ReadAt(got, int64(part[0])); err != nil || !bytes.Equal(got, data[part[0]:part[1]]) {
			t.Errorf("bytes %d to %d were forgotten, too: %v", part[0], part[1], err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
