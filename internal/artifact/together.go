package artifact

import (
	"errors"
	"sync"
)

// together calls functions side by side and lets all of them finish. Of
// several errors it returns the gravest: a failure goes before something that
// is not there, which policies may forgive; among equals the first in the
// order of the calls, so that the same trouble always reads the same.
func together(calls ...func() error) error {
	errs := make([]error, len(calls))
	var wg sync.WaitGroup
	free := make(chan struct{}, maxTogether)
	for i, call := range calls {
		free <- struct{}{}
		wg.Go(func() {
			errs[i] = call()
			<-free
		})
	}
	wg.Wait()
	var worst error
	for _, err := range errs {
		if err != nil && (worst == nil || gravity(err) > gravity(worst)) {
			worst = err
		}
	}
	return worst
}

// maxTogether is how many requests of one kind are under way at a time, far
// below GitHub's limit of 100.
const maxTogether = 8

// gravity ranks errors: a 404 as such may yet turn out to be a repository that
// the token cannot see.
func gravity(err error) int {
	if _, ok := errors.AsType[*NotFoundError](err); ok {
		return 0
	}
	if errors.Is(err, ErrNotFound) {
		return 1
	}
	return 2
}

// each calls f for the items of a list side by side, as together does.
func each[T any](list []T, f func(i int, v T) error) error {
	calls := make([]func() error, len(list))
	for i, v := range list {
		calls[i] = func() error { return f(i, v) }
	}
	return together(calls...)
}
