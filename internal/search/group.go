package search

import (
	"errors"
	"sync"

	"github.com/artifetch/artifetch/internal/artifact"
)

// maxTogether is how many requests of one kind are under way at a time, far
// below GitHub's limit of 100.
const maxTogether = 8

// together runs calls concurrently, as each does.
func together(calls ...func() error) error {
	return each(calls, func(_ int, call func() error) error { return call() })
}

// each calls f for the items of a list, maxTogether at a time and in order. Once
// a call has failed, those begun are waited for, and no more than maxTogether-1
// items after the failed one are begun.
//
// It returns the most severe error: a real failure before something that is not
// there, which policies may forgive. Of equals it returns the first. Which items
// are begun depends on the outcomes alone, and not on the time they take, so
// that the same trouble always reads the same.
func each[T any](list []T, f func(i int, v T) error) error {
	errs := make([]error, len(list))
	var under [maxTogether]chan struct{} // item i is done when under[i%maxTogether] is closed
	var wg sync.WaitGroup
	for i, v := range list {
		slot := i % maxTogether
		if i >= maxTogether {
			<-under[slot]
			if errs[i-maxTogether] != nil {
				break
			}
		}
		done := make(chan struct{})
		under[slot] = done
		wg.Go(func() {
			defer close(done)
			errs[i] = f(i, v)
		})
	}
	wg.Wait()
	return gravest(errs)
}

// gravest is the first of the most severe errors, or nil.
func gravest(errs []error) error {
	var worst error
	for _, err := range errs {
		if err != nil && (worst == nil || gravity(err) > gravity(worst)) {
			worst = err
		}
	}
	return worst
}

// gravity ranks errors: a 404 as such may yet turn out to be a repository that
// the token cannot see.
func gravity(err error) int {
	if _, ok := errors.AsType[*NotFoundError](err); ok {
		return 0
	}
	if errors.Is(err, artifact.ErrNotFound) {
		return 1
	}
	return 2
}
