package githubapi

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/search"
)

// A list that leads on for ever ends.
func TestEndlessPages(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		page     func(r *http.Request) string
		link     func(r *http.Request) string
		requests int
		text     string
	}{
		"the first page again": {func(*http.Request) string { return `{"artifacts":[{"id":1},{"id":2}]}` }, nextOf, 3, "is the same as two others"},
		"a page ahead":         {func(*http.Request) string { return `{"artifacts":[{"id":1}]}` }, func(*http.Request) string { return `<http://x/?page=7>; rel="next"` }, 1, "page 1 links to page 7"},
		"new items for ever": {func(r *http.Request) string {
			return fmt.Sprintf(`{"artifacts":[{"id":1%s}]}`, r.URL.Query().Get("page"))
		}, nextOf, maxPages, "more than 1000 pages"},
		"empty pages for ever": {func(*http.Request) string { return `{"artifacts":[]}` }, nextOf, maxPages, "more than 1000 pages"},
		"of another host": {func(r *http.Request) string {
			return fmt.Sprintf(`{"artifacts":[{"id":1%s}]}`, r.URL.Query().Get("page"))
		}, func(r *http.Request) string {
			if r.URL.Query().Get("page") == "3" {
				return ""
			}
			return strings.Replace(nextOf(r), "http://x/", "https://user:"+secret+"@elsewhere.invalid/", 1)
		}, 3, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				says(200, tt.page(r), "Link", tt.link(r))(w, r)
			}))
			defer srv.Close()
			u, _ := url.Parse(srv.URL)
			c, err := New(Options{BaseURL: u, Auth: Auth{Token: "ghs_token"}, Transport: srv.Client().Transport})
			if err != nil {
				t.Fatal(err)
			}
			err = listAll(t.Context(), c)
			if e, ok := asError(err); ok && e.Anonymous {
				t.Error("anonymous, though there is a token")
			}
			if (tt.text == "") != (err == nil) || err != nil && (!isKind(err, UnexpectedAnswer) || !strings.Contains(err.Error(), tt.text)) || strings.Contains(fmt.Sprint(err), secret) {
				t.Errorf("got %v", err)
			}
			if asked != tt.requests {
				t.Errorf("%d requests, want %d", asked, tt.requests)
			}
		})
	}
}

// Something new may come in front of a list again and again while it is read.
func TestPagesThatMove(t *testing.T) {
	t.Parallel()
	var v visited
	for i, mark := range []uint64{7, 7, 8, 8, 7, 7, 9} {
		if v.again("list", i+1, mark) || v.again("other", i+1, 7+uint64(i)) {
			t.Errorf("page %d was taken for a circle", i+1)
		}
	}
	for n := range 3 * maxVisits {
		v.again("list", n, uint64(n+1))
	}
	if len(v.pages) > maxVisits {
		t.Errorf("%d pages are remembered", len(v.pages))
	}
	// Pages that were asked for side by side arrive in any order.
	if v.again("third", 3, 5) || v.again("third", 1, 5) || !v.again("third", 2, 5) {
		t.Error("a circle was not found")
	}
}

func TestPageOfItems(t *testing.T) {
	t.Parallel()
	items := func(n int) string { return `{"artifacts":[` + strings.Repeat(`{"id":1},`, n-1) + `{"id":1}]}` }
	for body, ok := range map[string]bool{
		items(search.PerPage): true, items(search.PerPage + 1): false, `{"artifacts":[]}`: true,
		`{"artifacts":{}}`: false, `{"artifacts":"x"}`: false, `{"artifacts":[null]}`: false, `{}`: false,
		`{"artifacts":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`:                  false,
		`{"x":` + strings.Repeat(`{"x":`, 20000) + "1" + strings.Repeat("}", 20000) + `,"artifacts":[]}`: false,
	} {
		x := &exchange{forge: gitHub, answer: &answer{status: 200, header: http.Header{}, body: []byte(body)}}
		if err := x.decode(new(artifactPage)); (err == nil) != ok {
			t.Errorf("%.60s: %v", body, err)
		}
	}
}

// The query says how many items a page is to have.
func TestPerPageIsAskedFor(t *testing.T) {
	t.Parallel()
	for asked, want := range map[int]string{0: "100", 1: "1", 30: "30", 100: "100", 1000: "100", -1: "100"} {
		s := newStage(t, says(200, `{"artifacts":[]}`), says(200, `{"workflow_runs":[]}`))
		_, err := s.client.Artifacts(t.Context(), app, search.ArtifactQuery{PerPage: asked})
		if err == nil {
			_, err = s.client.Runs(t.Context(), app, search.RunQuery{PerPage: asked})
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, uri := range s.seen {
			if !strings.HasSuffix(uri, "?per_page="+want) {
				t.Errorf("for %d: %s", asked, uri)
			}
		}
	}
}
