package inspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/words"
)

// Copier copies files out of artifacts; *transfer.Engine is one.
type Copier interface {
	Lister
	// Copy writes one file of an artifact to w. The error is a *transfer.NoFileError if
	// the artifact has no such file. What does not fit into memory is kept in dir.
	Copy(ctx context.Context, item *transfer.Item, name string, dir spool.Dir, w io.Writer) error
}

// Copy copies one file of artifacts.
type Copy struct {
	From Copier
	Dir  spool.Dir // for what does not fit into memory
	To   io.Writer
}

// File writes a file of the items to c.To. file is a path below the destination, as ls
// prints it, or a path in an artifact if only one artifact has such a file. The error is a
// *transfer.NoFileError if there is no such file, and a *SeveralError if there are several.
func (c Copy) File(ctx context.Context, items []transfer.Item, file string) error {
	file = path.Clean(file)
	for i := range items {
		name, ok := strings.CutPrefix(file, items[i].To+"/")
		if !ok || items[i].To == "" {
			continue
		}
		err := c.From.Copy(ctx, &items[i], name, c.Dir, c.To)
		if _, missing := errors.AsType[*transfer.NoFileError](err); !missing {
			return err
		}
	}
	if len(items) == 1 {
		return c.From.Copy(ctx, &items[0], file, c.Dir, c.To)
	}
	return c.only(ctx, items, file)
}

// only writes the file if only one of the artifacts has it.
func (c Copy) only(ctx context.Context, items []transfer.Item, file string) error {
	lists, err := c.From.Files(ctx, items)
	if err != nil {
		return err
	}
	var having []int
	several := &SeveralError{File: file}
	for i, list := range lists {
		if slices.ContainsFunc(list.First, func(e unpack.Entry) bool { return e.Name == file }) {
			having, several.Paths = append(having, i), append(several.Paths, path.Join(items[i].To, file))
		}
	}
	switch len(having) {
	case 0:
		return &transfer.NoFileError{Name: file}
	case 1:
		return c.From.Copy(ctx, &items[having[0]], file, c.Dir, c.To)
	}
	return several
}

// SeveralError says that a path means files of several artifacts.
type SeveralError struct {
	File string
	// Paths are the files' paths below the destination.
	Paths []string
}

func (e *SeveralError) Error() string {
	const most = 10 // paths in a message
	return fmt.Sprintf("several artifacts have a file %q: %s", e.File, words.Quoted(e.Paths[:min(len(e.Paths), most)], len(e.Paths)))
}
