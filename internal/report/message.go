package report

import (
	"errors"
	"fmt"
	"strings"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/inspect"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/words"
	"github.com/artifetch/artifetch/internal/workspace"
)

// message says what happened, and what to do about it. It is the only place that turns
// errors into advice.
func (a audience) message(err error) string {
	text := err.Error()
	if many, ok := errors.AsType[*config.Errors](err); ok {
		text = joinErrors(many.Problems)
	}
	if h := a.hint(err); h != "" {
		return strings.TrimRight(text, ".") + ". " + h
	}
	return text
}

// hint returns the advice for an error, or nothing.
func (a audience) hint(err error) string {
	if _, ok := errors.AsType[*workspace.UndoError](err); ok {
		return "The message says what could not be undone; check that before " + a.says("the step runs", "it runs") + " again"
	}
	if _, ok := errors.AsType[*StdoutError](err); ok {
		return "" // the place is the reader's choice
	}
	if nf, ok := errors.AsType[*search.NotFoundError](err); ok {
		return a.notFoundHint(nf)
	}
	if none, ok := errors.AsType[*transfer.NoFilesError](err); ok {
		return noFilesHint(none)
	}
	if none, ok := errors.AsType[*transfer.NoFileError](err); ok {
		if near := none.Near(); len(near) > 0 {
			return fmt.Sprintf("Did you mean %s?", words.Quoted(near, len(near)))
		}
		return ""
	}
	if _, ok := errors.AsType[*inspect.SeveralError](err); ok {
		return "Give one of these paths"
	}
	if fork, ok := errors.AsType[*search.ForkError](err); ok {
		doubt := ""
		if fork.Run.Origin() == artifact.OriginUnknown {
			doubt = "It may be a fork. "
		}
		return fmt.Sprintf("%sAnybody can open a pull request from a fork and choose what its artifacts hold. "+
			"If this workflow treats them as untrusted data (never runs them, never in the workspace of a privileged job), set %s; "+
			"otherwise take a run of your own with %s. Run: %s", doubt, a.set("allow-forks", "true"), a.name("run-id"), fork.Run.URL)
	}
	if errors.Is(err, search.ErrUnknownTrigger) {
		return fmt.Sprintf("Give %s, or an input of the search such as %s", a.name("run-id"), a.name("workflow"))
	}
	if _, ok := errors.AsType[*search.SameNameError](err); ok {
		return "They would go to the same place: fetch each " + a.says("in a step of its own", "by itself") + ", or set " + a.set("merge-multiple", "true")
	}
	if ambiguous, ok := errors.AsType[*search.AmbiguousError](err); ok {
		return fmt.Sprintf("Give one of these as %s", a.name(ambiguous.Input))
	}
	if api, ok := errors.AsType[*githubapi.Error](err); ok {
		return a.apiHint(api)
	}
	return a.fetchHint(err)
}

// joinErrors joins errors into one line.
func joinErrors[E error](errs []E) string {
	list := make([]string, len(errs))
	for i, err := range errs {
		list[i] = err.Error()
	}
	return strings.Join(list, "; ")
}
