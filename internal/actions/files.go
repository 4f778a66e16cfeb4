package actions

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	githubactions "github.com/sethvargo/go-githubactions"
)

// maxSummary is the runner's limit for the summary of a step, in bytes.
const maxSummary = 1 << 20

// FileError means that one of the runner's files cannot be written.
type FileError struct {
	Variable string // holds the file's path: GITHUB_OUTPUT
	Err      error
}

func (e *FileError) Error() string { return fmt.Sprintf("the file of %s: %v", e.Variable, e.Err) }

// Unwrap returns Err.
func (e *FileError) Unwrap() error { return e.Err }

// newFileError returns nil if err is nil.
func newFileError(variable string, err error) error {
	if err == nil {
		return nil
	}
	// go-githubactions wraps this error in a text that adds nothing.
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p
	}
	return &FileError{Variable: variable, Err: err}
}

// Output is an output of the step.
type Output struct{ Name, Value string }

// SetOutputs sets outputs of the step, all or none, without the masked secrets. It
// refuses values with a line break, which could inject another output. A file that
// cannot be written is a *FileError.
func (l *Log) SetOutputs(outputs ...Output) error {
	lines := make([]string, len(outputs))
	for i, o := range outputs {
		if o.Name == "" || strings.ContainsAny(o.Name, "=<\r\n") {
			return fmt.Errorf("%q cannot be the name of an output", o.Name)
		}
		if strings.ContainsAny(o.Value, "\r\n") {
			return fmt.Errorf("output %q: its value has a line break", o.Name)
		}
		lines[i] = o.Name + "=" + l.Redact(o.Value)
	}
	return l.file("output", "GITHUB_OUTPUT", strings.Join(lines, "\n"))
}

// Summary appends Markdown to the job's summary, without the masked secrets. The runner
// would drop a summary of more than 1 MiB per step, so a longer one is cut at the end of
// a line. A file that cannot be written is a *FileError.
func (l *Log) Summary(markdown string) error {
	const note = "\n\n(cut: the summary was larger than 1 MiB)\n"
	l.mu.Lock()
	secrets := slices.Clone(l.secrets)
	l.mu.Unlock()
	for _, secret := range secrets {
		// The secret's text in the middle of a cell or an attribute.
		secrets = append(secrets, strings.TrimPrefix(Cell("x"+secret), "x"), strings.TrimPrefix(Attribute("x"+secret), "x"))
	}
	markdown = redact(markdown, secrets)
	room := maxSummary - len(githubactions.EOF)
	if path := l.opt.Getenv("GITHUB_STEP_SUMMARY"); path != "" {
		if info, err := os.Stat(path); err == nil {
			room -= int(min(info.Size(), maxSummary))
		}
	}
	if len(markdown) > room {
		if room < len(note) {
			return nil // keeps what other programs of the step wrote
		}
		cut := markdown[:room-len(note)]
		markdown = cut[:strings.LastIndexByte(cut, '\n')+1] + note
	}
	return l.file("step-summary", "GITHUB_STEP_SUMMARY", markdown)
}

// CheckOutputs returns a *FileError if it is clear in advance that SetOutputs cannot write
// the file. It may create the file.
func (l *Log) CheckOutputs() error { return l.check("GITHUB_OUTPUT") }

// CheckSummary does for Summary what CheckOutputs does for SetOutputs.
func (l *Log) CheckSummary() error { return l.check("GITHUB_STEP_SUMMARY") }

func (l *Log) check(variable string) error {
	path := l.opt.Getenv(variable)
	if path == "" {
		return nil
	}
	return newFileError(variable, writable(path))
}

// file appends to one of the runner's files. Without a runner it does nothing.
func (l *Log) file(name, variable, text string) error {
	if l.opt.Getenv(variable) == "" {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.check(variable); err != nil {
		return err
	}
	return newFileError(variable, guard(func() { l.gha.IssueFileCommand(&githubactions.Command{Name: name, Message: text}) }))
}

// writable opens a file as go-githubactions does. It refuses a file at which a write could
// wait for another process.
func writable(path string) error {
	// Even opening a pipe would wait.
	if info, err := os.Stat(path); err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) != 0 {
		return &fs.PathError{Op: "open", Path: path, Err: errPipe}
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // the runner reads it
	if err != nil {
		return err
	}
	return f.Close()
}

var errPipe = errors.New("is a pipe, not a file")
