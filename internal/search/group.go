package search

import (
	"errors"

	"github.com/artifetch/artifetch/internal/artifact"
)

// maxConcurrent is how many requests of one kind are under way at a time, far
// below GitHub's limit of 100.
const maxConcurrent = 8

// group runs functions concurrently, maxConcurrent at a time. It is used as an
// errgroup.Group: Go for each function, then Wait, all from one goroutine. The
// zero group is ready for use.
//
// It differs in that the same trouble always reads the same: which functions are
// called, and which error Wait returns, depends on their outcomes alone, and not
// on the time they take. The function n is called once the function n-maxConcurrent
// has returned. Where that has failed, no further function is called.
type group struct {
	calls  []*call
	closed bool // a function has failed, and no further one is called
}

// call is a function that was called. err is set once done is closed.
type call struct {
	done chan struct{}
	err  error
}

// Go calls f in a goroutine of its own, unless the group is closed. It blocks while
// too many functions are under way.
func (g *group) Go(f func() error) {
	if n := len(g.calls) - maxConcurrent; n >= 0 && !g.closed {
		<-g.calls[n].done
		g.closed = g.calls[n].err != nil
	}
	if g.closed {
		return
	}
	c := &call{done: make(chan struct{})}
	g.calls = append(g.calls, c)
	go func() {
		defer close(c.done)
		c.err = f()
	}()
}

// Wait waits for all functions. It returns the most severe error, and of equals
// that of the function which was passed to Go first.
func (g *group) Wait() error {
	var worst error
	for _, c := range g.calls {
		<-c.done
		if c.err != nil && (worst == nil || severity(c.err) > severity(worst)) {
			worst = c.err
		}
	}
	return worst
}

// severity ranks errors: a real failure before a 404, which may yet turn out to
// mean a repository that the token cannot see, and a 404 before what is not found,
// which policies may forgive. Of the latter, what may still appear comes last.
func severity(err error) int {
	nf, notFound := errors.AsType[*NotFoundError](err)
	switch {
	case notFound && nf.Final:
		return 2
	case notFound && nf.Settled:
		return 1
	case notFound:
		return 0
	case errors.Is(err, artifact.ErrNotFound):
		return 3
	}
	return 4
}
