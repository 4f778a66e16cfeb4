package githubapi

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"unicode/utf8"
)

const (
	// maxAnswer bounds the body of an answer, and maxKept what is kept of it, in bytes. A
	// page of 100 runs has about 2 MB.
	maxAnswer = 64 << 20
	maxKept   = 8 << 20
	// maxRaw is the length of maxText characters that are all escaped.
	maxRaw = 6 * (maxText + utf8.UTFMax)
	// maxDepth bounds how deep lists and objects may nest.
	maxDepth = 10_000
	// maxToken is how many bytes of an answer the clip has in view at least, unless the
	// answer ends before: enough for a number and for almost every string.
	maxToken = 1 << 10
)

// errNotJSON means that an answer is neither a JSON text nor the beginning of one.
var errNotJSON = errors.New("not JSON")

// clip reads an answer, and keeps of its JSON what is decoded: the members with one of the
// names, and the first maxRaw bytes of each string. It checks and drops the rest, which is
// nine tenths of a list of runs, mostly addresses. Strangers write some of the texts, such
// as messages of commits: long ones must neither fill the memory nor end a search.
type clip struct {
	names   members // nil keeps all
	kept    []byte
	repeats *repeats // nil remembers nothing

	in       io.Reader
	total    int    // bytes read
	window   []byte // what was read last
	pos      int    // where in the window the next byte is
	err      error  // why reading ended; io.EOF at the end of the answer
	dropping bool   // what comes next is not kept
}

// read reads an answer to its end. fault says why the answer is not JSON: io.ErrUnexpectedEOF
// if it is the beginning of a JSON text, else errNotJSON. An answer that does not begin as
// the API's answers do is kept as it is, without a fault.
func (c *clip) read(in io.Reader) (fault, err error) {
	c.in, c.window = in, make([]byte, 0, 64<<10)
	switch c.peek() {
	case '{', '[', '"':
		if fault = c.value(0); fault == nil {
			c.peek()
			if c.pos < len(c.window) {
				fault = errNotJSON
			}
		}
	default:
		for more := true; more; more = c.fill() {
			c.pass(len(c.window) - c.pos)
		}
	}
	for c.pos = len(c.window); c.fill(); c.pos = len(c.window) {
	}
	if c.err != io.EOF { //nolint:errorlint // as io.Reader has it
		return fault, c.err
	}
	return fault, nil
}

// fill reads more of the answer into the window, and reports whether there was more.
func (c *clip) fill() bool {
	if len(c.kept) > maxKept && (c.err == nil || c.err == io.EOF) { //nolint:errorlint // as io.Reader has it
		c.err = &TooLargeError{What: fmt.Sprintf("more than %d MiB, long texts apart", maxKept>>20)}
	}
	if c.err != nil {
		return false
	}
	if cap(c.window)-len(c.window) < maxToken {
		c.window = append(c.window[:0], c.window[c.pos:]...)
		c.pos = 0
	}
	var n int
	for n == 0 && c.err == nil {
		n, c.err = c.in.Read(c.window[len(c.window):cap(c.window)])
	}
	c.window = c.window[:len(c.window)+n]
	if c.total += n; c.total > maxAnswer {
		c.err = &TooLargeError{What: fmt.Sprintf("more than %d MiB", maxAnswer>>20)}
	}
	return n > 0
}

// rest returns the next bytes, at least maxToken unless the answer ends before.
func (c *clip) rest() []byte {
	for len(c.window)-c.pos < maxToken && c.fill() {
	}
	return c.window[c.pos:]
}

// peek returns the next byte that is not white space, or 0 at the end.
func (c *clip) peek() byte {
	if c.pos < len(c.window) && c.window[c.pos] > ' ' {
		return c.window[c.pos]
	}
	return c.afterSpace()
}

func (c *clip) afterSpace() byte {
	for {
		for ; c.pos < len(c.window); c.pos++ {
			switch b := c.window[c.pos]; b {
			case ' ', '\t', '\r', '\n':
			default:
				return b
			}
		}
		if !c.fill() {
			return 0
		}
	}
}

func (c *clip) keep(p []byte) {
	if !c.dropping {
		c.kept = append(c.kept, p...)
	}
}

// pass passes the next n bytes.
func (c *clip) pass(n int) {
	c.keep(c.window[c.pos : c.pos+n])
	c.pos += n
}

// unexpected returns the error for the next byte, which is not one that may follow.
func (c *clip) unexpected() error {
	switch {
	case c.pos < len(c.window) || c.err == nil:
		return errNotJSON
	case c.err == io.EOF: //nolint:errorlint // as io.Reader has it
		return io.ErrUnexpectedEOF
	}
	return c.err
}

// value passes the next value.
func (c *clip) value(depth int) error {
	switch c.peek() {
	case '{':
		return c.object(depth)
	case '[':
		return c.sequence(depth, ']', c.item)
	case '"':
		return c.text()
	case 't':
		return c.literal("true")
	case 'f':
		return c.literal("false")
	case 'n':
		return c.literal("null")
	}
	return c.number()
}

// sequence passes an object or a list.
func (c *clip) sequence(depth int, end byte, item func(depth int) error) error {
	if depth == maxDepth {
		return errNotJSON
	}
	c.pass(1)
	if c.peek() == end {
		c.pass(1)
		return nil
	}
	for {
		if err := item(depth + 1); err != nil {
			return err
		}
		switch c.peek() {
		case ',':
			c.comma()
		case end:
			if !c.dropping { // the members after a comma may have been dropped
				c.kept = bytes.TrimSuffix(c.kept, []byte(","))
			}
			c.pass(1)
			return nil
		default:
			return c.unexpected()
		}
	}
}

