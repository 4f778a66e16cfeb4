package actions

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
)

// hiding replaces a secret.
const hiding = "***"

// spellings returns a line of a secret and the other spellings that the text of a
// server or an archive may use, which the runner hides, too (ValueEncoders.cs of
// actions/runner): quoted as JSON, HTML or for URLs, and, for tokens, base64 as part
// of a longer text, at each of the three offsets. Keys are base64 already.
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

// redact replaces secrets by ***. Secrets that overlap are replaced by one ***, so that
// no part of either is left.
func redact(s string, secrets []string) string {
	var spans [][2]int
	for _, secret := range secrets {
		for from := 0; ; {
			i := strings.Index(s[from:], secret)
			if i < 0 {
				break
			}
			spans = append(spans, [2]int{from + i, from + i + len(secret)})
			from += i + 1
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
