package fetch

import (
	"slices"
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	t.Parallel()
	// speed returns the rate of n connections, in bytes per second.
	for name, tt := range map[string]struct {
		speed func(n int) float64
		most  int
		want  int
	}{
		"each has its own limit":  {func(n int) float64 { return 60e6 * float64(n) }, 16, 16},
		"all share one":           {func(int) float64 { return 60e6 }, 16, 8},
		"up to eight":             {func(n int) float64 { return 60e6 * min(float64(n), 8) }, 16, 16},
		"slow":                    {func(n int) float64 { return 1e5 * float64(n) }, 16, 16},
		"no more than allowed":    {func(n int) float64 { return 60e6 * float64(n) }, 3, 3},
		"one":                     {func(n int) float64 { return 60e6 * float64(n) }, 1, 1},
		"more make it much worse": {func(n int) float64 { return 60e6 / float64(n) }, 16, 4},
	} {
		p := pace{most: tt.most}
		now := time.Unix(1, 0)
		for range 10_000 {
			const step = 10 * time.Millisecond
			p.count(int64(tt.speed(p.limit())*step.Seconds()), now)
			now = now.Add(step)
		}
		if p.limit() != tt.want {
			t.Errorf("%s: %d connections, want %d", name, p.limit(), tt.want)
		}
	}
}

// What was measured while requests hung decides nothing: the search for more begins again.
func TestPaceAfterLoss(t *testing.T) {
	t.Parallel()
	const most = 16
	for name, hangs := range map[string]int{"most hang": 3, "all hang": 4} {
		p := pace{most: most}
		now := time.Unix(1, 0)
		for n := range 10_000 {
			const step = 10 * time.Millisecond
			working := p.limit()
			if n < 300 {
				working = max(firstConnections-hangs, 0)
			}
			p.count(int64(60e6*float64(working)*step.Seconds()), now)
			if now = now.Add(step); n == 300 {
				p.lost(now)
			}
		}
		if p.limit() != most {
			t.Errorf("%s: %d connections, want %d", name, p.limit(), most)
		}
	}
}

// A storage that is busy gets half the connections, and then one more at a time.
func TestPaceRecovers(t *testing.T) {
	t.Parallel()
	const most = 16
	at := func(d time.Duration) time.Time { return time.Unix(100, 0).Add(d) }
	for name, tt := range map[string]struct {
		busy       []time.Duration // when the storage says so
		settled    bool
		low, after int // the fewest connections, and those after a minute
	}{
		"once":                    {[]time.Duration{0}, true, 4, 8},
		"once, before it settled": {[]time.Duration{0}, false, 4, 16},
		"many at once":            {[]time.Duration{0, 10 * time.Millisecond, 900 * time.Millisecond}, true, 4, 8},
		"again before it is over": {[]time.Duration{0, 1100 * time.Millisecond, 2200 * time.Millisecond}, true, 4, 8},
	} {
		p := pace{most: most, now: 8, settled: tt.settled}
		low := most
		for d := time.Duration(0); d < time.Minute; d += 10 * time.Millisecond {
			if slices.Contains(tt.busy, d) {
				p.slow(at(d))
			}
			before := p.limit()
			if p.count(int64(before)<<20, at(d)); p.limit() > before+1 && p.limit() <= 8 {
				t.Errorf("%s: from %d connections to %d at once", name, before, p.limit())
			}
			low = min(low, p.limit())
		}
		if low != tt.low || p.limit() != tt.after {
			t.Errorf("%s: as few as %d, in the end %d connections; want %d, %d", name, low, p.limit(), tt.low, tt.after)
		}
	}
}
