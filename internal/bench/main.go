// Command bench times the artifetch executable against the simulator of
// GitHub, which this process serves on the loopback: wall time, processor time and
// peak resident memory of the whole process, start-up included. It also times a
// plain reference: for each artifact one GET to a file, then archive/zip,
// file by file. Other programs (peers) are timed as well, if given.
//
//	go run ./internal/bench [-runs 5] [-cases A,B,C,D,E,F,G,H,J,K,L,M,R,S,T,U,V,W,X,Y,Z] [-dir DIR]
//		[-peer NAME=EXECUTABLE]... [-scaling size,files,artifacts,cores] [-unclean] [-existing N,O,P,Q,QN,QP,QD,QT]
//
// A peer's executable gets GITHUB_API_URL, GITHUB_TOKEN, GITHUB_REPOSITORY,
// RUN_ID, ARTIFACT_IDS (separated by blanks) and OUT, an empty directory, from
// the environment, and fetches all artifacts of the run. HTTP_PROXY leads
// requests to http://api.github.localhost to the simulator, for peers that
// insist on a host. ARGS are the arguments that artifetch gets. See the directory peers. Cases
// of searches, of distance and of verbs that only read have no reference: peers other than
// artifetch know neither the names of artifacts, nor the servers' certificate, nor the verbs.
//
// -scaling measures time against size, files, artifacts and cores instead,
// and prints lines of "plot x seconds MiB", which scaling.sh draws. -unclean
// measures case E over networks with faults, and compares each with the clean one.
// -existing measures steps that extract into a new directory, into one that exists, and
// there again.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// world is the artifacts to fetch, and the network to fetch them over.
type world struct {
	artifacts, files int                // files in each
	size             int                // of each, in bytes
	names            func(i int) string // nil: as in githubsim.BigZip; the files are tiny where size is 0
	tar              bool               // the files are in a tar, which artifetch expands
	only             string             // the file that artifetch fetches; "": all
	verb             string             // of the command: "cat" of that file, or "diff" with an older run; "": a fetch
	bandwidth        int64              // of a connection to the storage, in bytes a second
	storage, api     time.Duration      // to each first byte
	fromAPI          int64              // bytes a second from the API, which compresses then
	far              bool               // 100 ms to the API and back, 30 ms to the storage, TLS
	byRun            bool               // by the run's id even if there is one artifact
	back             int                // the artifact is searched for, so many runs back
	cores            int
	connections      int               // 0: as many as artifetch likes
	faults           []githubsim.Fault // of the storage
	zip              githubsim.Blob    // nil: made from the above
}

// cases are zips that deflate shrinks to somewhat more than half.
var cases = []struct {
	name, what string
	world
}{
	{"A", "1 GiB in 64 files", world{artifacts: 1, files: 64, size: 16 << 20}},
	{"B", "20,000 files of 10 KiB", world{artifacts: 1, files: 20_000, size: 10 << 10}},
	{"C", "100 artifacts, 1,000 files, 24 MB", world{artifacts: 100, files: 10, size: 24_000}},
	{"D", "one tiny artifact", world{artifacts: 1, files: 1, size: 1000}},
	{"E", "A, 60 MB/s a connection, 20 ms to the first byte", world{artifacts: 1, files: 64, size: 16 << 20, bandwidth: 60e6, storage: 20 * time.Millisecond}},
	{"F", "C, 50 ms to each first byte", world{artifacts: 100, files: 10, size: 24_000, storage: 50 * time.Millisecond, api: 50 * time.Millisecond}},
	{"W", "one tiny artifact of a run, 100 ms to the API's first byte, 30 ms to the storage's", world{artifacts: 1, files: 1, size: 1000, byRun: true, storage: 30 * time.Millisecond, api: 100 * time.Millisecond}},
	{"T", "the same by TLS, 100 ms to the API and back, 30 ms to the storage", world{artifacts: 1, files: 1, size: 1000, byRun: true, far: true}},
	{"U", "T, by the artifact's id", world{artifacts: 1, files: 1, size: 1000, far: true}},
	{"V", "C, by TLS, at T's distance", world{artifacts: 100, files: 10, size: 24_000, far: true}},
	{"R", "a search, 800 runs back", world{artifacts: 1, files: 1, size: 1000, back: 800}},
	{"X", "R, 5 MB/s from the API, 50 ms to its first byte", world{artifacts: 1, files: 1, size: 1000, back: 800, api: 50 * time.Millisecond, fromAPI: 5e6}},
	{"S", "one file of 1 MiB of 1 GiB", world{artifacts: 1, files: 1024, size: 1 << 20, only: "d50/f950.bin"}},
	{"Y", "cat of one file of 1 MiB of 1 GiB", world{artifacts: 1, files: 1024, size: 1 << 20, only: "d50/f950.bin", verb: "cat"}},
	{"Z", "diff of two artifacts of 1 GiB", world{artifacts: 1, files: 1024, size: 1 << 20, verb: "diff"}},
	{"G", "100 files below 250 directories each", world{artifacts: 1, files: 100, names: below(250)}},
	{"H", "3,000 files below 60 directories each", world{artifacts: 1, files: 3000, names: below(60)}},
	{"L", "1,000,000 files, names of 140 bytes", world{artifacts: 1, files: 1_000_000, names: long}},
	{"J", "256 MiB in one file", world{artifacts: 1, files: 1, size: 256 << 20}},
	{"K", "256 MiB in 16 files", world{artifacts: 1, files: 16, size: 16 << 20}},
	{"M", "8 GiB in 128 files", world{artifacts: 1, files: 128, size: 64 << 20}},
}

