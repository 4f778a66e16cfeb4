package workspace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The journal of a stage lists the changes that Publish is about to make to the
// destination, so that a later process can undo those that were made. Lines are
// written before their changes, many at a time, and identify the new file and the
// file that it replaces. Looking at both places shows whether a change was made.
// There is no journal before the first change, and none after the last.
//
//	artifetch journal 1 INODE SINCE
//	s "FROM"                                 the directory of the stage,
//	d "TO"                                   and that of the destination, for the
//	                                         lines below
//	f "NAME" INODE SIZE TIME                 a file is moved to a free path
//	t "NAME" INODE SIZE TIME                 a directory is moved to a free path
//	r "NAME" INODE SIZE TIME INODE SIZE TIME a file replaces another
//
// INODE of the first line is the journal's own, so that a copy is not valid.
// Whatever changed in the trees after SINCE, another process changed. FROM is
// relative to the stage, TO to the directory that holds the stage, so that it
// does not matter by which root that directory is reached. Times are Unix times
// in ns. If the name in the stage differs from NAME, it ends the line, quoted.

const (
	journalName  = "journal"
	journalTitle = "artifetch journal 1"
	// journalMode tells a journal from the files of an artifact, which their owner may
	// always write.
	journalMode = 0o444
	// maxLine bounds what is read of a line, and journalPart how much of a journal is in
	// memory at a time.
	maxLine     = 64 << 10
	journalPart = 256 << 10
)

// journal is the content of a journal. Its steps, of which there may be one for each
// published file, stay in the file.
type journal struct {
	since int64
	count int // of steps
	r     io.ReaderAt
	parts []part
	end   int64 // of the last complete line
}

// part is where some of a journal's steps begin, and what earlier lines said.
type part struct {
	at    int64
	lines journalLines
}

// journalWriter appends steps to a journal.
type journalWriter struct {
	f         *os.File
	base, dir string // of the stage
	buf       []byte
	from, to  string // the directories that lines are about, as path.Split has them
	begun     bool
}

// begin writes the first line.
func (w *journalWriter) begin(ino uint64, since int64) error {
	_, err := fmt.Fprintf(w.f, "%s %d %d\n", journalTitle, ino, since)
	return err
}

// write adds steps. Once it returns, the journal file has them.
func (w *journalWriter) write(steps []step) error {
	w.buf = w.buf[:0]
	for i := range steps {
		if err := w.add(&steps[i]); err != nil {
			return err
		}
	}
	_, err := w.f.Write(w.buf)
	return err
}

func (w *journalWriter) add(st *step) error {
	from, fromName := path.Split(st.from)
	to, name := path.Split(st.to)
	if from != w.from || !w.begun {
		w.line("s", path.Clean(strings.TrimPrefix(from, w.dir+"/")))
	}
	if to != w.to || !w.begun {
		rel, err := filepath.Rel(filepath.FromSlash(w.base), filepath.FromSlash(path.Clean(to)))
		if err != nil {
			return err
		}
		w.line("d", filepath.ToSlash(rel))
	}
	w.from, w.to, w.begun = from, to, true
	switch {
	case st.do == replace:
		w.buf = append(w.buf, "r "...)
	case st.dir:
		w.buf = append(w.buf, "t "...)
	default:
		w.buf = append(w.buf, "f "...)
	}
	w.buf = strconv.AppendQuote(w.buf, name)
	w.ident(st.is)
	if st.do == replace {
		w.ident(st.was)
	}
	if fromName != name {
		w.buf = append(w.buf, ' ')
		w.buf = strconv.AppendQuote(w.buf, fromName)
	}
	w.buf = append(w.buf, '\n')
	return nil
}

func (w *journalWriter) line(kind, dir string) {
	w.buf = append(w.buf, kind...)
	w.buf = append(w.buf, ' ')
	w.buf = strconv.AppendQuote(w.buf, dir)
	w.buf = append(w.buf, '\n')
}

func (w *journalWriter) ident(i ident) {
	w.buf = append(w.buf, ' ')
	w.buf = strconv.AppendUint(w.buf, i.ino, 10)
	w.buf = append(w.buf, ' ')
	w.buf = strconv.AppendInt(w.buf, i.size, 10)
	w.buf = append(w.buf, ' ')
	w.buf = strconv.AppendInt(w.buf, i.mtime, 10)
}

// errDamaged says that a journal holds what this program does not write.
var errDamaged = errors.New("its journal is damaged")

