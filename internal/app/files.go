package app

import (
	"context"

	"github.com/artifetch/artifetch/internal/inspect"
	"github.com/artifetch/artifetch/internal/report"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/transfer"
)

// ls is the verb Ls.
func (c *command) ls(ctx context.Context) int {
	var lists []transfer.Listing
	res := c.read(ctx, func(s *staging, ctx context.Context, res *report.Result) (err error) {
		lists, err = s.engine.Files(ctx, res.Items)
		res.Found = err == nil
		return err
	})
	return c.end(res, c.print.Files(res, lists))
}

// cat is the verb Cat.
func (c *command) cat(ctx context.Context) int {
	scratch := &spool.Scratch{Parent: c.env.TempDir}
	res := c.read(ctx, func(s *staging, ctx context.Context, res *report.Result) error {
		return inspect.Copy{From: s.engine, Dir: scratch, To: c.env.Stdout}.File(ctx, res.Items, c.cfg.File)
	})
	return c.end(res, scratch.Close())
}

// diff is the verb Diff.
func (c *command) diff(ctx context.Context) int {
	diff := &inspect.Diff{}
	res := c.read(ctx, func(s *staging, ctx context.Context, res *report.Result) (err error) {
		comparison := inspect.Comparison{Lister: s.engine, Before: c.cfg.RunIDs[0], After: c.cfg.RunIDs[1], Flat: len(c.cfg.Names) == 1}
		diff, err = comparison.Diff(ctx, res.Items)
		res.Found = err == nil
		return err
	})
	return c.end(res, c.print.Differences(res, diff))
}
