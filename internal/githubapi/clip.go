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

	inString  bool
	length    int // of the string so far
	dropping  bool
	escape    int // bytes left of an escape sequence
	backslash bool
}

// Write implements io.Writer. It fails with a *TooLargeError.
func (c *clip) Write(p []byte) (int, error) {
	out := c.kept.AvailableBuffer()
	for rest := p; len(rest) > 0; {
		n, keep := c.run(rest)
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

// run returns how many of the next bytes need no look one by one, and whether to keep
// them: the bytes between two strings, and the dropped rest of a string.
func (c *clip) run(p []byte) (n int, keep bool) {
	switch {
	case !c.inString:
		n, keep = bytes.IndexByte(p, '"'), true
	case c.dropping && c.escape == 0:
		n = bytes.IndexAny(p, `"\`)
	default:
		return 0, false
	}
	if n < 0 {
		n = len(p)
	}
	return n, keep
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
