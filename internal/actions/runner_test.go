package actions

import (
	"regexp"
	"strings"
	"unicode"
)

// command is what the runner makes of a line that it obeys.
type command struct{ Name, Data string }

// registered are the runner's commands. Their names are matched without
// regard to case.
var registered = strings.Fields("set-env set-output save-state add-mask add-path add-matcher remove-matcher debug warning error notice group endgroup echo stop-commands internal-set-repo-path")

// obeyed is a second writing-down of the runner's rules (actions/runner:
// ProcessInvoker.cs reads lines with StreamReader.ReadLine, ActionCommand.cs
// takes them apart): the commands that it finds in out.
func obeyed(out string) []command {
	var found []command
	out = strings.ReplaceAll(out, "\r\n", "\n")
	for line := range strings.SplitSeq(strings.ReplaceAll(out, "\r", "\n"), "\n") {
		if c, ok := parseV2(line); ok {
			found = append(found, c)
		} else if c, ok := parseV1(line); ok {
			found = append(found, c)
		}
	}
	return found
}

func parseV2(line string) (command, bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeftFunc(line, unicode.IsSpace), "::")
	if !ok {
		return command{}, false
	}
	info, data, ok := strings.Cut(rest, "::")
	if !ok {
		return command{}, false
	}
	return known(info, strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%").Replace(data))
}

func parseV1(line string) (command, bool) {
	_, rest, ok := strings.Cut(line, "##[")
	if !ok {
		return command{}, false
	}
	info, data, ok := strings.Cut(rest, "]")
	if !ok {
		return command{}, false
	}
	return known(info, data)
}

func known(info, data string) (command, bool) {
	name, _, _ := strings.Cut(info, " ")
	for _, r := range registered {
		if strings.EqualFold(r, name) {
			return command{r, data}, true
		}
	}
	return command{}, false
}

var (
	anyBreak  = regexp.MustCompile("\r\n|[\n\r\u0085\u2028\u2029\v\f]")
	invisible = regexp.MustCompile(`[\p{Cc}\p{Cf}\x{034f}]`)
)

// suspicious is stricter than any runner: whatever may count as the end of a
// line does, invisible characters do not break up a marker, and every name is
// that of a command. Runners compare by the rules of a language, which skip
// characters that have no weight.
func suspicious(out string) bool {
	for _, line := range anyBreak.Split(out, -1) {
		line = strings.TrimLeftFunc(invisible.ReplaceAllString(line, ""), unicode.IsSpace)
		if strings.HasPrefix(line, "::") || strings.Contains(line, "##[") {
			return true
		}
	}
	return false
}
