package githubapi

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/search"
)

// Times in GitHub's answers count by GitHub's clock, whatever ours says.
func TestLimitsByTheServersClock(t *testing.T) {
	t.Parallel()
	server := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	reset := func(in time.Duration) string { return fmt.Sprint(server.Add(in).Unix()) }
	date := func(in time.Duration) string { return server.Add(in).Format(http.TimeFormat) }
	for name, tt := range map[string]struct {
		refusal step
		kind    Kind
		slept   string
	}{
		"reset in 5 s":     {says(403, `{}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", reset(5*time.Second)), fine, "6s"},
		"reset in an hour": {says(403, `{}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", reset(time.Hour)), PrimaryLimit, ""},
		"a date":           {says(429, `{}`, "Retry-After", date(9*time.Second)), fine, "9s"},
		"a date, 503":      {says(503, `{}`, "Retry-After", date(9*time.Second)), fine, "9s"},
		"an absurd date":   {says(429, `{}`, "Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"), SecondaryLimit, ""},
		"absurd seconds":   {says(429, `{}`, "Retry-After", strings.Repeat("9", 40)), fine, "1m0s"},
	} {
		for off, ahead := range map[string]time.Duration{"right": 0, "an hour fast": time.Hour, "an hour slow": -time.Hour, "years slow": -9e4 * time.Hour} {
			t.Run(name+", "+off, func(t *testing.T) {
				t.Parallel()
				steps := []step{tt.refusal, good}
				if tt.kind != fine {
					steps = steps[:1]
				}
				s := newStage(t, steps...)
				s.now = server.Add(ahead)
				err := getOne(t.Context(), s.client)
				if tt.kind == fine && err != nil || tt.kind != fine && !isKind(err, tt.kind) {
					t.Errorf("got %v", err)
				}
				if got := pauses(s.slept); got != tt.slept {
					t.Errorf("slept %q, want %q", got, tt.slept)
				}
			})
		}
	}
}

// Each of these servers goes on for ever. The calls end nevertheless, within the bounds
// that docs/security.md names.
func TestEverythingEnds(t *testing.T) {
	t.Parallel()
	hangs := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	circle := func(w http.ResponseWriter, r *http.Request) {
		says(301, "", "Location", "/repositories/"+fmt.Sprint(len(r.URL.Path)))(w, r)
	}
	n := 0
	flaky := func(w http.ResponseWriter, r *http.Request) {
		if n++; n%6 == 0 {
			says(200, fmt.Sprintf(`{"artifacts":[{"id":%d}]}`, n), "Link", nextOf(r))(w, r)
			return
		}
		says(503, "", "Retry-After", "30")(w, r)
	}
	slow := func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(50 * time.Second)
		says(200, fmt.Sprintf(`{"artifacts":[{"id":%d}]}`, time.Now().Unix()), "Link", nextOf(r))(w, r)
	}
	for name, tt := range map[string]struct {
		do      func(context.Context, *Client) error
		handler step
		most    time.Duration
		why     string
	}{
		"hangs":                      {getOne, hangs, callBudget, "no whole answer within 1m0s"},
		"503":                        {getOne, says(503, ""), callBudget, "503"},
		"503, Retry-After":           {getOne, says(503, "", "Retry-After", "120"), callBudget, "may take 3m0s"},
		"429":                        {getOne, says(429, "", "Date", "", "Retry-After", "1"), callBudget, "tried 6 times"},
		"429, 10 minutes":            {getOne, says(429, "", "Date", "", "Retry-After", "600"), runBudget, "in all"},
		"403, secondary":             {getOne, says(403, `{"message":"You have exceeded a secondary rate limit."}`), runBudget, "in all"},
		"renamed in a circle":        {getOne, circle, callBudget, "redirects to"},
		"each page at the sixth try": {listAll, flaky, runBudget + callBudget, "503"},
		"slow pages without end":     {listAll, slow, runBudget + tryTimeout, "in all"},
		"202":                        {getOne, says(202, `{"id":7}`), callBudget, "202"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := inBubble(t, githubsim.FrontOptions{}, func(w http.ResponseWriter, r *http.Request) {
					tt.handler(w, r)
					w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
				})
				start := time.Now()
				err := tt.do(t.Context(), c)
				if _, ok := asError(err); !ok || !strings.Contains(err.Error(), tt.why) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(start); took > tt.most {
					t.Errorf("took %s, want at most %s: %v", took, tt.most, err)
				}
			})
		})
	}
}

