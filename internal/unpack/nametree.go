package unpack

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"io/fs"
	"slices"
	"strings"
)

// maxSuspects is how many names, which may be there twice, one reading of the
// directory compares: so many are kept in memory.
const maxSuspects = 1024

// maxShared bounds the names that more than one file has. Jars that were put together from
// others have dozens. Each maxSuspects of them take one more reading of the directory.
const maxShared = 16 * maxSuspects

// maxReserved bounds the entries for which memory is taken before they are read.
const maxReserved = 1 << 20

// nameTree collects the names of all entries to find those that are there twice, or
// cannot be in one tree of files. It has only their hashes, since the names take too
// much memory. A hash that is there twice is a suspicion only, and leads to a second
// look at the names. The hashes are keyed, so that no archive can be made to have
// many that are equal.
type nameTree struct {
	seed  maphash.Seed
	files []uint64 // of entries that are files or symlinks
	dirs  distinct // of directories, entries or above entries
	most  int      // how many directories there may be

	dir    string  // the directory added last
	levels []level // dir and the directories above it
}

// level is one component of a path: where it ends, and the hash of the path up to
// there.
type level struct {
	end  int
	hash uint64
}

// below returns the hash of a path, made from the hash of its directory and its
// last component.
func (t *nameTree) below(dir uint64, base string) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], dir)
	_, _ = h.Write(b[:]) // never fails
	_, _ = h.WriteString(base)
	return h.Sum64()
}

// enter makes dir the directory that was added last. It calls fresh for dir and each
// directory above it, except those that are the directory added before, or above it.
func (t *nameTree) enter(dir string, fresh func(l level)) {
	n := sharedDir(t.dir, dir)
	for len(t.levels) > 0 && t.levels[len(t.levels)-1].end > n {
		t.levels = t.levels[:len(t.levels)-1]
	}
	for n < len(dir) {
		start := n
		if start > 0 {
			start++ // the slash
		}
		if n = strings.IndexByte(dir[start:], '/'); n >= 0 {
			n += start
		} else {
			n = len(dir)
		}
		l := level{n, t.below(t.hash(), dir[start:n])}
		t.levels = append(t.levels, l)
		fresh(l)
	}
	t.dir = dir
}

// hash returns the hash of the directory added last.
func (t *nameTree) hash() uint64 {
	if len(t.levels) == 0 {
		return 0
	}
	return t.levels[len(t.levels)-1].hash
}

// split returns the directory that an entry needs, and the rest of its name. For
// an entry that is a directory these are its name, and nothing.
func (e *Entry) split() (dir, base string) {
	if e.Mode.IsDir() {
		return e.Name, ""
	}
	i := strings.LastIndexByte(e.Name, '/')
	return e.Name[:max(i, 0)], e.Name[i+1:]
}

// newNameTree makes a tree for a directory that declares this number of entries. It
// reserves memory for maxReserved at most, and no more than the directory has room for.
func newNameTree(d *directory, declared int64) *nameTree {
	entries := min(d.size/headerSize, declared, maxReserved)
	return &nameTree{seed: maphash.MakeSeed(), most: maxDirs, files: make([]uint64, 0, entries)}
}

// add adds an entry. That there are too many directories may be noticed some
// entries later, or by suspects.
func (t *nameTree) add(e *Entry) error {
	t.most++
	dir, base := e.split()
	t.enter(dir, func(l level) { t.dirs.add(l.hash) })
	if base != "" {
		t.files = append(t.files, t.below(t.hash(), base))
	}
	if t.dirs.atLeast() > t.most {
		return tooManyDirs()
	}
	return nil
}

// suspects returns the hashes that two files have, or a file and a directory, and
// forgets all others.
func (t *nameTree) suspects() ([]uint64, error) {
	t.dirs.compactAll()
	if t.dirs.atLeast() > t.most {
		return nil, tooManyDirs()
	}
	slices.Sort(t.files)
	found := t.files[:0]
	for i, h := range t.files {
		if i+1 < len(t.files) && t.files[i+1] == h || t.dirs.has(h) {
			found = append(found, h)
		}
	}
	t.dirs, t.files = distinct{}, nil
	return slices.Compact(found), nil
}

