package githubapi

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

const (
	// maxAnswer bounds the body of an answer, and maxKept the clipped body, in
	// bytes. A page of 100 runs has about 2 MB.
	maxAnswer = 64 << 20
	maxKept   = 8 << 20
	// maxRaw is the length of maxText characters that are all escaped.
	maxRaw = 6 * (maxText + utf8.UTFMax)
)

// clip keeps the JSON that is written to it, but only the first maxRaw bytes of each
// string. Runs have the message of their commit, which strangers write and artifetch
// does not use: a page of long ones must neither fill the memory nor be refused.
type clip struct {
	kept bytes.Buffer

	depth     int // of lists and objects
	inString  bool
	length    int // of the string so far
	dropping  bool
	escape    int // bytes left of an escape sequence
	backslash bool
}

// Write implements io.Writer. It fails with a *TooLargeError.
func (c *clip) Write(p []byte) (int, error) {
	c.kept.Grow(len(p))
	out := c.kept.AvailableBuffer()
	for rest := p; len(rest) > 0; {
		n, keep := c.plain(rest), true
		if n == 0 {
			n, keep = c.run(rest)
		}
		if n == 0 {
			n, keep = 1, c.keeps(rest[0])
		}
		if keep {
			out = append(out, rest[:n]...)
		}
		rest = rest[n:]
	}
	if c.kept.Len()+len(out) > maxKept {
		return 0, &TooLargeError{What: fmt.Sprintf("more than %d MiB, long texts apart", maxKept>>20)}
	}
	c.kept.Write(out)
	return len(p), nil
}

// open reports whether what was written ends within a string, a list or an object.
func (c *clip) open() bool { return c.inString || c.depth > 0 }

// plain returns how many of the next bytes are kept without a further look: whole strings
// that are not long and have no escape sequence, and everything between strings. That is
// almost all of a list.
func (c *clip) plain(p []byte) int {
	if c.inString {
		return 0
	}
	escape := bytes.IndexByte(p, '\\')
	if escape < 0 {
		escape = len(p)
	}
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '{', '[':
			c.depth++
		case '}', ']':
			c.depth--
		case '"':
			end := i + 1 + bytes.IndexByte(p[i+1:], '"')
			if end == i || end > escape || end-i > maxRaw {
				return i
			}
			i = end
		}
	}
	return len(p)
}

// run returns how many of the next bytes of a string need no look one by one, and whether
// to keep them: the bytes up to the end of the string, the next escape sequence, or the
// place where the string is cut.
func (c *clip) run(p []byte) (n int, keep bool) {
	switch {
	case !c.inString, c.escape > 0:
		return 0, false
	case c.dropping:
		if n = bytes.IndexAny(p, `"\`); n < 0 {
			n = len(p)
		}
		return n, false
	}
	p = p[:min(len(p), max(maxRaw-c.length, 0))]
	if end := bytes.IndexByte(p, '"'); end >= 0 {
		p = p[:end]
	}
	if end := bytes.IndexByte(p, '\\'); end >= 0 {
		p = p[:end]
	}
	c.length += len(p)
	return len(p), true
}

// keeps reports whether to keep the next byte. A string is cut between two characters.
func (c *clip) keeps(b byte) bool {
	if !c.inString {
		c.inString, c.length, c.dropping = b == '"', 0, false
		return true
	}
	begins := c.escape == 0 && utf8.RuneStart(b)
	switch {
	case c.backslash: // what kind of escape sequence it is
		c.backslash, c.escape = false, 0
		if b == 'u' {
			c.escape = 4
		}
	case c.escape > 0:
		c.escape--
	case b == '\\':
		c.backslash, c.escape = true, 1
	case b == '"':
		c.inString = false
		return true
	}
	if begins && c.length >= maxRaw {
		c.dropping = true
	}
	c.length++
	return !c.dropping
}
