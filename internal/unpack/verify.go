package unpack

import (
	"context"
	"io"

	"golang.org/x/sync/errgroup"
)

// Verify holds every entry chosen against its local header, its size and its
// CRC-32, and writes nothing: it is for an archive that is kept as it is. Its
// errors are those of Extract. It reads the archive from front to back, many
// entries at a time as o.Pool allows, and releases nothing of it.
func (a *Archive) Verify(ctx context.Context, o ExtractOptions) error {
	if o.Pool == nil {
		o.Pool = defaultPool()
	}
	order := byOffset(a.Entries)
	a.wantAll(order)
	units := make(chan []int32)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(units)
		return a.eachUnit(order, func(entries []int32) error {
			select {
			case units <- entries:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	})
	for range min(cap(o.Pool.free), 1+len(order)/8) {
		g.Go(func() error {
			for u := range units {
				if err := a.verifyUnit(ctx, o.Pool, u); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func (a *Archive) verifyUnit(ctx context.Context, pool *Pool, entries []int32) error {
	d, err := pool.get(ctx)
	if err != nil {
		return err
	}
	defer pool.put(d)
	for _, i := range entries {
		e := &a.Entries[i]
		s := source{r: a.r}
		if err := s.find(e); err != nil {
			return err
		}
		if err := d.copy(ctx, &contextWriter{ctx, io.Discard}, e, &s); err != nil {
			return err
		}
	}
	return nil
}
