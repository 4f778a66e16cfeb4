package artifact

import "sync"

// together calls functions side by side, and returns the first error in
// their order, so that the same trouble always reads the same. It lets all of
// them finish.
func together(calls ...func() error) error {
	errs := make([]error, len(calls))
	var wg sync.WaitGroup
	for i, call := range calls {
		wg.Go(func() { errs[i] = call() })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// each calls f for the items of a list side by side, as together does.
func each[T any](list []T, f func(i int, v T) error) error {
	calls := make([]func() error, len(list))
	for i, v := range list {
		calls[i] = func() error { return f(i, v) }
	}
	return together(calls...)
}
