package inflate

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	sets = flag.String("sets", "", "measure with the gzip files of this directory")
	peer = flag.String("peer", "", "the program made of internal/bench/peers/inflate.c")
)

// TestSets prints how fast real data is decompressed, in MB/s of output, and how fast
// libdeflate and ISA-L are: processor time, CRC-32 included, the fastest of several turns.
// internal/bench/inflate.sh makes the data and runs it.
func TestSets(t *testing.T) {
	if *sets == "" {
		t.Skip("no -sets")
	}
	const turns = 5
	files, err := filepath.Glob(filepath.Join(*sets, "*.gz"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("| data | inflate | libdeflate | ISA-L |\n| --- | ---: | ---: | ---: |")
	for _, file := range files {
		list, size := members(t, file)
		best := [3]time.Duration{time.Hour, time.Hour, time.Hour}
		for range turns {
			best[0] = min(best[0], ours(t, list))
			best[1] = min(best[1], theirs(t, "libdeflate", file, size))
			best[2] = min(best[2], theirs(t, "isal", file, size))
		}
		rate := func(d time.Duration) float64 { return float64(size) / 1e6 / d.Seconds() }
		fmt.Printf("| %s | %.0f | %.0f (%.2f) | %.0f (%.2f) |\n", strings.TrimSuffix(filepath.Base(file), ".gz"),
			rate(best[0]), rate(best[1]), best[1].Seconds()/best[0].Seconds(), rate(best[2]), best[2].Seconds()/best[0].Seconds())
	}
}

// tries is how often one turn decompresses a file; the fastest counts.
const tries = 3

// member is a member of a gzip file.
type member struct {
	deflated []byte
	size     int64
}

// members reads a gzip file whose headers have no optional fields.
func members(t *testing.T, name string) (list []member, total int64) {
	t.Helper()
	const header, trailer = 10, 8 // RFC 1952, section 2.3
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	in := bytes.NewReader(file)
	z, err := gzip.NewReader(in)
	for start := 0; err == nil; err = z.Reset(in) {
		z.Multistream(false)
		size, err := io.Copy(io.Discard, z) //nolint:gosec // files that the script made
		if err != nil {
			t.Fatal(err)
		}
		end := len(file) - in.Len()
		list = append(list, member{file[start+header : end-trailer], size})
		total += size
		start = end
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return list, total
}

func ours(t *testing.T, list []member) time.Duration {
	t.Helper()
	var d Decoder
	in := bytes.NewReader(nil)
	best := time.Hour
	for range tries {
		start := cpuTime(t)
		for _, m := range list {
			in.Reset(m.deflated)
			if _, err := d.Copy(io.Discard, in, m.size); err != nil {
				t.Fatal(err)
			}
		}
		best = min(best, cpuTime(t)-start)
	}
	return best
}

// TestScoutSets prints how long one large stream takes that repeats real data, with a Scout on
// each other core, how long a Decoder alone takes, and how much processor time the Scouts cost.
func TestScoutSets(t *testing.T) {
	if *sets == "" {
		t.Skip("no -sets")
	}
	const turns, large = 7, 64 << 20
	files, err := filepath.Glob(filepath.Join(*sets, "*.6.gz"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("| data | time | one core | processor time |\n| --- | ---: | ---: | ---: |")
	for _, file := range files {
		list, size := members(t, file)
		if len(list) > 1 {
			continue
		}
		var data bytes.Buffer
		var d Decoder
		for data.Len() < large {
			if _, err := d.Copy(&data, bytes.NewReader(list[0].deflated), size); err != nil {
				t.Fatal(err)
			}
		}
		src := deflate(t, 6, data.Bytes()[:large])
		best := [2]span{{time.Hour, time.Hour}, {time.Hour, time.Hour}}
		for range turns {
			for i, scouts := range []int{0, runtime.GOMAXPROCS(0) - 1} {
				best[i] = best[i].min(aheadSpan(t, src, large, scouts))
			}
		}
		fmt.Printf("| %s | %d ms | %d ms (%.2f) | %.2f |\n", strings.TrimSuffix(filepath.Base(file), ".6.gz"), best[1].wall.Milliseconds(),
			best[0].wall.Milliseconds(), best[1].wall.Seconds()/best[0].wall.Seconds(), best[1].cpu.Seconds()/best[0].cpu.Seconds())
	}
}

// span is how long something took.
type span struct{ wall, cpu time.Duration }

func (s span) min(other span) span { return span{min(s.wall, other.wall), min(s.cpu, other.cpu)} }

// aheadSpan decompresses src with so many Scouts at work.
func aheadSpan(t *testing.T, src []byte, size int64, scouts int) span {
	t.Helper()
	start, cpu := time.Now(), cpuTime(t)
	r := bytes.NewReader(src)
	var d Decoder
	if _, err := d.CopyAhead(io.Discard, size, Ahead{
		Scouts: NewScouts(2*scouts, func(working int) bool { return working < scouts }),
		Open:   func(off int64) io.Reader { return io.NewSectionReader(r, off, int64(len(src))-off) },
		Size:   int64(len(src)), Has: everything, Data: r,
	}); err != nil {
		t.Fatal(err)
	}
	return span{time.Since(start), cpuTime(t) - cpu}
}

func theirs(t *testing.T, library, file string, size int64) time.Duration {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), *peer, library, fmt.Sprint(tries), file, fmt.Sprint(size)).Output()
	var nanoseconds int64
	if err == nil {
		_, err = fmt.Sscan(string(out), &nanoseconds)
	}
	if err != nil {
		t.Fatal(library, file, err)
	}
	return time.Duration(nanoseconds)
}

// cpuTime is the processor time that this process has taken.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &now); err != nil {
		t.Fatal(err)
	}
	return time.Duration(now.Nano())
}

// TestCorpus writes the data of cases A and B of the benchmarks where -sets says.
func TestCorpus(t *testing.T) {
	if *sets == "" || *peer != "" {
		t.Skip("no -sets, or a -peer")
	}
	files := map[string][]byte{"A": corpus(16<<20, 1)}
	for i := range 400 {
		files[fmt.Sprintf("B-%03d", i)] = corpus(10<<10, uint64(i+10))
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(*sets, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