// nextOf links the requested page to the next one.
func nextOf(r *http.Request) string {
	page := 1
	_, _ = fmt.Sscan(r.URL.Query().Get("page"), &page)
	return fmt.Sprintf(`<http://x/?page=%d>; rel="next"`, page+1)
}

// Calls that wait at the same time count once.
func TestBudgetOfTheRun(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	var p budget
	p.watch(clock).end()
	now = now.Add(time.Hour) // untroubled
	a, b := p.watch(clock), p.watch(clock)
	a.begin()
	a.begin()
	now = now.Add(time.Minute)
	b.begin()
	now = now.Add(time.Minute)
	a.end()
	now = now.Add(time.Minute)
	if left := p.left(now); left != runBudget-3*time.Minute {
		t.Errorf("%s left in the middle", left)
	}
	b.end()
	b.begin() // too late: its timer may have gone off meanwhile
	now = now.Add(time.Hour)
	if left := p.left(now); left != runBudget-3*time.Minute {
		t.Errorf("%s left", left)
	}
	// A call that began while another one was troubled, and is troubled only after that.
	c := p.watch(clock)
	c.begin()
	now = now.Add(time.Minute)
	d := p.watch(clock)
	now = now.Add(time.Minute)
	c.end()
	now = now.Add(time.Minute)
	d.begin()
	d.end()
	if left := p.left(now); left != runBudget-6*time.Minute {
		t.Errorf("%s left in the end", left)
	}
}

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

// However large an answer is, the memory for it is bounded. (Not in parallel, because
// everything that is allocated is counted.)
func TestHostilePage(t *testing.T) {
	for name, item := range map[string]string{"runs": `{"id":1}`, "null": `null`, "numbers": `1`, "lists": `[]`} {
		body := []byte(`{"total_count":1,"workflow_runs":[` + strings.Repeat(item+",", (maxKept-100)/(len(item)+1)) + item + `]}`)
		x := &exchange{call: call{op: "list runs"}, forge: gitHub, answer: &answer{status: 200, header: http.Header{}, body: body}}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := x.decode(new(runPage))
		runtime.ReadMemStats(&after)
		if !isKind(err, UnexpectedAnswer) {
			t.Errorf("%s: %v", name, err)
		}
		// Each item took half a kilobyte once.
		if total := after.TotalAlloc - before.TotalAlloc; total > uint64(4*len(body)) {
			t.Errorf("%s: %d MiB were allocated for %d MiB", name, total>>20, len(body)>>20)
		}
	}
}

// Of an answer without end no more than the bound is read.
func TestAnswerWithoutEnd(t *testing.T) {
	t.Parallel()
	read := 0
	endless := readerFunc(func(p []byte) (int, error) {
		for i := range p {
			p[i] = 'x'
		}
		if read == 0 {
			p[0] = '"'
		}
		read += len(p)
		return len(p), nil
	})
	err := new(clip).readAnswer(&http.Response{Body: io.NopCloser(endless), ContentLength: -1})
	settled, ok := errors.AsType[*finalError](err)
	if !ok || settled.Error() != "the answer has more than 64 MiB" || read > maxAnswer+1<<20 {
		t.Errorf("%v after %d MiB", err, read>>20)
	}
}

