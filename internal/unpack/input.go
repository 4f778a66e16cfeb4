package unpack

import "io"

// ReadError says that the reader of an archive failed before it had delivered
// what the archive's size promised. It says nothing about the archive.
type ReadError struct{ Err error }

func (e *ReadError) Error() string { return "read the archive: " + e.Err.Error() }

// Unwrap returns the reader's error, which may be io.EOF.
func (e *ReadError) Unwrap() error { return e.Err }

// input is the archive's reader. All of the archive is read through it, and
// only within the archive's size, so that every failure is a *ReadError: an
// io.EOF of the reader cannot be taken for the end of an entry.
type input struct{ r io.ReaderAt }

func (in input) ReadAt(p []byte, off int64) (int, error) {
	n, err := in.r.ReadAt(p, off)
	switch {
	case n == len(p):
		return n, nil
	case err == nil:
		err = io.ErrUnexpectedEOF // which no io.ReaderAt should do
	}
	return n, &ReadError{err}
}

// wanter is a reader that fetches n bytes at off first if it is told to, since
// they are read next.
type wanter interface {
	Want(off, n int64)
}

// want tells the reader, if it is a wanter, what is going to be read next.
func (in input) want(off, n int64) {
	if w, ok := in.r.(wanter); ok {
		w.Want(off, n)
	}
}

// haver is a reader whose bytes arrive over time. Has reports whether n bytes at off can be
// read without waiting for them.
type haver interface {
	Has(off, n int64) bool
}

// has is Has of the reader. A reader that is no haver has all bytes.
func (in input) has(off, n int64) bool {
	h, ok := in.r.(haver)
	return !ok || h.Has(off, n)
}

// readFull fills p.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	_, err := r.ReadAt(p, off)
	return err
}
