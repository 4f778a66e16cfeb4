// Package actions speaks the runner's protocol: workflow commands on stdout, outputs
// and the summary in files, masks, groups. It uses go-githubactions. For the command
// on a terminal it writes plain lines and a progress bar.
//
// Contract: the texts passed to a Log may come from a stranger. They can neither issue
// a workflow command nor set an output, because every line is escaped as a whole; see
// Escape. A Log is safe for concurrent use, and writes a line with one Write.
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
	// maxLine bounds the length of a line, in bytes before escaping.
	maxLine = 16 << 10
	// maxAnnotations bounds how many warnings, and how many errors, become annotations:
	// GitHub shows ten per step and fifty per job. The rest become plain lines.
	maxAnnotations = 50
	// defaultColumns is the width of a terminal that does not tell its own.
	defaultColumns = 80
)

// Options set up a Log.
type Options struct {
	// Out is the runner's stdout, or a terminal's stderr.
	Out io.Writer
	// Getenv reads the environment, as os.Getenv does.
	Getenv func(string) string
	// Command is set outside of a step: then there are no workflow commands and no files.
	Command bool
	// Columns returns the present width of the terminal that Out is, or 0 or less if
	// the width is unknown. It is nil if Out is not a terminal. On a terminal, and if
	// Command is set, Progress draws a live bar.
	Columns func() int
	// Color colours the words "warning" and "error" of a command. Quiet leaves out the
	// progress, and all lines but warnings and errors.
	Color, Quiet bool
}

// Log writes the log that people read, and the commands that the runner obeys.
type Log struct {
	opt Options
	gha *githubactions.Action

	mu      sync.Mutex
	secrets []string       // each line of each secret, in all spellings
	issued  map[string]int // annotations by kind
	grouped bool
	bar     func(columns int) string // draws the bar; nil if there is none
	shown   string                   // the bar as it is on the terminal's last line
}

// New returns a Log.
func New(opt Options) *Log {
	return &Log{opt: opt, issued: map[string]int{}, gha: githubactions.New(githubactions.WithWriter(opt.Out), githubactions.WithGetenv(opt.Getenv))}
}

// text formats a line, hides secrets, cuts it after maxLine bytes and escapes it.
func (l *Log) text(format string, args []any) string {
	s := redact(fmt.Sprintf(format, args...), l.secrets)
	if len(s) > maxLine {
		kept := words.Cut(s, maxLine)
		s = fmt.Sprintf("%s (and %d bytes more)", kept, len(s)-len(kept)+len(words.CutMark))
	}
	return Escape(s)
}

// line writes a line, above the bar if there is one.
func (l *Log) line(prefix, format string, args []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.redraw(prefix + l.text(format, args) + "\n")
}

// setBar shows the bar that draw returns, or removes the bar if draw is nil. draw is
// called again whenever the bar has to be written. It returns no more than the given
// columns, in printable ASCII: then a column is a byte.
func (l *Log) setBar(draw func(columns int) string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bar = draw
	l.redraw("")
}

// redraw replaces the bar by lines and the bar. The last column stays free, because
// many terminals go to the next line after it.
func (l *Log) redraw(lines string) {
	columns := defaultColumns
	if l.opt.Columns != nil {
		if n := l.opt.Columns(); n > 0 {
			columns = n
		}
	}
	bar := ""
	if l.bar != nil {
		bar = l.bar(columns - 1)
	}
	if lines == "" && bar == l.shown {
		return
	}
	l.write(wipe(len(l.shown), columns) + lines + bar)
	l.shown = bar
}

// wipe returns the text that blanks a bar of the given length: spaces work on every
// terminal. If the terminal has become narrower than the bar, some terminals have cut the
// bar, others have wrapped it. Only the cursor's row is blanked then: the rows above it
// may be the log.
func wipe(bar, columns int) string {
	if bar == 0 {
		return ""
	}
	return "\r" + strings.Repeat(" ", min(bar, columns)) + "\r"
}

func (l *Log) write(s string) {
	_, _ = io.WriteString(l.opt.Out, s) // there is nowhere to report an error
}

// The prefixes of warnings and errors.
const warning, failure = "warning: ", "error: "

// colored has the prefixes in yellow and in red.
var colored = map[string]string{warning: "\x1b[33mwarning:\x1b[0m ", failure: "\x1b[31merror:\x1b[0m "}

// command issues a workflow command. Outside of a step it writes a line.
func (l *Log) command(issue func(string, ...any), prefix, format string, args []any) {
	if l.opt.Command {
		if l.opt.Color {
			prefix = colored[prefix]
		}
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
func (l *Log) Infof(format string, args ...any) {
	if !l.opt.Quiet {
		l.line("", format, args)
	}
}

// Warningf writes a warning, in a step as an annotation.
func (l *Log) Warningf(format string, args ...any) {
	l.command(l.gha.Warningf, warning, format, args)
}

// TitledWarningf writes a warning, in a step as an annotation with a title.
func (l *Log) TitledWarningf(title, format string, args ...any) {
	l.command(l.gha.WithFieldsMap(map[string]string{"title": title}).Warningf, warning, format, args)
}

// Errorf writes an error, in a step as an annotation.
func (l *Log) Errorf(format string, args ...any) {
	l.command(l.gha.Errorf, failure, format, args)
}

// Group begins a group: the runner folds all lines until end is called, including lines of
// other goroutines. The runner has no nested groups, so within a group, Group writes a line.
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

// Mask hides a secret in everything that the Log and the runner write from now on:
// each line of it, in every spelling that a server may use; see spellings.
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

// Redact returns s with *** for each masked secret. It is for texts that programs read:
// secrets of less than 6 bytes stay, because they may be parts of words, numbers or
// JSON.
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
