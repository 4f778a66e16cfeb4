package actions

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
)

// hiding is what stands for a secret.
const hiding = "***"

// spellings returns the line of a secret, and the other ways in which text from
// a server or an archive may spell it: those that the runner hides, too
// (ValueEncoders.cs of actions/runner). Base64 is that of a token within a
// longer text, at each of the three places where it may begin; keys are base64
// already.
func spellings(line string, token bool) []string {
	const shortest = 8              // of less, a piece in base64 may well be part of another word
	quoted, _ := json.Marshal(line) // of a string it does not fail
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

// secretLines splits a secret into its lines, because a log has lines.
func secretLines(secret string) []string {
	lines := strings.FieldsFunc(secret, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return slices.DeleteFunc(lines, func(line string) bool { return line == "" })
}

// redact puts *** for whatever is part of a secret, also where secrets
// overlap or one begins with another.
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
