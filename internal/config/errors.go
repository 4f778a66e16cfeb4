package config

import (
	"fmt"
	"strings"

	"github.com/artifetch/artifetch/internal/lazy"
)

// InputError is a problem with one input.
type InputError struct {
	// Input is the name that was used, such as an alias or a flag with its dashes. It is
	// empty if the problem is with no single input; then Problem is a whole sentence.
	Input string
	// Value is the wrong value, or the wrong item of a list: quoted, cut after 80
	// characters, without secrets. It is empty if the input does not go together
	// with another.
	Value    string
	Problem  string // follows Value, or Input: "is not a number"
	Accepted string // describes the accepted values; may be empty
}

func (e *InputError) Error() string {
	var b strings.Builder
	b.WriteString(e.Input)
	if e.Value != "" {
		b.WriteString(": ")
		b.WriteString(e.Value)
	}
	if e.Input != "" {
		b.WriteByte(' ')
	}
	b.WriteString(e.Problem)
	if e.Accepted != "" {
		b.WriteString("; accepted: ")
		b.WriteString(e.Accepted)
	}
	return b.String()
}

// meantError says that a value is meant for another input.
type meantError struct{ is, input, value string }

func (e *meantError) Error() string { return e.meant(e.input + ":") }

// meant is Error with the input as it is written before a value.
func (e *meantError) meant(input string) string {
	return fmt.Sprintf("%s (did you mean %s %s?)", e.is, input, e.value)
}

// Errors holds all problems with the inputs.
type Errors struct{ Problems []*InputError } //nolint:errname // config.Errors says what it is

// Error returns one line for one problem, else a heading and a line for each.
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

// Unwrap returns the problems, for errors.As.
func (e *Errors) Unwrap() []error {
	errs := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		errs[i] = p
	}
	return errs
}

func (e *Errors) add(p *InputError) { e.Problems = append(e.Problems, p) }

// or returns e, or nil if there are no problems: an empty *Errors must not become
// an error.
func (e *Errors) or() error {
	if len(e.Problems) == 0 {
		return nil
	}
	return e
}

// UsageError is a wrong command line. Err is an *Errors if the values are wrong.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *UsageError) Unwrap() error { return e.Err }

// looksSecret finds GitHub's tokens and private keys: they may have been put into
// the wrong input.
var looksSecret = lazy.Regexp(`\bgh[a-z]_\w|github_pat_|PRIVATE KEY-----`)

// credentials finds the parts of an address that may be secret: user and password,
// up to the last @ before a blank, and the query.
var credentials = lazy.Regexp(`(//)[^\s]*(@)|[^\s/:@]+:[^\s@]*(@)|(://[^\s?]*\?)[^\s]+`)

// quote returns a value quoted for a message, without what looks secret.
func quote(v string) string {
	const most = 80
	if looksSecret().MatchString(v) {
		return redacted
	}
	v = credentials().ReplaceAllString(v, "$1$4***$2$3")
	if r := []rune(v); len(r) > most {
		return fmt.Sprintf("%q…", string(r[:most]))
	}
	return fmt.Sprintf("%q", v)
}
