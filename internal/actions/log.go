// Package actions speaks the runner's protocol (workflow commands on stdout,
// outputs and the summary in files, masks, groups) over go-githubactions,
// and the plain one of a terminal.
//
// Contract: whatever is passed to a method of Log may come from a stranger.
// It can neither issue a workflow command nor set an output, because every
// line is escaped as a whole; see Escape. Log is safe for concurrent use,
// and a line is one Write.
package actions

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	githubactions "github.com/sethvargo/go-githubactions"

	"github.com/artifetch/artifetch/internal/words"
)

const (
	// maxLine bounds what is written at once, in bytes before escaping.
	maxLine = 16 << 10
	// maxAnnotations is how many warnings, and how many errors, are issued as
	// such: GitHub shows ten a step and fifty a job. The others are lines.
	maxAnnotations = 50
)

// Options set up a Log.
type Options struct {
	// Out is the runner's stdout, or a terminal's stderr.
	Out io.Writer
	// Lookup reads the environment.
	Lookup func(string) (string, bool)
	// Command is a run outside of a step: no workflow commands, no files.
	Command bool
	// Terminal allows a live progress bar on Out, as a Command.
	Terminal bool
}

// Log writes for people, and for the runner.
type Log struct {
	opt Options
	gha *githubactions.Action

	mu      sync.Mutex
	secrets []string // every spelling of every line of them
	issued  map[string]int
	grouped bool
	bar     string // what stands on the terminal's last line
}

// New makes a Log.
func New(opt Options) *Log {
	get := func(k string) string { v, _ := opt.Lookup(k); return v }
	return &Log{opt: opt, issued: map[string]int{}, gha: githubactions.New(githubactions.WithWriter(opt.Out), githubactions.WithGetenv(get))}
}

// text formats, hides secrets, bounds and escapes.
func (l *Log) text(format string, args []any) string {
	s := redact(fmt.Sprintf(format, args...), l.secrets)
	if len(s) > maxLine {
		kept := words.Cut(s, maxLine)
		s = fmt.Sprintf("%s (and %d bytes more)", kept, len(s)-len(kept)+len(words.CutMark))
	}
	return Escape(s)
}

// line writes above the bar, if there is one.
func (l *Log) line(prefix, format string, args []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write(l.wipe() + prefix + l.text(format, args) + "\n" + l.bar)
}

// setBar draws the bar, or takes it away if it is empty.
func (l *Log) setBar(bar string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if bar != l.bar {
		l.write(l.wipe() + bar)
		l.bar = bar
	}
}

// wipe is what blanks the bar. Spaces do so on every terminal.
func (l *Log) wipe() string {
	if l.bar == "" {
		return ""
	}
	return "\r" + strings.Repeat(" ", len(l.bar)) + "\r"
}

func (l *Log) write(s string) {
	_, _ = io.WriteString(l.opt.Out, s) // there is nowhere to report an error
}

// command issues a workflow command, or writes a line outside of a step.
func (l *Log) command(issue func(string, ...any), prefix, format string, args []any) {
	if l.opt.Command {
		l.line(prefix, format, args)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.issued[prefix]++; l.issued[prefix] > maxAnnotations {
		l.write(prefix + l.text(format, args) + "\n")
		return
	}
	_ = guard(func() { issue("%s", l.text(format, args)) })
}

// Infof writes a line.
func (l *Log) Infof(format string, args ...any) { l.line("", format, args) }

// Warningf writes a warning, which becomes an annotation of the run.
func (l *Log) Warningf(format string, args ...any) {
	l.command(l.gha.Warningf, "warning: ", format, args)
}

// Errorf writes an error, which becomes an annotation of the run.
func (l *Log) Errorf(format string, args ...any) {
	l.command(l.gha.Errorf, "error: ", format, args)
}

// Group folds the lines up to the call of end, whoever writes them. The
// runner knows no groups within groups: one that is begun while another is
// open is a line.
func (l *Log) Group(format string, args ...any) (end func()) {
	l.mu.Lock()
	inner := l.grouped || l.opt.Command
	if !inner {
		l.grouped = true
		_ = guard(func() { l.gha.Group(l.text(format, args)) })
	}
	l.mu.Unlock()
	if inner {
		l.Infof(format, args...)
		return func() {}
	}
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.grouped = false
		_ = guard(l.gha.EndGroup)
	})
}

// Mask keeps a secret out of all that is written from now on, here and by
// the runner: each line of it, in every spelling that a server could give it.
func (l *Log) Mask(secret string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := secretLines(secret)
	for _, line := range lines {
		if slices.Contains(l.secrets, line) {
			continue
		}
		for _, s := range spellings(line, len(lines) == 1) {
			if !slices.Contains(l.secrets, s) {
				l.secrets = append(l.secrets, s)
			}
		}
		if !l.opt.Command {
			_ = guard(func() { l.gha.AddMask(line) })
		}
	}
}

// Redact returns a text that later steps read with *** for each masked secret in
// it. A secret of a few characters is left: it would take parts of words, and of
// numbers and JSON, with it.
func (l *Log) Redact(s string) string {
	const shortest = 6
	l.mu.Lock()
	defer l.mu.Unlock()
	return redact(s, slices.DeleteFunc(slices.Clone(l.secrets), func(secret string) bool { return len(secret) < shortest }))
}

// guard turns go-githubactions' panics on write errors into errors.
func guard(f func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			err = p
		default:
			err = errors.New(fmt.Sprint(p))
		}
	}()
	f()
	return nil
}
