package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// program fetches the artifacts of a scene. It is an executable, or a function of this
// program.
type program struct {
	name string
	exe  string
	args []string
	env  []string // besides that of the scene
	do   func(ctx context.Context, out string) error
}

// cost is what one run of a program took.
type cost struct {
	took time.Duration
	// cpu is the processor time of an executable, and rss is its peak memory in bytes.
	cpu time.Duration
	rss uint64
}

// String returns the cost as cells of a table.
func (c cost) String() string {
	return seconds(c.took) + "\t" + seconds(c.cpu) + "\t" + humanize.IBytes(c.rss)
}

// ratio returns the time of c divided by that of other.
func (c cost) ratio(other cost) float64 { return c.took.Seconds() / other.took.Seconds() }

// summary returns the medians of the times, and the largest memory.
func summary(runs []cost) cost {
	var took, cpu []time.Duration
	var rss uint64
	for _, c := range runs {
		took, cpu, rss = append(took, c.took), append(cpu, c.cpu), max(rss, c.rss)
	}
	return cost{took: median(took), cpu: median(cpu), rss: rss}
}

// run runs the program.
func (p program) run(ctx context.Context, s *scene, out string) (c cost, err error) {
	if p.do != nil {
		start := time.Now()
		err := p.do(ctx, out)
		return cost{took: time.Since(start)}, err
	}
	self, err := os.Executable()
	if err != nil {
		return c, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{launch, p.exe}, p.args...)...)
	if cmd.Env, err = s.env(out); err != nil {
		return c, err
	}
	cmd.Env = append(cmd.Env, p.env...)
	cmd.Dir = out
	var log strings.Builder
	cmd.Stderr = &log
	printed, err := cmd.Output()
	if err != nil {
		return c, fmt.Errorf("%w\n%s", err, log.String())
	}
	_, err = fmt.Sscan(string(printed), (*int64)(&c.took), (*int64)(&c.cpu), &c.rss)
	return c, err
}

// launch makes this program start another one, and print its cost, times in nanoseconds.
// It does so in a small process of its own: Linux counts the memory of the process that
// calls exec(2) as the new program's, and the bench is large.
const launch = "-launch"

func launched(args []string) int {
	cmd := exec.Command(args[0], args[1:]...) //nolint:noctx,gosec // its parent, the same program, gives the arguments and ends it
	cmd.Stderr = os.Stderr
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	fmt.Println(took.Nanoseconds(), cpu.Nanoseconds(), peakRSS(cmd.ProcessState))
	return 0
}
