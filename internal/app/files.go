package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
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

// output is stdout. Its errors are *report.StdoutErrors.
type output struct{ io.Writer }

func (o output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil {
		err = &report.StdoutError{Err: err}
	}
	return n, err
}

// scratch is a spool.Dir for what does not fit into memory. The directory is made when it
// is first needed.
type scratch struct {
	parent string
	root   *os.Root
}

func (s *scratch) open() (*os.Root, error) {
	if s.root == nil {
		dir, err := os.MkdirTemp(s.parent, "artifetch-")
		if err != nil {
			return nil, err
		}
		if s.root, err = os.OpenRoot(dir); err != nil {
			return nil, errors.Join(err, os.Remove(dir))
		}
	}
	return s.root, nil
}

// Create implements spool.Dir.
func (s *scratch) Create(name string) (*os.File, error) {
	root, err := s.open()
	if err != nil {
		return nil, err
	}
	return root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// Move implements spool.Dir.
func (s *scratch) Move(from, to string) error { return s.root.Rename(from, to) }

// Remove implements spool.Dir.
func (s *scratch) Remove(name string) error { return s.root.Remove(name) }

// close removes the directory, if there is one.
func (s *scratch) close() error {
	if s.root == nil {
		return nil
	}
	return errors.Join(s.root.Close(), os.RemoveAll(s.root.Name()))
}
