package glob

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/artifetch/artifetch/internal/lazy"
)

// braces reads a list of alternatives or a range in braces, and returns the
// alternatives.
func (p *parser) braces(depth int) ([]string, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nests braces more than %d deep", maxDepth)
	}
	p.skip(1)
	var list []string
	for first := true; ; first = false {
		from := p.rest
		alternative, err := p.sequence(depth)
		if err != nil {
			return nil, err
		}
		text := from[:len(from)-len(p.rest)]
		if p.rest == "" {
			return nil, errors.New(`has a { without a }; write \{ for the character itself`)
		}
		last := p.skip(1) == "}"
		if isRange(text) {
			if !first || !last {
				return nil, fmt.Errorf("has the range %s in a list; write {%[1]s} there", text)
			}
			return numbersOrLetters(text)
		}
		if first && last && text == "" {
			return nil, errors.New(`has braces with nothing between them; write \{\} for the characters themselves`)
		}
		if list = append(list, alternative...); len(list) > maxAlternatives {
			return nil, errTooMany
		}
		if last {
			return list, nil
		}
	}
}

// isRange reports whether text, which stands between braces or commas, is meant to
// be a range.
func isRange(text string) bool {
	return strings.Contains(text, "..") && !strings.ContainsAny(text, `\{[*?/`)
}

var (
	numberRange = lazy.Regexp(`^(-?[0-9]{1,9})\.\.(-?[0-9]{1,9})(?:\.\.(-?[0-9]{1,9}))?$`)
	letterRange = lazy.Regexp(`^([a-z])\.\.([a-z])(?:\.\.(-?[0-9]{1,9}))?$|^([A-Z])\.\.([A-Z])(?:\.\.(-?[0-9]{1,9}))?$`)
)

// numbersOrLetters expands "1..9", "01..12", "0..9..3" and "a..f" as bash does.
func numbersOrLetters(text string) ([]string, error) {
	if m := numberRange().FindStringSubmatch(text); m != nil {
		width := 0
		for _, end := range m[1:3] {
			if digits := strings.TrimPrefix(end, "-"); len(digits) > 1 && digits[0] == '0' {
				width = max(len(m[1]), len(m[2]))
			}
		}
		return count(atoi(m[1]), atoi(m[2]), atoi(m[3]), func(n int) string { return fmt.Sprintf("%0*d", width, n) })
	}
	if m := letterRange().FindStringSubmatch(text); m != nil {
		from, to, step := m[1]+m[4], m[2]+m[5], m[3]+m[6]
		return count(int(from[0]), int(to[0]), atoi(step), func(n int) string { return string(rune(n)) }) //nolint:gosec // between two letters
	}
	return nil, fmt.Errorf("has the braces {%s}, which are neither a list nor a range such as {1..9}, {01..12} or {a..f}", text)
}

// atoi returns the number in s, of nine digits at most; for an empty s it is 0.
func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// count returns text of every step-th number from one to another, up or down. The
// sign of step does not matter; 0 is a step of 1.
func count(from, to, step int, text func(int) string) ([]string, error) {
	if step < 0 {
		step = -step
	}
	step = max(step, 1)
	low, high := min(from, to), max(from, to)
	if (high-low)/step >= maxAlternatives {
		return nil, errTooMany
	}
	if from > to {
		low += (high - low) % step // counted from the other end
	}
	var list []string
	for n := low; n <= high; n += step {
		list = append(list, text(n))
	}
	return list, nil
}