// A stranger's commit message is cut while it arrives, wherever the reads end,
// and what is left is the same JSON.
func TestClip(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string // of a string in JSON, as it is sent
		cut  bool
	}{
		"empty": {"", false}, "short": {`a\"b\\`, false}, "at the edge": {strings.Repeat("x", maxRaw), false},
		"long": {strings.Repeat("x", maxRaw+1), true}, "a quote at the edge": {strings.Repeat("x", maxRaw-1) + `\"yyy`, true},
		"a backslash at the edge": {strings.Repeat("x", maxRaw-1) + `\\`, false}, "escapes": {strings.Repeat(`\u00fc`, maxRaw), true},
		"a character at the edge": {strings.Repeat("x", maxRaw-1) + "üyyy", true}, "pairs": {"x" + strings.Repeat(`\ud83d\ude00`, maxRaw), true},
	} {
		for _, size := range []int{1, 2, 3, 7, 4096, 1 << 20} {
			var c clip
			in := `{"a":"` + tt.text + `","b":[7,"` + tt.text + `"],"c":"}"}`
			for rest := in; rest != ""; {
				n := min(size, len(rest))
				if _, err := c.Write([]byte(rest[:n])); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if tt.cut != (c.kept.String() != in) || c.kept.Len() > 2*maxRaw+100 {
				t.Errorf("%s: %d bytes became %d", name, len(in), c.kept.Len())
			}
			var got struct {
				A, C string
				B    []any
			}
			var want string
			_ = json.Unmarshal([]byte(`"`+tt.text+`"`), &want)
			if err := json.Unmarshal(c.kept.Bytes(), &got); err != nil || got.C != "}" || len(got.B) != 2 || !tt.cut && got.A != want || !strings.HasPrefix(want, strings.TrimRight(got.A, "\uFFFD")) {
				t.Errorf("%s, %d bytes at a time: %v, %.40q", name, size, err, got.A)
			}
		}
	}
}

