package app

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPunchHole(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	const size, off, n = 9 << 20, 1 << 20, 4 << 20
	if _, err := f.Write(bytes.Repeat([]byte{1}, size)); err != nil {
		t.Fatal(err)
	}
	if err := (spoolFile{f}).Discard(off, n); err != nil {
		t.Fatal(err)
	}
	var stat unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	if took := stat.Blocks * 512; stat.Size != size || took > size-n+1<<20 {
		t.Errorf("a file of %d bytes takes %d", stat.Size, took)
	}
	got := make([]byte, size)
	if _, err := f.ReadAt(got, 0); err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte{1}, size)
	clear(want[off : off+n])
	if !bytes.Equal(got, want) {
		t.Error("other bytes than those were forgotten")
	}
}
