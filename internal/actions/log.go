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
	"os"
	"slices"
	"strings"
	"sync"

	githubactions "github.com/sethvargo/go-githubactions"
)

// maxSummary is the runner's limit for a step's summary, in bytes.
const maxSummary = 1 << 20

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
	secrets []string
	grouped bool
	bar     string // what stands on the terminal's last line
}

// New makes a Log.
func New(opt Options) *Log {
	get := func(k string) string { v, _ := opt.Lookup(k); return v }
	return &Log{opt: opt, gha: githubactions.New(githubactions.WithWriter(opt.Out), githubactions.WithGetenv(get))}
}

// text formats, hides secrets and escapes.
func (l *Log) text(format string, args []any) string {
	return Escape(redact(fmt.Sprintf(format, args...), l.secrets))
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

// Debugf writes a line that the runner shows when debugging is on; outside
// of a step it is dropped.
func (l *Log) Debugf(format string, args ...any) {
	if !l.opt.Command {
		l.command(l.gha.Debugf, "", format, args)
	}
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
// the runner. Each line of it is masked, because a log has lines.
func (l *Log) Mask(secret string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range strings.FieldsFunc(secret, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line = strings.TrimSpace(line); line == "" || slices.Contains(l.secrets, line) {
			continue
		}
		l.secrets = append(l.secrets, line)
		if !l.opt.Command {
			_ = guard(func() { l.gha.AddMask(line) })
		}
	}
}

// redact puts *** for whatever is part of a secret, also where secrets
// overlap or one begins with another.
func redact(s string, secrets []string) string {
	var spans [][2]int
	for _, secret := range secrets {
		for from := 0; ; {
			i := strings.Index(s[from:], secret)
			if i < 0 {
				break
			}
			spans = append(spans, [2]int{from + i, from + i + len(secret)})
			from += i + 1
		}
	}
	slices.SortFunc(spans, func(a, b [2]int) int { return a[0] - b[0] })
	var b strings.Builder
	end := 0
	for i, span := range spans {
		if i == 0 || span[0] >= end {
			b.WriteString(s[end:span[0]])
			b.WriteString("***")
		}
		end = max(end, span[1])
	}
	b.WriteString(s[end:])
	return b.String()
}

// SetOutput sets an output of the step. A value with a line break is
// refused: whoever has one to give has not thought of injection.
func (l *Log) SetOutput(name, value string) error {
	if name == "" || strings.ContainsAny(name, "=<\r\n") {
		return fmt.Errorf("%q cannot name an output", name)
	}
	if strings.ContainsAny(value, "\r\n") {
		return fmt.Errorf("output %q: a value with a line break cannot be set", name)
	}
	return l.file("output", "GITHUB_OUTPUT", name+"="+value)
}

// Summary adds Markdown to the job's summary, without the masked secrets.
// Beyond the runner's limit of 1 MiB it is cut at the end of a line: of a
// larger one the runner would show nothing at all.
func (l *Log) Summary(markdown string) error {
	const note = "\n\n(cut: the summary was larger than 1 MiB)\n"
	l.mu.Lock()
	secrets := slices.Clone(l.secrets)
	l.mu.Unlock()
	for _, secret := range secrets {
		// As it stands in the middle of a cell or an attribute.
		secrets = append(secrets, strings.TrimPrefix(Cell("x"+secret), "x"), strings.TrimPrefix(Attribute("x"+secret), "x"))
	}
	markdown = redact(markdown, secrets)
	room := maxSummary - len(githubactions.EOF)
	if path, _ := l.opt.Lookup("GITHUB_STEP_SUMMARY"); path != "" {
		if info, err := os.Stat(path); err == nil {
			room -= int(info.Size())
		}
	}
	if len(markdown) > room {
		cut := markdown[:max(0, room-len(note))]
		markdown = cut[:strings.LastIndexByte(cut, '\n')+1] + note
	}
	return l.file("step-summary", "GITHUB_STEP_SUMMARY", markdown)
}

// file appends to one of the runner's files. A runner that gives none does
// not want any.
func (l *Log) file(name, variable, text string) error {
	if v, _ := l.opt.Lookup(variable); v == "" {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err := guard(func() { l.gha.IssueFileCommand(&githubactions.Command{Name: name, Message: text}) })
	if err != nil {
		return fmt.Errorf("write to the file of %s: %w", variable, err)
	}
	return nil
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