// readJournal reads the journal, of a given inode and size, of the stage dir in base. It
// refuses steps that start outside of the stage, or lead into the stage or out of the root.
// A line without an end is ignored: the process died while writing it, before making the
// change.
func readJournal(r io.ReaderAt, size int64, ino uint64, base, dir string) (*journal, error) {
	b := bufio.NewReaderSize(io.NewSectionReader(r, 0, size), maxLine)
	line, err := b.ReadSlice('\n')
	if err != nil {
		return nil, errDamaged
	}
	owned, since, ok := parseTitle(string(line))
	if !ok || owned != ino {
		return nil, errDamaged
	}
	j := &journal{r: r, end: int64(len(line)), since: since}
	j.parts = []part{{j.end, journalLines{base: base, dir: dir}}}
	lines := j.parts[0].lines
	err = eachLine(b, func(line string, size int) error {
		if last := j.parts[len(j.parts)-1]; j.end-last.at >= journalPart {
			j.parts = append(j.parts, part{j.end, lines})
		}
		st, ok := lines.read(line)
		if !ok {
			return errDamaged
		}
		if st != nil {
			j.count++
		}
		j.end += int64(size)
		return nil
	})
	return j, err
}

// parseTitle reads the first line, and reports whether begin wrote it.
func parseTitle(line string) (ino uint64, since int64, ok bool) {
	rest, ok := strings.CutPrefix(line, journalTitle+" ")
	first, second, _ := strings.Cut(strings.TrimSuffix(rest, "\n"), " ")
	ino, err1 := strconv.ParseUint(first, 10, 64)
	since, err2 := strconv.ParseInt(second, 10, 64)
	return ino, since, ok && err1 == nil && err2 == nil
}

// eachLine calls f for each complete line: the line and its size in bytes.
func eachLine(b *bufio.Reader, f func(line string, size int) error) error {
	for {
		line, err := b.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
			return errDamaged
		case err != nil:
			return err
		}
		if err := f(string(line[:len(line)-1]), len(line)); err != nil {
			return err
		}
	}
}

// backward calls f for each step, the last one first, with the step's number, which counts
// from 1.
func (j *journal) backward(f func(number int, st *step) error) error {
	number, end := j.count, j.end
	for _, p := range slices.Backward(j.parts) {
		var steps []step
		lines := p.lines
		b := bufio.NewReaderSize(io.NewSectionReader(j.r, p.at, end-p.at), maxLine)
		err := eachLine(b, func(line string, _ int) error {
			st, ok := lines.read(line)
			if !ok {
				return errDamaged
			}
			if st != nil {
				steps = append(steps, *st)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i := len(steps) - 1; i >= 0; i-- {
			if err := f(number, &steps[i]); err != nil {
				return err
			}
			number--
		}
		end = p.at
	}
	return nil
}

// journalLines reads the lines of a stage's journal in order.
type journalLines struct {
	base, dir string // of the stage
	from, to  string // the directories that lines are about
}

// read parses a line, and reports whether this program could have written it. st is nil for
// a line that only names a directory.
func (j *journalLines) read(line string) (st *step, ok bool) {
	kind, rest, _ := strings.Cut(line, " ")
	name, rest, ok := unquote(rest)
	if !ok {
		return nil, false
	}
	switch kind {
	case "s":
		j.from = path.Join(j.dir, name)
		return nil, rest == "" && name == path.Clean(name) && filepath.IsLocal(filepath.FromSlash(name))
	case "d":
		j.to = path.Join(j.base, name)
		return nil, rest == "" && name == path.Clean(name) && filepath.IsLocal(filepath.FromSlash(j.to)) &&
			!path.IsAbs(name) && !within(j.to, j.dir)
	}
	st = &step{do: moveIn, from: path.Join(j.from, name), to: path.Join(j.to, name)}
	st.is, rest, ok = parseIdent(rest)
	switch {
	case !ok || j.from == "" || j.to == "" || !isName(name) || within(j.dir, st.to):
		return nil, false
	case kind == "t":
		st.dir = true
	case kind == "r":
		st.do = replace
		if st.was, rest, ok = parseIdent(rest); !ok {
			return nil, false
		}
	case kind != "f":
		return nil, false
	}
	if rest != "" {
		name, end, ok := unquote(strings.TrimPrefix(rest, " "))
		if !ok || end != "" || !isName(name) {
			return nil, false
		}
		st.from = path.Join(j.from, name)
	}
	return st, true
}

// isName reports whether a string can be the name of a file in a directory.
func isName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00") &&
		filepath.IsLocal(name) && !strings.ContainsRune(name, filepath.Separator)
}

// unquote cuts a quoted string off the front of s.
func unquote(s string) (value, rest string, ok bool) {
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil || quoted[0] != '"' {
		return "", "", false
	}
	value, err = strconv.Unquote(quoted)
	return value, s[len(quoted):], err == nil
}

// parseIdent cuts three numbers, each with a space before it, off the front of s.
func parseIdent(s string) (i ident, rest string, ok bool) {
	var fields [3]string
	for n := range fields {
		if s, ok = strings.CutPrefix(s, " "); !ok {
			return ident{}, "", false
		}
		end := strings.IndexByte(s+" ", ' ')
		fields[n], s = s[:end], s[end:]
	}
	var errs [3]error
	i.ino, errs[0] = strconv.ParseUint(fields[0], 10, 64)
	i.size, errs[1] = strconv.ParseInt(fields[1], 10, 64)
	i.mtime, errs[2] = strconv.ParseInt(fields[2], 10, 64)
	return i, s, errors.Join(errs[:]...) == nil
}
