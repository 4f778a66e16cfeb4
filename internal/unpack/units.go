package unpack

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"
)

const (
	// A unit of work is a run of entries up to these bounds, in bytes of the
	// archive: large enough for one read, small enough to share out.
	unitFiles = 64
	unitBytes = 256 << 10
	// maxGap is what may lie between entries that are fetched in one go, when
	// not all are.
	maxGap = 64 << 10
)

// unit is a run of neighbouring entries, and the reader of their bytes.
type unit struct {
	entries []Entry
	r       *unitReader
}

// zipContents are the entries chosen of a zip.
type zipContents struct {
	dir   *directory
	front *frontier
}

func (d *directory) contents(front *frontier) contents { return &zipContents{d, front} }

// eachContent calls do for several entries at a time, each behind a local header
// that is checked.
func (z *zipContents) eachContent(ctx context.Context, pool *Pool, do func(context.Context, *Entry, content) error) error {
	if err := z.dir.wantChosen(); err != nil {
		return err
	}
	units := make(chan unit)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(units)
		return z.dir.eachUnit(func(entries []Entry) error {
			select {
			case units <- unit{entries, z.front.begin(z.dir.in, entries[0].start)}:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	})
	for range min(cap(pool.free), 1+z.dir.count/8) {
		g.Go(func() error {
			for u := range units {
				if err := u.each(ctx, pool, do); err != nil {
					return err
				}
				u.r.end()
			}
			return nil
		})
	}
	return g.Wait()
}

// wantChosen tells the reader what will be read, unless that is everything.
func (d *directory) wantChosen() error {
	if d.chosen == nil {
		return nil
	}
	var spans [][2]int64
	err := eachChosen(d, func(e *Entry) error {
		if n := len(spans); n > 0 && e.start-spans[n-1][1] <= maxGap {
			spans[n-1][1] = e.limit
		} else {
			spans = append(spans, [2]int64{e.start, e.limit})
		}
		return nil
	})
	for _, s := range slices.Backward(spans) { // what is wanted last is fetched first
		d.in.want(s[0], s[1]-s[0])
	}
	return err
}

// eachUnit cuts the entries chosen into units.
func (d *directory) eachUnit(do func([]Entry) error) error {
	var unit []Entry
	err := eachChosen(d, func(e *Entry) error {
		if n := len(unit); n > 0 && (n == unitFiles || e.start != unit[n-1].limit || e.limit-unit[0].start > unitBytes) {
			if err := do(unit); err != nil {
				return err
			}
			unit = nil
		}
		unit = append(unit, *e)
		return nil
	})
	if err != nil || len(unit) == 0 {
		return err
	}
	return do(unit)
}

// each calls do for the entries of a unit. If they are small, one read fetches all
// of them.
func (u *unit) each(ctx context.Context, pool *Pool, do func(context.Context, *Entry, content) error) error {
	d, err := pool.get(ctx)
	if err != nil {
		return err
	}
	defer pool.put(d)
	start, end := u.entries[0].start, u.entries[len(u.entries)-1].limit
	var packed []byte
	if end-start <= unitBytes {
		packed = piece(&d.packed, end-start)
		if err := readFull(u.r, packed, start); err != nil {
			return err
		}
	} else {
		if err := pool.large.Acquire(ctx, 1); err != nil {
			return context.Cause(ctx)
		}
		defer pool.large.Release(1)
	}
	c := zipContent{decoder: d}
	for i := range u.entries {
		e := &u.entries[i]
		c.entry, c.source = e, source{r: u.r}
		if packed != nil {
			c.source.packed = packed[e.start-start : e.limit-start]
		}
		if err := c.source.find(e); err != nil {
			return err
		}
		if err := do(ctx, e, &c); err != nil {
			return err
		}
	}
	return nil
}
