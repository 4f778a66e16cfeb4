package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// early is the number of requests before the one that meets a fault.
const early = 5

// conditions are networks for case E. The first is clean.
var conditions = []struct {
	what        string
	faults      []githubsim.Fault
	connections int
	latency     time.Duration // of case E where 0
}{
	{what: "clean"},
	{what: "one 503", faults: []githubsim.Fault{{Status: 503, Skip: early}}},
	{what: "the first answer a 503", faults: []githubsim.Fault{{Status: 503}}},
	{what: "every third a 503", faults: []githubsim.Fault{{Status: 503, Skip: 2, Every: 3, Times: -1}}},
	{what: "one broken connection", faults: []githubsim.Fault{{Drop: true, Skip: early}}},
	{what: "one stalls for 10 s", faults: []githubsim.Fault{{Stall: 300 << 10, Resume: 10 * time.Second, Skip: early}}},
	{what: "one has 1 MB/s", faults: []githubsim.Fault{{BytesPerSecond: 1_000_000, Skip: early}}},
	{what: "one has 200 kB/s", faults: []githubsim.Fault{{BytesPerSecond: 200_000, Skip: early}}},
	{what: "5 s to the first byte of one", faults: []githubsim.Fault{{FirstByte: 5 * time.Second, Skip: early}}},
	{what: "5 s to the very first byte", faults: []githubsim.Fault{{FirstByte: 5 * time.Second}}},
	{what: "concurrency 1, 40 ms", connections: 1, latency: 40 * time.Millisecond},
}

// unclean prints how long case E takes under each condition. A program's ratio is to its
// own time over the clean network; that of a single connection is to a plain GET of the
// same bytes.
func (b *bencher) unclean(ctx context.Context, runs int) error {
	w := world{artifacts: 1, files: 64, size: 16 << 20, bandwidth: 60e6, storage: 20 * time.Millisecond}
	w.zip = w.blob()
	count := 1 + len(b.peers)
	times := make([][][]time.Duration, len(conditions)) // by condition and program; the last is the GET
	last := make([]measured, len(conditions))
	for range runs {
		for i, c := range conditions {
			w := w
			w.faults, w.connections = c.faults, c.connections
			if c.latency != 0 {
				w.storage = c.latency
			}
			if times[i] == nil {
				times[i] = make([][]time.Duration, count+1)
			}
			for k := range count + 1 {
				if k == count && c.connections == 0 {
					continue
				}
				took, m, err := b.under(ctx, w, k)
				if err != nil {
					return fmt.Errorf("%s: %w", c.what, err)
				}
				if times[i][k] = append(times[i][k], took); k == 0 {
					last[i] = m
				}
			}
		}
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	head := "network\tartifetch\tratio\trequests\tover the wire"
	for _, p := range b.peers {
		head += "\t" + p.name + "\tratio"
	}
	fmt.Fprintln(table, head)
	for i, c := range conditions {
		fmt.Fprint(table, c.what)
		for k := range count {
			base := times[0][k]
			if c.connections != 0 {
				base = times[i][count]
			}
			took := median(times[i][k])
			fmt.Fprintf(table, "\t%s\t%.2f", seconds(took), took.Seconds()/median(base).Seconds())
			if k == 0 {
				fmt.Fprintf(table, "\t%d\t%s", last[i].requests, humanize.IBytes(last[i].wire))
			}
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

// under runs a program once in a world of its own, since faults happen once: artifetch, the
// peers, then the plain GET.
func (b *bencher) under(ctx context.Context, w world, number int) (time.Duration, measured, error) {
	s := newScene(w)
	defer s.close()
	p := program{name: "artifetch", exe: b.exe, args: s.args()}
	want := w.artifacts * w.files
	switch {
	case number > len(b.peers):
		p, want = program{name: "GET", do: s.get}, 0
	case number > 0:
		p = b.peers[number-1]
	}
	c, files, err := b.one(ctx, s, p)
	if err == nil && files != want {
		err = fmt.Errorf("%s wrote %d files", p.name, files)
	}
	return c.took, measured{requests: s.sim.Count(githubsim.Storage), wire: s.sent()}, err
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
