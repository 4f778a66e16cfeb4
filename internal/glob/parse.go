package glob

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

const (
	// maxLength is the length of the longest glob, in bytes: that of the longest path.
	maxLength = 4096
	// maxDepth is how deep braces may nest.
	maxDepth = 10
	// maxAlternatives bounds the globs without braces that one glob stands for.
	maxAlternatives = 1000
	// maxText bounds the globs without braces that one glob stands for, in bytes.
	maxText = 1 << 20
	// maxTotal bounds the globs without braces that a list stands for, in bytes.
	maxTotal = 16 << 20
)

var errTooMany = fmt.Errorf("stands for more than %d alternatives; write a wildcard, such as * or [0-9], for some of them", maxAlternatives)

// Check returns what is wrong with a glob, which may begin with "!". The error
// continues a message that begins with the glob: "has a [ without a ]".
func Check(glob string) error {
	p := parser{rest: glob}
	if err := p.refuseExtended(); err != nil { // "!(a|b)" takes nothing away
		return err
	}
	_, err := expand(strings.TrimPrefix(glob, "!"))
	return err
}

// CheckAll returns an error if a list of globs, each of which Check accepts,
// stands for too many bytes of globs without braces. The error continues a message
// that begins with the list.
func CheckAll(globs []string) error {
	total := 0
	for _, g := range globs {
		plain, err := expand(strings.TrimPrefix(g, "!"))
		if err != nil {
			return err
		}
		for _, p := range plain {
			total += len(p)
		}
		if total > maxTotal {
			return fmt.Errorf("stands for more than %d MiB of globs without braces", maxTotal>>20)
		}
	}
	return nil
}

// expand returns the globs without braces that a glob stands for, in the syntax
// of doublestar.
func expand(glob string) ([]string, error) {
	switch {
	case glob == "":
		return nil, errors.New("is empty")
	case len(glob) > maxLength:
		return nil, fmt.Errorf("is longer than %d bytes", maxLength)
	case glob[0] == '/':
		return nil, errors.New("begins with a slash; paths in an artifact are relative, so leave it out")
	case glob[0] == '#':
		return nil, errors.New(`begins with #, and there are no comments; write \# for the character itself`)
	case glob[0] == '!':
		return nil, errors.New(`begins with ! twice; write \! for the character itself`)
	case !utf8.ValidString(glob):
		return nil, errors.New("is not UTF-8")
	}
	if strings.HasPrefix(glob, `\!`) || strings.HasPrefix(glob, `\#`) {
		glob = glob[1:]
	}
	p := parser{rest: glob}
	braceless, err := p.sequence(0)
	if err != nil {
		return nil, err
	}
	total := 0
	for _, g := range braceless {
		if total += len(g); total > maxText {
			return nil, fmt.Errorf("stands for more than %d MiB of globs without braces", maxText>>20)
		}
	}
	var list []string
	for _, g := range braceless {
		if g, err = clean(g); err != nil {
			return nil, err
		}
		paths, err := acrossDirectories(g)
		if err != nil {
			return nil, err
		}
		if list = append(list, paths...); len(list) > maxAlternatives {
			return nil, errTooMany
		}
	}
	return list, nil
}

// clean drops the components of a glob without braces that have no meaning, but not
// the slash at the end. "." is everything.
func clean(glob string) (string, error) {
	if glob == "" {
		return "", nil // an empty alternative: {,a}
	}
	cleaned := path.Clean(glob) // changes nothing but ".", ".." and empty components
	switch {
	case glob[0] == '/':
		return "", errors.New("has an alternative that begins with a slash; paths in an artifact are relative: write {a/,}b for {a,}/b")
	case cleaned == ".." || strings.HasPrefix(cleaned, "../"), strings.Contains(glob, "/../"), strings.HasSuffix(glob, "/.."):
		return "", errors.New(`holds the component "..", and no path in an artifact does`)
	case cleaned == ".":
		return "**", nil
	case strings.HasSuffix(glob, "/"):
		return cleaned + "/", nil
	}
	return cleaned, nil
}

// acrossDirectories gives "**" within a component the meaning that it has in
// GitHub's filters of paths, any characters: "**.js" is "**/*.js", "a**" is "a*"
// and "a*/**".
func acrossDirectories(glob string) ([]string, error) {
	if !strings.Contains(glob, "**") {
		return []string{glob}, nil
	}
	var list joined
	for i, component := range strings.Split(glob, "/") {
		if i > 0 {
			list.tail.WriteByte('/')
		}
		if component == "**" || !strings.Contains(component, "**") {
			list.tail.WriteString(component)
			continue
		}
		variants, err := withinComponent(component)
		if err == nil {
			err = list.add(variants)
		}
		if err != nil {
			return nil, err
		}
	}
	return list.all(), nil
}

// withinComponent returns the globs that a component with "**" among other
// characters stands for.
func withinComponent(component string) ([]string, error) {
	parts := betweenDoubleStars(component)
	var list joined
	list.tail.WriteString(parts[0])
	for i, part := range parts[1:] {
		ends := []string{"*" + part, "*/**/*" + part}
		switch {
		case i == 0 && parts[0] == "":
			ends = []string{"**/*" + part}
		case i == len(parts)-2 && part == "":
			ends = []string{"*", "*/**"}
		}
		if err := list.add(ends); err != nil {
			return nil, err
		}
	}
	return list.all(), nil
}