// comma passes a comma. It is kept unless the member before it was dropped.
func (c *clip) comma() {
	if !c.dropping {
		if last := c.kept[len(c.kept)-1]; last != '{' && last != ',' {
			c.kept = append(c.kept, ',')
		}
	}
	c.pos++
}

// item passes an item of a list. Items are not remembered: they differ by their ids.
func (c *clip) item(depth int) error {
	if c.peek() == '{' {
		return c.sequence(depth, '}', c.member)
	}
	return c.value(depth)
}

// member passes a member of an object.
func (c *clip) member(depth int) error {
	if c.peek() != '"' {
		return c.unexpected()
	}
	dropping := c.dropping // it is not restored after an error, which ends the reading
	p := c.rest()
	n := 1 + plain(p[1:])
	c.dropping = dropping || !c.wants(p[1:n], p[n:])
	if err := c.textOf(p, n); err != nil {
		return err
	}
	if c.peek() != ':' {
		return c.unexpected()
	}
	c.pass(1)
	err := c.value(depth)
	c.dropping = dropping
	return err
}

// wants reports whether a member is kept. name ends before the first quote or backslash, and
// after begins there. Names with escape sequences are kept: the decoder reads them.
func (c *clip) wants(name, after []byte) bool {
	return c.names == nil || c.names.has(name) || len(after) > 0 && after[0] == '\\'
}

// text passes a string.
func (c *clip) text() error {
	p := c.rest()
	return c.textOf(p, 1+plain(p[1:]))
}

// textOf passes the string at the beginning of p. Its first n bytes, with the quote, need no
// further look.
func (c *clip) textOf(p []byte, n int) error {
	if n < len(p) && p[n] == '"' && n <= 1+maxRaw {
		c.pass(n + 1)
		return nil
	}
	return c.longText()
}

// longText passes a string of any length, and drops what comes after maxRaw bytes.
func (c *clip) longText() error {
	whole := c.dropping
	defer func() { c.dropping = whole }()
	c.pass(1)
	for room := maxRaw; ; {
		p := c.rest()
		n := plain(p)
		if n == 0 {
			var err error
			if n, err = c.special(p); err != nil {
				return err
			}
			if p[0] == '"' {
				c.dropping = whole
				c.pass(1)
				return nil
			}
		}
		cut := min(n, max(room, 0))
		if p[0] == '\\' && cut > 0 {
			cut = n // it is one character
		}
		c.pass(cut)
		c.dropping = c.dropping || cut < n
		c.pass(n - cut)
		room -= cut
	}
}

// special returns the length of what p, within a string, begins with if that is not plain:
// the closing quote or an escape sequence.
func (c *clip) special(p []byte) (int, error) {
	if len(p) > 0 && p[0] == '"' {
		return 1, nil
	}
	for i := range 6 {
		switch {
		case i == len(p):
			c.pos = len(c.window)
			return 0, c.unexpected()
		case i == 0 && p[i] != '\\', i > 1 && !isHex(p[i]):
			return 0, errNotJSON
		case i == 1 && p[i] != 'u':
			if bytes.IndexByte([]byte(`"\/bfnrt`), p[i]) < 0 {
				return 0, errNotJSON
			}
			return 2, nil
		}
	}
	return 6, nil
}

func isHex(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'f'
}

// plain returns how many bytes of p come before the first quote, backslash or control
// character. It looks at eight bytes at a time: x-n sets the highest bit of each byte that is
// less than n. A borrow may set that of later bytes, too, but only the first one counts.
func plain(p []byte) int {
	const each = 0x0101010101010101 // byte
	n := 0
	for ; len(p)-n >= 8; n += 8 {
		x := binary.LittleEndian.Uint64(p[n:])
		quote, backslash := x^each*'"', x^each*'\\'
		found := ((x-each*' ')&^x | (quote-each)&^quote | (backslash-each)&^backslash) & (each << 7)
		if found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
	for n < len(p) && p[n] >= ' ' && p[n] != '"' && p[n] != '\\' {
		n++
	}
	return n
}

// literal passes true, false or null.
func (c *clip) literal(word string) error {
	p := c.rest()
	n := 0
	for n < min(len(p), len(word)) && p[n] == word[n] {
		n++
	}
	c.pass(n)
	if n < len(word) {
		return c.unexpected()
	}
	return nil
}

// number passes a number (RFC 8259, section 6), which has less than maxToken bytes.
func (c *clip) number() error {
	p := c.rest()
	n := 0
	one := func(set string) bool {
		if n == len(p) || bytes.IndexByte([]byte(set), p[n]) < 0 {
			return false
		}
		n++
		return true
	}
	digits := func() bool {
		start := n
		for n < len(p) && '0' <= p[n] && p[n] <= '9' {
			n++
		}
		return n > start
	}
	one("-")
	ok := one("0") || digits()
	if ok && one(".") {
		ok = digits()
	}
	if ok && one("eE") {
		one("+-")
		ok = digits()
	}
	c.pass(n)
	if !ok || n >= maxToken {
		return c.unexpected()
	}
	return nil
}