// plain reports whether the reference can be timed: it only fetches artifacts by id,
// without TLS.
func (w world) plain() bool { return w.back == 0 && !w.far && w.verb == "" }

// written returns how many files artifetch has to write.
func (w world) written() int {
	switch {
	case w.verb != "":
		return 0
	case w.only != "":
		return 1
	}
	return w.artifacts * w.files
}

// below returns names of files, each below that many directories of its own.
func below(levels int) func(i int) string {
	return func(i int) string { return fmt.Sprintf("%d%s/f", i, strings.Repeat("/d", levels-1)) }
}

// long returns names like those of packages that are built by their hashes.
func long(i int) string {
	return fmt.Sprintf("packages/module-%04d/node_modules/component-%05d/dist/%x-%07d.min.js", i/2000, i/200, sha256.Sum256([]byte(strconv.Itoa(i))), i)
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == launch {
		os.Exit(launched(os.Args[2:]))
	}
	debug.SetMemoryLimit(4 << 30) // keeps the garbage that 400 % allow within 4 GiB: zips of up to 2 GiB are live
	debug.SetGCPercent(400)       // collections of the simulator's heap would take up to 3 ms of the time of others
	b := &bencher{}
	runs := flag.Int("runs", 5, "how often to run each case; the median counts")
	only := flag.String("cases", "A,B,C,D,E,F,G,H,S", "which cases")
	dir := flag.String("dir", "", "where to write; a temporary directory by default")
	scaling := flag.String("scaling", "", "measure how time grows instead: a list of size, files, artifacts, cores")
	unclean := flag.Bool("unclean", false, "measure networks with faults instead")
	existing := flag.String("existing", "", "measure destinations that exist instead: a list of N, O, P, Q, QN, QP, QD, QT")
	flag.Func("peer", "another program to time, `NAME=EXECUTABLE`", func(s string) error {
		name, exe, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("must be NAME=EXECUTABLE")
		}
		exe, err := filepath.Abs(exe)
		b.peers = append(b.peers, program{name: name, exe: exe})
		return err
	})
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := b.run(ctx, *dir, func() error {
		if *scaling != "" {
			return b.scale(ctx, *runs, strings.Split(*scaling, ","))
		}
		if *unclean {
			return b.unclean(ctx, *runs)
		}
		if *existing != "" {
			return b.existing(ctx, *runs, strings.Split(*existing, ","))
		}
		return b.table(ctx, *runs, strings.Split(*only, ","))
	})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bencher has what all cases share.
type bencher struct {
	dir   string
	exe   string // artifetch
	peers []program
	outs  int
}

