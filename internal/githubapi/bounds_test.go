package githubapi

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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
		"hangs":                      {getOne, hangs, callBudget, "the answer was not complete within 1m0s"},
		"503":                        {getOne, says(503, ""), callBudget, "503"},
		"503, Retry-After":           {getOne, says(503, "", "Retry-After", "120"), callBudget, "may not take more than 3m0s"},
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
	err := new(answer).read(&http.Response{Body: io.NopCloser(endless), ContentLength: -1}, nil)
	settled, ok := errors.AsType[*finalError](err)
	if !ok || settled.Error() != "the answer has more than 64 MiB" || read > maxAnswer+1<<20 {
		t.Errorf("%v after %d MiB", err, read>>20)
	}
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
		err = unmarshal(raw, &got)
		if cut := got.String(); err != nil || len(cut) != want || !utf8.ValidString(cut) {
			t.Errorf("%d bytes became %d, want %d, %v", len(in), len(cut), want, err)
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
		"a bomb":             {0, []string{bomb}, false, "the answer has more than 64 MiB"},
		"a bomb of items":    {0, []string{packed("[", 1) + packed(strings.Repeat(`"item",`, 1<<17), maxKept>>19)}, false, "the answer has more than 8 MiB, long texts apart"},
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
