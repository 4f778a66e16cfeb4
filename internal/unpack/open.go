package unpack

import (
	"io"
	"io/fs"
)

// Archive is a zip archive whose directory passed every check that can be made
// without the entries' data. One method can be called at a time.
type Archive struct {
	// Size is the extracted size of the entries chosen, in bytes.
	Size int64

	directory
	links map[string]string // targets by names, once Extract is done
}

// Options say what to take from an archive.
type Options struct {
	// Budget is what the entries are taken from: each counts as a file, chosen
	// or not, but only the sizes of those chosen count as bytes. nil is no limit.
	Budget *Budget
	// Files reports whether the entry of a name is chosen; the name of a directory
	// ends with a slash. nil chooses all. Entries that are not chosen are checked, too.
	Files func(name string) bool
	// Tail is how many bytes at the end are searched for the end record first. A record that
	// they hold counts, whatever lies before them. 0 searches all bytes that may hold it.
	Tail int64
}

func (o *Options) wants(e *Entry) bool {
	name := e.Name
	if e.Mode.IsDir() {
		name += "/"
	}
	return o.Files(name)
}

// Open reads and checks the directory of an archive of the given size in
// bytes. r may be a download that is under way; if it has a method
// Want(off, n int64), Open calls it with what will be read next. Refusals are
// *RefusedError, an exceeded budget is *LimitError, and when r fails it is
// *ReadError. Nothing is written. The directory is not kept in memory:
// r is read again as long as the archive is used.
func Open(r io.ReaderAt, size int64, o Options) (*Archive, error) {
	if o.Budget == nil {
		o.Budget = NewBudget(0, 0)
	}
	in := input{r}
	e, err := readEnd(in, size, o.Tail)
	if err != nil {
		return nil, err
	}
	in.want(e.offset, e.size)
	a := &Archive{directory: directory{in: in, offset: e.offset, size: e.size, skipped: e.skipped}}
	t := newNameTree(&a.directory, e.count)
	if err := a.scan(&e, t, o); err != nil {
		return nil, err
	}
	suspects, err := t.suspects()
	if err != nil {
		return nil, err
	}
	if a.superseded, err = a.clash(t, suspects); err != nil {
		return nil, err
	}
	if a.mixed {
		if err := a.reorder(o); err != nil {
			return nil, err
		}
	}
	if err := a.measure(); err != nil {
		return nil, err
	}
	return a, o.Budget.Take(0, a.Size)
}

// Each calls do for every entry chosen, in the order in which they lie in the
// archive, and returns its first error. A directory may come more than once.
// When the archive's reader fails, the error is a *ReadError.
func (a *Archive) Each(do func(e Entry) error) error {
	return a.each(func(e *Entry) error { return do(*e) })
}

// Replaced returns how many files are not extracted because a later one has their name.
func (a *Archive) Replaced() int { return a.replaced }

// All is Each for every entry, chosen or not.
func (a *Archive) All(do func(e Entry, chosen bool) error) error {
	return a.walk(func(i int, e *Entry) error {
		if e.Name == "" {
			return nil
		}
		return do(*e, a.chosen == nil || a.chosen.has(i))
	})
}

// scan reads the directory for the first time.
func (a *Archive) scan(declared *end, t *nameTree, o Options) error {
	c := cursor{dir: &a.directory}
	var held linkMemory
	var order overlaps
	for pos := int64(0); pos < a.size; a.count++ {
		if err := o.Budget.Take(1, 0); err != nil {
			return err
		}
		e, next, err := c.entry(pos)
		if err != nil {
			return err
		}
		pos = next
		if err := t.add(&e); err != nil {
			return err
		}
		if err := order.next(&e, a.offset); err != nil {
			return err
		}
		if o.Files != nil {
			chosen := o.wants(&e)
			a.chosen.put(a.count, chosen)
			if !chosen {
				continue
			}
		}
		a.addSize(&e)
		if e.Mode&fs.ModeSymlink != 0 {
			if err := held.take(len(e.Name), e.Size); err != nil {
				return err
			}
		}
	}
	if !declared.holds(a.count) {
		return malformed("its directory declares %d entries and holds %d", declared.count, a.count)
	}
	a.mixed = order.mixed
	return nil
}

// measure sums up the sizes again if not all files are extracted.
func (a *Archive) measure() error {
	if len(a.superseded) == 0 {
		return nil
	}
	a.Size = 0
	return a.each(func(e *Entry) error {
		a.addSize(e)
		return nil
	})
}

func (a *Archive) addSize(e *Entry) {
	if !e.Mode.IsDir() {
		a.Size = add(a.Size, e.Size)
	}
}

// reorder finds out in which order the entries lie in an archive whose directory
// has another order, and checks in that order that none overlap.
func (a *Archive) reorder(o Options) error {
	if err := a.sort(); err != nil {
		return err
	}
	a.chosen = nil
	return a.walk(func(i int, e *Entry) error {
		if o.Files != nil {
			a.chosen.put(i, o.wants(e))
		}
		return nil
	})
}

// overlaps checks, as far as the directory shows, that no entry overlaps another
// entry or the directory.
type overlaps struct {
	mixed      bool  // entries were not given in the order of the archive
	start, end int64 // of the entry given last
}

// next checks the next entry of an archive whose directory begins at limit. After an
// entry out of order it cannot compare entries with each other any more.
func (o *overlaps) next(e *Entry, limit int64) error {
	switch {
	case limit-e.start < localSize:
		return e.refuse("its local header lies outside the archive")
	case o.mixed || e.start < o.start:
		o.mixed = true
	case e.start < o.end:
		return e.refuse("it overlaps another entry")
	}
	data := e.start + localSize + int64(len(e.stored)) // begins here at the earliest
	if e.compressed > limit-data {
		return e.refuse("its data reaches into the directory")
	}
	o.start, o.end = e.start, data+e.compressed
	return nil
}