// FuzzClip compares what is kept, written in two pieces, with what is kept byte by byte.
func FuzzClip(f *testing.F) {
	long := strings.Repeat("x", maxRaw)
	for _, text := range []string{
		`{"a":"b\"c\\","d":["\u00fc",{}],"e":7}`, `"` + long + `","b"`, `"` + long + `y","b"`, `"\` + long + `\"y"`, `["` + long[1:] + `ü"]`, `}"]`, `"\`,
	} {
		f.Add([]byte(text), uint16(len(text)/2))
	}
	f.Fuzz(func(t *testing.T, text []byte, at uint16) {
		var slow, c clip
		var want []byte
		for _, b := range text {
			if !slow.inString {
				slow.depth += strings.Count("{[", string(b)) - strings.Count("}]", string(b))
			}
			if slow.keeps(b) {
				want = append(want, b)
			}
		}
		cut := min(int(at), len(text))
		for _, piece := range [][]byte{text[:cut], text[cut:]} {
			if _, err := c.Write(piece); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(c.kept.Bytes(), want) || c.open() != slow.open() {
			t.Errorf("%d of %d bytes kept, want %d; open: %t, want %t", c.kept.Len(), len(text), len(want), c.open(), slow.open())
		}
	})
}

// A server that encodes its answers in a way that was not asked for is told from one that
// sends no JSON.
func TestUnknownEncoding(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		200: `GitHub answered 200 OK: the answer is encoded as br, which was not asked for`,
		404: `GitHub answered 404 Not Found: the answer is encoded as br, which was not asked for`,
	} {
		s := newStage(t, says(status, "\x0b\x02\x80{}\x03", "Content-Encoding", "br", "Content-Type", "text/html"))
		if err := getOne(t.Context(), s.client); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	s := newStage(t, says(200, "<html>", "Content-Encoding", "identity", "Content-Type", "text/html"))
	if err := getOne(t.Context(), s.client); err == nil || !strings.Contains(err.Error(), "not JSON but text/html") {
		t.Errorf("got %v", err)
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

// A stranger's long title neither fills the memory nor ends a search.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{
		"short": 5, strings.Repeat("x", maxText): maxText, strings.Repeat("x", maxText+1): maxText, strings.Repeat("ü", 5<<20): maxText - 1,
		"x" + strings.Repeat("ü", maxText): maxText,
	} {
		raw, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var got text
		if err := unmarshal(raw, &got); err != nil || len(got) != want || !utf8.ValidString(string(got)) {
			t.Errorf("%d bytes became %d, want %d, %v", len(in), len(got), want, err)
		}
	}
	var got text
	if unmarshal([]byte("7"), &got) == nil || unmarshal([]byte("null"), &got) != nil {
		t.Error("a number passed for a text, or null did not")
	}
}

// What a compressed answer expands to is bounded like any other answer, and one that ends
// early is requested again. After one that is damaged, or not compressed at all, no more
// compressed ones are asked for.
func TestCompressedAnswers(t *testing.T) {
	t.Parallel()
	const page = `{"total_count":0,"artifacts":[]}`
	packed := func(text string, times int) string {
		var b strings.Builder
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, text) // a Builder takes all
		_ = z.Close()
		return strings.Repeat(b.String(), times) // several members are one text
	}
	whole, bomb := packed(page, 1), packed(strings.Repeat(" ", 1<<20), maxAnswer>>20+1)
	for name, tt := range map[string]struct {
		status int // 0 is 200
		bodies []string
		plain  bool   // no more than the first request asks for compression
		err    string // "" for none
	}{
		"whole":              {0, []string{whole}, false, ""},
		"two":                {0, []string{packed(page[:9], 1) + packed(page[9:], 1)}, false, ""},
		"cut":                {0, []string{whole[:len(whole)-9], whole}, false, ""},
		"damaged at its end": {0, []string{whole[:len(whole)-1] + "x", page}, true, ""},
		"damaged":            {0, []string{whole[:12] + "\xff\xff\xff" + whole[15:], page}, true, ""},
		"no gzip":            {0, []string{page, page}, true, ""},
		"a refusal":          {404, []string{packed(`{"message":"Not Found"}`, 1)}, false, "404 Not Found"},
		"a refusal, no gzip": {404, []string{"<html>Not Found</html>", "<html>Not Found</html>"}, true, "404 Not Found"},
		"a string":           {0, []string{packed(`{"x":"`+strings.Repeat("x", 1<<20)+`","artifacts":[]}`, 1)}, false, ""},
		"a bomb":             {0, []string{bomb}, false, "the answer has more than 8 MiB, long texts apart"},
		"a bomb of texts":    {0, []string{packed(`"`+strings.Repeat("x", 1<<20)+`"`, maxAnswer>>20+1)}, false, "the answer has more than 64 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var steps []step
			for i, body := range tt.bodies {
				want := "gzip"
				if i > 0 && tt.plain {
					want = "identity"
				}
				steps = append(steps, func(w http.ResponseWriter, r *http.Request) {
					if got := r.Header.Get("Accept-Encoding"); got != want {
						t.Errorf("request %d asks for %q", i+1, got)
					}
					says(cmp.Or(tt.status, 200), body, "Content-Encoding", "gzip", "Content-Type", "application/json")(w, r)
				})
			}
			s := newStage(t, steps...)
			_, err := s.client.Artifacts(t.Context(), app, search.ArtifactQuery{PerPage: 1})
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || len(s.seen) != len(tt.bodies) {
				t.Errorf("%v after %d requests", err, len(s.seen))
			}
		})
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

// The answers that are kept for conditional requests are bounded, including their heads,
// and the newest ones stay.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	var c cache
	request := func(i int) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://h/%d", i), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	keep := func(i, body, head int) {
		c.settle(request(i), &answer{status: 200, header: http.Header{"Etag": {`"x"`}, "Link": {strings.Repeat("x", head)}}, body: make([]byte, body)}, nil)
	}
	kept := func(i int) bool { return c.condition(request(i)) != nil }
	keep(0, maxCache/2, 0)
	keep(1, maxCache/4, 0)
	keep(2, maxCache/2, 0)
	if kept(0) || !kept(1) || !kept(2) {
		t.Errorf("kept %v %v %v, want the oldest to go", kept(0), kept(1), kept(2))
	}
	keep(1, maxCache/4, 0) // renewed: now 2 is the oldest
	keep(3, maxCache/2, 0)
	if !kept(1) || kept(2) || !kept(3) {
		t.Errorf("kept %v %v %v, want what was renewed to stay", kept(1), kept(2), kept(3))
	}
	keep(4, maxCache+1, 0)
	if kept(4) || !kept(3) {
		t.Error("what is larger than the cache was kept, or drove out the rest")
	}
	for i := range 1000 {
		keep(10+i, 0, 64<<10)
	}
	held := 0
	for _, a := range c.answers {
		held += len(a.body) + len(a.header.Get("Link"))
	}
	if held > maxCache || len(c.oldest) != len(c.answers) || !kept(1009) {
		t.Errorf("%d bytes in %d answers are kept", held, len(c.answers))
	}
}
