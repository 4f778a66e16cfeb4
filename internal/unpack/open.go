package unpack

import "io"

// Archive is an archive whose list of entries passed every check that can be made
// without the entries' data. One method can be called at a time.
type Archive struct {
	// Size is the extracted size of the entries chosen, in bytes.
	Size int64
	// Replaced is how many files are not extracted because a later one has their name.
	Replaced int

	in      input
	index   index
	entries int               // how many the index has at most
	links   map[string]string // targets by names, once Extract is done
}

// Options say what to take from an archive.
type Options struct {
	// Budget is what the entries are taken from: each counts as a file, chosen
	// or not, but only the sizes of those chosen count as bytes. nil is no limit.
	Budget *Budget
	// Files reports whether the entry of a name is chosen; the name of a directory
	// ends with a slash. nil chooses all. Entries that are not chosen are checked, too.
	Files func(name string) bool
	// Tail is how many bytes at the end are searched for a zip's end record first. A record
	// that they hold counts, whatever lies before them. 0 searches all bytes that may hold it.
	Tail int64
}

func (o *Options) wants(e *Entry) bool {
	name := e.Name
	if e.Mode.IsDir() {
		name += "/"
	}
	return o.Files(name)
}

// Open reads and checks the list of entries of an archive of the given size in
// bytes. r may be a download that is under way; if it has a method
// Want(off, n int64), Open calls it with what will be read next. Refusals are
// *RefusedError, an exceeded budget is *LimitError, and when r fails it is
// *ReadError. Nothing is written. r is read as long as the archive is used.
func (f *Format) Open(r io.ReaderAt, size int64, o Options) (*Archive, error) {
	if o.Budget == nil {
		o.Budget = NewBudget(0, 0)
	}
	in := input{r}
	a, err := f.open(in, size, o)
	if err != nil {
		return nil, err
	}
	a.in = in
	return a, o.Budget.Take(0, a.Size)
}

// Each calls do for every entry chosen, in the order in which they lie in the
// archive, and returns its first error. A directory may come more than once.
// When the archive's reader fails, the error is a *ReadError.
func (a *Archive) Each(do func(e Entry) error) error {
	return eachChosen(a.index, func(e *Entry) error { return do(*e) })
}

// All is Each for every entry, chosen or not.
func (a *Archive) All(do func(e Entry, chosen bool) error) error {
	return a.index.all(func(e *Entry, chosen bool) error { return do(*e, chosen) })
}

// eachChosen calls do for every entry chosen.
func eachChosen(x index, do func(e *Entry) error) error {
	return x.all(func(e *Entry, chosen bool) error {
		if !chosen {
			return nil
		}
		return do(e)
	})
}
