package actions

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"iter"
	"net/url"
	"slices"
	"strings"
)

// hiding replaces a secret.
const hiding = "***"

// spellings returns a line of a secret, and the other spellings of it that a server or an
// archive may use: quoted for JSON, HTML or URLs and, for tokens, Base64 as part of a
// longer text, at each of the three offsets. The runner hides the same spellings
// (ValueEncoders.cs of actions/runner). Private keys are Base64 already.
func spellings(line string, token bool) []string {
	const shortest = 8              // the base64 of less could be part of another word
	quoted, _ := json.Marshal(line) // a string does not fail
	all := []string{line, string(quoted[1 : len(quoted)-1]), html.EscapeString(line), url.QueryEscape(line), url.PathEscape(line)}
	for shift := range 3 {
		if !token || len(line) < shortest {
			break
		}
		piece := line[shift:]
		piece = piece[:len(piece)-len(piece)%3]
		all = append(all, base64.StdEncoding.EncodeToString([]byte(piece)), base64.URLEncoding.EncodeToString([]byte(piece)))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// secretLines splits a secret into its lines: a log shows them one by one.
func secretLines(secret string) []string {
	lines := strings.FieldsFunc(secret, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return slices.DeleteFunc(lines, func(line string) bool { return line == "" })
}

// shortestPart is the shortest beginning or end of a secret, in bytes, that is hidden
// where a bound has cut off the rest. A shorter one reveals little, and may be part of
// another text.
const shortestPart = 10

// redact replaces secrets by ***, including secrets that were cut. Secrets that overlap
// are replaced by one ***, so that no part of either is left.
func redact(s string, secrets []string) string {
	var spans [][2]int
	for _, secret := range secrets {
		part := min(len(secret), shortestPart)
		for i := range occurrences(s, secret[:part]) {
			spans = append(spans, [2]int{i, i + commonPrefix(s[i:], secret)})
		}
		if part == len(secret) {
			continue
		}
		for i := range occurrences(s, secret[len(secret)-part:]) {
			end := i + part
			spans = append(spans, [2]int{end - commonSuffix(s[:end], secret), end})
		}
	}
	if spans == nil {
		return s
	}
	slices.SortFunc(spans, func(a, b [2]int) int { return a[0] - b[0] })
	var b strings.Builder
	end := 0
	for i, span := range spans {
		if i == 0 || span[0] >= end {
			b.WriteString(s[end:span[0]])
			b.WriteString(hiding)
		}
		end = max(end, span[1])
	}
	b.WriteString(s[end:])
	return b.String()
}

// occurrences yields the offsets at which text begins in s.
func occurrences(s, text string) iter.Seq[int] {
	return func(yield func(int) bool) {
		for from := 0; ; {
			i := strings.Index(s[from:], text)
			if i < 0 || !yield(from+i) {
				return
			}
			from += i + 1
		}
	}
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func commonSuffix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}
