package glob

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// posix spells the character classes of POSIX, within brackets.
var posix = map[string]string{
	"alnum": "0-9A-Za-z", "alpha": "A-Za-z", "digit": "0-9", "lower": "a-z", "upper": "A-Z", "word": "0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}

// class reads a class of characters. It returns "[!" for "[^", and a backslash
// before each character that could be misunderstood.
func (p *parser) class() ([]string, error) {
	var out strings.Builder
	out.WriteString(p.skip(1))
	if strings.HasPrefix(p.rest, "!") || strings.HasPrefix(p.rest, "^") {
		p.skip(1)
		out.WriteString("!")
	}
	if strings.HasPrefix(p.rest, "]") {
		return nil, errors.New(`has a class that begins with ]; write \] for the character within a class, and \[ for one outside`)
	}
	for {
		if strings.HasPrefix(p.rest, "]") {
			out.WriteString(p.skip(1))
			return []string{out.String()}, nil
		}
		from, err := p.member()
		if err != nil {
			return nil, err
		}
		out.WriteString(escaped(from))
		if len(p.rest) < 2 || p.rest[0] != '-' || p.rest[1] == ']' {
			continue
		}
		out.WriteString(p.skip(1))
		to, err := p.member()
		if err != nil {
			return nil, err
		}
		if from > to {
			return nil, fmt.Errorf("has the range %c-%c, which is empty: it ends before it begins", from, to)
		}
		out.WriteString(escaped(to))
	}
}

// member reads one character of a class, without its backslash.
func (p *parser) member() (rune, error) {
	literal := false
	switch {
	case p.rest == "", p.rest == `\`:
		return 0, errors.New(`has a [ without a ]; write \[ for the character itself`)
	case len(p.rest) > 1 && p.rest[0] == '[' && strings.IndexByte(":.=", p.rest[1]) >= 0:
		return 0, p.refusePosix()
	case p.rest[0] == '\\':
		if c := p.rest[1]; isLetter(c) || isDigit(c) {
			return 0, fmt.Errorf(`has \%c in a class, which is not understood; write the characters themselves, such as [0-9a-z]`, c)
		}
		p.skip(1)
		literal = true
	}
	r, n := utf8.DecodeRuneInString(p.rest)
	if r == '/' {
		return 0, errors.New("has a slash in a class, and a class matches none")
	}
	if r == '[' && !literal {
		return 0, errors.New(`has a [ within a class; write \[ for the character itself`)
	}
	p.skip(n)
	return r, nil
}

// escaped returns a member of a class, with a backslash if it would have another meaning
// without one.
func escaped(member rune) string {
	if strings.ContainsRune(`\[]!^-*`, member) {
		return `\` + string(member)
	}
	return string(member)
}

func (p *parser) refusePosix() error {
	name, _, _ := strings.Cut(p.rest[2:], p.rest[1:2]+"]")
	if instead := posix[name]; p.rest[1] == ':' && instead != "" {
		return fmt.Errorf("has the POSIX class [:%s:]; write %s within the brackets", name, instead)
	}
	return errors.New("has a POSIX class, which is not understood; write the characters themselves, such as [0-9a-z]")
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
