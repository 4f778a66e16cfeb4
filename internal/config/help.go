package config

import (
	"cmp"
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

// manual is what --help says of a verb besides its flags.
type manual struct {
	short, usage, about string
	examples            []string
}

var manuals = map[Verb]manual{
	Fetch: {
		usage: "artifetch [VERB] [RUN | ARTIFACT]... [flags]",
		about: "artifetch finds artifacts of GitHub Actions runs, downloads them, and extracts them. RUN is the id or the address of a run, ARTIFACT the address of an artifact. " +
			"Without either, it takes the newest run that fits the flags.",
		examples: []string{
			"artifetch -n dist -D out     # from the newest successful run that has it",
			"artifetch --workflow ci.yml --branch main -p 'report-*'",
			"artifetch -R octo/app 4711   # all artifacts of run 4711",
			"artifetch https://github.com/octo/app/actions/runs/4711",
		},
	},
	List: {
		short: "list the artifacts that the same flags would fetch",
		usage: "artifetch list [RUN | ARTIFACT]... [flags]",
		about: "Lists the artifacts that the same flags would fetch: as a table on a terminal, else as lines, with tabs between run, artifact, bytes, creation, expiry, id and repository.",
		examples: []string{
			"artifetch list --branch main --runs 3",
			"artifetch list -R octo/app 4711 --json",
		},
	},
	Ls: {
		short: "list the files in these artifacts",
		usage: "artifetch ls [RUN | ARTIFACT]... [flags]",
		about: "Lists the files of artifacts, by the paths that a fetch would give them: as a table on a terminal, else as lines, with tabs between path, bytes and CRC-32. " +
			"Only the directories of the archives are fetched.",
		examples: []string{
			"artifetch ls -n dist",
			"artifetch ls 4711 --files '**/*.log'",
		},
	},
	Cat: {
		short: "write one of these files to stdout",
		usage: "artifetch cat PATH [RUN | ARTIFACT]... [flags]",
		about: "Writes one file to stdout, after checking all of it. PATH is the path that artifetch ls prints or, if only one artifact has such a file, its path in the artifact. " +
			"No other file is fetched.",
		examples: []string{"artifetch cat coverage/index.html -n report > index.html"},
	},
	Diff: {
		short: "compare the files that two runs made",
		usage: "artifetch diff RUN RUN [flags]", //nolint:dupword // two runs
		about: "Compares the files that two runs made by name, size and CRC-32: as a table on a terminal, else as lines, with tabs between the change, path, bytes before and after. " +
			"RUN is an id or an address. Only the directories of the archives are fetched.",
		examples: []string{"artifetch diff 4710 4711 -n dist"},
	},
}

// verbs are in the order of the help.
var verbs = []Verb{List, Ls, Cat, Diff}

// Short describes a verb in a few words.
func (v Verb) Short() string { return manuals[v].short }

// Help writes the text of a verb's --help.
func Help(w io.Writer, verb Verb) error {
	m := manuals[verb]
	var b strings.Builder
	writeWords(&b, "", 0, m.about)
	fmt.Fprintf(&b, "\nUsage:\n  %s\n\nExamples:\n", m.usage)
	for _, example := range m.examples {
		fmt.Fprintf(&b, "  %s\n", example)
	}
	if verb == Fetch {
		b.WriteString("\nVerbs:\n")
		for _, v := range verbs {
			_, usage, _ := strings.Cut(manuals[v].usage, " ")
			writeFlag(&b, strings.TrimSuffix(usage, " [flags]"), v.Short())
		}
		writeFlag(&b, "completion bash|zsh|fish", "print a script for the shell")
	}
	b.WriteByte('\n')
	writeWords(&b, "", 0, "The repository is that of a flag or an address, else GITHUB_REPOSITORY, else that of the current directory's git remote. "+
		"The token is GITHUB_TOKEN or GH_TOKEN, else the one that gh auth token prints. Flags marked * can be repeated.")
	for _, group := range groups {
		heading := fmt.Sprintf("\n%s:\n", group)
		for i := range table {
			if in := &table[i]; in.Group == group && verb.has(in) {
				b.WriteString(heading)
				heading = ""
				writeFlag(&b, flagUsage(in.Short, in.Name, in.Metavar, in.List), flagHelp(in))
			}
		}
	}
	b.WriteString("\nThe command:\n")
	for _, own := range ownFlags {
		if own.of(verb) {
			writeFlag(&b, flagUsage(own.short, own.name, "", false), own.help)
		}
	}
	b.WriteString(`
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing found, 130 interrupted.
`)
	_, err := io.WriteString(w, b.String())
	return err
}

func flagUsage(short, name, metavar string, list bool) string {
	usage := "--" + name
	if short != "" {
		usage = "-" + short + ", " + usage
	}
	if metavar != "" {
		usage += " " + metavar
	}
	if list {
		usage += " *"
	}
	return usage
}

// flagHelp returns a row's help for a terminal.
func flagHelp(in *Input) string {
	def := cmp.Or(in.CommandDefault, strings.TrimPrefix(in.DefaultHelp, "`"+anyRun+"`, "), in.Default)
	help := cmp.Or(in.CommandHelp, in.Help)
	if def != "" && def != "false" {
		help += " (default: " + def + ")"
	}
	return strings.ReplaceAll(forFlag(help), "`", "")
}

// forFlag rewords what an input takes: a flag of a list is repeated, and has no lines.
func forFlag(text string) string {
	text = strings.ReplaceAll(text, ", one a line or separated", ", separated")
	return strings.ReplaceAll(text, ", one a line", "")
}

// writeFlag writes a flag, or a verb, and its explanation.
func writeFlag(b *strings.Builder, usage, help string) {
	line := "  " + usage
	if len(line) > helpIndent-2 {
		b.WriteString(line + "\n")
		line = ""
	}
	writeWords(b, line+strings.Repeat(" ", helpIndent-len(line)-1), helpIndent, help)
}

// writeWords writes a text in lines that begin in the column indent. The first line begins
// with the text line.
func writeWords(b *strings.Builder, line string, indent int, text string) {
	empty := line == ""
	for _, word := range strings.Fields(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > helpWidth {
			b.WriteString(line + "\n")
			line = strings.Repeat(" ", max(indent-1, 0))
			empty = indent == 0
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	b.WriteString(line + "\n")
}
