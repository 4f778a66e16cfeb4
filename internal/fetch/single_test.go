package fetch

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// A single connection is never idle between parts: after the first bytes and the tail one
// request brings the rest, however slow the reader is, and no more than the window ahead.
func TestSingleConnection(t *testing.T) {
	t.Parallel()
	const (
		size = 40 << 20
		tail = 100 << 10
	)
	usual := []string{"0-4194303", "41840640-41943039", "4194304-41840639"}
	whole := func(t *testing.T, b *Blob, blob []byte) {
		t.Helper()
		if info, err := b.Wait(); err != nil || info.SHA256 != sumOf(blob) {
			t.Fatalf("%+v, %v", info, err)
		}
	}
	read := func(t *testing.T, b *Blob, blob []byte, off, n int64) {
		t.Helper()
		p := make([]byte, n)
		if _, err := b.ReadAt(p, off); err != nil || string(p) != string(blob[off:off+n]) {
			t.Fatalf("at %d: %v", off, err)
		}
	}
	for name, tt := range map[string]struct {
		faults []githubsim.Fault
		do     func(t *testing.T, b *Blob, blob []byte)
		want   []string
	}{
		"no reader": {nil, func(*testing.T, *Blob, []byte) {}, usual},
		"a slow reader": {nil, func(t *testing.T, b *Blob, blob []byte) {
			t.Helper()
			for off := int64(0); off < size; off += 1 << 20 {
				read(t, b, blob, off, 1<<20)
				b.Release(off + 1<<20)
				time.Sleep(time.Hour)
				if info, _ := b.Info(); info.Fetched > off+9<<20+tail+bufferSize {
					t.Errorf("%d bytes arrived when %d were read", info.Fetched, off+1<<20)
				}
			}
		}, usual},
		"a reader far ahead": {nil, func(t *testing.T, b *Blob, blob []byte) {
			t.Helper()
			time.Sleep(time.Hour)
			read(t, b, blob, 30<<20, 1<<20)
			read(t, b, blob, 0, 1<<20)
		}, usual},
		"bytes wanted before their turn": {nil, func(t *testing.T, b *Blob, blob []byte) {
			t.Helper()
			time.Sleep(time.Hour) // 8 MiB have arrived
			b.Want(30<<20, 1<<20)
			read(t, b, blob, 30<<20, 1<<20)
		}, []string{usual[0], usual[1], usual[2], "31457280-32505855", "8388608-31457279", "32505856-41840639"}},
		"bytes wanted twice before their turn": {nil, func(t *testing.T, b *Blob, blob []byte) {
			t.Helper()
			b.Want(20<<20, 1<<20)
			read(t, b, blob, 20<<20, 1<<20)
			time.Sleep(time.Hour)
			b.Want(30<<20, 1<<20) // beyond the part that is open now
			read(t, b, blob, 30<<20, 1<<20)
			if info, _ := b.Info(); info.Fetched > 10<<20+tail+2*bufferSize {
				t.Errorf("%d bytes arrived", info.Fetched)
			}
		}, nil},
		"bytes wanted while they arrive": {nil, func(t *testing.T, b *Blob, blob []byte) {
			t.Helper()
			time.Sleep(105 * time.Millisecond) // about half of the window
			b.Want(30<<20, 1<<20)
			read(t, b, blob, 30<<20, 1<<20)
		}, nil},
		"a cut connection": {[]githubsim.Fault{{Skip: 2, Cut: 20 << 20}}, func(*testing.T, *Blob, []byte) {}, append(slices.Clone(usual), "25165824-41840639")},
		"a 503":            {[]githubsim.Fault{{Skip: 2, Status: 503}}, func(*testing.T, *Blob, []byte) {}, append(slices.Clone(usual), usual[2])},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := newSimulated(t)
			url := sim.signed(t)
			synctest.Test(t, func(t *testing.T) {
				u := newUnclean(t, sim, size, tt.faults...)
				u.o.Ahead, u.o.Tail, u.o.Connections = 8<<20, tail, NewConnections(1)
				b, err := Open(t.Context(), u.o, url, (&compared{blob: u.blob}).create)
				if err != nil {
					t.Fatal(err)
				}
				defer b.Close()
				tt.do(t, b, u.blob)
				whole(t, b, u.blob)
				if got := u.asked(); tt.want != nil && !slices.Equal(got, tt.want) {
					t.Errorf("requests %q, want %q", got, tt.want)
				}
				if info, _ := b.Info(); u.most != 1 || info.Requests > 8 || info.Fetched > size+bufferSize {
					t.Errorf("%d requests, %d at a time, %d of %d bytes", info.Requests, u.most, info.Fetched, size)
				}
			})
		})
	}
}