// run builds artifetch as releases are built, calls do, and removes what was written.
func (b *bencher) run(ctx context.Context, parent string, do func() error) (err error) {
	if b.dir, err = os.MkdirTemp(parent, "artifetch-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	b.exe = filepath.Join(b.dir, "artifetch")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.exe, "github.com/artifetch/artifetch")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build artifetch: %w", err)
	}
	return do()
}

// table prints a table of cases: of those that were measured, even if a later one fails.
func (b *bencher) table(ctx context.Context, runs int, only []string) (err error) {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer func() { err = errors.Join(err, table.Flush()) }()
	fmt.Fprintln(table, b.head("case\twhat\tzip\tartifetch\tprocessor\tpeak RSS\trequests\tover the wire\treference\tratio"))
	for _, c := range cases {
		if !slices.Contains(only, c.name) {
			continue
		}
		m, err := b.measure(ctx, runs, c.world, true)
		if err != nil {
			return fmt.Errorf("case %s: %w", c.name, err)
		}
		ours, peers := m.cost[0], 1
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s", c.name, c.what, humanize.IBytes(m.zip), ours, m.requests, humanize.IBytes(m.wire))
		if c.plain() {
			fmt.Fprintf(table, "\t%s\t%.2f", seconds(m.cost[1].took), ours.ratio(m.cost[1]))
			peers = 2
		} else {
			fmt.Fprint(table, "\t-\t-")
		}
		for _, c := range m.cost[peers:] {
			fmt.Fprintf(table, "\t%s\t%.2f", c, ours.ratio(c))
		}
		fmt.Fprintln(table)
	}
	return nil
}

// head returns the head of a table: its own columns, then those of each peer.
func (b *bencher) head(columns string) string {
	for _, p := range b.peers {
		columns += "\t" + p.name + "\tprocessor\tpeak RSS\tratio"
	}
	return columns
}

func seconds(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

type measured struct {
	zip, wire uint64
	requests  int
	cost      []cost // of artifetch, the reference, the peers
}

// measure runs all programs in turns, so that noise from neighbours affects all of them.
func (b *bencher) measure(ctx context.Context, runs int, w world, others bool) (measured, error) {
	s := newScene(w)
	defer s.close()
	m := measured{zip: s.size}
	programs := []program{{name: "artifetch", exe: b.exe, args: s.args()}}
	if others {
		if w.plain() {
			programs = append(programs, program{name: "reference", do: s.plain})
		}
		programs = append(programs, b.peers...)
	}
	costs := make([][]cost, len(programs))
	for range runs {
		for i, p := range programs {
			s.sim.ResetLog()
			c, files, err := b.one(ctx, s, p)
			want := w.artifacts * w.files
			if i == 0 || !w.plain() {
				want = w.written()
			}
			if err == nil && files != want {
				err = fmt.Errorf("it wrote %d files", files)
			}
			if err != nil {
				return m, fmt.Errorf("%s: %w", p.name, err)
			}
			if costs[i] = append(costs[i], c); i == 0 {
				m.requests, m.wire = len(s.sim.Log()), s.sent()
			}
		}
	}
	for _, c := range costs {
		m.cost = append(m.cost, summary(c))
	}
	return m, nil
}

// one lets a program fetch everything, counts the files, and frees their disk space.
func (b *bencher) one(ctx context.Context, s *scene, p program) (c cost, files int, err error) {
	b.outs++
	out := filepath.Join(b.dir, fmt.Sprintf("out%d", b.outs))
	if err := os.Mkdir(out, 0o755); err != nil {
		return c, 0, err
	}
	c, err = p.run(ctx, s, out)
	files, emptyErr := empty(out)
	return c, files, errors.Join(err, emptyErr)
}

// empty truncates all files of a tree, and counts them. Removing them would slow the next
// run: ext4 passes over every inode that was in use within minutes. Leaving them as they
// are would make it wait for memory.
func empty(tree string) (files int, err error) {
	err = filepath.WalkDir(tree, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		return os.Truncate(name, 0)
	})
	return files, err
}

// sent returns how many bytes of bodies were sent.
func (s *scene) sent() uint64 {
	var n int64
	for _, r := range s.sim.Log() {
		if r.Host == githubsim.Storage {
			n += r.Bytes
		}
	}
	return uint64(max(n, 0))
}