// suspect is a name whose hash is one of the suspects, and the entry it was found
// in: the name is that of the entry, or of a directory above it.
type suspect struct {
	name, stored string
	header       int64 // of the entry
	file         bool  // the name is that of a file or symlink
	link         bool  // of a symlink
	entry        bool  // the name is that of the entry
	// weak is set for an empty file that is marked as a directory: it is one if another
	// entry says so, too.
	weak bool
}

// clash reads the directory again and compares the names of suspects. If files share a
// name, only the last one is extracted: clash returns where the headers of the others
// begin. It fails if entries cannot share a name.
func (d *directory) clash(t *nameTree, suspects []uint64) (superseded []int64, err error) {
	if len(suspects) > maxShared {
		return nil, malformed("it has more than one entry of each of %d names, and the limit is %d", len(suspects), maxShared)
	}
	for len(suspects) > 0 {
		some := suspects[:min(len(suspects), maxSuspects)]
		suspects = suspects[len(some):]
		seen := make(map[uint64]suspect, len(some))
		t.dir, t.levels = "", t.levels[:0]
		look := func(h uint64, s suspect) error {
			if _, ok := slices.BinarySearch(some, h); !ok {
				return nil
			}
			if first, ok := seen[h]; ok && first.name == s.name {
				loser, err := s.replace(first)
				if loser != nil {
					superseded = append(superseded, loser.header)
				}
				if loser != nil && s.file && first.file {
					d.replaced++
				}
				if err != nil || loser != nil && loser.header == s.header {
					return err
				}
				s.weak = s.weak && first.weak
			}
			s.name, s.stored = strings.Clone(s.name), strings.Clone(s.stored)
			seen[h] = s
			return nil
		}
		c := cursor{dir: d}
		for pos := int64(0); pos < d.size; {
			e, next, err := c.entry(pos)
			if err != nil {
				return nil, err
			}
			pos = next
			dir, base := e.split()
			t.enter(dir, func(l level) {
				if err == nil {
					err = look(l.hash, suspect{name: dir[:l.end], stored: e.stored, header: e.header, entry: l.end == len(e.Name)})
				}
			})
			if err == nil && base != "" {
				err = look(t.below(t.hash(), base), suspect{
					name: e.Name, stored: e.stored, header: e.header, file: true, entry: true,
					link: e.Mode&fs.ModeSymlink != 0, weak: e.markedDir && e.Size == 0,
				})
			}
			if err != nil {
				return nil, err
			}
		}
	}
	slices.Sort(superseded)
	return superseded, nil
}

// replace decides between s and first, which comes before it and has the same name. It
// returns the one that is not extracted, or nil, or an error that says why they cannot
// share the name.
func (s *suspect) replace(first suspect) (loser *suspect, err error) {
	refuse := func(entry, format string, args ...any) error {
		e := Entry{stored: entry}
		return e.refuse(format, args...)
	}
	switch {
	case !s.file && !first.file:
		return nil, nil
	case s.file && first.file && !s.link && !first.link:
		return &first, nil
	case s.file && first.file:
		return nil, refuse(s.stored, "it is there twice, once as a symlink")
	case s.file && s.weak:
		return s, nil
	case first.file && first.weak:
		return &first, nil
	case s.entry && first.entry:
		return nil, refuse(s.stored, "it is both a file and a directory")
	case first.file:
		return nil, refuse(s.stored, "it would be written through %q, which is not a directory", first.name)
	}
	return nil, refuse(first.stored, "it would be written through %q, which is not a directory", s.name)
}

// sharedDir returns the length of the deepest directory that both paths are, or
// lie in.
func sharedDir(x, y string) int {
	shared := 0
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return shared
		}
		if x[i] == '/' {
			shared = i
		}
	}
	switch n := min(len(x), len(y)); {
	case len(x) == len(y), len(x) > n && x[n] == '/', len(y) > n && y[n] == '/':
		return n
	}
	return shared
}

// maxDirs bounds the directories that names need, besides one for each entry. A
// few bytes of a name make hundreds of directories, each of which takes a block
// of the disk, and a Budget counts only entries.
const maxDirs = 1_000_000

func tooManyDirs() error {
	return &RefusedError{Reason: fmt.Sprintf("its names need more than %d directories that are no entries", maxDirs)}
}
