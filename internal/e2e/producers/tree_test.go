// Package producers tests the zip reader with zips of many programs, and compares it with
// unzip and Python's zipfile, which extract them. run.sh installs the programs and runs
// everything; without them a recorded zip of each program is extracted.
package producers

import (
	"context"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/unpack"
)

// node is what one path of a tree is.
type node struct {
	kind   fs.FileMode // the type only
	exec   bool        // of a file
	target string      // of a symlink
	size   int64
	crc    uint32
}

func (n node) String() string {
	switch {
	case n.kind.IsDir():
		return "directory"
	case n.kind == fs.ModeSymlink:
		return "symlink to " + n.target
	case n.exec:
		return fmt.Sprintf("program of %d bytes, CRC-32 %08x", n.size, n.crc)
	}
	return fmt.Sprintf("file of %d bytes, CRC-32 %08x", n.size, n.crc)
}

func fileOf(content string) node {
	return node{size: int64(len(content)), crc: crc32.ChecksumIEEE([]byte(content))}
}

// tree is what lies below a directory, by path.
type tree map[string]node

func treeOf(t *testing.T, dir string) tree {
	t.Helper()
	all := tree{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(p, dir+string(filepath.Separator)))
		info, err := d.Info()
		if err != nil {
			return err
		}
		n := node{kind: info.Mode().Type()}
		switch {
		case n.kind == fs.ModeSymlink:
			n.target, err = os.Readlink(p)
		case n.kind.IsRegular():
			var content []byte
			content, err = os.ReadFile(p)
			n = fileOf(string(content))
			n.exec = info.Mode()&0o111 != 0
		}
		all[name] = n
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// extract extracts a zip with our reader below a new directory.
func extract(ctx context.Context, path, dest string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := os.Mkdir(dest, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dest)
	if err != nil {
		return err
	}
	defer root.Close()
	a, err := unpack.Zip.Open(f, info.Size(), unpack.Options{})
	if err != nil {
		return err
	}
	_, err = a.Extract(ctx, root, unpack.ExtractOptions{})
	return err
}
