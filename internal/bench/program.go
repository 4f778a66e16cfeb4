package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
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

// run runs the program, and returns the time it took and, of an executable, its peak memory
// in bytes.
func (p program) run(ctx context.Context, s *scene, out string) (time.Duration, uint64, error) {
	if p.do != nil {
		start := time.Now()
		err := p.do(ctx, out)
		return time.Since(start), 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{launch, p.exe}, p.args...)...)
	if cmd.Env, err = s.env(out); err != nil {
		return 0, 0, err
	}
	cmd.Env = append(cmd.Env, p.env...)
	cmd.Dir = out
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
	return time.Duration(nanoseconds), rss, nil
}

// launch makes this program start another one, and print its time and peak memory. That
// takes a process of its own: Linux counts the memory of the process that called exec(2) to
// the new one, and this process is large.
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
	fmt.Println(took.Nanoseconds(), peakRSS(cmd.ProcessState))
	return 0
}
