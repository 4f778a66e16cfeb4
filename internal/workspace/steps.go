package workspace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"
)

// maxListInMemory bounds a list of steps in memory, in bytes; a longer one goes to a file.
const maxListInMemory = 1 << 20

// steps is a list of steps, numbered from 1. There is one for each file that moves into an
// existing directory, so each takes few bytes, and a long list goes to a file of the stage.
type steps struct {
	stage *Stage

	count  int
	inner  int     // how many of them are made within the stages
	chunks []int64 // where each batch begins
	buf    []byte  // what is not in the file yet
	size   int64   // of the file
	file   *os.File
	name   string
	// fromDir and toDir are the directories of the step that was added last.
	fromDir, toDir string

	read  []step // the batch that was read last
	which int    // its number; -1 is none
}

func (s *Stage) newSteps() *steps { return &steps{stage: s, which: -1} }

// add appends a step.
func (s *steps) add(st *step) error {
	if s.count%s.stage.batch == 0 {
		if len(s.buf) >= maxListInMemory {
			if err := s.flush(); err != nil {
				return fmt.Errorf("keep the list of changes: %w", err)
			}
		}
		s.chunks = append(s.chunks, s.size+int64(len(s.buf)))
		s.fromDir, s.toDir = "", ""
	}
	if s.which == s.count/s.stage.batch {
		s.which = -1 // the cached batch was read before it was full
	}
	s.count++
	if !s.stage.isPublic(st) {
		s.inner++
	}
	flag := byte(0)
	if st.dir {
		flag = 1
	}
	s.buf = append(s.buf, byte(st.do), flag)
	s.buf, s.fromDir = appendPath(s.buf, st.from, s.fromDir)
	s.buf, s.toDir = appendPath(s.buf, st.to, s.toDir)
	s.buf = appendIdent(appendIdent(s.buf, st.was), st.is)
	s.buf = binary.AppendUvarint(s.buf, uint64(st.mode))
	return nil
}

// appendPath appends a path as its directory, unless that is last, and its name.
func appendPath(b []byte, p, last string) ([]byte, string) {
	dir, base := path.Split(p)
	if dir == last {
		return appendText(append(b, 1), base), dir
	}
	return appendText(appendText(append(b, 0), dir), base), dir
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendIdent(b []byte, i ident) []byte {
	b = binary.AppendUvarint(b, i.ino)
	b = binary.AppendVarint(b, i.size)
	return binary.AppendVarint(b, i.mtime)
}

// flush moves buf to the file. When that fails, as on a full disk, buf is kept: its steps
// may have to be undone.
func (s *steps) flush() (err error) {
	if s.file == nil {
		s.stage.lists++
		s.name = path.Join(s.stage.dir, fmt.Sprint("list-", s.stage.lists))
		if s.file, err = s.stage.root.OpenFile(s.name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err != nil {
			return err
		}
		if err := s.stage.chown(s.name); err != nil {
			return err
		}
	}
	n, err := s.file.WriteAt(s.buf, s.size)
	if err != nil {
		return err
	}
	s.size += int64(n)
	s.buf = s.buf[:0]
	return nil
}

// at returns a step, which is valid until the next call.
func (s *steps) at(number int) (*step, error) {
	which := (number - 1) / s.stage.batch
	if which != s.which {
		if err := s.load(which); err != nil {
			return nil, fmt.Errorf("read the list of changes: %w", err)
		}
	}
	return &s.read[(number-1)%s.stage.batch], nil
}

// all returns the steps in order. It stops after an error.
func (s *steps) all() iter.Seq2[step, error] {
	return func(yield func(step, error) bool) {
		for number := 1; number <= s.count; number++ {
			st, err := s.at(number)
			if err != nil {
				yield(step{}, err)
				return
			}
			if !yield(*st, nil) {
				return
			}
		}
	}
}

// load reads a batch.
func (s *steps) load(which int) error {
	from, to := s.chunks[which], s.size+int64(len(s.buf))
	if which+1 < len(s.chunks) {
		to = s.chunks[which+1]
	}
	var data string
	if from >= s.size {
		data = string(s.buf[from-s.size : to-s.size])
	} else {
		b := make([]byte, to-from)
		if _, err := s.file.ReadAt(b, from); err != nil {
			return err
		}
		data = string(b)
	}
	r := stepReader{Reader: strings.NewReader(data), data: data}
	s.which, s.read = -1, s.read[:0]
	for r.Len() > 0 {
		s.read = append(s.read, r.step())
	}
	if r.err != nil || len(s.read) != min(s.stage.batch, s.count-which*s.stage.batch) {
		return errors.Join(errors.New("it is damaged"), r.err)
	}
	s.which = which
	return nil
}

// close removes the list and its file. If the file cannot be removed, it goes with the
// stage: that does not count as a failure of publishing.
func (s *steps) close() {
	if s.file != nil {
		_ = s.file.Close()
		_ = s.stage.root.Remove(s.name)
	}
	*s = *s.stage.newSteps()
}

// stepReader reads steps. After its first error it reads zeros, and nothing is left to
// read.
type stepReader struct {
	*strings.Reader
	data           string
	fromDir, toDir string
	err            error
}

func (r *stepReader) step() (st step) {
	st.do, st.dir = kind(r.byte()), r.byte() == 1
	st.from, st.to = r.path(&r.fromDir), r.path(&r.toDir)
	st.was, st.is = r.ident(), r.ident()
	st.mode = fs.FileMode(r.unsigned()) //nolint:gosec // it was one
	return st
}

func (r *stepReader) path(dir *string) string {
	if r.byte() == 0 {
		*dir = r.text()
	}
	return *dir + r.text()
}

func (r *stepReader) text() string {
	n := r.unsigned()
	if n > uint64(r.Len()) { //nolint:gosec // not negative
		r.fail(io.ErrUnexpectedEOF)
		return ""
	}
	at := len(r.data) - r.Len()
	_, err := r.Seek(int64(n), io.SeekCurrent) //nolint:gosec // no more than is left
	r.fail(err)
	return r.data[at : at+int(n)] //nolint:gosec // see above
}

func (r *stepReader) ident() ident {
	return ident{ino: r.unsigned(), size: r.signed(), mtime: r.signed()}
}

func (r *stepReader) byte() byte {
	b, err := r.ReadByte()
	r.fail(err)
	return b
}

func (r *stepReader) unsigned() uint64 {
	n, err := binary.ReadUvarint(r.Reader)
	r.fail(err)
	return n
}

func (r *stepReader) signed() int64 {
	n, err := binary.ReadVarint(r.Reader)
	r.fail(err)
	return n
}

func (r *stepReader) fail(err error) {
	if err != nil {
		r.err = errors.Join(r.err, err)
		r.data = ""
		r.Reset("")
	}
}
