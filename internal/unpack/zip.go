package unpack

import "io/fs"

// Zip is the format of the artifacts that upload-artifact makes.
var Zip = &Format{
	Ext:        ".zip",
	MediaTypes: []string{"application/zip", "application/x-zip-compressed", "application/zip-compressed", "zip"},
	Is:         isZip,
	open:       openZip,
}

// isZip reports whether a file that begins like head is a zip archive: by the
// signature of a local header (4.3.7), of an empty archive (4.3.16) or of a
// spanned one (8.5.3).
func isZip(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	switch string(head[:4]) {
	case "PK\x03\x04", "PK\x05\x06", "PK\x07\x08":
		return true
	}
	return false
}

// openZip reads and checks the directory. The directory is not kept in memory.
func openZip(in input, size int64, o Options) (*Archive, error) {
	e, err := readEnd(in, size, o.Tail)
	if err != nil {
		return nil, err
	}
	in.want(e.offset, e.size)
	d := &directory{in: in, offset: e.offset, size: e.size, skipped: e.skipped}
	t := newNameTree(d, e.count)
	if err := d.scan(&e, t, o); err != nil {
		return nil, err
	}
	suspects, err := t.suspects()
	if err != nil {
		return nil, err
	}
	if d.superseded, err = d.clash(t, suspects); err != nil {
		return nil, err
	}
	if d.mixed {
		if err := d.reorder(o); err != nil {
			return nil, err
		}
	}
	if err := d.measure(); err != nil {
		return nil, err
	}
	return &Archive{Size: d.extracted, Replaced: d.replaced, index: d, entries: d.count}, nil
}

// scan reads the directory for the first time.
func (d *directory) scan(declared *end, t *nameTree, o Options) error {
	c := cursor{dir: d}
	var held linkMemory
	var order overlaps
	for pos := int64(0); pos < d.size; d.count++ {
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
		if err := order.next(&e, d.offset); err != nil {
			return err
		}
		if o.Files != nil {
			chosen := o.wants(&e)
			d.chosen.put(d.count, chosen)
			if !chosen {
				continue
			}
		}
		d.addSize(&e)
		if e.Mode&fs.ModeSymlink != 0 {
			if err := held.take(len(e.Name), e.Size); err != nil {
				return err
			}
		}
	}
	if !declared.holds(d.count) {
		return malformed("its directory holds another number of entries (%d) than it declares (%d)", d.count, declared.count)
	}
	d.mixed = order.mixed
	return nil
}

// measure sums up the sizes again if not all files are extracted.
func (d *directory) measure() error {
	if len(d.superseded) == 0 {
		return nil
	}
	d.extracted = 0
	return eachChosen(d, func(e *Entry) error {
		d.addSize(e)
		return nil
	})
}

func (d *directory) addSize(e *Entry) {
	if !e.Mode.IsDir() {
		d.extracted = add(d.extracted, e.Size)
	}
}

// reorder finds out in which order the entries lie in an archive whose directory
// has another order, and checks in that order that none overlap.
func (d *directory) reorder(o Options) error {
	if err := d.sort(); err != nil {
		return err
	}
	d.chosen = nil
	return d.walk(func(i int, e *Entry) error {
		if o.Files != nil {
			d.chosen.put(i, o.wants(e))
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
