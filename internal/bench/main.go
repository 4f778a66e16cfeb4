// Command bench times the artifetch executable against the simulator of
// GitHub, which this process serves on the loopback: wall time and peak
// resident memory of the whole process, start-up included. Beside it runs a
// plain reference: one GET to a file, then archive/zip, file by file.
//
//	go run ./internal/bench [-runs 5] [-cases A,B,M]
package main

import (
	"archive/zip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// cases are zips of count files of size bytes, of which deflate leaves
// somewhat more than half.
var cases = []struct {
	name        string
	what        string
	count, size int
}{
	{"A", "1 GiB in 64 files", 64, 16 << 20},
	{"B", "20,000 files of 10 KiB", 20_000, 10 << 10},
	{"M", "3 GiB in 48 files", 48, 64 << 20},
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == launch {
		os.Exit(launched(os.Args[2:]))
	}
	runs := flag.Int("runs", 5, "how often to run each case; the median counts")
	only := flag.String("cases", "A,B,M", "which cases")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := bench(ctx, *runs, strings.Split(*only, ","))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, runs int, only []string) (err error) {
	dir, err := os.MkdirTemp("", "artifetch-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bencher{dir: dir, exe: filepath.Join(dir, "artifetch")}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.exe, "github.com/artifetch/artifetch")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build artifetch: %w", err)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "case\twhat\tzip\tartifetch\tpeak RSS\treference\tratio\trequests")
	for _, c := range cases {
		if !slices.Contains(only, c.name) {
			continue
		}
		m, err := b.measure(ctx, runs, c.count, c.size)
		if err != nil {
			return fmt.Errorf("case %s: %w", c.name, err)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%.2f s\t%s\t%.2f s\t%.2f\t%d\n", c.name, c.what, humanize.IBytes(m.zip),
			m.ours.Seconds(), humanize.IBytes(m.rss), m.reference.Seconds(), m.ours.Seconds()/m.reference.Seconds(), m.requests)
	}
	return table.Flush()
}

type bencher struct{ dir, exe string }

type measured struct {
	zip, rss        uint64
	ours, reference time.Duration
	requests        int
}

// measure runs both in turns, so that a noisy neighbour meets both.
func (b *bencher) measure(ctx context.Context, runs, count, size int) (measured, error) {
	sim := githubsim.New(githubsim.Options{URLLifetime: time.Hour})
	defer sim.Close()
	sim.AddToken("ghs_bench", "octo/app", githubsim.Read)
	repo := sim.AddRepo("octo/app")
	blob := githubsim.BigZip(count, size, 1)
	a := repo.AddRun(githubsim.Run{Workflow: repo.AddWorkflow("CI", ".github/workflows/ci.yml")}).
		AddArtifact(githubsim.Artifact{Name: "dist", Blob: blob})
	m := measured{zip: uint64(max(blob.Size(), 0))}
	var ours, reference []time.Duration
	for range runs {
		sim.ResetLog()
		took, rss, err := b.run(ctx, sim, a.ID)
		if err != nil {
			return m, err
		}
		ours, m.rss, m.requests = append(ours, took), max(m.rss, rss), len(sim.Log())
		took, err = b.plain(ctx, sim, a.ID)
		if err != nil {
			return m, err
		}
		reference = append(reference, took)
	}
	m.ours, m.reference = median(ours), median(reference)
	return m, nil
}

// launch makes this program start another one and print its time and peak
// memory. It takes a process of its own, because Linux counts the memory of
// the process that called exec(2) to the one that is started, and this one
// is large.
const launch = "-launch"

func launched(args []string) int {
	cmd := exec.Command(args[0], args[1:]...) //nolint:noctx,gosec // the parent, this program too, names it and ends it
	cmd.Stderr = os.Stderr
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(took.Nanoseconds(), peakRSS(cmd.ProcessState))
	return 0
}

// run times the executable.
func (b *bencher) run(ctx context.Context, sim *githubsim.Sim, id int64) (time.Duration, uint64, error) {
	out := filepath.Join(b.dir, "out")
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	cmd := exec.CommandContext(ctx, self, launch, b.exe, "--repository", "octo/app", "--artifact-ids", fmt.Sprint(id), "--path", out)
	cmd.Env = []string{"GITHUB_TOKEN=ghs_bench", "GITHUB_API_URL=" + sim.APIURL}
	cmd.Dir = b.dir
	var log strings.Builder
	cmd.Stderr = &log
	printed, err := cmd.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("%w\n%s", err, log.String())
	}
	var nanoseconds int64
	var rss uint64
	if _, err := fmt.Sscan(string(printed), &nanoseconds, &rss); err != nil {
		return 0, 0, err
	}
	return time.Duration(nanoseconds), rss, os.RemoveAll(out)
}

// plain is the reference.
func (b *bencher) plain(ctx context.Context, sim *githubsim.Sim, id int64) (took time.Duration, err error) {
	out := filepath.Join(b.dir, "plain")
	start := time.Now()
	defer func() {
		took = time.Since(start)
		err = errors.Join(err, os.RemoveAll(out))
	}()
	res, err := download(ctx, fmt.Sprintf("%s/repos/octo/app/actions/artifacts/%d/zip", sim.APIURL, id))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if err := os.Mkdir(out, 0o755); err != nil {
		return 0, err
	}
	spool, err := os.Create(filepath.Join(out, "spool.zip"))
	if err != nil {
		return 0, err
	}
	size, err := io.Copy(spool, res.Body)
	if err != nil {
		return 0, errors.Join(err, spool.Close())
	}
	return 0, errors.Join(unzip(spool, size, out), spool.Close())
}

// download follows the API's redirect without the token.
func download(ctx context.Context, from string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer ghs_bench")
	client := http.Client{CheckRedirect: func(next *http.Request, _ []*http.Request) error {
		next.Header.Del("Authorization")
		return nil
	}}
	return client.Do(req)
}

func unzip(r io.ReaderAt, size int64, out string) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return err
	}
	for _, f := range z.File {
		if err := unzipFile(f, filepath.Join(out, filepath.FromSlash(f.Name))); err != nil {
			return err
		}
	}
	return nil
}

func unzipFile(f *zip.File, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	w, err := os.Create(to)
	if err != nil {
		return errors.Join(err, r.Close())
	}
	_, err = io.Copy(w, r) //nolint:gosec // the bench made the archive
	return errors.Join(err, w.Close(), r.Close())
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
