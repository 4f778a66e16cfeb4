package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// InputError says what is wrong with one input.
type InputError struct {
	Input string // as it was given: an alias, a flag with its dashes
	// Value is the value or the item of a list that is wrong, quoted and cut
	// to a bearable length, redacted for secrets; empty where the fault lies
	// in the combination with other inputs.
	Value    string
	Problem  string // follows the value, or the input: "is not a number"
	Accepted string // what would be right; may be empty
}

func (e *InputError) Error() string {
	var b strings.Builder
	b.WriteString(e.Input)
	if e.Value != "" {
		b.WriteString(": ")
		b.WriteString(e.Value)
	}
	b.WriteByte(' ')
	b.WriteString(e.Problem)
	if e.Accepted != "" {
		b.WriteString("; accepted: ")
		b.WriteString(e.Accepted)
	}
	return b.String()
}

// Errors are all the problems that were found.
type Errors struct{ Problems []*InputError } //nolint:errname // config.Errors says what it is

// Error is one line for one problem, else a line each below a heading.
func (e *Errors) Error() string {
	if len(e.Problems) == 1 {
		return e.Problems[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d problems with the inputs:", len(e.Problems))
	for _, p := range e.Problems {
		b.WriteString("\n  ")
		b.WriteString(p.Error())
	}
	return b.String()
}

// Unwrap gives the problems to errors.As.
func (e *Errors) Unwrap() []error {
	errs := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		errs[i] = p
	}
	return errs
}

func (e *Errors) add(p *InputError) { e.Problems = append(e.Problems, p) }

// or is nil for no problems, so that an empty *Errors never becomes an error.
func (e *Errors) or() error {
	if len(e.Problems) == 0 {
		return nil
	}
	return e
}

// UsageError is a command line that cannot be obeyed; Err is what is wrong,
// *Errors where it is the values.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap is Err.
func (e *UsageError) Unwrap() error { return e.Err }

// ErrHelp and ErrVersion are FromArgs's answers to --help and --version.
var (
	ErrHelp    = errors.New("help requested")
	ErrVersion = errors.New("version requested")
)

// looksSecret finds GitHub's tokens and private keys, which end up in the
// wrong input now and then.
var looksSecret = regexp.MustCompile(`\bgh[a-z]_\w|github_pat_|PRIVATE KEY-----`)

// credentials finds what an address may hold besides its host and path: user
// and password, up to the last @ before a blank, and a query.
var credentials = regexp.MustCompile(`(//)[^\s]*(@)|[^\s/:@]+:[^\s@]*(@)|(://[^\s?]*\?)[^\s]+`)

// quote shows a value in a message, without what looks secret in it.
func quote(v string) string {
	const most = 80
	if looksSecret.MatchString(v) {
		return redacted
	}
	v = credentials.ReplaceAllString(v, "$1$4***$2$3")
	if r := []rune(v); len(r) > most {
		return fmt.Sprintf("%q…", string(r[:most]))
	}
	return fmt.Sprintf("%q", v)
}

func and(items []string) string { return enumerate(items, " and ") }

func enumerate(items []string, last string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	n := len(items) - 1
	return strings.Join(items[:n], ", ") + last + items[n]
}