// betweenDoubleStars splits a component at each "**", or more stars in a row.
func betweenDoubleStars(component string) []string {
	var parts []string
	from := 0
	for i := 0; i < len(component); i++ {
		switch {
		case component[i] == '\\':
			i++
		case strings.HasPrefix(component[i:], "**"):
			parts = append(parts, component[from:i])
			from = len(component) - len(strings.TrimLeft(component[i:], "*"))
			i = from - 1
		}
	}
	return append(parts, component[from:])
}

// parser reads a glob from front to back.
type parser struct{ rest string }

func (p *parser) skip(n int) string {
	s := p.rest[:n]
	p.rest = p.rest[n:]
	return s
}

// sequence reads up to the end of the glob or, within braces (depth > 0), up to the next
// comma or the closing brace, which it leaves. It returns the globs without braces that
// the text stands for.
func (p *parser) sequence(depth int) ([]string, error) {
	var list joined
	for p.rest != "" {
		if err := p.refuseExtended(); err != nil {
			return nil, err
		}
		var next []string
		var err error
		switch c := p.rest[0]; {
		case (c == ',' || c == '}') && depth > 0:
			return list.all(), nil
		case c == '}':
			return nil, errors.New(`has a } without a {; write \} for the character itself`)
		case c == '{':
			next, err = p.braces(depth + 1)
		case c == ']':
			return nil, errors.New(`has a ] without a [; write \] for the character itself`)
		case c == '|':
			return nil, errors.New(`has a |; write {a,b} for a or b, and \| for the character itself`)
		case c == '[':
			next, err = p.class()
		case c == '\\':
			next, err = p.escape()
		default:
			next = []string{p.skip(p.plain())}
		}
		if err == nil {
			err = list.add(next)
		}
		if err != nil {
			return nil, err
		}
	}
	return list.all(), nil
}

// plain returns how many bytes follow that have no meaning to the parser; the first
// one counts in any case.
func (p *parser) plain() int {
	if n := strings.IndexAny(p.rest[1:], `,}{[]|\@?!*+`); n >= 0 {
		return 1 + n
	}
	return len(p.rest)
}

// joined is a list of texts to which alternatives are appended. A text is one of
// heads, and the tail.
type joined struct {
	heads []string // nil: one empty head
	tail  strings.Builder
}

// add appends each of the alternatives to each of the texts. A single alternative
// goes to the tail, so that it is not copied for each text.
func (j *joined) add(alternatives []string) error {
	if len(alternatives) == 1 {
		j.tail.WriteString(alternatives[0])
		return nil
	}
	if max(len(j.heads), 1)*len(alternatives) > maxAlternatives {
		return errTooMany
	}
	var heads []string
	for _, head := range j.all() {
		for _, a := range alternatives {
			heads = append(heads, head+a)
		}
	}
	j.heads = heads
	j.tail.Reset()
	return nil
}

// all returns the texts.
func (j *joined) all() []string {
	if j.heads == nil {
		return []string{j.tail.String()}
	}
	list := make([]string, len(j.heads))
	for i, head := range j.heads {
		list[i] = head + j.tail.String()
	}
	return list
}

// isEscapable reports whether a backslash may stand before text: it may before a character
// that has a meaning without it, except a wildcard. Before any other character, and before
// a wildcard, it more likely separates directories, as on Windows: "lib\*.dll", "lib\.git".
func isEscapable(text string) bool {
	if strings.HasPrefix(text[1:], "(") && strings.ContainsAny(text[:1], "@+!") {
		return true
	}
	return strings.ContainsAny(text[:1], `{}[](),|\`)
}

// escape reads a backslash and the character after it.
func (p *parser) escape() ([]string, error) {
	const advice = `; write / between directories, and `
	switch {
	case len(p.rest) < 2:
		return nil, errors.New(`ends in a backslash` + advice + `\\ for the character itself`)
	case p.rest[1] == '*', p.rest[1] == '?':
		return nil, fmt.Errorf(`has \%c`+advice+`[%[1]c] for the character itself`, p.rest[1])
	case !isEscapable(p.rest[1:]):
		return nil, errors.New(`has a backslash before a character that needs none` + advice + `\\ for the character itself`)
	}
	return []string{p.skip(2)}, nil
}

// refuseExtended refuses the patterns of bash's extglob, which other tools
// understand.
func (p *parser) refuseExtended() error {
	if len(p.rest) < 2 || p.rest[1] != '(' {
		return nil
	}
	const literal = `, and \( for the character itself`
	switch c := p.rest[0]; c {
	case '@':
		return errors.New("is an extended glob; write {a,b} for @(a|b)" + literal)
	case '?':
		return errors.New("is an extended glob; write {a,b,} for ?(a|b)" + literal)
	case '!':
		return errors.New("is an extended glob; write a line of its own that begins with ! for !(a|b)" + literal)
	case '*', '+':
		return fmt.Errorf("is an extended glob; write {a,b,aa,ab,ba,bb} or the like for %c(a|b)%s", c, literal)
	}
	return nil
}
