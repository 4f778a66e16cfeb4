package config

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// The text of --help has lines of at most helpWidth characters. Explanations begin
// at column helpIndent.
const (
	helpWidth  = 80
	helpIndent = 30
)

// Help writes the text of --help.
func Help(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`artifetch finds artifacts of GitHub Actions runs, downloads and extracts them.

Usage:
  artifetch --repository OWNER/NAME [flags]

Example:
  artifetch --repository o/r --run-id 4711 --name dist --path out

The token comes from GITHUB_TOKEN or GH_TOKEN. The outputs go to stdout as
lines name=value, the log goes to stderr. Flags marked * can be repeated.
`)
	for _, group := range groups {
		if group == OtherNames {
			continue
		}
		fmt.Fprintf(&b, "\n%s:\n", group)
		for i := range table {
			if table[i].Group == group {
				writeFlag(&b, flagUsage(&table[i]), flagHelp(&table[i]))
			}
		}
	}
	b.WriteString("\nThe command:\n")
	writeFlag(&b, "--json", "print the outputs as one JSON object")
	writeFlag(&b, "-h, --help", "print this text")
	writeFlag(&b, "--version", "print the version")
	b.WriteString(`
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing found.
`)
	_, err := io.WriteString(w, b.String())
	return err
}

func flagUsage(in *Input) string {
	usage := "--" + in.Name
	if in.Metavar != "" {
		usage += " " + in.Metavar
	}
	if in.List {
		usage += " *"
	}
	return usage
}

// flagHelp returns a row's help for a terminal.
func flagHelp(in *Input) string {
	var notes []string
	switch {
	case in.Name == "github-token":
		notes = append(notes, "default: $GITHUB_TOKEN, else $GH_TOKEN; prefer these, because other users of the machine can see flags")
	case in.DefaultHelp != "":
		notes = append(notes, "default: "+strings.TrimPrefix(in.DefaultHelp, "`"+anyRun+"`, "))
	case in.Default != "" && in.Default != "false":
		notes = append(notes, "default: "+in.Default)
	}
	help := in.Help
	if len(notes) > 0 {
		help += " (" + strings.Join(notes, "; ") + ")"
	}
	return strings.NewReplacer(", one a line or separated", ", separated", ", one a line", "", "`", "").Replace(help)
}

func writeFlag(b *strings.Builder, usage, help string) {
	line := "  " + usage
	words := strings.Fields(help)
	if len(line) > helpIndent-2 {
		b.WriteString(line + "\n")
		line = ""
	}
	line += strings.Repeat(" ", helpIndent-len(line)-1)
	for _, word := range words {
		if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > helpWidth {
			b.WriteString(line + "\n")
			line = strings.Repeat(" ", helpIndent-1)
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}
