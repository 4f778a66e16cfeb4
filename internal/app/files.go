package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/report"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/words"
)

// ls is the verb Ls.
func (c *command) ls(ctx context.Context, cfg *config.Config) int {
	var lists []transfer.Listing
	res := c.read(ctx, cfg, func(s *staging, ctx context.Context, res *report.Result) (err error) {
		lists, err = s.engine.Files(ctx, res.Items)
		res.Found = err == nil
		return err
	})
	return c.end(res, c.print.Files(res, lists))
}

// cat is the verb Cat.
func (c *command) cat(ctx context.Context, cfg *config.Config) int {
	spare := &scratch{parent: c.env.TempDir}
	res := c.read(ctx, cfg, func(s *staging, ctx context.Context, res *report.Result) error {
		return s.copyFile(ctx, res.Items, cfg.File, spare, c.env.Stdout)
	})
	return c.end(res, spare.close())
}

// copyFile writes one file of the artifacts to w. file is a path below the destination, as
// ls prints it, or a path in an artifact if only one artifact has such a file.
func (s *staging) copyFile(ctx context.Context, items []transfer.Item, file string, spare *scratch, w io.Writer) error {
	file = path.Clean(file)
	for i := range items {
		name, ok := strings.CutPrefix(file, items[i].To+"/")
		if !ok || items[i].To == "" {
			continue
		}
		err := s.engine.Copy(ctx, &items[i], name, spare, w)
		if _, missing := errors.AsType[*transfer.NoFileError](err); !missing {
			return err
		}
	}
	if len(items) == 1 {
		return s.engine.Copy(ctx, &items[0], file, spare, w)
	}
	return s.copyOnly(ctx, items, file, spare, w)
}

// copyOnly writes the file if only one of the artifacts has it.
func (s *staging) copyOnly(ctx context.Context, items []transfer.Item, file string, spare *scratch, w io.Writer) error {
	lists, err := s.engine.Files(ctx, items)
	if err != nil {
		return err
	}
	var having []int
	var paths []string
	for i, list := range lists {
		if slices.ContainsFunc(list.First, func(e unpack.Entry) bool { return e.Name == file }) {
			having, paths = append(having, i), append(paths, path.Join(items[i].To, file))
		}
	}
	switch len(having) {
	case 0:
		return &transfer.NoFileError{Name: file}
	case 1:
		return s.engine.Copy(ctx, &items[having[0]], file, spare, w)
	}
	return fmt.Errorf("several artifacts have a file %q: give one of %s", file, words.Quoted(paths[:min(len(paths), maxPaths)], len(paths)))
}

// maxPaths bounds the paths in a message.
const maxPaths = 10
