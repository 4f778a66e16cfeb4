package report

import (
	"errors"
	"fmt"
	"strings"

	"github.com/artifetch/artifetch/internal/actions"
)

// CheckHandOn fails with a *HandOnError if the runner's file for outputs cannot be written,
// so that this shows before anything is fetched. If a summary is wanted, and its file cannot
// be written either, the error says that, too.
func (l *Log) CheckHandOn(summary bool) error {
	err := l.Out.CheckOutputs()
	if err == nil {
		return nil
	}
	errs := []error{err}
	if summary {
		if err := l.Out.CheckSummary(); err != nil {
			errs = append(errs, err)
		}
	}
	return &HandOnError{Errs: errs}
}

// HandOn writes the outputs and, if it is wanted, the summary of a result to the runner's
// files. If one of the files cannot be written, the other still is. The error is a
// *HandOnError. A missing summary is only a warning: no later step needs it.
func (l *Log) HandOn(r *Result, summary bool) error {
	var noSummary error
	if summary {
		noSummary = l.Out.Summary(r.Summary())
	}
	if _, logged := errors.AsType[*HandOnError](r.Err); logged {
		return nil // CheckHandOn failed before the run
	}
	outputs, left, noOutputs := r.Outputs(OutputOptions{Redact: l.Out.Redact, Step: true})
	if noOutputs == nil {
		noOutputs = l.Out.SetOutputs(outputs...)
	}
	for _, note := range left {
		l.Out.Warningf("%s", note)
	}
	if noOutputs == nil {
		if noSummary != nil {
			l.Out.Warningf("%s", l.message(&HandOnError{Errs: []error{noSummary}, Published: r.Published}))
		}
		return nil
	}
	errs := []error{noOutputs}
	if noSummary != nil {
		errs = append(errs, noSummary)
	}
	return &HandOnError{Errs: errs, Published: r.Published}
}

// HandOnError says that the outputs, the summary or both could not be written: both often
// fail for the same reason.
type HandOnError struct {
	Errs []error
	// Published is set if the files are in the destination.
	Published bool
}

func (e *HandOnError) Error() string { return joinErrors(e.Errs) }

// Unwrap returns the failures of single files.
func (e *HandOnError) Unwrap() []error { return e.Errs }

// handOnHint says what to check, and what is lost.
func handOnHint(e *HandOnError) string {
	var variables, lost []string
	for _, err := range e.Errs {
		if file, ok := errors.AsType[*actions.FileError](err); ok {
			variables = append(variables, file.Variable)
			lost = append(lost, map[string]string{"GITHUB_OUTPUT": "later steps get no outputs", "GITHUB_STEP_SUMMARY": "there is no summary"}[file.Variable])
		}
	}
	if len(variables) == 0 {
		return ""
	}
	text := fmt.Sprintf("The runner sets %s, and a step must not: if none did, check that the runner's temporary directory exists, that this process's user may write to it, "+
		"and that it has free space. Without that, %s", strings.Join(variables, " and "), strings.Join(lost, ", and "))
	if e.Published {
		text += "; the files are in place"
	}
	return text
}
