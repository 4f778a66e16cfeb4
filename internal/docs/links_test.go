package docs

import (
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark/ast"
)

// pages returns all Markdown files of the repository.
func pages(t *testing.T) []page {
	t.Helper()
	var all []page
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if path.Ext(name) == ".md" {
			rel, err := filepath.Rel(root, name)
			if err != nil {
				return err
			}
			all = append(all, readPage(t, filepath.ToSlash(rel)))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var (
	htmlID   = regexp.MustCompile(`<a id="([^"]+)">`)
	htmlLink = regexp.MustCompile(`(?:src|srcset|href)="([^"]+)"`)
	noSlug   = regexp.MustCompile(`[^\p{L}\p{N}\p{M}_\- ]`)
)

// anchors returns what a link to a place in the page can end in: the headings as GitHub
// names them, and ids in HTML.
func (p page) anchors() map[string]bool {
	all := map[string]bool{}
	for n := p.tree.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			all[strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(p.plain(h)), ""), " ", "-")] = true
		}
	}
	for _, m := range htmlID.FindAllSubmatch(p.source, -1) {
		all[string(m[1])] = true
	}
	return all
}

// links returns the targets of the page's links and pictures.
func (p page) links() []string {
	var all []string
	_ = ast.Walk(p.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function does not fail
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			all = append(all, string(n.Destination))
		case *ast.Image:
			all = append(all, string(n.Destination))
		case *ast.HTMLBlock:
			for _, m := range htmlLink.FindAllSubmatch(n.Lines().Value(p.source), -1) {
				all = append(all, string(m[1]))
			}
		}
		return ast.WalkContinue, nil
	})
	return all
}

// broken returns why a link leads nowhere, or nothing. Links to other sites are not
// looked at.
func (p page) broken(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	switch {
	case err != nil:
		return err.Error()
	case u.Host != "":
		return ""
	}
	target := p.name
	if u.Path != "" {
		target = path.Join(path.Dir(p.name), u.Path)
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(target))); err != nil {
			return err.Error()
		}
	}
	if u.Fragment != "" && !readPage(t, target).anchors()[u.Fragment] {
		return "there is no such heading in " + target
	}
	return ""
}

// TestLinks follows the links between the pages.
func TestLinks(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		for _, link := range p.links() {
			if why := p.broken(t, link); why != "" {
				t.Errorf("%s links to %s: %s", p.name, link, why)
			}
		}
	}
}

func TestBrokenLinksAreFound(t *testing.T) {
	t.Parallel()
	source := "# One & two: `three`\n\n<a id=\"four\"></a>[a](#one--two-three) [b](#four) [c](#five) [d](page.md) ![e](README.md#inputs) [f](https://example.com/x#y)\n\n<img src=\"no.png\">\n"
	p := newPage("page.md", []byte(source))
	here := p.anchors()
	if !here["one--two-three"] || !here["four"] || here["five"] {
		t.Errorf("the anchors are %v", here)
	}
	p.name = "README.md" // whose headings links without a page lead to
	want := map[string]bool{"#one--two-three": true, "#four": true, "#five": true, "page.md": true, "README.md#inputs": false, "https://example.com/x#y": false, "no.png": true}
	links := p.links()
	if len(links) != len(want) {
		t.Errorf("the links are %q", links)
	}
	for _, link := range links {
		if got := p.broken(t, link) != ""; got != want[link] {
			t.Errorf("%s is broken: %v", link, got)
		}
	}
}
