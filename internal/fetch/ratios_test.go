package fetch

import (
	"flag"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

var ratios = flag.Bool("ratios", false, "let TestRatios print its table, which takes minutes")

// Case E of docs/benchmarks.md in simulated time, which no other program disturbs: how
// much longer does a download take over a network with faults than over a clean one?
func TestRatios(t *testing.T) {
	t.Parallel()
	if !*ratios {
		t.Skip("it prints a table and checks nothing that other tests do not")
	}
	const (
		size     = 531 << 20
		reader   = 200_000_000 // bytes per second, about as fast as two cores extract
		ordinary = 5           // the number of a request like most
	)
	var clean time.Duration
	for _, tt := range []struct {
		name  string
		fault githubsim.Fault
		most  int
	}{
		{name: "clean", fault: githubsim.Fault{Times: -1}},
		{name: "one 503", fault: githubsim.Fault{Status: 503, Skip: ordinary}},
		{name: "the first answer a 503", fault: githubsim.Fault{Status: 503}},
		{name: "every third a 503", fault: githubsim.Fault{Status: 503, Skip: 2, Every: 3, Times: -1}},
		{name: "every third a 503, Retry-After: 1", fault: githubsim.Fault{Status: 503, Skip: 2, Every: 3, Times: -1, Header: http.Header{"Retry-After": {"1"}}}},
		{name: "one broken connection", fault: githubsim.Fault{Drop: true, Skip: ordinary}},
		{name: "one stalls for 10 s", fault: githubsim.Fault{Stall: 300 << 10, Resume: 10 * time.Second, Skip: ordinary}},
		{name: "one has 1 MB/s", fault: githubsim.Fault{BytesPerSecond: 1_000_000, Skip: ordinary}},
		{name: "one has 200 kB/s", fault: githubsim.Fault{BytesPerSecond: 200_000, Skip: ordinary}},
		{name: "every fifth has 200 kB/s", fault: githubsim.Fault{BytesPerSecond: 200_000, Skip: ordinary, Every: 5, Times: -1}},
		{name: "5 s to the first byte of one", fault: githubsim.Fault{FirstByte: 5 * time.Second, Skip: ordinary}},
		{name: "5 s to the very first byte", fault: githubsim.Fault{FirstByte: 5 * time.Second}},
		{name: "every second never answers", fault: githubsim.Fault{Mute: true, Skip: 1, Every: 2, Times: -1}},
		{name: "every third never answers", fault: githubsim.Fault{Mute: true, Skip: 2, Every: 3, Times: -1}},
		{name: "every fifth never answers", fault: githubsim.Fault{Mute: true, Skip: ordinary, Every: 5, Times: -1}},
		{name: "every second stops after 300 KiB", fault: githubsim.Fault{Stall: 300 << 10, Skip: 1, Every: 2, Times: -1}},
		{name: "every third stops after 300 KiB", fault: githubsim.Fault{Stall: 300 << 10, Skip: 2, Every: 3, Times: -1}},
		{name: "every fifth stops after 300 KiB", fault: githubsim.Fault{Stall: 300 << 10, Skip: ordinary, Every: 5, Times: -1}},
		{name: "403 to all but one at a time", fault: githubsim.Fault{Expire: true, Times: -1, Beyond: 1}},
		{name: "one connection, 40 ms", fault: githubsim.Fault{FirstByte: 40 * time.Millisecond, Times: -1}, most: 1},
	} {
		sim := newSimulated(t)
		url := sim.signed(t)
		synctest.Test(t, func(t *testing.T) {
			u := newUnclean(t, sim, size, tt.fault)
			u.o.Ahead, u.o.Tail = 8<<20, 128<<10
			base := clean
			if tt.most > 0 {
				u.o.Connections = NewConnections(tt.most)
				base = 40*time.Millisecond + size*time.Second/rate // one GET
			}
			start := time.Now()
			info, err := readingAt(t, u, url, reader)
			if err != nil || info.SHA256 != sumOf(u.blob) {
				t.Fatalf("%s: %v", tt.name, err)
			}
			took := time.Since(start)
			if clean == 0 {
				clean, base = took, took
			}
			t.Logf("%-34s %.2f s, %.2f of the base; %d requests, %d bytes twice", tt.name, took.Seconds(), took.Seconds()/base.Seconds(), info.Requests, info.Fetched-size)
		})
	}
}

// readingAt reads a blob as extraction does: its end, then from front to back, so many
// bytes per second.
func readingAt(t *testing.T, u *unclean, url Locate, reader int64) (Info, error) {
	t.Helper()
	b, err := Open(t.Context(), u.o, url, (&compared{blob: u.blob}).create)
	if err != nil {
		return Info{}, err
	}
	defer b.Close()
	p := make([]byte, 1<<20)
	if _, err := b.ReadAt(p[:u.o.Tail], b.Size()-u.o.Tail); err != nil {
		return Info{}, err
	}
	for off := int64(0); off < b.Size(); off += int64(len(p)) {
		n := min(int64(len(p)), b.Size()-off)
		if _, err := b.ReadAt(p[:n], off); err != nil {
			return Info{}, err
		}
		time.Sleep(time.Duration(n) * time.Second / time.Duration(reader)) // simulated
		b.Release(off + n)
	}
	return b.Wait()
}
