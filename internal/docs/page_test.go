package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// root is the top of the repository.
const root = "../.."

// page is a Markdown file.
type page struct {
	name   string // from the top of the repository
	source []byte
	tree   ast.Node
}

func readPage(t *testing.T, name string) page {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return newPage(name, source)
}

func newPage(name string, source []byte) page {
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAttribute()))
	return page{name, source, md.Parser().Parse(text.NewReader(source))}
}

// plain returns the text of a node without its markup.
func (p page) plain(n ast.Node) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function does not fail
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Value(p.source))
			if t.SoftLineBreak() {
				b.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// section is a heading and the code below it, up to the next heading.
type section struct {
	level int
	title string
	yaml  []string // the code blocks in YAML
}

func (p page) sections() []section {
	var all []section
	for n := p.tree.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			all = append(all, section{level: n.Level, title: p.plain(n)})
		case *ast.FencedCodeBlock:
			if string(n.Language(p.source)) == "yaml" && len(all) > 0 {
				last := &all[len(all)-1]
				last.yaml = append(last.yaml, string(n.Lines().Value(p.source)))
			}
		}
	}
	return all
}
