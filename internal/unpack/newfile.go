package unpack

import (
	"io"
	"io/fs"
)

// output is a file that was made to be written.
type output interface {
	io.WriteCloser
	chown(o *Owner) error
}

// newFile is an output whose errors have the name of the file.
type newFile struct {
	output
	name string
}

func (f *newFile) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: f.name, Err: err}
}

func (f *newFile) Write(p []byte) (int, error) {
	n, err := f.output.Write(p)
	return n, f.failed("write", err)
}

func (f *newFile) Close() error { return f.failed("close", f.output.Close()) }

// reserve reserves disk space for size bytes of content, if the system can.
func (f *newFile) reserve(size int64) error {
	if r, ok := f.output.(reserver); ok {
		return f.failed("reserve disk space for", r.reserve(size))
	}
	return nil
}

// reserver is a file that can reserve its disk space in advance.
type reserver interface{ reserve(size int64) error }
